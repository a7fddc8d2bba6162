#include "store/item_list.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void item_list_ask_names(struct buf *out, unsigned partition, const struct store_read *read)
{
    char from[SKU_MAX_BYTES + 2], to[SKU_MAX_BYTES + 2];
    bool after = read->after.n > 0;
    struct str low =
        after && (read->prefix.n == 0 ||
                  memcmp(read->after.p, read->prefix.p,
                         read->after.n < read->prefix.n ? read->after.n : read->prefix.n) >= 0)
            ? read->after
            : read->prefix;
    bool inclusive = low.p == read->prefix.p;
    int n = snprintf(from, sizeof(from), "%c%.*s", inclusive ? '[' : '(', STR_ARG(low));
    layout_command(out, STR("ZRANGEBYLEX"), partition, KEY_SKUS, NO_NAME, 5);
    resp_arg(out, low.n > 0 ? (struct str){from, (size_t)n} : STR("-"));
    /* Names are ASCII: 0x7f is behind all that begin with the prefix. */
    n = snprintf(to, sizeof(to), "(%.*s\x7f", STR_ARG(read->prefix));
    resp_arg(out, read->prefix.n > 0 ? (struct str){to, (size_t)n} : STR("+"));
    resp_arg(out, STR("LIMIT"));
    resp_int(out, 0);
    resp_int(out, read->limit + 1);
}

static int by_name(const void *a, const void *b)
{
    const struct store_listed *x = a, *y = b;
    size_t n = x->sku.n < y->sku.n ? x->sku.n : y->sku.n;
    int order = memcmp(x->sku.p, y->sku.p, n);
    return order != 0 ? order : (x->sku.n > y->sku.n) - (x->sku.n < y->sku.n);
}

/* One partition's names that are not there would leave a hole in the list. */
static bool have_names(redisReply **replies, unsigned partitions, size_t *count)
{
    *count = 0;
    for (unsigned p = 0; p < partitions; p++) {
        if (replies[p]->type != REDIS_REPLY_ARRAY)
            return false;
        *count += replies[p]->elements;
    }
    return true;
}

enum outcome_code item_list_merge(struct item_list *list, struct arena *arena, unsigned partitions,
                                  const struct store_read *read, redisReply **replies,
                                  const char **why)
{
    size_t most, n = 0;
    *why = READ_REFUSED;
    if (!have_names(replies, partitions, &most))
        return OUT_REDIS_UNAVAILABLE;
    *why = "out of memory";
    list->items = arena_zalloc(arena, most * sizeof(*list->items));
    if (!list->items)
        return OUT_OVERLOADED;
    for (unsigned p = 0; p < partitions; p++)
        for (size_t i = 0; i < replies[p]->elements; i++) {
            list->items[n].sku = arena_str(arena, reply_text(replies[p]->element[i]));
            if (!str_absent(list->items[n].sku))
                n++;
        }
    qsort(list->items, n, sizeof(*list->items), by_name);
    list->more = n > read->limit;
    list->count = (unsigned)(list->more ? read->limit : n);
    *why = NULL;
    return OUT_OK;
}

void item_list_ask_values(struct buf *out, unsigned partitions, const struct item_list *list)
{
    resp_begin(out, 1 + (size_t)list->count);
    resp_arg(out, STR("MGET"));
    for (unsigned i = 0; i < list->count; i++)
        resp_key(out, layout_partition(partitions, list->items[i].sku), KEY_ITEM,
                 list->items[i].sku);
}

void item_list_take(struct item_list *list, struct store_read *read, const redisReply *reply)
{
    unsigned kept = 0;
    read->last = list->items[list->count - 1].sku;
    for (unsigned i = 0; i < list->count; i++) {
        struct store_listed *to = &list->items[kept];
        to->sku = list->items[i].sku;
        kept += layout_item(reply->element[i], &to->item) == LAYOUT_FOUND && to->item.exists;
    }
    read->items = list->items;
    read->item_count = kept;
    read->more = list->more;
}
