/* rebuild_clear.c -- what was there, and goes: key by key, since others may have keys in this
 * Redis.
 */
#include "store/admin/rebuild_link.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <stdlib.h>

#define SCAN_COUNT "1000"

struct old_key {
    unsigned partition;
    struct str key;
};

/* "{p<N>}:...", N one of ours, and not meta. */
static bool is_to_go(const struct rebuild *rebuild, struct str key, unsigned *partition)
{
    struct layout_key is;
    bool known = layout_key(key, &is);
    *partition = is.partition;
    return known && is.partition < rebuild->partitions &&
           !(str_equal(is.kind, KEY_META) && str_absent(is.name));
}

static int by_partition(const void *a, const void *b)
{
    const struct old_key *x = a, *y = b;
    return (x->partition > y->partition) - (x->partition < y->partition);
}

/* The keys of a page in the order of their partitions. NULL: no memory. */
static struct old_key *sort_keys(const struct rebuild *rebuild, const redisReply *list,
                                 size_t *count)
{
    struct old_key *keys = calloc(list->elements + 1, sizeof(*keys));
    *count = 0;
    for (size_t i = 0; keys && i < list->elements; i++) {
        struct old_key *next = &keys[*count];
        next->key = reply_text(list->element[i]);
        *count += is_to_go(rebuild, next->key, &next->partition);
    }
    if (keys)
        qsort(keys, *count, sizeof(*keys), by_partition);
    return keys;
}

/* A transaction for those of each partition. */
static enum rebuild_result drop_keys(struct rebuild *rebuild, const struct old_key *keys,
                                     size_t count)
{
    enum rebuild_result result = REBUILD_OK;
    for (size_t i = 0; i < count && result == REBUILD_OK; i++) {
        bool last = i + 1 == count || keys[i + 1].partition != keys[i].partition;
        result = rebuild_turn(rebuild, keys[i].partition);
        if (result != REBUILD_OK)
            break;
        resp_begin(rebuild_next(rebuild), 2);
        resp_arg(&rebuild->page, STR("UNLINK"));
        resp_arg(&rebuild->page, keys[i].key);
        rebuild->unlinked++;
        if (last)
            result = rebuild_flush(rebuild);
    }
    return result;
}

static enum rebuild_result take_key_page(struct rebuild *rebuild, const redisReply *page,
                                         char cursor[ADMIN_CURSOR_SIZE])
{
    size_t count;
    if (!admin_is_page(page))
        return rebuild_fail(rebuild, REBUILD_REFUSED, "Redis gave no list of its keys");
    struct old_key *keys = sort_keys(rebuild, page->element[1], &count);
    if (!keys)
        return rebuild_fail(rebuild, REBUILD_NO_MEMORY, "out of memory");
    snprintf(cursor, ADMIN_CURSOR_SIZE, "%s", page->element[0]->str);
    enum rebuild_result result = drop_keys(rebuild, keys, count);
    free(keys);
    return result;
}

/* Markers and the stream as well: what a branch that SQL disowned left there would be believed
 * (rule DROP, docs/model). */
enum rebuild_result rebuild_clear(struct rebuild *rebuild, struct rebuild_old *old)
{
    redisReply **replies = NULL;
    while (old->partition < rebuild->partitions && !admin_is_first(rebuild->admin, old->partition))
        old->partition++;
    if (old->partition == rebuild->partitions)
        return REBUILD_OK;
    enum rebuild_result result = rebuild_turn(rebuild, old->partition);
    if (result != REBUILD_OK)
        return result;
    buf_reset(&rebuild->value);
    resp_words(&rebuild->value, 6, "SCAN", old->cursor, "MATCH", LAYOUT_ALL_KEYS, "COUNT",
               SCAN_COUNT);
    result = rebuild_exchange(rebuild, &rebuild->value, 1, &replies);
    if (result == REBUILD_OK)
        result = take_key_page(rebuild, replies[0], old->cursor);
    rebuild_drop(replies, 1);
    old->partition += strcmp(old->cursor, "0") == 0;
    return result;
}
