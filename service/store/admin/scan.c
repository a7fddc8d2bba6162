/* scan.c -- items and what is counted of each, keys, the last audit; scan_records.c has records and
 * the indexes of deadlines. */
#include "store/admin/scan.h"
#include "store/admin/admin_link.h"
#include "store/redis/reply.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* --- items ------------------------------------------------------------------------------------ */

/* The first of each `step` elements of a list: a name, copied. */
static int take_names(struct arena *arena, const redisReply *list, size_t step, struct str **names,
                      size_t *count)
{
    *count = 0;
    *names = arena_alloc(arena, (list->elements / step + 1) * sizeof(**names));
    for (size_t i = 0; *names && i + step <= list->elements; i += step) {
        struct str name = arena_str(arena, reply_text(list->element[i]));
        if (str_absent(name))
            return -ENOMEM;
        (*names)[(*count)++] = name;
    }
    return *names ? 0 : -ENOMEM;
}

int scan_names(struct admin *admin, struct arena *arena, unsigned partition, struct str after,
               size_t max, struct str **names, size_t *count)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    char *from = arena_alloc(arena, after.n + 1);
    if (!from)
        return -ENOMEM;
    *from = after.n ? '(' : '-';
    memcpy(from + 1, after.n ? after.p : "", after.n);
    layout_command(&admin->out, STR("ZRANGEBYLEX"), partition, KEY_SKUS, NO_NAME, 5);
    resp_arg(&admin->out, (struct str){from, after.n + 1});
    resp_arg(&admin->out, STR("+"));
    resp_arg(&admin->out, STR("LIMIT"));
    resp_int(&admin->out, 0);
    resp_int(&admin->out, (int64_t)max);
    redisReply *reply = admin_ask_list(admin, ADMIN_ANY);
    if (!reply)
        return -EIO;
    return admin_settle(admin, reply, take_names(arena, reply, 1, names, count));
}

/* The answers: the items, their places in two sets, and each one's first hold. */
static int take_scan_page(const redisReply *exec, struct scan_item *items, size_t count)
{
    for (size_t k = 0; k < 3; k++)
        if (!admin_is_list(exec->element[k], count))
            return -EIO;
    for (size_t i = 0; i < count; i++) {
        const redisReply *first = exec->element[3 + i];
        if (!admin_is_list(first, ADMIN_ANY))
            return -EIO;
        items[i].found = layout_item(exec->element[0]->element[i], &items[i].item);
        items[i].listed = exec->element[1]->element[i]->type == REDIS_REPLY_STRING;
        items[i].due_ms = layout_deadline(exec->element[2]->element[i]);
        items[i].earliest_ms = layout_first_deadline(first);
    }
    return 0;
}

static void ask_scores(struct admin *admin, unsigned partition, struct str set,
                       const struct str *skus, size_t count)
{
    layout_command(&admin->out, STR("ZMSCORE"), partition, set, NO_NAME, count);
    for (size_t i = 0; i < count; i++)
        resp_arg(&admin->out, skus[i]);
}

int scan_items(struct admin *admin, struct arena *arena, unsigned partition, const struct str *skus,
               size_t count, struct scan_item **items)
{
    assert(count > 0 && count <= SCAN_PAGE);
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    *items = arena_zalloc(arena, count * sizeof(**items));
    if (!*items)
        return -ENOMEM;
    admin_multi(admin);
    resp_begin(&admin->out, 1 + count);
    resp_arg(&admin->out, STR("MGET"));
    for (size_t i = 0; i < count; i++) {
        (*items)[i].sku = skus[i];
        resp_key(&admin->out, partition, KEY_ITEM, skus[i]);
    }
    ask_scores(admin, partition, KEY_SKUS, skus, count);
    ask_scores(admin, partition, KEY_DUE, skus, count);
    for (size_t i = 0; i < count; i++)
        layout_ask_holds(&admin->out, partition, skus[i], 1);
    redisReply *exec = admin_commit(admin, 3 + count);
    return exec ? admin_settle(admin, exec, take_scan_page(exec, *items, count)) : -EIO;
}

/* --- what customers have of an item ----------------------------------------------------------- */

static void ask_item(struct admin *admin, unsigned partition, struct str sku)
{
    admin_multi(admin);
    layout_command(&admin->out, STR("GET"), partition, KEY_ITEM, sku, 0);
}

