#include "store/item_list.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int item_list_init(struct item_list *list, unsigned limit)
{
    *list = (struct item_list){
        .names = calloc(limit + 1, sizeof(struct item_name)),
        .merged = calloc(limit + 1, sizeof(struct item_name)),
        .items = calloc(limit, sizeof(struct store_listed)),
        .limit = limit,
    };
    if (list->names && list->merged && list->items)
        return 0;
    item_list_free(list);
    return -ENOMEM;
}

void item_list_free(struct item_list *list)
{
    free(list->names);
    free(list->merged);
    free(list->items);
    *list = (struct item_list){.limit = 0};
}

void item_list_ask_names(struct buf *out, unsigned partition, const struct store_read *read)
{
    char from[SKU_STORED_MAX_BYTES + 2], to[SKU_STORED_MAX_BYTES + 2];
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

/* --- names ------------------------------------------------------------------------------------ */

static int compare_item_names(const struct item_name *a, const struct item_name *b)
{
    int order = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);
    return order != 0 ? order : (int)a->n - (int)b->n;
}

static bool read_name(struct item_name *name, unsigned partition, const redisReply *reply)
{
    struct str text = reply_text(reply);
    if (str_absent(text) || text.n == 0 || text.n > SKU_STORED_MAX_BYTES)
        return false;
    name->partition = (uint16_t)partition;
    name->n = (uint8_t)text.n;
    memcpy(name->p, text.p, text.n);
    return true;
}

bool item_list_add_names(struct item_list *list, unsigned partition, const redisReply *reply)
{
    struct item_name next;
    unsigned old = 0, n = 0;
    size_t at = 0;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements > list->limit + 1)
        return false;
    bool have = reply->elements > 0;
    if (have && !read_name(&next, partition, reply->element[0]))
        return false;
    while (n <= list->limit && (have || old < list->count)) {
        if (!have || (old < list->count && compare_item_names(&list->names[old], &next) < 0)) {
            list->merged[n++] = list->names[old++];
            continue;
        }
        list->merged[n++] = next;
        have = ++at < reply->elements;
        if (have && !read_name(&next, partition, reply->element[at]))
            return false;
    }
    struct item_name *names = list->names;
    list->names = list->merged;
    list->merged = names;
    list->count = n;
    return true;
}

static struct str name_text(const struct item_name *name)
{
    return (struct str){name->p, name->n};
}

static struct str tenant_of_name(const struct item_name *name)
{
    return tenant_of(name_text(name), TENANT_MARK_ITEM);
}

/* 0x7f is behind all that begin with the tenant. */
static struct str behind_tenant(struct item_list *list, const struct item_name *name)
{
    int n = snprintf(list->after, sizeof(list->after), "%.*s%c\x7f", STR_ARG(tenant_of_name(name)),
                     TENANT_MARK_ITEM);
    return (struct str){list->after, (size_t)n};
}

bool item_list_cut(struct item_list *list, struct store_read *read)
{
    struct str tenant = tenant_of(read->prefix, TENANT_MARK_ITEM);
    unsigned count = list->count < list->limit ? list->count : list->limit, kept = 0;
    list->more = list->count > list->limit;
    for (unsigned i = 0; i < count; i++)
        if (str_equal(tenant_of_name(&list->names[i]), tenant))
            list->names[kept++] = list->names[i];
    list->count = kept;
    if (kept > 0 || !list->more)
        return true;
    read->after = behind_tenant(list, &list->names[count - 1]);
    return false;
}

/* --- values ----------------------------------------------------------------------------------- */

unsigned item_list_count_in(const struct item_list *list, unsigned partition)
{
    unsigned count = 0;
    for (unsigned i = 0; i < list->count; i++)
        count += list->names[i].partition == partition;
    return count;
}

void item_list_ask_values(struct buf *out, unsigned partition, const struct item_list *list)
{
    resp_begin(out, 1 + (size_t)item_list_count_in(list, partition));
    resp_arg(out, STR("MGET"));
    for (unsigned i = 0; i < list->count; i++)
        if (list->names[i].partition == partition)
            resp_key(out, partition, KEY_ITEM, name_text(&list->names[i]));
}

bool item_list_take_values(struct item_list *list, unsigned partition, const redisReply *reply)
{
    size_t at = 0;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != item_list_count_in(list, partition))
        return false;
    for (unsigned i = 0; i < list->count; i++)
        if (list->names[i].partition == partition &&
            layout_item(reply->element[at++], &list->items[i].item) != LAYOUT_FOUND)
            list->items[i].item.exists = false;
    return true;
}

void item_list_answer(struct item_list *list, struct store_read *read)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < list->count; i++) {
        if (!list->items[i].item.exists)
            continue;
        list->items[kept].item = list->items[i].item;
        list->items[kept++].sku = name_text(&list->names[i]);
    }
    if (list->count > 0)
        read->last = name_text(&list->names[list->count - 1]);
    read->items = list->items;
    read->item_count = kept;
    read->more = list->more;
}
