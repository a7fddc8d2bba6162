/* rebuild_put.c -- what lies in Redis, as the commands of a page. */
#include "core/record.h"
#include "store/keys.h"
#include "store/rebuild.h"
#include "store/rebuild_link.h"
#include "store/reply.h"
#include "store/resp.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* --- reservations ----------------------------------------------------------------------------- */

static void put_bucket(struct rebuild *rebuild, const struct rid *id)
{
    int64_t place = (int64_t)id->partition << 32 | rid_bucket(id);
    if (place == rebuild->last_bucket)
        return;
    rebuild->last_bucket = place;
    rebuild_command(rebuild, id->partition, STR("ZADD"), KEY_BUCKETS, NO_NAME, 2);
    resp_int(&rebuild->page, rid_bucket(id));
    resp_int(&rebuild->page, rid_bucket(id));
}

enum rebuild_result rebuild_reservation(struct rebuild *rebuild, const struct reservation *r)
{
    char bucket[16];
    struct str id = {(const char *)r->id.b, RID_BYTES};
    buf_reset(&rebuild->value);
    record_encode(&rebuild->value, r);
    rebuild->page.failed |= rebuild->value.failed;
    snprintf(bucket, sizeof(bucket), "%u", rid_bucket(&r->id));
    rebuild_command(rebuild, r->id.partition, STR("HSET"), KEY_RECORDS, str_of(bucket), 2);
    resp_arg(&rebuild->page, id);
    resp_arg(&rebuild->page, buf_str(&rebuild->value));
    put_bucket(rebuild, &r->id);
    for (unsigned i = 0; r->state == RESERVATION_HELD && i < r->line_count; i++) {
        rebuild_command(rebuild, r->id.partition, STR("ZADD"), KEY_HOLDS, r->lines[i].sku, 2);
        resp_int(&rebuild->page, r->expires_ms);
        resp_arg(&rebuild->page, id);
    }
    return rebuild_queued(rebuild);
}

/* --- results and shares ----------------------------------------------------------------------- */

enum rebuild_result rebuild_operation(struct rebuild *rebuild, unsigned partition, struct str key,
                                      struct str result, int64_t keep_ms)
{
    assert(keep_ms > 0);
    rebuild_command(rebuild, partition, STR("SET"), KEY_OPERATION, key, 3);
    resp_arg(&rebuild->page, result);
    resp_arg(&rebuild->page, STR("PX"));
    resp_int(&rebuild->page, keep_ms);
    return rebuild_queued(rebuild);
}

enum rebuild_result rebuild_share(struct rebuild *rebuild, unsigned partition, struct str sku,
                                  struct str customer, int64_t units)
{
    rebuild_command(rebuild, partition, STR("HSET"), KEY_CUSTOMERS, sku, 2);
    resp_arg(&rebuild->page, customer);
    resp_int(&rebuild->page, units);
    return rebuild_queued(rebuild);
}

/* --- items ------------------------------------------------------------------------------------ */

/* The score of the first one, written by us a moment ago. */
static int64_t first_deadline(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return 0;
    struct str score = reply_text(reply->element[1]);
    return str_absent(score) ? 0 : (int64_t)strtod(score.p, NULL);
}

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
        resp_begin(&rebuild->value, 5);
        resp_arg(&rebuild->value, STR("ZRANGE"));
        resp_key(&rebuild->value, partition, KEY_HOLDS, items[i].sku);
        resp_int(&rebuild->value, 0);
        resp_int(&rebuild->value, 0);
        resp_arg(&rebuild->value, STR("WITHSCORES"));
        asked++;
    }
    if (result != REBUILD_OK || asked == 0)
        return result;
    result = rebuild_exchange(rebuild, &rebuild->value, asked, &replies);
    for (size_t i = 0; i < count && result == REBUILD_OK; i++)
        if (items[i].item.held > 0)
            items[i].item.due_ms = first_deadline(replies[at++]);
    rebuild_drop(replies, asked);
    return result;
}

static void put_texts(struct rebuild *rebuild, unsigned partition, const struct store_listed *items,
                      size_t count)
{
    char text[ITEM_TEXT_SIZE];
    rebuild_command(rebuild, partition, STR("MSET"), KEY_ITEM, items[0].sku, 2 * count - 1);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            resp_key(&rebuild->page, partition, KEY_ITEM, items[i].sku);
        resp_arg(&rebuild->page, (struct str){text, item_encode(&items[i].item, text)});
    }
}

static bool is_listed(const struct item *item)
{
    return item->exists;
}

static bool is_held(const struct item *item)
{
    return item->due_ms > 0;
}

/* Names in a set of the partition, those of the held ones by their deadline. */
static void put_names(struct rebuild *rebuild, unsigned partition, struct str set,
                      bool (*which)(const struct item *), bool by_due,
                      const struct store_listed *items, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += which(&items[i].item);
    if (n == 0)
        return;
    rebuild_command(rebuild, partition, STR("ZADD"), set, NO_NAME, 2 * n);
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
        return REBUILD_REFUSED;
    }
    put_texts(rebuild, partition, items, count);
    put_names(rebuild, partition, KEY_SKUS, is_listed, false, items, count);
    put_names(rebuild, partition, KEY_DUE, is_held, true, items, count);
    return rebuild_queued(rebuild);
}
