#include "store/admin/admin_make.h"
#include "random.h"

#include <stdio.h>

static bool is_unmade(const struct meta *meta)
{
    return meta_missing(meta) || meta_making(meta);
}

static bool is_same_store(const struct meta *a, const struct meta *b)
{
    return strcmp(a->v[META_STORE], b->v[META_STORE]) == 0;
}

static enum admin_result part_lost(struct admin *admin)
{
    return admin_say(admin, ADMIN_LOST, "Redis has lost a part of the store's data");
}

/* Looks at the meta of another partition, and comes back: to this connection, or to none. */
static bool look_beside(struct admin *admin, unsigned partition, struct meta *meta)
{
    struct admin_node *here = admin->node;
    unsigned where = admin->partition;
    bool done = meta_look(admin, partition, meta);
    admin->node = here;
    admin->partition = where;
    return done;
}

/* --- partition 0 decides ---------------------------------------------------------------------- */

static void first_meta(struct admin *admin, struct meta *meta)
{
    const char *ledger = admin->config->ledger ? admin->shared->ledger_id : LEDGER_NONE;
    uint64_t store;
    random_bytes(&store, sizeof(store));
    meta_fill(meta, admin->config->partitions, store | 1, ledger, 1, 0); /* never 0 */
    meta_fill_reign(meta, &admin->node->reign);
    snprintf(meta->v[META_STATE], META_VALUE_SIZE, META_MAKING);
}

/* Is there any partition of a store that was open once? */
static bool find_others(struct admin *admin, bool *found)
{
    struct meta meta;
    *found = false;
    for (unsigned p = 1; p < admin->config->partitions; p++) {
        if (!look_beside(admin, p, &meta))
            return false;
        *found = *found || !is_unmade(&meta);
    }
    return true;
}

/* There is no store: its id is decided here, unless others have decided meanwhile. */
static enum admin_result begin_making(struct admin *admin)
{
    struct meta meta;
    bool found;
    if (!meta_read(admin, 0, &meta))
        return ADMIN_DOWN;
    if (!meta_missing(&meta))
        return ADMIN_OK;
    if (!find_others(admin, &found))
        return ADMIN_DOWN;
    if (found && !meta_look(admin, 0, &meta))
        return ADMIN_DOWN;
    if (found)
        return meta_missing(&meta) ? part_lost(admin) : ADMIN_OK;
    first_meta(admin, &meta);
    return admin_write_meta(admin, 0, &meta) < 0 ? ADMIN_DOWN : ADMIN_OK;
}

/* --- the others ------------------------------------------------------------------------------- */

/* Is the store of `first` still being made? */
static bool look_at_first(struct admin *admin, const struct meta *first, bool *making)
{
    struct meta now;
    if (!look_beside(admin, 0, &now))
        return false;
    *making = meta_making(&now) && is_same_store(&now, first);
    return true;
}

/* One meta like that of partition 0. What is left of a store that was not made to its end goes.
 * *made: it is there. */
static enum admin_result make_one(struct admin *admin, unsigned partition, const struct meta *first,
                                  bool *made)
{
    struct meta meta;
    bool making;
    if (!meta_read(admin, partition, &meta))
        return ADMIN_DOWN;
    *made = meta_making(&meta) && is_same_store(&meta, first);
    if (*made)
        return ADMIN_OK;
    if (!look_at_first(admin, first, &making))
        return ADMIN_DOWN;
    if (!making)
        return ADMIN_OK;
    if (!is_unmade(&meta))
        return part_lost(admin);
    int written = admin_write_meta(admin, partition, first);
    *made = written > 0;
    return written < 0 ? ADMIN_DOWN : ADMIN_OK;
}

static enum admin_result open_partition(struct admin *admin, unsigned partition, struct meta *meta,
                                        int *done)
{
    meta_fill_reign(meta, &admin->node->reign);
    snprintf(meta->v[META_STATE], META_VALUE_SIZE, "open");
    *done = admin_write_meta(admin, partition, meta);
    return *done < 0 ? ADMIN_DOWN : ADMIN_OK;
}

/* Once all of them are there, partition 0 says so. */
static enum admin_result complete(struct admin *admin, const struct meta *first)
{
    struct meta meta;
    bool all = true;
    int done;
    enum admin_result result = admin_check_meta(admin, 0, first);
    for (unsigned p = 1; p < admin->config->partitions && result == ADMIN_OK; p++) {
        bool made = false;
        result = make_one(admin, p, first, &made);
        all = all && made;
    }
    if (result != ADMIN_OK || !all)
        return result;
    if (!meta_read(admin, 0, &meta))
        return ADMIN_DOWN;
    return meta_making(&meta) && is_same_store(&meta, first)
               ? open_partition(admin, 0, &meta, &done)
               : ADMIN_OK;
}

/* --- from where it is ------------------------------------------------------------------------- */

/* The store is made. */
static enum admin_result join_store(struct admin *admin, unsigned partition,
                                    const struct meta *first, struct meta *meta, int *done)
{
    if (meta_making(meta))
        return is_same_store(meta, first) ? open_partition(admin, partition, meta, done)
                                          : part_lost(admin);
    /* Unless all of it was made since it was found missing. */
    if (!meta_look(admin, partition, meta))
        return ADMIN_DOWN;
    *done = 0;
    return meta_missing(meta) ? part_lost(admin) : ADMIN_OK;
}

enum admin_result admin_make(struct admin *admin, unsigned partition, unsigned may,
                             struct meta *meta, int *done)
{
    struct meta first = *meta;
    bool begun = meta_making(meta);
    if (!begun && admin->shared->store_id != 0)
        return admin_say(admin, ADMIN_LOST, "Redis has lost the store's data");
    if (!(may & (ADMIN_CREATE | ADMIN_COMPLETE)))
        return admin_say(admin, begun ? ADMIN_MAKING : ADMIN_MISSING,
                         "the ledger process has not made the store yet");
    if (admin->config->ledger && !admin->shared->ledger_known)
        return admin_say(admin, ADMIN_DOWN, "the ledger's database has not been reached yet");
    if (partition != 0 && !look_beside(admin, 0, &first))
        return ADMIN_DOWN;
    if (!is_unmade(&first))
        return join_store(admin, partition, &first, meta, done);
    *done = 0;
    if (meta_making(&first))
        return complete(admin, &first);
    return may & ADMIN_CREATE ? begin_making(admin) : part_lost(admin);
}
