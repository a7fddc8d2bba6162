/* audit_reservations.c -- records against the ledger, in both directions, and against the indexes
 * of deadlines (audit_links.c). */
#include "audit/audit_walk.h"
#include "ledger/names.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#define ROUNDS_MAX 100

/* --- naming ----------------------------------------------------------------------------------- */

static struct str bytes_of(const struct rid *rid)
{
    return (struct str){(const char *)rid->b, RID_BYTES};
}

bool walk_first_time(struct walk *walk, struct str kind, struct str name)
{
    uint64_t hash = (str_hash(name) ^ (str_hash(kind) + walk->partition) * 31) | 1;
    uint32_t at = (uint32_t)(hash >> 32) % WALK_NAMED_SLOTS;
    while (walk->named[at] != 0 && walk->named[at] != hash)
        at = (at + 1) % WALK_NAMED_SLOTS;
    if (walk->named[at] == hash)
        return false;
    if (walk->named_count < WALK_NAMED_SLOTS / 2) {
        walk->named[at] = hash;
        walk->named_count++;
    }
    return true;
}

static void name_reservation(struct walk *walk, const struct rid *rid, const char *text)
{
    if (walk_first_time(walk, STR("reservation"), bytes_of(rid)))
        walk_name(walk, AUDIT_RESERVATION, rid, text);
}

/* --- both sides ------------------------------------------------------------------------------- */

/* What the ledger has of a list of ids, found by id. */
struct ledger_side {
    struct names ids;
    struct reservation *all;
    const struct reservation **by_id; /* by number of the id; NULL: it has none */
};

static bool ask_ledger(struct walk *walk, struct arena *arena, const struct rid *rids, size_t count,
                       struct ledger_side *side)
{
    struct audit *audit = walk->audit;
    size_t found = 0;
    names_init(&side->ids, arena);
    side->by_id = arena_zalloc(arena, count * sizeof(const struct reservation *));
    bool room = side->by_id != NULL;
    for (size_t i = 0; i < count && room; i++)
        room = names_add(&side->ids, bytes_of(&rids[i])) != NAMES_NONE;
    enum db_result result = room ? db_begin_read(audit->db) : DB_NO_MEMORY;
    if (result == DB_OK)
        result = present_reservations_named(audit->db, arena, rids, count, &side->all, &found);
    db_rollback(audit->db);
    if (!walk_sql(audit, result))
        return false;
    for (size_t i = 0; i < found; i++) {
        uint32_t number = names_find(&side->ids, bytes_of(&side->all[i].id));
        if (number != NAMES_NONE)
            side->by_id[number] = &side->all[i];
    }
    return true;
}

static const struct reservation *in_ledger(const struct ledger_side *side, const struct rid *rid)
{
    return side->by_id[names_find(&side->ids, bytes_of(rid))];
}

static const struct reservation *in_redis(const struct scan_record *record)
{
    return record->found == LAYOUT_FOUND ? &record->r : NULL;
}

/* Finished reservations that ended later than this must be in Redis; -1: Redis does not say. */
static int64_t kept_since_ms(const struct walk *walk)
{
    int64_t now_ms = admin_now_ms(walk->audit->admin);
    return now_ms < 0 ? -1 : now_ms - walk->audit->reservation_retention_ms;
}

/* --- what differed, once more ----------------------------------------------------------------- */

/* The two looks at Redis saw the same. */
static bool stood_still(const struct scan_record *a, const struct scan_record *b)
{
    char text[COMPARE_TEXT_SIZE];
    if (a->found != b->found || a->found != LAYOUT_FOUND)
        return a->found == b->found;
    return compare_reservation(&a->r, &b->r, text);
}

enum verdict { VERDICT_FINE, VERDICT_DRIFT, VERDICT_MOVED };

/* Redis, then the ledger, which had caught up, then Redis: if both looks at Redis saw the same,
 * that is what the ledger had to have. */
