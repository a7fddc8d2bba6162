/* roll.c -- the pages of it: what events touched first, then the items, since what is due of them
 * is read off the reservations. */
#include "restore/roll.h"
#include "ledger/apply/apply.h"
#include "ledger/names.h"
#include "ledger/query/touched.h"
#include "restore/items.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE            1000
#define ARENA_BLOCK     ((size_t)256 << 10)
#define ARENA_MAX_BYTES ((size_t)64 << 20)

struct roll {
    const struct roll_job *job;
    struct roll_report *report;
    struct db *db;
    struct rebuild rebuild;
    int64_t now_ms; /* of Redis */
    struct arena arena;
    /* The page: its rows, and the distinct names in it. */
    struct touched *rows;
    size_t count;
    struct names skus, rids, keys;
};

/* --- trouble ---------------------------------------------------------------------------------- */

static enum roll_result end_roll(struct roll *r, enum roll_result result, const char *why)
{
    snprintf(r->report->why, sizeof(r->report->why), "%s", why);
    return result;
}

static enum roll_result no_memory(struct roll *r)
{
    return end_roll(r, ROLL_SQL, "out of memory");
}

static enum roll_result from_db(struct roll *r, enum db_result result)
{
    if (result == DB_OK)
        return ROLL_DONE;
    if (result == DB_NO_MEMORY)
        return no_memory(r);
    return end_roll(r, ROLL_SQL, db_why(r->db));
}

static enum roll_result from_redis(struct roll *r, enum rebuild_result result)
{
    static const enum roll_result meanings[] = {
        [REBUILD_OK] = ROLL_DONE,     [REBUILD_DOWN] = ROLL_REDIS,
        [REBUILD_TAKEN] = ROLL_TAKEN, [REBUILD_REFUSED] = ROLL_REDIS,
        [REBUILD_WRONG] = ROLL_WRONG, [REBUILD_NO_MEMORY] = ROLL_SQL,
    };
    return result == REBUILD_OK ? ROLL_DONE : end_roll(r, meanings[result], r->rebuild.why);
}

static enum roll_result progress(struct roll *r)
{
    r->report->done += (int64_t)r->count;
    if (!r->job->on_progress || r->job->on_progress(r->job->user, r->report))
        return ROLL_DONE;
    return end_roll(r, ROLL_STOPPED, "stopped");
}

/* --- pages ------------------------------------------------------------------------------------ */

static struct tail_position beginning(const struct roll *r)
{
    return (struct tail_position){r->job->from, INT64_MAX};
}

static bool add_name(struct names *names, struct str name)
{
    return str_absent(name) || names_add(names, name) != NAMES_NONE;
}

static bool find_names(struct roll *r)
{
    names_init(&r->skus, &r->arena);
    names_init(&r->rids, &r->arena);
    names_init(&r->keys, &r->arena);
    for (size_t i = 0; i < r->count; i++)
        if (!add_name(&r->skus, r->rows[i].sku) || !add_name(&r->rids, r->rows[i].rid) ||
            !add_name(&r->keys, r->rows[i].key))
            return false;
    return true;
}

static enum roll_result read_page(struct roll *r, struct tail_position at)
{
    arena_reset(&r->arena);
    enum roll_result result = from_db(r, touched_page(r->db, &r->arena, r->job->partition, at,
                                                      r->job->to, PAGE, &r->rows, &r->count));
    return result != ROLL_DONE || find_names(r) ? result : no_memory(r);
}

/* All of the history behind `from`. */
static enum roll_result walk(struct roll *r, enum roll_result (*put)(struct roll *r))
{
    struct tail_position at = beginning(r);
    enum roll_result result;
    do {
        result = read_page(r, at);
        if (result == ROLL_DONE)
            result = put(r);
        if (result == ROLL_DONE)
            result = progress(r);
        if (r->count > 0)
            at = r->rows[r->count - 1].at;
    } while (result == ROLL_DONE && r->count == PAGE);
    return result == ROLL_DONE ? from_redis(r, rebuild_flush(&r->rebuild)) : result;
}

/* --- reservations ----------------------------------------------------------------------------- */

static bool is_whole(const struct reservation *one)
{
    for (unsigned i = 0; i < one->line_count; i++)
        if (str_absent(one->lines[i].sku))
            return false;
    return one->line_count > 0;
}

