/* see.c -- where SQL and Redis are. */
#include "ledger/balance.h"
#include "restore/steps.h"
#include "store/admin/admin.h"

#include <stdio.h>
#include <stdlib.h>

#define FEED_PAGE 1000

/* --- partitions ------------------------------------------------------------------------------- */

enum restore_result restore_no_redis(struct restore *r)
{
    snprintf(r->why, sizeof(r->why), "Redis: %s", admin_why(r->admin));
    return RESTORE_UNSURE;
}

static enum restore_result count_in_redis(struct restore *r, unsigned *count)
{
    struct meta meta;
    if (!meta_look(r->admin, 0, &meta))
        return restore_no_redis(r);
    int partitions = meta_missing(&meta) ? 0 : atoi(meta.v[META_PARTITIONS]);
    *count = partitions > 0 && partitions <= PARTITIONS_MAX ? (unsigned)partitions : 0;
    return RESTORE_DONE;
}

static enum restore_result agree(struct restore *r, unsigned in_ledger, unsigned in_redis)
{
    unsigned told = r->options->partitions;
    unsigned partitions = told ? told : in_redis ? in_redis : in_ledger;
    if (partitions == 0)
        return restore_say(r, RESTORE_REFUSED,
                           "neither SQL nor Redis tells how many partitions the store has: give "
                           "--partitions, as the services have it");
    if (partitions < in_ledger || (in_redis && in_redis != partitions)) {
        snprintf(r->why, sizeof(r->why),
                 "the store can not have %u partitions: SQL has events of %u, meta in Redis says "
                 "%u",
                 partitions, in_ledger, in_redis);
        return RESTORE_REFUSED;
    }
    r->scene.partitions = partitions;
    r->scene.parts = calloc(partitions, sizeof(*r->scene.parts));
    return r->scene.parts ? RESTORE_DONE : restore_say(r, RESTORE_FAILED, "out of memory");
}

enum restore_result scene_begin(struct restore *r)
{
    struct identity identity;
    unsigned in_ledger = 0, in_redis = 0;
    enum identity_result known = identity_read(r->db, &identity);
    if (known != IDENTITY_KNOWN)
        return restore_say(r, known == IDENTITY_LATER ? RESTORE_UNSURE : RESTORE_REFUSED,
                           identity.why);
    snprintf(r->scene.ledger_id, sizeof(r->scene.ledger_id), "%s", identity.ledger_id);
    /* SQL has a row for each partition that ever had an event: all of them, in a store that was
     * opened once. */
    enum restore_result result =
        restore_from_db(r, balance_partitions(r->db, &in_ledger), "the ledger");
    if (in_ledger > PARTITIONS_MAX)
        in_ledger = 0;
    if (result == RESTORE_DONE)
        result = count_in_redis(r, &in_redis);
    return result == RESTORE_DONE ? agree(r, in_ledger, in_redis) : result;
}

/* --- where both are --------------------------------------------------------------------------- */

enum restore_result scene_see_ledger(struct restore *r, bool lock)
{
    enum restore_result seen = RESTORE_DONE;
    for (unsigned p = 0; p < r->scene.partitions && seen == RESTORE_DONE; p++) {
        struct apply apply;
        apply_init(&apply, r->db, p);
        enum apply_result result = lock ? apply_lock(&apply) : apply_checkpoint(&apply);
        if (result != APPLY_DONE) {
            snprintf(r->why, sizeof(r->why), "the ledger: %s", apply.why);
            seen = RESTORE_UNSURE;
        }
        r->scene.parts[p].sql = apply.at;
        apply_free(&apply);
    }
    return seen;
}

/* What Redis has and SQL has not. */
static enum restore_result count_unapplied(struct restore *r, unsigned partition, struct feed *feed)
{
    struct scene_part *part = &r->scene.parts[partition];
    struct event_id at = part->sql.id;
    part->unapplied = 0;
    if (event_id_compare(part->tail, at) <= 0)
        return RESTORE_DONE;
    do {
        if (feed_read(feed, partition, at, FEED_PAGE) < 0)
            return restore_no_redis(r);
        if (feed->count == 0)
            break;
        if (part->unapplied == 0)
            part->first = feed->entries[0].id;
        at = part->last = feed->entries[feed->count - 1].id;
        part->unapplied += (int64_t)feed->count;
    } while (feed->count == FEED_PAGE);
    return RESTORE_DONE;
}

enum restore_result scene_see_redis(struct restore *r)
{
    struct feed feed;
    feed_init(&feed, r->admin);
    r->scene.now_ms = admin_now_ms(r->admin, 0);
    enum restore_result result = r->scene.now_ms < 0 ? restore_no_redis(r) : RESTORE_DONE;
    for (unsigned p = 0; p < r->scene.partitions && result == RESTORE_DONE; p++) {
        struct scene_part *part = &r->scene.parts[p];
        if (!meta_look(r->admin, p, &part->meta) || feed_tail(r->admin, p, &part->tail) < 0)
            result = restore_no_redis(r);
        else
            result = count_unapplied(r, p, &feed);
    }
    feed_free(&feed);
    return result;
}