static enum verdict judge(const struct scan_record *before, const struct reservation *ledger,
                          const struct scan_record *after, int64_t since_ms,
                          char text[COMPARE_TEXT_SIZE])
{
    if (after->found == LAYOUT_BROKEN) {
        snprintf(text, COMPARE_TEXT_SIZE, "the record in Redis is of no format that is known");
        return VERDICT_DRIFT;
    }
    if (compare_presence(in_redis(before), ledger, since_ms, text) ||
        compare_presence(in_redis(after), ledger, since_ms, text))
        return VERDICT_FINE;
    return stood_still(before, after) ? VERDICT_DRIFT : VERDICT_MOVED;
}

static bool judge_again(struct walk *walk)
{
    struct audit *audit = walk->audit;
    struct scan_record *before, *after;
    struct ledger_side side;
    char text[COMPARE_TEXT_SIZE];
    size_t left = 0, count = walk->rid_count;
    arena_reset(&walk->again);
    if (!walk_redis(audit, scan_records_named(audit->admin, &walk->again, walk->partition,
                                              walk->rids, count, &before)) ||
        !walk_catch_up(walk) || !ask_ledger(walk, &walk->again, walk->rids, count, &side) ||
        !walk_redis(audit, scan_records_named(audit->admin, &walk->again, walk->partition,
                                              walk->rids, count, &after)))
        return false;
    int64_t since_ms = kept_since_ms(walk);
    if (since_ms < 0)
        return walk_redis(audit, -EIO);
    for (size_t i = 0; i < count; i++) {
        struct rid rid = walk->rids[i];
        switch (judge(&before[i], in_ledger(&side, &rid), &after[i], since_ms, text)) {
        case VERDICT_FINE: break;
        case VERDICT_DRIFT: name_reservation(walk, &rid, text); break;
        case VERDICT_MOVED: walk->rids[left++] = rid; break;
        }
    }
    walk->rid_count = left;
    return true;
}

static bool settle(struct walk *walk)
{
    for (unsigned round = 0; walk->rid_count > 0; round++) {
        if (round == ROUNDS_MAX) {
            snprintf(walk->audit->why, sizeof(walk->audit->why),
                     "%zu reservations changed every time they were looked at", walk->rid_count);
            return false;
        }
        if (!judge_again(walk))
            return false;
    }
    return true;
}

static bool keep(struct walk *walk, const struct rid *rid)
{
    if (walk->rid_count == WALK_KEPT_MAX && !settle(walk))
        return false;
    walk->rids[walk->rid_count++] = *rid;
    return true;
}

/* --- from Redis to the ledger ----------------------------------------------------------------- */

static bool compare_records(struct walk *walk, const struct scan_record *records, size_t count)
{
    struct ledger_side side;
    char text[COMPARE_TEXT_SIZE];
    struct rid *rids = arena_alloc(&walk->page, count * sizeof(*rids));
    if (!rids)
        return walk_sql(walk->audit, DB_NO_MEMORY);
    for (size_t i = 0; i < count; i++)
        rids[i] = records[i].id;
    if (count > 0 && !ask_ledger(walk, &walk->page, rids, count, &side))
        return false;
    walk->audit->reservations += (int64_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct reservation *redis = in_redis(&records[i]);
        const struct reservation *ledger = in_ledger(&side, &rids[i]);
        if (redis && ledger && compare_reservation(redis, ledger, text))
            continue;
        if (!keep(walk, &rids[i]))
            return false;
    }
    return walk_links(walk, records, count);
}