static enum roll_result put_reservation(struct roll *r, struct str rid,
                                        const struct reservation *one)
{
    if (!is_whole(one)) {
        snprintf(r->report->why, sizeof(r->report->why),
                 "SQL contradicts itself: reservation %.*s has events, but is not there",
                 STR_ARG(rid));
        return ROLL_WRONG;
    }
    enum rebuild_result result = rebuild_reservation(&r->rebuild, one);
    if (result == REBUILD_OK && one->state != RESERVATION_HELD)
        result = rebuild_unhold(&r->rebuild, one);
    return from_redis(r, result);
}

static enum roll_result put_reservations(struct roll *r)
{
    struct reservation *all;
    size_t count = r->rids.count;
    struct rid *rids = arena_zalloc(&r->arena, (count + 1) * sizeof(*rids));
    if (!rids)
        return no_memory(r);
    for (size_t i = 0; i < count; i++)
        if (!rid_parse(r->rids.name[i], &rids[i]))
            return end_roll(r, ROLL_WRONG, "SQL has the id of a reservation that is none");
    enum roll_result result =
        from_db(r, current_reservations_named(r->db, &r->arena, rids, count, &all));
    for (size_t i = 0; i < count && result == ROLL_DONE; i++)
        result = put_reservation(r, r->rids.name[i], &all[i]);
    return result;
}

/* --- operations ------------------------------------------------------------------------------- */

static enum roll_result put_operations(struct roll *r)
{
    struct current_operation *all;
    enum roll_result result =
        from_db(r, current_operations_named(r->db, &r->arena, r->job->partition, r->keys.name,
                                            r->keys.count, &all));
    for (size_t i = 0; i < r->keys.count && result == ROLL_DONE; i++) {
        int64_t until_ms = all[i].at_ms + r->job->operation_retention_ms;
        if (!str_absent(all[i].result) && until_ms > r->now_ms)
            result = from_redis(r, rebuild_operation(&r->rebuild, r->job->partition,
                                                     r->keys.name[i], all[i].result, until_ms));
    }
    return result;
}

/* --- customers -------------------------------------------------------------------------------- */

/* A customer of an item, by its number in the page. */
struct share {
    uint32_t item;
    struct str name;
};

