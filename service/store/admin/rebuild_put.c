/* rebuild_put.c -- what lies in Redis, as the commands of a page. */
#include "store/admin/feed.h"
#include "store/admin/rebuild_link.h"
#include "store/layout.h"
#include "store/redis/resp.h"

#include <assert.h>
#include <stdio.h>

/* --- reservations ----------------------------------------------------------------------------- */

static void put_bucket(struct rebuild *rebuild, const struct rid *id)
{
    int64_t place = (int64_t)id->partition << 48 | rid_bucket(id);
    if (place == rebuild->last_bucket)
        return;
    rebuild->last_bucket = place;
    layout_put_bucket(rebuild_next(rebuild), id->partition, rid_bucket(id));
}

enum rebuild_result rebuild_reservation(struct rebuild *rebuild, const struct reservation *r)
{
    layout_command_records(rebuild_next(rebuild), STR("HSET"), r->id.partition, rid_bucket(&r->id),
                           2);
    layout_put_record(&rebuild->page, &rebuild->value, r);
    put_bucket(rebuild, &r->id);
    for (unsigned i = 0; r->state == RESERVATION_HELD && i < r->line_count; i++) {
        layout_command(rebuild_next(rebuild), STR("ZADD"), r->id.partition, KEY_HOLDS,
                       r->lines[i].sku, 2);
        layout_put_hold(&rebuild->page, r->expires_ms, &r->id);
    }
    return rebuild_queued(rebuild);
}

enum rebuild_result rebuild_unhold(struct rebuild *rebuild, const struct reservation *r)
{
    assert(r->state != RESERVATION_HELD);
    for (unsigned i = 0; i < r->line_count; i++) {
        layout_command(rebuild_next(rebuild), STR("ZREM"), r->id.partition, KEY_HOLDS,
                       r->lines[i].sku, 1);
        layout_put_id(&rebuild->page, &r->id);
    }
    return rebuild_queued(rebuild);
}

/* --- results and shares ----------------------------------------------------------------------- */

enum rebuild_result rebuild_operation(struct rebuild *rebuild, unsigned partition, struct str key,
                                      struct str result, int64_t until_ms)
{
    assert(until_ms > 0);
    layout_put_result(rebuild_next(rebuild), partition, key, result, until_ms);
    return rebuild_queued(rebuild);
}

enum rebuild_result rebuild_share(struct rebuild *rebuild, unsigned partition, struct str sku,
                                  struct str customer, int64_t units)
{
    bool has = units > 0;
    layout_command(rebuild_next(rebuild), has ? STR("HSET") : STR("HDEL"), partition, KEY_CUSTOMERS,
                   sku, has ? 2 : 1);
    if (has)
        layout_put_share(&rebuild->page, customer, units);
    else
        resp_arg(&rebuild->page, customer);
    return rebuild_queued(rebuild);
}

enum rebuild_result rebuild_unshare(struct rebuild *rebuild, unsigned partition, struct str sku)
{
    layout_command(rebuild_next(rebuild), STR("UNLINK"), partition, KEY_CUSTOMERS, sku, 0);
    return rebuild_queued(rebuild);
}

/* --- items ------------------------------------------------------------------------------------ */

enum rebuild_result rebuild_find_due(struct rebuild *rebuild, unsigned partition,
                                     struct store_listed *items, size_t count)
{
    redisReply **replies = NULL;
    size_t asked = 0, at = 0;
    enum rebuild_result result = rebuild_guard(rebuild);
    buf_reset(&rebuild->value);
    for (size_t i = 0; i < count; i++) {
        if (items[i].item.held == 0)
            continue;
        layout_ask_holds(&rebuild->value, partition, items[i].sku, 1);
        asked++;
    }
    if (result != REBUILD_OK || asked == 0)
        return result;
    result = rebuild_exchange(rebuild, &rebuild->value, asked, &replies);
    for (size_t i = 0; i < count && result == REBUILD_OK; i++)
        if (items[i].item.held > 0)
            items[i].item.due_ms = layout_first_deadline(replies[at++]);
    rebuild_drop(replies, asked);
    return result;
}

static void put_texts(struct rebuild *rebuild, unsigned partition, const struct store_listed *items,
                      size_t count)
{
    resp_begin(rebuild_next(rebuild), 1 + 2 * count);
    resp_arg(&rebuild->page, STR("MSET"));
    for (size_t i = 0; i < count; i++)
        layout_put_item(&rebuild->page, partition, items[i].sku, &items[i].item);
}

static bool is_listed(const struct item *item)
{
    return item->exists;
}

static bool is_held(const struct item *item)
{
    return item->due_ms > 0;
}

static size_t count_names(bool (*which)(const struct item *), const struct store_listed *items,
                          size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += which(&items[i].item);
    return n;
}

/* Names in a set of the partition, those of the held ones by their deadline. */
static void put_set_names(struct rebuild *rebuild, unsigned partition, struct str set,
                          bool (*which)(const struct item *), bool by_due,
                          const struct store_listed *items, size_t count)
{
    size_t n = count_names(which, items, count);
    if (n == 0)
        return;
    layout_command(rebuild_next(rebuild), STR("ZADD"), partition, set, NO_NAME, 2 * n);
    for (size_t i = 0; i < count; i++) {
        if (!which(&items[i].item))
            continue;
        resp_int(&rebuild->page, by_due ? items[i].item.due_ms : 0);
        resp_arg(&rebuild->page, items[i].sku);
    }
}

enum rebuild_result rebuild_items(struct rebuild *rebuild, unsigned partition,
                                  const struct store_listed *items, size_t count)
{
    if (count == 0)
        return REBUILD_OK;
    for (size_t i = 0; i < count; i++) {
        if (item_valid(&items[i].item))
            continue;
        snprintf(rebuild->why, sizeof(rebuild->why), "a counter of %.*s would pass 2^53-1",
                 STR_ARG(items[i].sku));
        return REBUILD_WRONG;
    }
    put_texts(rebuild, partition, items, count);
    put_set_names(rebuild, partition, KEY_SKUS, is_listed, false, items, count);
    put_set_names(rebuild, partition, KEY_DUE, is_held, true, items, count);
    return rebuild_queued(rebuild);
}

static bool is_gone(const struct item *item)
{
    return !item->exists;
}

static bool is_not_held(const struct item *item)
{
    return item->due_ms == 0;
}

static void drop_names(struct rebuild *rebuild, unsigned partition, struct str set,
                       bool (*which)(const struct item *), const struct store_listed *items,
                       size_t count)
{
    size_t n = count_names(which, items, count);
    if (n == 0)
        return;
    layout_command(rebuild_next(rebuild), STR("ZREM"), partition, set, NO_NAME, n);
    for (size_t i = 0; i < count; i++)
        if (which(&items[i].item))
            resp_arg(&rebuild->page, items[i].sku);
}

enum rebuild_result rebuild_unlist(struct rebuild *rebuild, unsigned partition,
                                   const struct store_listed *items, size_t count)
{
    drop_names(rebuild, partition, KEY_SKUS, is_gone, items, count);
    drop_names(rebuild, partition, KEY_DUE, is_not_held, items, count);
    return rebuild_queued(rebuild);
}

/* --- what SQL holds --------------------------------------------------------------------------- */

enum rebuild_result rebuild_applied(struct rebuild *rebuild, unsigned partition, struct event_id at,
                                    const struct event_ends *ended)
{
    feed_put_applied(rebuild_next(rebuild), partition, at, ended);
    return rebuild_queued(rebuild);
}
