/* scan_records.c -- records by bucket and by id, and the indexes of deadlines. */
#include "store/admin/admin_link.h"
#include "store/admin/scan.h"
#include "store/redis/reply.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- buckets ---------------------------------------------------------------------------------- */

int scan_buckets(struct admin *admin, struct arena *arena, unsigned partition, int64_t after,
                 size_t max, int64_t **buckets, size_t *count)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    char from[32];
    snprintf(from, sizeof(from), "(%" PRId64, after);
    layout_command(&admin->out, STR("ZRANGEBYSCORE"), partition, KEY_BUCKETS, NO_NAME, 5);
    resp_arg(&admin->out, str_of(from));
    resp_arg(&admin->out, STR("+inf"));
    resp_arg(&admin->out, STR("LIMIT"));
    resp_int(&admin->out, 0);
    resp_int(&admin->out, (int64_t)max);
    redisReply *reply = admin_ask_list(admin, ADMIN_ANY);
    if (!reply)
        return -EIO;
    *count = reply->elements;
    *buckets = arena_alloc(arena, reply->elements * sizeof(**buckets));
    for (size_t i = 0; *buckets && i < reply->elements; i++) {
        struct str text = reply_text(reply->element[i]);
        (*buckets)[i] = text.n ? strtoll(text.p, NULL, 10) : 0;
    }
    freeReplyObject(reply);
    return *buckets ? 0 : -ENOMEM;
}

int scan_stray_bucket(struct admin *admin, unsigned partition, struct str bucket, bool *stray)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    admin_multi(admin);
    layout_command(&admin->out, STR("EXISTS"), partition, KEY_RECORDS, bucket, 0);
    layout_command(&admin->out, STR("ZMSCORE"), partition, KEY_BUCKETS, NO_NAME, 1);
    resp_arg(&admin->out, bucket);
    redisReply *exec = admin_commit(admin, 2);
    if (!exec)
        return -EIO;
    const redisReply *there = exec->element[0], *scores = exec->element[1];
    if (there->type != REDIS_REPLY_INTEGER || !admin_is_list(scores, 1))
        return admin_settle(admin, exec, -EIO);
    *stray = there->integer > 0 && scores->element[0]->type == REDIS_REPLY_NIL;
    freeReplyObject(exec);
    return 0;
}

static int take_record(struct arena *arena, const redisReply *reply, struct scan_record *record)
{
    return layout_record(arena, reply, &record->id, &record->r, &record->found);
}

int scan_records(struct admin *admin, struct arena *arena, unsigned partition, int64_t bucket,
                 char cursor[ADMIN_CURSOR_SIZE], struct scan_record **records, size_t *count,
                 size_t *strangers)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    char name[24];
    snprintf(name, sizeof(name), "%" PRId64, bucket);
    layout_ask_page(&admin->out, STR("HSCAN"), partition, KEY_RECORDS, str_of(name), cursor,
                    SCAN_PAGE);
    redisReply *reply = admin_ask_page(admin, cursor);
    if (!reply)
        return -EIO;
    const redisReply *pairs = reply->element[1];
    int rc = 0;
    *count = 0;
    *records = arena_zalloc(arena, pairs->elements / 2 * sizeof(**records));
    for (size_t i = 0; *records && rc == 0 && i + 1 < pairs->elements; i += 2) {
        struct scan_record *record = &(*records)[*count];
        if (!layout_id(pairs->element[i], partition, &record->id) ||
            rid_bucket(&record->id) != bucket) {
            ++*strangers;
            continue;
        }
        rc = take_record(arena, pairs->element[i + 1], record);
        ++*count;
    }
    freeReplyObject(reply);
    return *records ? rc : -ENOMEM;
}

int scan_holds(struct admin *admin, struct arena *arena, unsigned partition, struct str sku,
               char cursor[ADMIN_CURSOR_SIZE], struct rid **rids, size_t *count, size_t *strangers)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    layout_ask_page(&admin->out, STR("ZSCAN"), partition, KEY_HOLDS, sku, cursor, SCAN_PAGE);
    redisReply *reply = admin_ask_page(admin, cursor);
    if (!reply)
        return -EIO;
    const redisReply *pairs = reply->element[1];
    *count = 0;
    *rids = arena_alloc(arena, pairs->elements / 2 * sizeof(**rids));
    for (size_t i = 0; *rids && i + 1 < pairs->elements; i += 2) {
        if (layout_id(pairs->element[i], partition, &(*rids)[*count]))
            ++*count;
        else
            ++*strangers;
    }
    freeReplyObject(reply);
    return *rids ? 0 : -ENOMEM;
}