static void take_scanned_item(const redisReply *reply, struct str sku, struct scan_item *item)
{
    *item = (struct scan_item){.sku = sku};
    item->found = layout_item(reply, &item->item);
}

static int take_usage(struct arena *arena, const redisReply *pairs, struct scan_usage **usage,
                      size_t *count)
{
    struct str *customers;
    int rc = take_names(arena, pairs, 2, &customers, count);
    *usage = rc == 0 ? arena_alloc(arena, *count * sizeof(**usage)) : NULL;
    for (size_t i = 0; *usage && i < *count; i++)
        (*usage)[i] = (struct scan_usage){customers[i], layout_units(pairs->element[2 * i + 1])};
    return *usage ? 0 : -ENOMEM;
}

int scan_usage(struct admin *admin, struct arena *arena, unsigned partition, struct str sku,
               char cursor[ADMIN_CURSOR_SIZE], struct scan_item *item, struct scan_usage **usage,
               size_t *count)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    ask_item(admin, partition, sku);
    layout_ask_page(&admin->out, STR("HSCAN"), partition, KEY_CUSTOMERS, sku, cursor, SCAN_PAGE);
    redisReply *exec = admin_commit(admin, 2);
    if (!exec)
        return -EIO;
    const redisReply *page = exec->element[1];
    if (!admin_is_page(page))
        return admin_settle(admin, exec, -EIO);
    take_scanned_item(exec->element[0], sku, item);
    snprintf(cursor, ADMIN_CURSOR_SIZE, "%s", page->element[0]->str);
    return admin_settle(admin, exec, take_usage(arena, page->element[1], usage, count));
}

int scan_usage_named(struct admin *admin, struct arena *arena, unsigned partition, struct str sku,
                     const struct str *customers, size_t count, struct scan_item *item,
                     struct scan_usage **usage)
{
    assert(count > 0 && count <= SCAN_PAGE);
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    *usage = arena_alloc(arena, count * sizeof(**usage));
    if (!*usage)
        return -ENOMEM;
    ask_item(admin, partition, sku);
    layout_command(&admin->out, STR("HMGET"), partition, KEY_CUSTOMERS, sku, count);
    for (size_t i = 0; i < count; i++)
        resp_arg(&admin->out, customers[i]);
    redisReply *exec = admin_commit(admin, 2);
    if (!exec)
        return -EIO;
    if (!admin_is_list(exec->element[1], count))
        return admin_settle(admin, exec, -EIO);
    take_scanned_item(exec->element[0], sku, item);
    for (size_t i = 0; i < count; i++)
        (*usage)[i] = (struct scan_usage){customers[i], layout_units(exec->element[1]->element[i])};
    freeReplyObject(exec);
    return 0;
}

/* --- keys, whatever lists them ---------------------------------------------------------------- */

/* One of the kinds that the indexes list. */
static bool is_listed_kind(const struct layout_key *key)
{
    return !str_absent(key->name) &&
           (str_equal(key->kind, KEY_RECORDS) || str_equal(key->kind, KEY_ITEM) ||
            str_equal(key->kind, KEY_HOLDS) || str_equal(key->kind, KEY_CUSTOMERS));
}

static int take_keys(struct arena *arena, const redisReply *list, struct layout_key **keys,
                     size_t *count)
{
    *count = 0;
    *keys = arena_alloc(arena, (list->elements + 1) * sizeof(**keys));
    for (size_t i = 0; *keys && i < list->elements; i++) {
        struct str text = arena_str(arena, reply_text(list->element[i]));
        if (str_absent(text))
            return -ENOMEM;
        if (layout_key(text, &(*keys)[*count]) && is_listed_kind(&(*keys)[*count]))
            ++*count;
    }
    return *keys ? 0 : -ENOMEM;
}

int scan_keys(struct admin *admin, struct arena *arena, unsigned partition,
              char cursor[ADMIN_CURSOR_SIZE], struct layout_key **keys, size_t *count)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    char page[16];
    snprintf(page, sizeof(page), "%d", SCAN_PAGE);
    resp_words(&admin->out, 6, "SCAN", cursor, "MATCH", LAYOUT_ALL_KEYS, "COUNT", page);
    redisReply *reply = admin_ask_page(admin, cursor);
    return reply ? admin_settle(admin, reply, take_keys(arena, reply->element[1], keys, count))
                 : -EIO;
}

