/* admin_epoch.c -- meta: looked at, renewed when Redis was restarted, closed. */
#include "log.h"
#include "stats.h"
#include "store/admin/admin_make.h"
#include "store/layout.h"
#include "store/redis/resp.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define META_TRIES 16

void admin_say_opened(unsigned partition, const struct meta *meta)
{
    stats_count(STATS_EPOCHS_OPENED, 1);
    log_event(LOG_INFO, "epoch opened", LOG_INT("partition", partition),
              LOG_STR("epoch", meta->v[META_EPOCH]), LOG_STR("run_id", meta->v[META_RUN_ID]),
              LOG_STR("promotion", meta->v[META_PROMOTION]), LOG_STR("order", meta->v[META_ORDER]));
}

/* Those of the transaction. 0: one was not taken. */
static size_t queue_meta(struct admin *admin, unsigned partition, const struct meta *meta)
{
    meta_put(&admin->out, partition, meta);
    if (!admin_done(admin, ANSWER_QUEUED))
        return 0;
    if (strcmp(meta->v[META_STATE], "open") != 0)
        return 1;
    meta_put_epoch_event(&admin->out, partition, meta_epoch(meta));
    return admin_done(admin, ANSWER_QUEUED) ? 2 : 0;
}

int admin_write_meta(struct admin *admin, unsigned partition, const struct meta *meta)
{
    resp_words(&admin->out, 1, "MULTI");
    if (!admin_done(admin, ANSWER_OK))
        return -1;
    size_t commands = queue_meta(admin, partition, meta);
    int done = commands > 0 ? admin_exec(admin, commands) : -1;
    if (done > 0 && commands > 1)
        admin_say_opened(partition, meta);
    return done;
}

/* One store, one ledger, from its first event on. */
static enum admin_result check_ledger(struct admin *admin, const char *ledger)
{
    const struct store_shared *shared = admin->shared;
    bool none = strcmp(ledger, LEDGER_NONE) == 0;
    if (none && !admin->config->ledger)
        return ADMIN_OK;
    if (none)
        return admin_say(admin, ADMIN_REFUSED,
                         "the store in Redis was begun with --ledger none, and a ledger "
                         "can not be attached later: start with --ledger none, or with "
                         "an empty Redis");
    if (!admin->config->ledger) {
        snprintf(admin->why, sizeof(admin->why),
                 "the store in Redis was begun with ledger %s: start with --ledger and the address "
                 "of that database",
                 ledger);
        return ADMIN_REFUSED;
    }
    if (!shared->ledger_known || strcmp(ledger, shared->ledger_id) == 0)
        return ADMIN_OK;
    snprintf(admin->why, sizeof(admin->why),
             "the store in Redis writes to ledger %s, but --ledger leads to ledger %s", ledger,
             shared->ledger_id);
    return ADMIN_REFUSED;
}

/* A restore gave the store another id. Its epoch is higher than any before, which tells it from an
 * old copy that was put back: that one is for the ledger process to compare with SQL. The same:
 * another process is about to take it. */
static bool is_restored(const struct store_shared *shared, const struct meta *meta)
{
    return shared->ledger_known && strcmp(meta->v[META_LEDGER], shared->ledger_id) == 0 &&
           meta_epoch(meta) >= shared->epoch && !meta_restoring(meta);
}