/* --- by id ------------------------------------------------------------------------------------ */

/* One HMGET for each run of ids of one bucket. How many commands. */
static size_t ask_records(struct admin *admin, unsigned partition,
                          const struct scan_record *records, size_t count)
{
    size_t commands = 0;
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && rid_bucket(&records[to].id) == rid_bucket(&records[from].id);)
            to++;
        layout_command_records(&admin->out, STR("HMGET"), partition, rid_bucket(&records[from].id),
                               to - from);
        for (size_t i = from; i < to; i++)
            layout_put_id(&admin->out, &records[i].id);
        commands++;
    }
    return commands;
}

/* The answers to those. -EIO without having freed anything: not what was asked for. */
static int take_records(struct arena *arena, redisReply **replies, size_t commands,
                        struct scan_record *records, size_t count)
{
    size_t at = 0;
    for (size_t k = 0; k < commands; k++) {
        if (!admin_is_list(replies[k], ADMIN_ANY) || replies[k]->elements > count - at)
            return -EIO;
        for (size_t i = 0; i < replies[k]->elements; i++) {
            int rc = take_record(arena, replies[k]->element[i], &records[at++]);
            if (rc < 0)
                return rc;
        }
    }
    return at == count ? 0 : -EIO;
}

int scan_records_named(struct admin *admin, struct arena *arena, unsigned partition,
                       const struct rid *rids, size_t count, struct scan_record **records)
{
    assert(count <= SCAN_PAGE);
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    *records = arena_zalloc(arena, count * sizeof(**records));
    if (!*records)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        (*records)[i].id = rids[i];
    admin_multi(admin);
    size_t commands = ask_records(admin, partition, *records, count);
    redisReply *exec = admin_commit(admin, commands);
    if (!exec)
        return -EIO;
    return admin_settle(admin, exec, take_records(arena, exec->element, commands, *records, count));
}

/* --- links ------------------------------------------------------------------------------------ */

/* A record for each run of links of one id. */
static struct scan_record *records_of(struct arena *arena, struct scan_link *links, size_t count,
                                      size_t *record_count)
{
    struct scan_record *records = arena_zalloc(arena, count * sizeof(*records));
    *record_count = 0;
    for (size_t i = 0; records && i < count; i++) {
        if (i == 0 || !rid_equal(&links[i].id, &links[i - 1].id))
            records[(*record_count)++].id = links[i].id;
        links[i].record = &records[*record_count - 1];
    }
    return records;
}

/* One ZMSCORE for each run of links of one item. How many commands. */
static size_t ask_deadlines(struct admin *admin, unsigned partition, const struct scan_link *links,
                            size_t count)
{
    size_t commands = 0;
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && str_equal(links[to].sku, links[from].sku);)
            to++;
        layout_command(&admin->out, STR("ZMSCORE"), partition, KEY_HOLDS, links[from].sku,
                       to - from);
        for (size_t i = from; i < to; i++)
            layout_put_id(&admin->out, &links[i].id);
        commands++;
    }
    return commands;
}

static int take_deadlines(redisReply **replies, size_t commands, struct scan_link *links,
                          size_t count)
{
    size_t at = 0;
    for (size_t k = 0; k < commands; k++) {
        if (!admin_is_list(replies[k], ADMIN_ANY) || replies[k]->elements > count - at)
            return -EIO;
        for (size_t i = 0; i < replies[k]->elements; i++)
            links[at++].deadline_ms = layout_deadline(replies[k]->element[i]);
    }
    return at == count ? 0 : -EIO;
}

int scan_links(struct admin *admin, struct arena *arena, unsigned partition,
               struct scan_link *links, size_t count)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    size_t record_count;
    struct scan_record *records = records_of(arena, links, count, &record_count);
    if (!records)
        return -ENOMEM;
    admin_multi(admin);
    size_t gets = ask_records(admin, partition, records, record_count);
    size_t scores = ask_deadlines(admin, partition, links, count);
    redisReply *exec = admin_commit(admin, gets + scores);
    if (!exec)
        return -EIO;
    int rc = take_records(arena, exec->element, gets, records, record_count);
    if (rc == 0)
        rc = take_deadlines(exec->element + gets, scores, links, count);
    return admin_settle(admin, exec, rc);
}
