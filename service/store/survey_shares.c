/* survey_shares.c -- what Redis counts per customer of an item, together with the item. */
#include "core/limits.h"
#include "store/keys.h"
#include "store/reply.h"
#include "store/resp.h"
#include "store/survey_link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t units_of(const redisReply *reply)
{
    char *end;
    if (reply->type == REDIS_REPLY_NIL)
        return 0;
    if (reply->type != REDIS_REPLY_STRING || reply->len == 0)
        return -1;
    errno = 0;
    long long units = strtoll(reply->str, &end, 10);
    return *end == '\0' && errno == 0 && units > 0 ? units : -1;
}

static void ask_item(struct admin *admin, unsigned partition, struct str sku)
{
    survey_begin(admin);
    survey_command(admin, 2, STR("GET"), partition, KEY_ITEM, sku);
}

static void take_item(const redisReply *reply, struct str sku, struct survey_item *item)
{
    *item = (struct survey_item){.sku = sku};
    item->found = survey_item_of(reply, &item->item);
}

static int take_page(struct arena *arena, const redisReply *pairs, struct survey_share **shares,
                     size_t *count)
{
    *count = pairs->elements / 2;
    *shares = arena_alloc(arena, *count * sizeof(**shares));
    for (size_t i = 0; *shares && i < *count; i++) {
        struct survey_share *share = &(*shares)[i];
        share->customer = arena_str(arena, reply_text(pairs->element[2 * i]));
        share->units = units_of(pairs->element[2 * i + 1]);
        if (str_absent(share->customer))
            return -ENOMEM;
    }
    return *shares ? 0 : -ENOMEM;
}

int survey_shares(struct admin *admin, struct arena *arena, unsigned partition, struct str sku,
                  char cursor[SURVEY_CURSOR_SIZE], struct survey_item *item,
                  struct survey_share **shares, size_t *count)
{
    ask_item(admin, partition, sku);
    survey_command(admin, 5, STR("HSCAN"), partition, KEY_CUSTOMERS, sku);
    resp_arg(&admin->out, str_of(cursor));
    resp_arg(&admin->out, STR("COUNT"));
    resp_int(&admin->out, SURVEY_PAGE);
    redisReply *exec = survey_commit(admin, 2);
    if (!exec)
        return -EIO;
    const redisReply *page = exec->element[1];
    if (!admin_is_list(page, 2) || page->element[0]->type != REDIS_REPLY_STRING ||
        !admin_is_list(page->element[1], ADMIN_ANY))
        return survey_surprised(admin, exec);
    take_item(exec->element[0], sku, item);
    snprintf(cursor, SURVEY_CURSOR_SIZE, "%s", page->element[0]->str);
    int rc = take_page(arena, page->element[1], shares, count);
    freeReplyObject(exec);
    return rc;
}

int survey_shares_named(struct admin *admin, struct arena *arena, unsigned partition,
                        struct str sku, const struct str *customers, size_t count,
                        struct survey_item *item, struct survey_share **shares)
{
    assert(count > 0 && count <= SURVEY_PAGE);
    *shares = arena_alloc(arena, count * sizeof(**shares));
    if (!*shares)
        return -ENOMEM;
    ask_item(admin, partition, sku);
    survey_command(admin, 2 + count, STR("HMGET"), partition, KEY_CUSTOMERS, sku);
    for (size_t i = 0; i < count; i++)
        resp_arg(&admin->out, customers[i]);
    redisReply *exec = survey_commit(admin, 2);
    if (!exec)
        return -EIO;
    if (!admin_is_list(exec->element[1], count))
        return survey_surprised(admin, exec);
    take_item(exec->element[0], sku, item);
    for (size_t i = 0; i < count; i++)
        (*shares)[i] = (struct survey_share){customers[i], units_of(exec->element[1]->element[i])};
    freeReplyObject(exec);
    return 0;
}