int scan_due(struct admin *admin, struct arena *arena, unsigned partition,
             char cursor[ADMIN_CURSOR_SIZE], struct str **names, size_t *count)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    layout_ask_page(&admin->out, STR("ZSCAN"), partition, KEY_DUE, NO_NAME, cursor, SCAN_PAGE);
    redisReply *reply = admin_ask_page(admin, cursor);
    return reply ? admin_settle(admin, reply, take_names(arena, reply->element[1], 2, names, count))
                 : -EIO;
}

/* --- counters alone --------------------------------------------------------------------------- */

/* All of the partition, in one command. */
static void read_counters(struct admin *admin, unsigned partition, const struct str *skus,
                          size_t count, struct item *items)
{
    size_t in[SCAN_PAGE], n = 0;
    for (size_t i = 0; i < count; i++)
        if (layout_partition(admin->config->partitions, skus[i]) == partition)
            in[n++] = i;
    if (!admin_is_open(admin, partition) || admin_at(admin, partition) != ADMIN_OK)
        return;
    resp_begin(&admin->out, 1 + n);
    resp_arg(&admin->out, STR("MGET"));
    for (size_t i = 0; i < n; i++)
        resp_key(&admin->out, partition, KEY_ITEM, skus[in[i]]);
    redisReply *reply = admin_ask_list(admin, n);
    if (!reply)
        return;
    for (size_t i = 0; i < n; i++)
        if (layout_item(reply->element[i], &items[in[i]]) != LAYOUT_FOUND)
            items[in[i]] = (struct item){.exists = false};
    freeReplyObject(reply);
}

void scan_counters(struct admin *admin, const struct str *skus, size_t count, struct item *items)
{
    assert(count <= SCAN_PAGE);
    memset(items, 0, count * sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        unsigned partition = layout_partition(admin->config->partitions, skus[i]);
        size_t first = 0;
        while (layout_partition(admin->config->partitions, skus[first]) != partition)
            first++;
        if (first == i)
            read_counters(admin, partition, skus, count, items);
    }
}

/* --- the last audit --------------------------------------------------------------------------- */

#define AUDIT_FIELDS 5
static const char *const audit_names[AUDIT_FIELDS] = {"result", "drift", "at_ms", "items",
                                                      "reservations"};

int scan_keep_audit(struct admin *admin, const struct scan_audit *audit)
{
    if (admin_at(admin, 0) != ADMIN_OK)
        return -EIO;
    const int64_t values[AUDIT_FIELDS] = {audit->result, audit->drift, audit->at_ms, audit->items,
                                          audit->reservations};
    layout_command(&admin->out, STR("HSET"), 0, KEY_AUDIT, NO_NAME, 2 * AUDIT_FIELDS);
    for (size_t i = 0; i < AUDIT_FIELDS; i++) {
        resp_arg(&admin->out, str_of(audit_names[i]));
        resp_int(&admin->out, values[i]);
    }
    return admin_done(admin, ANSWER_NUMBER) ? 0 : -EIO;
}

int scan_last_audit(struct admin *admin, struct scan_audit *audit)
{
    if (admin_at(admin, 0) != ADMIN_OK)
        return -EIO;
    int64_t *const values[AUDIT_FIELDS] = {&audit->result, &audit->drift, &audit->at_ms,
                                           &audit->items, &audit->reservations};
    *audit = (struct scan_audit){.result = -1};
    layout_command(&admin->out, STR("HMGET"), 0, KEY_AUDIT, NO_NAME, AUDIT_FIELDS);
    for (size_t i = 0; i < AUDIT_FIELDS; i++)
        resp_arg(&admin->out, str_of(audit_names[i]));
    redisReply *reply = admin_ask_list(admin, AUDIT_FIELDS);
    for (size_t i = 0; reply && i < AUDIT_FIELDS; i++) {
        struct str text = reply_text(reply->element[i]);
        if (text.n > 0)
            *values[i] = strtoll(text.p, NULL, 10);
    }
    freeReplyObject(reply);
    return reply ? 0 : -EIO;
}