enum admin_result admin_check_meta(struct admin *admin, unsigned partition, const struct meta *meta)
{
    uint64_t id = strtoull(meta->v[META_STORE], NULL, 16), known = admin->shared->store_id;
    if (known != 0 && id != known && !is_restored(admin->shared, meta)) {
        snprintf(admin->why, sizeof(admin->why),
                 meta_restoring(meta) ? "a restore is at work; if none is, one did not come to its "
                                        "end: run `stockd restore` again"
                                      : "Redis holds another store than before");
        return ADMIN_LOST;
    }
    if (!meta_format_known(meta->v[META_FORMAT_F]))
        return admin_say(admin, ADMIN_REFUSED,
                         "the store in Redis has a format that this version does not know");
    if ((unsigned)atoi(meta->v[META_PARTITIONS]) != admin->config->partitions) {
        snprintf(admin->why, sizeof(admin->why),
                 "the store in Redis has %s partitions, --partitions says %u",
                 meta->v[META_PARTITIONS], admin->config->partitions);
        return ADMIN_REFUSED;
    }
    enum admin_result ledger = check_ledger(admin, meta->v[META_LEDGER]);
    if (ledger != ADMIN_OK)
        return ledger;
    bool open = strcmp(meta->v[META_STATE], "open") == 0;
    if (!open && !meta_making(meta) && !admin_wants(admin, meta)) {
        snprintf(admin->why, sizeof(admin->why), "partition %u is %s", partition,
                 meta->v[META_STATE]);
        return meta_says_lost(meta->v[META_STATE]) || meta_restoring(meta) ? ADMIN_LOST
                                                                           : ADMIN_CLOSED;
    }
    return ADMIN_OK;
}

/* Without a ledger nothing tells what a replica lacked that was promoted. */
static void say_renewed(const struct admin *admin, unsigned partition, const struct meta *before)
{
    const struct reign *reign = &admin->node->reign;
    bool same = strcmp(before->v[META_RUN_ID], reign->run_id) == 0;
    log_event(LOG_WARN,
              same ? "redis was promoted anew, or has another replication id"
                   : "redis was restarted, or a replica was promoted",
              LOG_INT("partition", partition), LOG_STR("promotion", reign->promotion),
              LOG_STR("promotion_before", before->v[META_PROMOTION]),
              LOG_STR("lacks", "not known: there is no ledger to compare with"));
}

/* One whose meta is of an earlier life of Redis, or of another promotion: its next epoch is opened,
 * in the format of this build, or why not. */
static enum admin_result renew(struct admin *admin, unsigned partition, unsigned may,
                               struct meta *meta, int *done)
{
    const struct meta before = *meta;
    if (meta_opening(meta->v[META_STATE]))
        return admin_say(admin, ADMIN_RESTARTED, "the ledger process is opening the next epoch");
    if (!(may & ADMIN_RENEW))
        return admin_say(admin, ADMIN_RESTARTED,
                         "Redis was restarted, or a replica was promoted; the ledger process has "
                         "not opened the next epoch yet");
    if (!admin_learn_order(admin, partition))
        return ADMIN_DOWN;
    if (admin_ranks(admin) && meta_order(meta) > admin->node->reign.order)
        return admin_say(admin, ADMIN_RESTARTED, "a later promotion is known here: asking again");
    meta_fill_reign(meta, &admin->node->reign);
    snprintf(meta->v[META_EPOCH], 64, "%lld", atoll(meta->v[META_EPOCH]) + 1);
    snprintf(meta->v[META_FORMAT_F], META_VALUE_SIZE, "%d", META_FORMAT);
    snprintf(meta->v[META_STATE], META_VALUE_SIZE, "open");
    *done = admin_write_meta(admin, partition, meta);
    if (*done > 0)
        say_renewed(admin, partition, &before);
    return *done < 0 ? ADMIN_DOWN : ADMIN_OK;
}

/* The epoch goes first: by it everybody knows that the id which is still there is of the past. */
bool admin_take_store(struct admin *admin, const struct meta *meta)
{
    struct store_shared *shared = admin->shared;
    uint64_t id = strtoull(meta->v[META_STORE], NULL, 16), known = shared->store_id, before = known;
    if (known != 0 && known != id && !is_restored(shared, meta))
        return false;
    admin->epoch = meta_epoch(meta);
    for (int64_t seen = shared->epoch; seen < admin->epoch;)
        if (atomic_compare_exchange_weak(&shared->epoch, &seen, admin->epoch))
            break;
    if (!atomic_compare_exchange_strong(&shared->store_id, &known, id))
        return false;
    shared->restores = meta_restores(meta);
    if (before != 0 && before != id)
        log_event(LOG_WARN, "the store was restored; going on with it",
                  LOG_STR("store", meta->v[META_STORE]), LOG_STR("epoch", meta->v[META_EPOCH]));
    return true;
}