static int compare_shares(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int order = memcmp(x->name.p, y->name.p, n);
    return order ? order : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

/* In order, each once. NULL: no memory. */
static struct share *find_shares(struct roll *r, size_t *count)
{
    struct share *shares = arena_alloc(&r->arena, (r->count + 1) * sizeof(*shares));
    size_t all = 0;
    *count = 0;
    for (size_t i = 0; shares && i < r->count; i++)
        if (!str_absent(r->rows[i].sku) && !str_absent(r->rows[i].share))
            shares[all++] = (struct share){names_find(&r->skus, r->rows[i].sku), r->rows[i].share};
    if (all > 0)
        qsort(shares, all, sizeof(*shares), compare_shares);
    for (size_t i = 0; i < all; i++)
        if (i == 0 || compare_shares(&shares[i], &shares[*count - 1]) != 0)
            shares[(*count)++] = shares[i];
    return shares;
}

/* Of one item, which is there. */
static enum roll_result put_some_shares(struct roll *r, const struct current_item *item,
                                        const struct share *shares, size_t count)
{
    struct current_usage *usage;
    struct str *names = arena_alloc(&r->arena, count * sizeof(*names));
    if (!names)
        return no_memory(r);
    for (size_t i = 0; i < count; i++)
        names[i] = shares[i].name;
    enum roll_result result =
        from_db(r, current_usage_named(r->db, &r->arena, item->sku, item->item.version, names,
                                       count, &usage));
    for (size_t i = 0; i < count && result == ROLL_DONE; i++)
        result = from_redis(
            r, rebuild_share(&r->rebuild, r->job->partition, item->sku, names[i], usage[i].units));
    return result;
}

/* Whoever has a share since an item was made last has an event behind that, in this page or a later
 * one: what is dropped here comes again. */
static enum roll_result drop_shares(struct roll *r, const struct current_item *items)
{
    enum roll_result result = ROLL_DONE;
    bool *drop = arena_zalloc(&r->arena, r->skus.count + 1);
    if (!drop)
        return no_memory(r);
    for (size_t i = 0; i < r->count; i++)
        if (r->rows[i].forgets)
            drop[names_find(&r->skus, r->rows[i].sku)] = true;
    for (uint32_t i = 0; i < r->skus.count && result == ROLL_DONE; i++)
        if (drop[i] || !items[i].item.exists)
            result =
                from_redis(r, rebuild_unshare(&r->rebuild, r->job->partition, r->skus.name[i]));
    return result;
}

static enum roll_result put_shares(struct roll *r, const struct current_item *items)
{
    size_t count;
    const struct share *shares = find_shares(r, &count);
    enum roll_result result = shares ? drop_shares(r, items) : no_memory(r);
    for (size_t i = 0, next; i < count && result == ROLL_DONE; i = next) {
        const struct current_item *item = &items[shares[i].item];
        for (next = i; next < count && shares[next].item == shares[i].item;)
            next++;
        if (item->item.exists)
            result = put_some_shares(r, item, &shares[i], next - i);
    }
    return result;
}

/* --- items ------------------------------------------------------------------------------------ */

/* Of the page, in the order of their names' numbers. */
static enum roll_result read_items(struct roll *r, struct current_item **items)
{
    enum roll_result result =
        from_db(r, current_items_named(r->db, &r->arena, r->skus.name, r->skus.count, items));
    for (uint32_t i = 0; i < r->skus.count && result == ROLL_DONE; i++) {
        if ((*items)[i].item.version > 0)
            continue;
        snprintf(r->report->why, sizeof(r->report->why),
                 "SQL contradicts itself: item %.*s has events, but is not there",
                 STR_ARG(r->skus.name[i]));
        return ROLL_WRONG;
    }
    return result;
}

static enum roll_result put_page_of_items(struct roll *r)
{
    struct current_item *items;
    struct store_listed *listed;
    enum roll_result result = read_items(r, &items);
    if (result == ROLL_DONE)
        result = from_redis(r, items_put(&r->rebuild, &r->arena, r->job->partition, items,
                                         r->skus.count, 0, &listed));
    return result == ROLL_DONE ? from_redis(r, rebuild_unlist(&r->rebuild, r->job->partition,
                                                              listed, r->skus.count))
                               : result;
}

/* All but the items. */
static enum roll_result put_page(struct roll *r)
{
    struct current_item *items;
    enum roll_result result = put_reservations(r);
    if (result == ROLL_DONE)
        result = put_operations(r);
    if (result == ROLL_DONE)
        result = read_items(r, &items);
    return result == ROLL_DONE ? put_shares(r, items) : result;
}

/* --- all -------------------------------------------------------------------------------------- */

/* Answers that wait for SQL learn where it is now, which needs no moment in common with the rest.
 */
static enum roll_result put_applied(struct roll *r)
{
    struct apply apply;
    enum roll_result result = ROLL_DONE;
    apply_init(&apply, r->db, r->job->partition);
    if (apply_checkpoint(&apply) != APPLY_DONE)
        result = end_roll(r, ROLL_SQL, apply.why);
    else
        result = from_redis(
            r, rebuild_applied(&r->rebuild, r->job->partition, apply.at.id, &apply.epochs.ended));
    apply_free(&apply);
    return result;
}

static enum roll_result roll_all(struct roll *r)
{
    int64_t rows = 0;
    enum roll_result result = from_db(r, db_begin_read(r->db));
    if (result == ROLL_DONE)
        result =
            from_db(r, touched_count(r->db, r->job->partition, beginning(r), r->job->to, &rows));
    r->report->total = 2 * rows;
    if (result == ROLL_DONE)
        result = walk(r, put_page);
    if (result == ROLL_DONE)
        result = walk(r, put_page_of_items);
    if (result == ROLL_DONE)
        result = put_applied(r);
    return result == ROLL_DONE ? from_redis(r, rebuild_leave(&r->rebuild)) : result;
}

/* Rule ROLL. */
enum roll_result roll_forward(struct admin *admin, struct db *db, const struct roll_job *job,
                              struct roll_report *report)
{
    struct roll r = {.job = job, .report = report, .db = db};
    *report = (struct roll_report){.done = 0};
    r.now_ms = admin_now_ms(admin, job->partition);
    if (r.now_ms < 0)
        return end_roll(&r, ROLL_REDIS, admin_why(admin));
    arena_init(&r.arena, ARENA_BLOCK, ARENA_MAX_BYTES);
    rebuild_join(&r.rebuild, admin, job->partition, job->state);
    enum roll_result result = roll_all(&r);
    db_rollback(db);
    rebuild_free(&r.rebuild);
    arena_free(&r.arena);
    return result;
}
