/* admin_trim.c -- what is due, what is old, what is full. */
#include "clock.h"
#include "core/record.h"
#include "stats.h"
#include "store/admin/admin_link.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

/* Of one call, which holds the keeper up: whole buckets, and pages of each; parts, a page each. */
#define BUCKETS_PER_CALL 4
#define SCANS_PER_CALL   64
#define PARTS_PER_CALL   2048
#define SCAN_COUNT       512
#define NOW_MS           20 /* partitions of one Redis are looked at one after the other */
/* A record stays a little longer than its retention, so that an answer given at the last moment
 * is not contradicted by a clock that differs. */
#define RECORD_SLACK_MS     60000
#define MEMORY_HIGH_PERCENT 90
#define MEMORY_LOW_PERCENT  88

int64_t admin_now_ms(struct admin *admin, unsigned partition)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -1;
    struct admin_node *node = admin->node;
    if (node->now_ms > 0 && clock_mono_ms() < node->now_at_ms + NOW_MS)
        return node->now_ms;
    resp_words(&admin->out, 1, "TIME");
    redisReply *reply = admin_ask_list(admin, 2);
    if (!reply)
        return -1;
    int64_t now_ms = reply_time_ms(reply);
    if (now_ms < 0) {
        admin_surprised(admin, reply);
        return -1;
    }
    freeReplyObject(reply);
    node->now_at_ms = clock_mono_ms();
    return node->now_ms = now_ms;
}

int admin_due(struct admin *admin, unsigned partition, int64_t now_ms, struct arena *arena,
              struct str *names, int max, int64_t *oldest_ms)
{
    int count = 0;
    if (admin_at(admin, partition) != ADMIN_OK)
        return -1;
    layout_command(&admin->out, STR("ZRANGEBYSCORE"), partition, KEY_DUE, NO_NAME, 6);
    resp_arg(&admin->out, STR("-inf"));
    resp_int(&admin->out, now_ms);
    resp_arg(&admin->out, STR("WITHSCORES"));
    resp_arg(&admin->out, STR("LIMIT"));
    resp_int(&admin->out, 0);
    resp_int(&admin->out, max);
    redisReply *reply = admin_ask_list(admin, ADMIN_ANY);
    if (!reply)
        return -1;
    *oldest_ms = now_ms;
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        struct str name = arena_str(arena, reply_text(reply->element[i]));
        int64_t due_ms = layout_deadline(reply->element[i + 1]);
        if (i == 0 && due_ms > 0)
            *oldest_ms = due_ms;
        if (!str_absent(name) && count < max)
            names[count++] = name;
    }
    freeReplyObject(reply);
    return count;
}

/* --- records ---------------------------------------------------------------------------------- */

/* The ids of the old ones among the pairs of a scanned page, in the arena. NULL: no memory. */
static struct str *find_old(struct arena *arena, const struct admin *admin, unsigned partition,
                            const redisReply *pairs, int64_t now_ms, size_t *count)
{
    int64_t cutoff_ms = now_ms - admin->config->reservation_retention_ms - RECORD_SLACK_MS;
    struct str *old = arena_alloc(arena, (pairs->elements / 2 + 1) * sizeof(*old));
    *count = 0;
    for (size_t i = 0; old && i + 1 < pairs->elements; i += 2) {
        struct rid id = {.partition = (uint16_t)partition};
        struct reservation r;
        if (record_decode(arena, &id, reply_text(pairs->element[i + 1]), &r) && r.ended_ms > 0 &&
            r.ended_ms <= cutoff_ms)
            old[(*count)++] = reply_text(pairs->element[i]);
    }
    return old;
}

/* Ends what WATCH began. all: the bucket has no others, and goes from the list with them. How many
 * were dropped, or -1. */
static int drop_records(struct admin *admin, unsigned partition, struct str bucket,
                        const struct str *old, size_t count, bool all)
{
    resp_words(&admin->out, 1, count > 0 ? "MULTI" : "UNWATCH");
    if (!admin_done(admin, ANSWER_OK))
        return -1;
    if (count == 0)
        return 0;
    layout_command(&admin->out, STR("HDEL"), partition, KEY_RECORDS, bucket, count);
    for (size_t i = 0; i < count; i++)
        resp_arg(&admin->out, old[i]);
    if (!admin_done(admin, ANSWER_QUEUED))
        return -1;
    if (all) {
        layout_command(&admin->out, STR("ZREM"), partition, KEY_BUCKETS, NO_NAME, 1);
        resp_arg(&admin->out, bucket);
        if (!admin_done(admin, ANSWER_QUEUED))
            return -1;
    }
    int done = admin_exec(admin, all ? 2 : 1);
    return done > 0 ? (int)count : done;
}

/* Deletes what is old in one page, unless the bucket is written at the same time. *left: records
 * that are known to stay. */
static int trim_page(struct admin *admin, unsigned partition, struct str bucket, int64_t now_ms,
                     char cursor[ADMIN_CURSOR_SIZE], size_t *left)
{
    struct arena arena;
    size_t count;
    bool first = strcmp(cursor, "0") == 0;
    layout_command(&admin->out, STR("WATCH"), partition, KEY_RECORDS, bucket, 0);
    if (!admin_done(admin, ANSWER_OK))
        return -1;
    layout_ask_page(&admin->out, STR("HSCAN"), partition, KEY_RECORDS, bucket, cursor, SCAN_COUNT);
    redisReply *page = admin_ask_page(admin, cursor);
    if (!page)
        return -1;
    arena_init(&arena, 64 * 1024, 64u << 20);
    struct str *old = find_old(&arena, admin, partition, page->element[1], now_ms, &count);
    size_t pairs = page->element[1]->elements / 2;
    bool all = first && strcmp(cursor, "0") == 0 && count == pairs;
    int dropped = drop_records(admin, partition, bucket, old, count, all);
    *left += pairs - (size_t)(dropped > 0 ? dropped : 0);
    arena_free(&arena);
    freeReplyObject(page);
    return dropped;
}