/* One look, and what follows from it. *done: 0 if another process was faster. */
static enum admin_result try_open(struct admin *admin, unsigned partition, unsigned may, int *done)
{
    struct meta meta;
    enum admin_result result = ADMIN_OK;
    *done = 1;
    if (!meta_read(admin, partition, &meta))
        return ADMIN_DOWN;
    admin->epochs[partition] = meta_epoch(&meta);
    bool missing = meta_missing(&meta);
    if (!missing)
        result = admin_check_meta(admin, partition, &meta);
    if (result != ADMIN_OK)
        return result;
    if (missing || meta_making(&meta))
        result = admin_make(admin, partition, may, &meta, done);
    else if (admin_wants(admin, &meta))
        result = renew(admin, partition, may, &meta, done);
    if (result == ADMIN_OK && *done > 0)
        *done = admin_take_store(admin, &meta);
    return result;
}

void admin_unwatch(struct admin *admin)
{
    char why[sizeof(admin->why)];
    if (!link_is_open(&admin->node->link))
        return;
    memcpy(why, admin->why, sizeof(why));
    resp_words(&admin->out, 1, "UNWATCH");
    if (admin_done(admin, ANSWER_OK))
        memcpy(admin->why, why, sizeof(why));
}

enum admin_result admin_open_partition(struct admin *admin, unsigned partition, unsigned may,
                                       const char **why)
{
    *why = admin->why;
    enum admin_result reached = admin_at(admin, partition);
    if (reached != ADMIN_OK)
        return reached;
    for (int tries = 0; tries < META_TRIES; tries++) {
        int done;
        enum admin_result result = try_open(admin, partition, may, &done);
        if (result != ADMIN_OK || done > 0) {
            admin_unwatch(admin);
            return result;
        }
    }
    return admin_say(admin, ADMIN_DOWN, "other processes keep changing meta");
}

/* --- closing ---------------------------------------------------------------------------------- */

static bool queue_state(struct admin *admin, unsigned partition, const char *state)
{
    resp_words(&admin->out, 1, "MULTI");
    if (!admin_done(admin, ANSWER_OK))
        return false;
    layout_put_state(&admin->out, partition, state);
    return admin_done(admin, ANSWER_QUEUED);
}

/* What was found wrong was found in the epoch of the last look. Another one may be right. */
static enum admin_result check_close(struct admin *admin, unsigned partition,
                                     const struct meta *meta)
{
    if (meta_missing(meta))
        return admin_say(admin, ADMIN_LOST, "Redis has lost the store's data");
    enum admin_result result = admin_check_meta(admin, partition, meta);
    if (meta_opening(meta->v[META_STATE]) && strcmp(meta->v[META_STATE], admin->claimed) != 0)
        return admin_say(admin, ADMIN_RESTARTED, "the ledger process is opening the next epoch");
    if (result == ADMIN_OK && meta_epoch(meta) != admin->epochs[partition])
        return admin_say(admin, ADMIN_RESTARTED, "the next epoch has begun");
    return result;
}

/* Anything but a lost connection is answered by looking again. */
enum admin_result admin_close_partition(struct admin *admin, unsigned partition, const char *state,
                                        const char **why)
{
    *why = admin->why;
    for (int tries = 0; tries < META_TRIES; tries++) {
        struct meta meta;
        if (!meta_read(admin, partition, &meta))
            return ADMIN_DOWN;
        enum admin_result result = check_close(admin, partition, &meta);
        if (result != ADMIN_OK) {
            admin_unwatch(admin);
            return result;
        }
        if (!queue_state(admin, partition, state))
            return ADMIN_DOWN;
        int written = admin_exec(admin, 1);
        if (written != 0)
            return written > 0 ? ADMIN_OK : ADMIN_DOWN;
    }
    return admin_say(admin, ADMIN_DOWN, "other processes keep changing meta");
}
