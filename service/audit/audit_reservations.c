/* audit_reservations.c -- records against the ledger, from both sides, and against the indexes of
 * deadlines. */
#include "audit/audit_walk.h"

#include <errno.h>
#include <stdio.h>

/* --- the kind --------------------------------------------------------------------------------- */

/* The ids of a page. NULL: said why. */
static struct rid *rids_of(struct walk *walk, const struct walk_page *page)
{
    struct rid *rids = arena_alloc(page->arena, (page->count + 1) * sizeof(*rids));
    for (size_t i = 0; rids && i < page->count; i++)
        rids[i] = walk_rid(walk, page->pairs[i].name);
    if (!rids)
        (void)!walk_sql(walk->audit, DB_NO_MEMORY);
    return rids;
}

static bool ask_redis(struct walk *walk, struct walk_page *page, bool after)
{
    struct scan_record *records;
    const struct rid *rids = rids_of(walk, page);
    if (!rids ||
        !walk_redis(walk->audit, scan_records_named(walk->audit->admin, page->arena,
                                                    walk->partition, rids, page->count, &records)))
        return false;
    for (size_t i = 0; i < page->count; i++)
        *(after ? &page->pairs[i].after : &page->pairs[i].record) = &records[i];
    return true;
}

/* Finished reservations that ended later than this must be in Redis. */
static bool know_since(struct walk *walk)
{
    int64_t now_ms = admin_now_ms(walk->audit->admin, walk->partition);
    walk->since_ms = now_ms - walk->audit->reservation_retention_ms;
    return walk_redis(walk->audit, now_ms < 0 ? -EIO : 0);
}

static bool ask_ledger(struct walk *walk, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct reservation *found;
    const struct rid *rids = rids_of(walk, page);
    if (!rids || !know_since(walk) ||
        !WALK_READ(audit,
                   current_reservations_named(audit->db, page->arena, rids, page->count, &found)))
        return false;
    for (size_t i = 0; i < page->count; i++)
        page->pairs[i].ledger_record = found[i].line_count > 0 ? &found[i] : NULL;
    return true;
}

static const struct reservation *in_redis(const struct scan_record *record)
{
    return record->found == LAYOUT_FOUND ? &record->r : NULL;
}

/* The two looks at Redis saw the same. */
static bool stood_still(const struct scan_record *a, const struct scan_record *b)
{
    char text[COMPARE_TEXT_SIZE];
    if (a->found != b->found || a->found != LAYOUT_FOUND)
        return a->found == b->found;
    return compare_reservation(&a->r, &b->r, text);
}

/* Redis, then the ledger, which had caught up, then Redis: if both looks at Redis saw the same,
 * that is what the ledger had to have. */
static enum walk_verdict judge_reservation(const struct walk *walk, const struct walk_pair *pair,
                                           bool again, char text[COMPARE_TEXT_SIZE])
{
    const struct reservation *before = in_redis(pair->record), *ledger = pair->ledger_record;
    if (!again)
        return before && ledger && compare_reservation(before, ledger, text) ? WALK_FINE
                                                                             : WALK_LATER;
    if (pair->after->found == LAYOUT_BROKEN) {
        snprintf(text, COMPARE_TEXT_SIZE, "the record in Redis is of no format that is known");
        return WALK_DRIFT;
    }
    if (compare_presence(before, ledger, walk->since_ms, text) ||
        compare_presence(in_redis(pair->after), ledger, walk->since_ms, text))
        return WALK_FINE;
    return stood_still(pair->record, pair->after) ? WALK_DRIFT : WALK_LATER;
}

const struct walk_kind walk_reservation = {.kind = AUDIT_RESERVATION,
                                           .twice = true,
                                           .ask_redis = ask_redis,
                                           .ask_ledger = ask_ledger,
                                           .judge = judge_reservation};

/* --- against the indexes of deadlines --------------------------------------------------------- */

