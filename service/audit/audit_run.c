/* audit_run.c -- what there is to compare, and all the walks. */
#include "audit/audit_walk.h"
#include "ledger/balance.h"
#include "ledger/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE_BLOCK_BYTES ((size_t)256 << 10)
#define PAGE_MAX_BYTES   ((size_t)64 << 20)

void audit_init(struct audit *audit, struct admin *admin, struct db *db)
{
    *audit = (struct audit){.admin = admin,
                            .db = db,
                            .wait_ms = AUDIT_WAIT_MS,
                            .reservation_retention_ms = AUDIT_RETENTION_MS};
}

void audit_free(struct audit *audit)
{
    free(audit->positions);
    audit->positions = NULL;
}

const char *audit_kind_name(enum audit_kind kind)
{
    static const char *const names[AUDIT_KINDS] = {
        [AUDIT_STORE] = "partition", [AUDIT_ITEM] = "item",   [AUDIT_RESERVATION] = "reservation",
        [AUDIT_SHARE] = "customer",  [AUDIT_INDEX] = "index", [AUDIT_LEDGER] = "ledger",
    };
    return names[kind];
}

const char *audit_result_name(enum audit_result result)
{
    static const char *const names[] = {"equal", "drift", "unsure"};
    return names[result];
}

/* --- meeting ---------------------------------------------------------------------------------- */

static bool know_ledger(struct audit *audit)
{
    struct identity identity;
    if (identity_read(audit->db, &identity) != IDENTITY_KNOWN)
        return walk_unsure(audit, "the ledger", identity.why);
    snprintf(audit->ledger_id, sizeof(audit->ledger_id), "%s", identity.ledger_id);
    return true;
}

/* Which partitions there are: as meta says or, if Redis has none, as far as the ledger has any. */
static bool know_partitions(struct audit *audit)
{
    struct meta meta;
    if (!walk_redis(audit, meta_look(audit->admin, 0, &meta) ? 0 : -EIO))
        return false;
    bool there = !meta_missing(&meta);
    if (there && strcmp(meta.v[META_LEDGER], audit->ledger_id) != 0) {
        char why[AUDIT_WHY_SIZE];
        snprintf(why, sizeof(why),
                 "the store in Redis writes to ledger %s, but --ledger leads to ledger %s",
                 meta.v[META_LEDGER], audit->ledger_id);
        return walk_unsure(audit, NULL, why);
    }
    audit->partitions = (unsigned)strtoul(meta.v[META_PARTITIONS], NULL, 10);
    if (!there && !walk_sql(audit, balance_partitions(audit->db, &audit->partitions)))
        return false;
    if (audit->partitions == 0 && !there)
        return walk_unsure(audit, NULL, "Redis holds no store and the ledger no events");
    if (audit->partitions == 0 || audit->partitions > PARTITIONS_MAX)
        return walk_unsure(audit, NULL, "the store in Redis has no valid number of partitions");
    return true;
}

static bool know_position(struct audit *audit, unsigned partition)
{
    struct meta meta;
    struct audit_position *p = &audit->positions[partition];
    char text[COMPARE_TEXT_SIZE], name[16];
    snprintf(name, sizeof(name), "%u", partition);
    if (!walk_position(audit, partition, &p->ledger) ||
        !walk_redis(audit, meta_look(audit->admin, partition, &meta) ? 0 : -EIO) ||
        !walk_tail(audit, partition, &p->stream))
        return false;
    bool there = !meta_missing(&meta);
    p->epoch = meta_epoch(&meta);
    snprintf(p->state, sizeof(p->state), "%s", there ? meta.v[META_STATE] : "missing");
    if (!there && p->ledger.epoch > 0)
        walk_drift(audit, AUDIT_STORE, partition, str_of(name),
                   "Redis holds no store, but the ledger has events");
    if (!there || event_id_compare(p->stream, p->ledger) >= 0)
        return true;
    snprintf(text, sizeof(text),
             "the stream ends at %" PRId64 "-%" PRId64 ", before the ledger's %" PRId64 "-%" PRId64
             ": Redis has lost what came last",
             p->stream.epoch, p->stream.seq, p->ledger.epoch, p->ledger.seq);
    walk_drift(audit, AUDIT_STORE, partition, str_of(name), text);
    return true;
}

enum audit_result audit_meet(struct audit *audit)
{
    if (!know_ledger(audit) || !know_partitions(audit))
        return AUDIT_UNSURE;
    audit->positions = calloc(audit->partitions, sizeof(*audit->positions));
    if (!audit->positions)
        return walk_unsure(audit, NULL, "out of memory"), AUDIT_UNSURE;
    for (unsigned p = 0; p < audit->partitions; p++)
        if (!know_position(audit, p))
            return AUDIT_UNSURE;
    return audit->drift > 0 ? AUDIT_DRIFT : AUDIT_EQUAL;
}

/* --- sums within SQL -------------------------------------------------------------------------- */

static void on_unbalanced(void *user, struct str name, const char *text)
{
    walk_drift(user, AUDIT_LEDGER, 0, name, text);
}

static bool walk_balance(struct audit *audit)
{
    struct balance_walk lines = {.done = false};
    if (!walk_sql(audit, balance_items(audit->db, AUDIT_DRIFT_NAMED_IN_SQL, on_unbalanced, audit)))
        return false;
    while (!lines.done) {
        if (!walk_sql(audit, balance_lines(audit->db, &lines, on_unbalanced, audit)))
            return false;
        walk_progress(audit);
    }
    return true;
}

/* --- running ---------------------------------------------------------------------------------- */

static bool walk_all(struct walk *walk)
{
    for (unsigned p = 0; p < walk->audit->partitions; p++) {
        walk->partition = p;
        if (!walk_reservations(walk) || !walk_items(walk))
            return false;
    }
    return walk_strays(walk) && walk_balance(walk->audit);
}

enum audit_result audit_run(struct audit *audit)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    if (!walk)
        return walk_unsure(audit, NULL, "out of memory"), AUDIT_UNSURE;
    struct arena *const arenas[] = {&walk->page, &walk->inner, &walk->again, &walk->links,
                                    &walk->names};
    const size_t count = sizeof(arenas) / sizeof(arenas[0]);
    walk->audit = audit;
    for (size_t i = 0; i < count; i++)
        arena_init(arenas[i], PAGE_BLOCK_BYTES, PAGE_MAX_BYTES);
    bool whole = walk_all(walk);
    for (size_t i = 0; i < count; i++)
        arena_free(arenas[i]);
    free(walk);
    if (audit->drift > 0)
        return AUDIT_DRIFT;
    return whole ? AUDIT_EQUAL : AUDIT_UNSURE;
}