/* Takes a bucket that has no record any more out of the list. 0 or -1. */
static int forget_empty(struct admin *admin, unsigned partition, struct str bucket)
{
    layout_command(&admin->out, STR("EXISTS"), partition, KEY_RECORDS, bucket, 0);
    redisReply *reply = admin_ask(admin, ANSWER_NUMBER);
    if (!reply)
        return -1;
    bool gone = reply->integer == 0;
    freeReplyObject(reply);
    if (!gone)
        return 0;
    layout_command(&admin->out, STR("ZREM"), partition, KEY_BUCKETS, NO_NAME, 1);
    resp_arg(&admin->out, bucket);
    return admin_done(admin, ANSWER_NUMBER) ? 0 : -1;
}

static int trim_bucket(struct admin *admin, unsigned partition, struct str bucket, int64_t now_ms,
                       bool *stays)
{
    char cursor[ADMIN_CURSOR_SIZE] = "0";
    size_t left = 0;
    int total = 0;
    for (int i = 0; i < SCANS_PER_CALL; i++) {
        int count = trim_page(admin, partition, bucket, now_ms, cursor, &left);
        if (count < 0)
            return -1;
        total += count;
        if (strcmp(cursor, "0") == 0)
            break;
    }
    *stays = left > 0;
    return *stays || forget_empty(admin, partition, bucket) == 0 ? total : -1;
}

/* Buckets of numbers from..to, behind those that stayed in earlier calls: a bucket with a hold that
 * was extended far stays, and the next call looks at others. */
static int trim_buckets(struct admin *admin, unsigned partition, int64_t now_ms, int64_t from,
                        int64_t to, size_t most, int64_t *offset)
{
    int total = 0;
    layout_command(&admin->out, STR("ZRANGEBYSCORE"), partition, KEY_BUCKETS, NO_NAME, 5);
    resp_int(&admin->out, from);
    resp_int(&admin->out, to);
    resp_arg(&admin->out, STR("LIMIT"));
    resp_int(&admin->out, *offset);
    resp_int(&admin->out, (int64_t)most);
    redisReply *reply = admin_ask_list(admin, ADMIN_ANY);
    if (!reply)
        return -1;
    if (reply->elements < most)
        *offset = 0;
    for (size_t i = 0; i < reply->elements && total >= 0; i++) {
        bool stays = false;
        int count = trim_bucket(admin, partition, reply_text(reply->element[i]), now_ms, &stays);
        total = count < 0 ? -1 : total + count;
        *offset += stays && reply->elements == most;
    }
    freeReplyObject(reply);
    return total;
}

int admin_trim_records(struct admin *admin, unsigned partition, int64_t now_ms)
{
    int64_t cutoff_ms = now_ms - admin->config->reservation_retention_ms - RECORD_SLACK_MS;
    if (cutoff_ms < 0)
        return 0;
    if (admin_at(admin, partition) != ADMIN_OK)
        return -1;
    int whole = trim_buckets(admin, partition, now_ms, 0, rid_bucket_of(cutoff_ms) - 1,
                             BUCKETS_PER_CALL, &admin->trim_buckets[partition]);
    if (whole < 0)
        return -1;
    int parts =
        trim_buckets(admin, partition, now_ms, RID_PARTS_FIRST, rid_part_of(cutoff_ms, 0) - 1,
                     PARTS_PER_CALL, &admin->trim_parts[partition]);
    return parts < 0 ? -1 : whole + parts;
}

/* --- memory ----------------------------------------------------------------------------------- */

/* What part of its memory a Redis has used, in percent; 0: it has no limit. */
static int64_t take_used(const redisReply *memory, int64_t *used)
{
    int64_t max = reply_info_number(memory, "maxmemory");
    int64_t bytes = reply_info_number(memory, "used_memory");
    if (bytes > *used)
        *used = bytes;
    return max > 0 ? bytes / (max / 100 + 1) : 0;
}

/* The fullest one counts: what is refused is refused of all partitions. */
int admin_look_at_memory(struct admin *admin)
{
    int64_t most = 0, used = 0;
    int rc = 0;
    for (unsigned p = 0; p < admin->config->partitions; p++) {
        if (!admin_is_first(admin, p) || !link_is_open(&admin->node->link))
            continue;
        resp_words(&admin->out, 2, "INFO", "memory");
        redisReply *reply = admin_ask(admin, ANSWER_TEXT);
        int64_t percent = reply ? take_used(reply, &used) : 0;
        if (reply)
            freeReplyObject(reply);
        else
            rc = -1;
        most = percent > most ? percent : most;
    }
    bool high = admin->shared->memory_high;
    stats_set(STATS_MEMORY_USED_BYTES, used);
    stats_set(STATS_MEMORY_USED_PERCENT, most);
    admin->shared->memory_high = most >= (high ? MEMORY_LOW_PERCENT : MEMORY_HIGH_PERCENT);
    return rc;
}