/* What is compared is of one instant, so nothing has to be looked at again. */
static bool judge_links(struct walk *walk, struct scan_link *links, size_t count)
{
    char text[COMPARE_TEXT_SIZE];
    arena_reset(&walk->inner);
    if (count == 0)
        return true;
    if (!walk_redis(walk->audit,
                    scan_links(walk->audit->admin, &walk->inner, walk->partition, links, count)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!compare_link(&links[i], text))
            walk_name(walk, AUDIT_INDEX, walk_bytes(&links[i].id), text);
    return true;
}

/* Each line of each held one of a page, against the index of its item. */
static bool compare_links(struct walk *walk, const struct walk_page *page)
{
    struct scan_link links[SCAN_PAGE];
    size_t n = 0;
    for (size_t i = 0; i < page->count; i++) {
        const struct scan_record *record = page->pairs[i].record;
        bool held = record->found == LAYOUT_FOUND && record->r.state == RESERVATION_HELD;
        for (unsigned k = 0; held && k < record->r.line_count; k++) {
            links[n++] = (struct scan_link){.id = record->id, .sku = record->r.lines[k].sku};
            if (n < SCAN_PAGE)
                continue;
            if (!judge_links(walk, links, n))
                return false;
            n = 0;
        }
    }
    return judge_links(walk, links, n);
}

/* A page of an item's index. The records of ids that it lacks are looked at elsewhere. */
static bool turn_holds(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct scan_link links[SCAN_PAGE];
    struct rid *rids;
    size_t count;
    if (!walk_redis(walk->audit,
                    scan_holds(walk->audit->admin, page->arena, walk->partition, place->sku,
                               place->cursor, &rids, &count, &place->strangers)))
        return false;
    place->done = strcmp(place->cursor, "0") == 0;
    for (size_t at = 0; at < count;) {
        size_t n = 0;
        while (n < SCAN_PAGE && at < count)
            links[n++] = (struct scan_link){.id = rids[at++], .sku = place->sku};
        if (!judge_links(walk, links, n))
            return false;
    }
    return true;
}

bool walk_holds(struct walk *walk, struct str sku)
{
    static const struct walk_source holds = {.turn = turn_holds};
    struct walk_place place = {WALK_FROM_THE_FIRST, .sku = sku};
    if (!walk_run(walk, &holds, &walk->links, &place))
        return false;
    if (place.strangers > 0)
        walk_drift(walk->audit, AUDIT_INDEX, walk->partition, sku,
                   "the index of deadlines has entries that are no ids");
    return true;
}

/* --- from Redis, bucket by bucket ------------------------------------------------------------- */

static bool turn_bucket(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct scan_record *records;
    size_t count;
    if (!walk_redis(audit, scan_records(audit->admin, page->arena, walk->partition, place->at,
                                        place->cursor, &records, &count, &place->strangers)) ||
        !walk_pairs(walk, page, NULL, count))
        return false;
    place->done = strcmp(place->cursor, "0") == 0;
    page->has_redis = true;
    for (size_t i = 0; i < count; i++)
        page->pairs[i] =
            (struct walk_pair){.name = walk_bytes(&records[i].id), .record = &records[i]};
    return true;
}

static bool beside_bucket(struct walk *walk, const struct walk_page *page)
{
    walk->audit->reservations += (int64_t)page->count;
    return compare_links(walk, page);
}

bool walk_bucket(struct walk *walk, int64_t bucket)
{
    static const struct walk_source records = {&walk_reservation, turn_bucket, beside_bucket};
    struct walk_place place = {WALK_FROM_THE_FIRST, .at = bucket};
    char name[32];
    if (!walk_run(walk, &records, &walk->page, &place))
        return false;
    snprintf(name, sizeof(name), "resv:%lld", (long long)bucket);
    if (place.strangers > 0)
        walk_drift(walk->audit, AUDIT_INDEX, walk->partition, str_of(name),
                   "the bucket has records that do not belong there");
    return true;
}

static bool walk_buckets(struct walk *walk)
{
    struct audit *audit = walk->audit;
    for (int64_t bucket = -1;;) {
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

/* --- from the ledger -------------------------------------------------------------------------- */

static bool turn_ledger(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    const struct current_place after = {place->at, walk_behind(place)};
    struct reservation *all;
    size_t count;
    if (!WALK_READ(audit, current_reservations(audit->db, page->arena, walk->partition,
                                               place->order, after, SCAN_PAGE, &all, &count)) ||
        !walk_pairs(walk, page, NULL, count))
        return false;
    page->has_ledger = true;
    for (size_t i = 0; i < count; i++)
        page->pairs[i] =
            (struct walk_pair){.name = walk_bytes(&all[i].id), .ledger_record = &all[i]};
    if (count > 0) {
        const struct reservation *last = &all[count - 1];
        place->at = last->state == RESERVATION_HELD ? last->expires_ms : last->ended_ms;
        place->n = rid_format(&last->id, place->name);
    }
    place->done = count < SCAN_PAGE || place->at > place->until;
    return true;
}

/* Of those that ended long ago only a part may be dropped yet: the walk begins where none is. Those
 * that Redis has were counted there. */
static bool beside_ledger(struct walk *walk, const struct walk_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        walk->audit->reservations += in_redis(page->pairs[i].record) ? 0 : 1;
    return true;
}

bool walk_reservations(struct walk *walk)
{
    static const struct walk_source known = {&walk_reservation, turn_ledger, beside_ledger};
    if (!know_since(walk))
        return false;
    struct walk_place by_deadline = {WALK_FROM_THE_FIRST, .order = CURRENT_HELD,
                                     .until = INT64_MAX};
    struct walk_place by_end = {WALK_FROM_THE_FIRST, .order = CURRENT_ENDED,
                                .at = walk->since_ms > 0 ? walk->since_ms : 0,
                                .until = walk->since_ms + walk->audit->reservation_retention_ms};
    return walk_buckets(walk) && walk_run(walk, &known, &walk->page, &by_deadline) &&
           walk_run(walk, &known, &walk->page, &by_end) && walk_settle(walk);
}
