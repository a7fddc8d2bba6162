/* audit_strays.c -- what lies outside of the indexes, or in one of them alone. The other walks go
 * by what lists buckets and items; this one goes by the keys that there are, and by what is due. */
#include "audit/audit_walk.h"

#include <stdio.h>
#include <stdlib.h>

/* --- buckets ---------------------------------------------------------------------------------- */

/* A bucket that is not listed is never trimmed, and was not looked at yet. */
static bool stray_bucket(struct walk *walk, struct str bucket)
{
    struct audit *audit = walk->audit;
    char text[24], name[32], *end;
    bool stray = false;
    snprintf(text, sizeof(text), "%.*s", STR_ARG(bucket));
    if (!walk_redis(audit, scan_stray_bucket(audit->admin, walk->partition, bucket, &stray)))
        return false;
    if (!stray || !walk_first_time(walk, STR("resv"), bucket))
        return true;
    snprintf(name, sizeof(name), "resv:%s", text);
    walk_drift(audit, AUDIT_INDEX, walk->partition, str_of(name),
               "the set buckets does not list the bucket");
    long long number = strtoll(text, &end, 10);
    return *end || end == text ? true : walk_bucket(walk, number);
}

/* --- items ------------------------------------------------------------------------------------ */

/* Names of items that were met somewhere: those that no other walk comes to. At most SCAN_PAGE. */
static bool stray_names(struct walk *walk, const struct str *names, size_t count)
{
    struct audit *audit = walk->audit;
    struct scan_item *items;
    struct str skus[SCAN_PAGE];
    size_t left = 0;
    arena_reset(&walk->page);
    if (count == 0)
        return true;
    if (!walk_redis(audit,
                    scan_items(audit->admin, &walk->page, walk->partition, names, count, &items)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!items[i].listed)
            skus[left++] = names[i];
    return walk_unknown_items(walk, skus, left);
}

static bool turn_due(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct str *names;
    size_t count;
    if (!walk_redis(audit, scan_due(audit->admin, page->arena, walk->partition, place->cursor,
                                    &names, &count)))
        return false;
    place->done = strcmp(place->cursor, "0") == 0;
    for (size_t at = 0; at < count; at += SCAN_PAGE)
        if (!stray_names(walk, names + at, count - at < SCAN_PAGE ? count - at : SCAN_PAGE))
            return false;
    return true;
}

/* --- keys, of each Redis, that is of the first partition there
 * ------------------------------------------------------------------------------------- */

static int by_partition(const void *a, const void *b)
{
    const struct layout_key *x = a, *y = b;
    return (x->partition > y->partition) - (x->partition < y->partition);
}

/* Keys of one partition. */
static bool stray_keys(struct walk *walk, const struct layout_key *keys, size_t count)
{
    struct str names[SCAN_PAGE];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (str_equal(keys[i].kind, KEY_RECORDS)) {
            if (!stray_bucket(walk, keys[i].name))
                return false;
            continue;
        }
        names[n++] = keys[i].name;
        if (n == SCAN_PAGE) {
            if (!stray_names(walk, names, n))
                return false;
            n = 0;
        }
    }
    return stray_names(walk, names, n) && walk_settle(walk);
}

static bool turn_keys(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct layout_key *keys;
    size_t count;
    if (!walk_redis(audit, scan_keys(audit->admin, page->arena, (unsigned)place->at, place->cursor,
                                     &keys, &count)))
        return false;
    place->done = strcmp(place->cursor, "0") == 0;
    qsort(keys, count, sizeof(*keys), by_partition);
    for (size_t from = 0, to; from < count; from = to) {
        walk->partition = keys[from].partition;
        for (to = from; to < count && keys[to].partition == walk->partition;)
            to++;
        if (walk->partition < audit->partitions && !stray_keys(walk, keys + from, to - from))
            return false;
    }
    return true;
}

bool walk_strays(struct walk *walk)
{
    static const struct walk_source due = {.turn = turn_due}, keys = {.turn = turn_keys};
    for (unsigned p = 0; p < walk->audit->partitions; p++) {
        struct walk_place in_due = {WALK_FROM_THE_FIRST};
        walk->partition = p;
        if (!walk_run(walk, &due, &walk->names, &in_due) || !walk_settle(walk))
            return false;
    }
    for (unsigned p = 0; p < walk->audit->partitions; p++) {
        struct walk_place in_keys = {WALK_FROM_THE_FIRST, .at = p};
        if (admin_is_first(walk->audit->admin, p) && !walk_run(walk, &keys, &walk->names, &in_keys))
            return false;
    }
    return true;
}
