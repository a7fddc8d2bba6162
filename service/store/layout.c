#include "store/layout.h"
#include "core/limits.h"
#include "core/record.h"
#include "digits.h"
#include "store/redis/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MARKER_TTL_S         86400
#define PARTITION_DIGITS_MAX 6

static const char *const meta_names[META_FIELDS] = {
    [META_FORMAT_F] = "format", [META_PARTITIONS] = "partitions", [META_STORE] = "store",
    [META_LEDGER] = "ledger",   [META_EPOCH] = "epoch",           [META_RUN_ID] = "run_id",
    [META_STATE] = "state",     [META_RESTORES] = "restores",     [META_PROMOTION] = "promotion",
    [META_ORDER] = "order",     [META_ROLLED] = "rolled",
};

/* --- commands --------------------------------------------------------------------------------- */

void layout_command(struct buf *out, struct str name, unsigned partition, struct str kind,
                    struct str of, size_t rest)
{
    resp_begin(out, 2 + rest);
    resp_arg(out, name);
    resp_key(out, partition, kind, of);
}

void layout_command_records(struct buf *out, struct str name, unsigned partition, int64_t bucket,
                            size_t rest)
{
    char text[DIGITS_MAX];
    size_t n = digits_put(text, (uint64_t)bucket);
    layout_command(out, name, partition, KEY_RECORDS, (struct str){text, n}, rest);
}

const char *layout_meta_name(enum meta_field field)
{
    return meta_names[field];
}

void layout_ask_meta(struct buf *out, unsigned partition)
{
    layout_command(out, STR("HMGET"), partition, KEY_META, NO_NAME, META_FIELDS);
    for (size_t i = 0; i < META_FIELDS; i++)
        resp_arg(out, str_of(meta_names[i]));
}

void layout_ask_holds(struct buf *out, unsigned partition, struct str sku, int64_t count)
{
    layout_command(out, STR("ZRANGE"), partition, KEY_HOLDS, sku, 3);
    resp_int(out, 0);
    resp_int(out, count - 1);
    resp_arg(out, STR("WITHSCORES"));
}

void layout_ask_page(struct buf *out, struct str name, unsigned partition, struct str kind,
                     struct str of, const char *cursor, int64_t count)
{
    layout_command(out, name, partition, kind, of, 3);
    resp_arg(out, str_of(cursor));
    resp_arg(out, STR("COUNT"));
    resp_int(out, count);
}

/* --- what is put ------------------------------------------------------------------------------ */

void layout_put_id(struct buf *out, const struct rid *id)
{
    resp_arg(out, (struct str){(const char *)id->b, RID_BYTES});
}

void layout_put_item(struct buf *out, unsigned partition, struct str sku, const struct item *item)
{
    char text[ITEM_TEXT_SIZE];
    resp_key(out, partition, KEY_ITEM, sku);
    resp_arg(out, (struct str){text, item_encode(item, text)});
}

void layout_put_record(struct buf *out, struct buf *scratch, const struct reservation *r)
{
    buf_reset(scratch);
    record_encode(scratch, r);
    layout_put_id(out, &r->id);
    resp_arg(out, buf_str(scratch));
    out->failed |= scratch->failed;
}

void layout_put_hold(struct buf *out, int64_t deadline_ms, const struct rid *id)
{
    resp_int(out, deadline_ms);
    layout_put_id(out, id);
}

void layout_put_share(struct buf *out, struct str customer, int64_t units)
{
    resp_arg(out, customer);
    resp_int(out, units);
}

void layout_put_state(struct buf *out, unsigned partition, const char *state)
{
    layout_command(out, STR("HSET"), partition, KEY_META, NO_NAME, 2);
    resp_arg(out, str_of(meta_names[META_STATE]));
    resp_arg(out, str_of(state));
}

void layout_put_bucket(struct buf *out, unsigned partition, int64_t bucket)
{
    layout_command(out, STR("ZADD"), partition, KEY_BUCKETS, NO_NAME, 2);
    resp_int(out, bucket);
    resp_int(out, bucket);
}

void layout_put_result(struct buf *out, unsigned partition, struct str key, struct str result,
                       int64_t until_ms)
{
    layout_command(out, STR("SET"), partition, KEY_OPERATION, key, 3);
    resp_arg(out, result);
    resp_arg(out, STR("PXAT"));
    resp_int(out, until_ms);
}

