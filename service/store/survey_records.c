/* survey_records.c -- records by bucket and by id, and the indexes of deadlines. */
#include "store/keys.h"
#include "store/reply.h"
#include "store/resp.h"
#include "store/survey_link.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- buckets ---------------------------------------------------------------------------------- */

int survey_buckets(struct admin *admin, struct arena *arena, unsigned partition, int64_t after,
                   size_t max, int64_t **buckets, size_t *count)
{
    char from[32];
    snprintf(from, sizeof(from), "(%" PRId64, after);
    survey_command(admin, 7, STR("ZRANGEBYSCORE"), partition, KEY_BUCKETS, NO_NAME);
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

redisReply *survey_scan(struct admin *admin, struct str name, unsigned partition, struct str kind,
                        struct str of, char cursor[SURVEY_CURSOR_SIZE])
{
    survey_command(admin, 5, name, partition, kind, of);
    resp_arg(&admin->out, str_of(cursor));
    resp_arg(&admin->out, STR("COUNT"));
    resp_int(&admin->out, SURVEY_PAGE);
    redisReply *reply = admin_ask_list(admin, 2);
    if (!reply)
        return NULL;
    const redisReply *pairs = reply->element[1];
    if (reply->element[0]->type != REDIS_REPLY_STRING || !admin_is_list(pairs, ADMIN_ANY) ||
        pairs->elements % 2 != 0) {
        (void)survey_surprised(admin, reply);
        return NULL;
    }
    snprintf(cursor, SURVEY_CURSOR_SIZE, "%s", reply->element[0]->str);
    return reply;
}

int survey_records(struct admin *admin, struct arena *arena, unsigned partition, int64_t bucket,
                   char cursor[SURVEY_CURSOR_SIZE], struct survey_record **records, size_t *count,
                   size_t *strangers)
{
    char name[24];
    snprintf(name, sizeof(name), "%" PRId64, bucket);
    redisReply *reply =
        survey_scan(admin, STR("HSCAN"), partition, KEY_RECORDS, str_of(name), cursor);
    if (!reply)
        return -EIO;
    const redisReply *pairs = reply->element[1];
    int rc = 0;
    *count = 0;
    *records = arena_zalloc(arena, pairs->elements / 2 * sizeof(**records));
    for (size_t i = 0; *records && rc == 0 && i + 1 < pairs->elements; i += 2) {
        struct survey_record *record = &(*records)[*count];
        if (!survey_rid(pairs->element[i], partition, &record->id) ||
            rid_bucket(&record->id) != bucket) {
            ++*strangers;
            continue;
        }
        rc = survey_record_of(arena, pairs->element[i + 1], record);
        ++*count;
    }
    freeReplyObject(reply);
    return *records ? rc : -ENOMEM;
}

int survey_holds(struct admin *admin, struct arena *arena, unsigned partition, struct str sku,
                 char cursor[SURVEY_CURSOR_SIZE], struct rid **rids, size_t *count,
                 size_t *strangers)
{
    redisReply *reply = survey_scan(admin, STR("ZSCAN"), partition, KEY_HOLDS, sku, cursor);
    if (!reply)
        return -EIO;
    const redisReply *pairs = reply->element[1];
    *count = 0;
    *rids = arena_alloc(arena, pairs->elements / 2 * sizeof(**rids));
    for (size_t i = 0; *rids && i + 1 < pairs->elements; i += 2) {
        if (survey_rid(pairs->element[i], partition, &(*rids)[*count]))
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
                          const struct survey_record *records, size_t count)
{
    size_t commands = 0;
    for (size_t from = 0, to; from < count; from = to) {
        char bucket[16];
        for (to = from; to < count && rid_bucket(&records[to].id) == rid_bucket(&records[from].id);)
            to++;
        snprintf(bucket, sizeof(bucket), "%u", rid_bucket(&records[from].id));
        survey_command(admin, 2 + to - from, STR("HMGET"), partition, KEY_RECORDS, str_of(bucket));
        for (size_t i = from; i < to; i++)
            resp_arg(&admin->out, (struct str){(const char *)records[i].id.b, RID_BYTES});
        commands++;
    }
    return commands;
}

/* The answers to those. -EIO without having freed anything: not what was asked for. */
static int take_records(struct arena *arena, redisReply **replies, size_t commands,
                        struct survey_record *records, size_t count)
{
    size_t at = 0;
    for (size_t k = 0; k < commands; k++) {
        if (!admin_is_list(replies[k], ADMIN_ANY) || replies[k]->elements > count - at)
            return -EIO;
        for (size_t i = 0; i < replies[k]->elements; i++) {
            int rc = survey_record_of(arena, replies[k]->element[i], &records[at++]);
            if (rc < 0)
                return rc;
        }
    }
    return at == count ? 0 : -EIO;
}

static int done_with(struct admin *admin, redisReply *exec, int rc)
{
    if (rc == -EIO)
        return survey_surprised(admin, exec);
    freeReplyObject(exec);
    return rc;
}

int survey_records_named(struct admin *admin, struct arena *arena, unsigned partition,
                         const struct rid *rids, size_t count, struct survey_record **records)
{
    assert(count <= SURVEY_PAGE);
    *records = arena_zalloc(arena, count * sizeof(**records));
    if (!*records)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        (*records)[i].id = rids[i];
    survey_begin(admin);
    size_t commands = ask_records(admin, partition, *records, count);
    redisReply *exec = survey_commit(admin, commands);
    if (!exec)
        return -EIO;
    return done_with(admin, exec, take_records(arena, exec->element, commands, *records, count));
}

/* --- links ------------------------------------------------------------------------------------ */

/* A record for each run of links of one id. */
static struct survey_record *records_of(struct arena *arena, struct survey_link *links,
                                        size_t count, size_t *record_count)
{
    struct survey_record *records = arena_zalloc(arena, count * sizeof(*records));
    *record_count = 0;
    for (size_t i = 0; records && i < count; i++) {
        if (i == 0 || !rid_equal(&links[i].id, &links[i - 1].id))
            records[(*record_count)++].id = links[i].id;
        links[i].record = &records[*record_count - 1];
    }
    return records;
}

/* One ZMSCORE for each run of links of one item. How many commands. */
static size_t ask_deadlines(struct admin *admin, unsigned partition,
                            const struct survey_link *links, size_t count)
{
    size_t commands = 0;
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && str_equal(links[to].sku, links[from].sku);)
            to++;
        survey_command(admin, 2 + to - from, STR("ZMSCORE"), partition, KEY_HOLDS, links[from].sku);
        for (size_t i = from; i < to; i++)
            resp_arg(&admin->out, (struct str){(const char *)links[i].id.b, RID_BYTES});
        commands++;
    }
    return commands;
}

static int take_deadlines(redisReply **replies, size_t commands, struct survey_link *links,
                          size_t count)
{
    size_t at = 0;
    for (size_t k = 0; k < commands; k++) {
        if (!admin_is_list(replies[k], ADMIN_ANY) || replies[k]->elements > count - at)
            return -EIO;
        for (size_t i = 0; i < replies[k]->elements; i++)
            links[at++].deadline_ms = survey_score(replies[k]->element[i]);
    }
    return at == count ? 0 : -EIO;
}

int survey_links(struct admin *admin, struct arena *arena, unsigned partition,
                 struct survey_link *links, size_t count)
{
    size_t record_count;
    struct survey_record *records = records_of(arena, links, count, &record_count);
    if (!records)
        return -ENOMEM;
    survey_begin(admin);
    size_t gets = ask_records(admin, partition, records, record_count);
    size_t scores = ask_deadlines(admin, partition, links, count);
    redisReply *exec = survey_commit(admin, gets + scores);
    if (!exec)
        return -EIO;
    int rc = take_records(arena, exec->element, gets, records, record_count);
    if (rc == 0)
        rc = take_deadlines(exec->element + gets, scores, links, count);
    return done_with(admin, exec, rc);
}