bool walk_bucket(struct walk *walk, int64_t bucket)
{
    struct audit *audit = walk->audit;
    char cursor[ADMIN_CURSOR_SIZE] = "0", name[32];
    size_t strangers = 0;
    do {
        struct scan_record *records;
        size_t count;
        arena_reset(&walk->page);
        if (!walk_redis(audit, scan_records(audit->admin, &walk->page, walk->partition, bucket,
                                            cursor, &records, &count, &strangers)) ||
            !compare_records(walk, records, count))
            return false;
        walk_progress(audit);
    } while (strcmp(cursor, "0") != 0);
    snprintf(name, sizeof(name), "resv:%lld", (long long)bucket);
    if (strangers > 0)
        walk_drift(audit, AUDIT_INDEX, walk->partition, str_of(name),
                   "the bucket has records that do not belong there");
    return true;
}

static bool walk_records(struct walk *walk)
{
    struct audit *audit = walk->audit;
    int64_t bucket = -1;
    for (;;) {
        int64_t *buckets;
        size_t count;
        arena_reset(&walk->page);
        if (!walk_redis(audit, scan_buckets(audit->admin, &walk->page, walk->partition, bucket, 1,
                                            &buckets, &count)))
            return false;
        if (count == 0)
            return true;
        bucket = buckets[0];
        if (!walk_bucket(walk, bucket))
            return false;
    }
}

bool walk_kept_reservations(struct walk *walk)
{
    return settle(walk);
}

/* --- from the ledger to Redis ----------------------------------------------------------------- */

typedef enum db_result page_fn(struct db *db, struct arena *arena, unsigned partition,
                               struct present_place after, size_t max, struct reservation **all,
                               size_t *count);

static bool compare_page(struct walk *walk, const struct reservation *all, size_t count)
{
    struct audit *audit = walk->audit;
    struct scan_record *records;
    char text[COMPARE_TEXT_SIZE];
    struct rid rids[SCAN_PAGE];
    assert(count <= SCAN_PAGE);
    for (size_t i = 0; i < count; i++)
        rids[i] = all[i].id;
    if (count > 0 && !walk_redis(audit, scan_records_named(audit->admin, &walk->page,
                                                           walk->partition, rids, count, &records)))
        return false;
    /* Of those that ended long ago only a part may be dropped yet: the walk begins where none is.
     */
    for (size_t i = 0; i < count; i++) {
        const struct reservation *redis = in_redis(&records[i]);
        audit->reservations += redis ? 0 : 1;
        if (redis && compare_reservation(redis, &all[i], text))
            continue;
        if (!keep(walk, &rids[i]))
            return false;
    }
    walk_progress(audit);
    return true;
}

/* Held ones by deadline; finished ones by their end, up to `until_ms`. */
static bool walk_ledger(struct walk *walk, page_fn *page, int64_t from_ms, int64_t until_ms)
{
    struct audit *audit = walk->audit;
    struct present_place place = {.at_ms = from_ms};
    char rid[RID_TEXT_SIZE];
    size_t count = SCAN_PAGE;
    while (count == SCAN_PAGE && place.at_ms <= until_ms) {
        struct reservation *all = NULL;
        count = 0;
        arena_reset(&walk->page);
        enum db_result result = db_begin_read(audit->db);
        if (result == DB_OK)
            result = page(audit->db, &walk->page, walk->partition, place, SCAN_PAGE, &all, &count);
        db_rollback(audit->db);
        if (!walk_sql(audit, result) || !compare_page(walk, all, count))
            return false;
        if (count > 0) {
            const struct reservation *last = &all[count - 1];
            place.at_ms = page == present_held ? last->expires_ms : last->ended_ms;
            place.rid = (struct str){rid, rid_format(&last->id, rid)};
        }
    }
    return true;
}

bool walk_reservations(struct walk *walk)
{
    int64_t since_ms = kept_since_ms(walk);
    if (since_ms < 0)
        return walk_redis(walk->audit, -EIO);
    int64_t now_ms = since_ms + walk->audit->reservation_retention_ms;
    return walk_records(walk) && walk_ledger(walk, present_held, 0, INT64_MAX) &&
           walk_ledger(walk, present_ended, since_ms > 0 ? since_ms : 0, now_ms) && settle(walk);
}