void layout_put_marker(struct buf *out, struct str marker, struct str value)
{
    resp_begin(out, 5);
    resp_arg(out, STR("SET"));
    resp_arg(out, marker);
    resp_arg(out, value);
    resp_arg(out, STR("EX"));
    resp_int(out, MARKER_TTL_S);
}

void layout_put_events(struct buf *out, unsigned partition, int64_t epoch, struct str entry)
{
    char id[32];
    snprintf(id, sizeof(id), "%lld-*", (long long)epoch);
    layout_command(out, STR("XADD"), partition, KEY_EVENTS, NO_NAME, 3);
    resp_arg(out, str_of(id));
    resp_arg(out, STR("e"));
    resp_arg(out, entry);
}

/* --- what is read ----------------------------------------------------------------------------- */

enum layout_found layout_item(const redisReply *reply, struct item *item)
{
    if (reply->type == REDIS_REPLY_STRING && item_decode(reply_text(reply), item))
        return LAYOUT_FOUND;
    *item = (struct item){.exists = false};
    return reply->type == REDIS_REPLY_NIL ? LAYOUT_MISSING : LAYOUT_BROKEN;
}

int layout_record(struct arena *arena, const redisReply *reply, const struct rid *id,
                  struct reservation *r, enum layout_found *found)
{
    *found = LAYOUT_MISSING;
    if (reply->type == REDIS_REPLY_NIL)
        return 0;
    struct str bytes = arena_str(arena, reply_text(reply));
    if (reply->type == REDIS_REPLY_STRING && str_absent(bytes))
        return -ENOMEM;
    *found = LAYOUT_FOUND;
    if (!str_absent(bytes) && record_decode(arena, id, bytes, r))
        return 0;
    /* record_decode() has one answer for bytes that are not good and for no memory. */
    *found = LAYOUT_BROKEN;
    return arena_alloc(arena, LINES_MAX * sizeof(struct reservation_line)) ? 0 : -ENOMEM;
}

bool layout_id(const redisReply *reply, unsigned partition, struct rid *id)
{
    struct str bytes = reply_text(reply);
    *id = (struct rid){.partition = (uint16_t)partition};
    if (bytes.n != RID_BYTES)
        return false;
    memcpy(id->b, bytes.p, RID_BYTES);
    return true;
}

int64_t layout_deadline(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING)
        return 0;
    double score = strtod(reply->str, NULL);
    if (!(score >= 1 && score <= (double)UNITS_MAX) || score != (double)(int64_t)score)
        return -1;
    return (int64_t)score;
}

int64_t layout_first_deadline(const redisReply *reply)
{
    bool any = reply->type == REDIS_REPLY_ARRAY && reply->elements >= 2;
    return any ? layout_deadline(reply->element[1]) : 0;
}

int64_t layout_units(const redisReply *reply)
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

static bool take_prefix(struct str *text, struct str prefix)
{
    if (text->n < prefix.n || memcmp(text->p, prefix.p, prefix.n) != 0)
        return false;
    *text = (struct str){text->p + prefix.n, text->n - prefix.n};
    return true;
}

bool layout_key(struct str text, struct layout_key *key)
{
    size_t digits = 0;
    *key = (struct layout_key){.partition = 0};
    if (!take_prefix(&text, STR("{p")))
        return false;
    for (; digits < text.n && digits < PARTITION_DIGITS_MAX && text.p[digits] >= '0' &&
           text.p[digits] <= '9';
         digits++)
        key->partition = key->partition * 10 + (unsigned)(text.p[digits] - '0');
    text = (struct str){text.p + digits, text.n - digits};
    if (digits == 0 || !take_prefix(&text, STR("}:")))
        return false;
    const char *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
    key->kind = text;
    if (!colon)
        return text.n > 0;
    key->kind.n = (size_t)(colon - text.p);
    key->name = (struct str){colon + 1, text.n - key->kind.n - 1};
    return key->kind.n > 0;
}

uint16_t layout_partition(unsigned partitions, struct str sku)
{
    return (uint16_t)(partitions == 1 ? 0 : str_hash(sku) % partitions);
}
