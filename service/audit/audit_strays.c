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

/* Names of items that were met somewhere: those that no other walk comes to. At most SCAN_PAGE.
 */
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
    if (!walk_only_unknown(walk, skus, &left))
        return false;
    size_t fresh = 0;
    for (size_t i = 0; i < left; i++)
        if (walk_first_time(walk, STR("item"), skus[i]))
            skus[fresh++] = skus[i];
    return walk_unknown_items(walk, skus, fresh);
}

static bool stray_due(struct walk *walk)
{
    struct audit *audit = walk->audit;
    char cursor[ADMIN_CURSOR_SIZE] = "0";
    do {
        struct str *names;
        size_t count;
        arena_reset(&walk->names);
        if (!walk_redis(audit, scan_due(audit->admin, &walk->names, walk->partition, cursor, &names,
                                        &count)))
            return false;
        for (size_t at = 0; at < count; at += SCAN_PAGE) {
            size_t n = count - at < SCAN_PAGE ? count - at : SCAN_PAGE;
            if (!stray_names(walk, names + at, n))
                return false;
        }
        walk_progress(audit);
    } while (strcmp(cursor, "0") != 0);
    return true;
}

/* --- keys ------------------------------------------------------------------------------------- */

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
    return stray_names(walk, names, n) && walk_settle_reservations(walk) && walk_settle_items(walk);
}

static bool all_keys(struct walk *walk)
{
    struct audit *audit = walk->audit;
    char cursor[ADMIN_CURSOR_SIZE] = "0";
    do {
        struct layout_key *keys;
        size_t count;
        arena_reset(&walk->names);
        if (!walk_redis(audit, scan_keys(audit->admin, &walk->names, cursor, &keys, &count)))
            return false;
        qsort(keys, count, sizeof(*keys), by_partition);
        for (size_t from = 0, to; from < count; from = to) {
            walk->partition = keys[from].partition;
            for (to = from; to < count && keys[to].partition == walk->partition;)
                to++;
            if (walk->partition < audit->partitions && !stray_keys(walk, keys + from, to - from))
                return false;
        }
        walk_progress(audit);
    } while (strcmp(cursor, "0") != 0);
    return true;
}

bool walk_strays(struct walk *walk)
{
    for (unsigned p = 0; p < walk->audit->partitions; p++) {
        walk->partition = p;
        if (!stray_due(walk) || !walk_settle_items(walk))
            return false;
    }
    return all_keys(walk);
}
