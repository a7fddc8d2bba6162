#include "restore/scene.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

#define FEED_PAGE 1000

/* --- partitions ------------------------------------------------------------------------------- */

static const struct db_statement last_partition = {
    .kind = DB_ONE,
    .types = "",
    .head = "SELECT MAX(partition_no) FROM checkpoints",
};

void scene_init(struct scene *scene)
{
    *scene = (struct scene){.partitions = 0};
}

void scene_free(struct scene *scene)
{
    free(scene->parts);
    scene->parts = NULL;
}

static enum scene_result from_db(struct scene *scene, struct db *db, enum db_result result)
{
    if (result == DB_OK)
        return SCENE_SEEN;
    snprintf(scene->why, sizeof(scene->why), "the ledger: %s (%s)", db_why(db),
             db_result_name(result));
    return result == DB_NO_MEMORY ? SCENE_NO_MEMORY : SCENE_LEDGER_AWAY;
}

static enum scene_result from_redis(struct scene *scene, struct admin *admin)
{
    snprintf(scene->why, sizeof(scene->why), "Redis: %s", admin_why(admin));
    return SCENE_REDIS_AWAY;
}

static enum scene_result refuse(struct scene *scene, const char *why)
{
    snprintf(scene->why, sizeof(scene->why), "%s", why);
    return SCENE_REFUSED;
}

static int keep_last(void *context, const struct db_value *row, size_t count)
{
    *(int64_t *)context = row[0].type == DB_INT ? row[0].as.number : -1;
    return 0;
}

/* SQL has a row for each partition that ever had an event: all of them, in a store that was opened
 * once. */
static enum scene_result count_in_ledger(struct scene *scene, struct db *db, unsigned *count)
{
    int64_t last = -1;
    enum db_result result = db_begin_read(db);
    if (result == DB_OK)
        result = db_run(db, &last_partition, NULL, 1, keep_last, &last, NULL);
    enum scene_result seen = from_db(scene, db, result);
    db_rollback(db);
    *count = last >= 0 && last < PARTITIONS_MAX ? (unsigned)last + 1 : 0;
    return seen;
}

static enum scene_result count_in_redis(struct scene *scene, struct admin *admin, unsigned *count)
{
    struct meta meta;
    if (!meta_read(admin, 0, &meta))
        return from_redis(scene, admin);
    int partitions = meta_missing(&meta) ? 0 : atoi(meta.v[META_PARTITIONS]);
    *count = partitions > 0 && partitions <= PARTITIONS_MAX ? (unsigned)partitions : 0;
    return SCENE_SEEN;
}

static enum scene_result agree(struct scene *scene, unsigned in_ledger, unsigned in_redis,
                               unsigned told)
{
    unsigned partitions = told ? told : in_redis ? in_redis : in_ledger;
    char why[SCENE_WHY_SIZE];
    if (partitions == 0)
        return refuse(scene, "neither SQL nor Redis tells how many partitions the store has: give "
                             "--partitions, as the services have it");
    if (partitions < in_ledger || (in_redis && in_redis != partitions)) {
        snprintf(why, sizeof(why),
                 "the store can not have %u partitions: SQL has events of %u, meta in Redis says "
                 "%u",
                 partitions, in_ledger, in_redis);
        return refuse(scene, why);
    }
    scene->partitions = partitions;
    scene->parts = calloc(partitions, sizeof(*scene->parts));
    return scene->parts ? SCENE_SEEN : SCENE_NO_MEMORY;
}

enum scene_result scene_begin(struct scene *scene, struct admin *admin, struct db *db,
                              unsigned told)
{
    struct identity identity;
    unsigned in_ledger = 0, in_redis = 0;
    enum identity_result known = identity_read(db, &identity);
    if (known != IDENTITY_KNOWN) {
        snprintf(scene->why, sizeof(scene->why), "%s", identity.why);
        return known == IDENTITY_LATER ? SCENE_LEDGER_AWAY : SCENE_REFUSED;
    }
    snprintf(scene->ledger_id, sizeof(scene->ledger_id), "%s", identity.ledger_id);
    enum scene_result result = count_in_ledger(scene, db, &in_ledger);
    if (result == SCENE_SEEN)
        result = count_in_redis(scene, admin, &in_redis);
    return result == SCENE_SEEN ? agree(scene, in_ledger, in_redis, told) : result;
}

/* --- where both are --------------------------------------------------------------------------- */

enum scene_result scene_see_ledger(struct scene *scene, struct db *db, bool lock)
{
    enum scene_result seen = SCENE_SEEN;
    for (unsigned p = 0; p < scene->partitions && seen == SCENE_SEEN; p++) {
        struct apply apply;
        apply_init(&apply, db, p);
        enum apply_result result = lock ? apply_lock(&apply) : apply_checkpoint(&apply);
        if (result != APPLY_DONE) {
            snprintf(scene->why, sizeof(scene->why), "the ledger: %s", apply.why);
            seen = SCENE_LEDGER_AWAY;
        }
        scene->parts[p].sql = apply.at;
        apply_free(&apply);
    }
    return seen;
}

/* What Redis has and SQL has not. */
static enum scene_result count_unapplied(struct scene *scene, struct scene_part *part,
                                         unsigned partition, struct feed *feed)
{
    struct feed_id at = {part->sql.epoch, part->sql.seq};
    part->unapplied = 0;
    if (feed_id_compare(part->tail, at) <= 0)
        return SCENE_SEEN;
    do {
        if (feed_read(feed, partition, at, FEED_PAGE) < 0)
            return from_redis(scene, feed->admin);
        if (feed->count == 0)
            break;
        if (part->unapplied == 0)
            part->first = feed->entries[0].id;
        at = part->last = feed->entries[feed->count - 1].id;
        part->unapplied += (int64_t)feed->count;
    } while (feed->count == FEED_PAGE);
    return SCENE_SEEN;
}

enum scene_result scene_see_redis(struct scene *scene, struct admin *admin)
{
    struct feed feed;
    enum scene_result result = SCENE_SEEN;
    feed_init(&feed, admin);
    scene->now_ms = admin_now_ms(admin);
    if (scene->now_ms < 0)
        result = from_redis(scene, admin);
    for (unsigned p = 0; p < scene->partitions && result == SCENE_SEEN; p++) {
        struct scene_part *part = &scene->parts[p];
        if (!meta_read(admin, p, &part->meta) || feed_tail(admin, p, &part->tail) < 0)
            result = from_redis(scene, admin);
        else
            result = count_unapplied(scene, part, p, &feed);
    }
    feed_free(&feed);
    return result;
}
