/* survey.c -- commands, metas, items, the last audit; survey_records.c and survey_shares.c have the
 * rest. */
#include "core/limits.h"
#include "core/record.h"
#include "store/keys.h"
#include "store/reply.h"
#include "store/resp.h"
#include "store/survey_link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* --- commands --------------------------------------------------------------------------------- */

void survey_command(struct admin *admin, size_t args, struct str name, unsigned partition,
                    struct str kind, struct str of)
{
    resp_begin(&admin->out, args);
    resp_arg(&admin->out, name);
    resp_key(&admin->out, partition, kind, of);
}

int survey_surprised(struct admin *admin, redisReply *reply)
{
    admin_surprised(admin, reply);
    return -EIO;
}

void survey_begin(struct admin *admin)
{
    resp_words(&admin->out, 1, "MULTI");
}

/* True if the answers to all commands of the transaction are there and good. */
static bool all_good(struct admin *admin, const redisReply *exec, size_t commands)
{
    if (!admin_is_list(exec, commands)) {
        snprintf(admin->why, sizeof(admin->why), "Redis answered EXEC: %s",
                 exec->type == REDIS_REPLY_ERROR ? exec->str : "not as expected");
        return false;
    }
    for (size_t i = 0; i < commands; i++) {
        if (exec->element[i]->type != REDIS_REPLY_ERROR)
            continue;
        snprintf(admin->why, sizeof(admin->why), "Redis answered: %s", exec->element[i]->str);
        return false;
    }
    return true;
}

/* The first answer is taken by admin_done(), which sends all; the others follow it. An error to a
 * queued command comes back with EXEC. */
redisReply *survey_commit(struct admin *admin, size_t commands)
{
    void *reply = NULL;
    resp_words(&admin->out, 1, "EXEC");
    if (!admin_done(admin, ANSWER_OK))
        return NULL;
    for (size_t i = 0; i <= commands; i++) {
        if (reply)
            freeReplyObject(reply);
        reply = NULL;
        if (redisGetReply(admin->context, &reply) != REDIS_OK) {
            snprintf(admin->why, sizeof(admin->why), "%s", admin->context->errstr);
            admin_hang_up(admin);
            return NULL;
        }
    }
    if (all_good(admin, reply, commands))
        return reply;
    freeReplyObject(reply);
    admin_hang_up(admin);
    return NULL;
}

/* --- values ----------------------------------------------------------------------------------- */

int64_t survey_score(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING)
        return 0;
    double score = strtod(reply->str, NULL);
    if (!(score >= 1 && score <= (double)UNITS_MAX) || score != (double)(int64_t)score)
        return -1;
    return (int64_t)score;
}

enum survey_found survey_item_of(const redisReply *reply, struct item *item)
{
    *item = (struct item){.exists = false};
    if (reply->type == REDIS_REPLY_NIL)
        return SURVEY_MISSING;
    if (reply->type == REDIS_REPLY_STRING && item_decode(reply_text(reply), item))
        return SURVEY_FOUND;
    *item = (struct item){.exists = false};
    return SURVEY_BROKEN;
}

int survey_record_of(struct arena *arena, const redisReply *reply, struct survey_record *record)
{
    record->found = SURVEY_MISSING;
    if (reply->type == REDIS_REPLY_NIL)
        return 0;
    struct str bytes = arena_str(arena, reply_text(reply));
    if (reply->type == REDIS_REPLY_STRING && str_absent(bytes))
        return -ENOMEM;
    record->found = SURVEY_FOUND;
    if (!str_absent(bytes) && record_decode(arena, &record->id, bytes, &record->r))
        return 0;
    /* record_decode() has one answer for bytes that are not good and for no memory. */
    record->found = SURVEY_BROKEN;
    return arena_alloc(arena, LINES_MAX * sizeof(struct reservation_line)) ? 0 : -ENOMEM;
}

bool survey_rid(const redisReply *reply, unsigned partition, struct rid *id)
{
    struct str bytes = reply_text(reply);
    *id = (struct rid){.partition = (uint16_t)partition};
    if (bytes.n != RID_BYTES)
        return false;
    memcpy(id->b, bytes.p, RID_BYTES);
    return true;
}

/* --- meta ------------------------------------------------------------------------------------- */

static int64_t number_of(const redisReply *reply, int64_t none)
{
    struct str text = reply_text(reply);
    return text.n ? strtoll(text.p, NULL, 10) : none;
}

static void copy_text(const redisReply *reply, char *out, size_t size)
{
    struct str text = reply_text(reply);
    snprintf(out, size, "%.*s", STR_ARG(text));
}

static redisReply *ask_fields(struct admin *admin, unsigned partition, struct str kind,
                              const char *const *names, size_t count)
{
    survey_command(admin, 2 + count, STR("HMGET"), partition, kind, NO_NAME);
    for (size_t i = 0; i < count; i++)
        resp_arg(&admin->out, str_of(names[i]));
    return admin_ask_list(admin, count);
}

int survey_meta(struct admin *admin, unsigned partition, struct survey_meta *meta)
{
    static const char *const names[] = {"store", "partitions", "epoch", "ledger", "state"};
    redisReply *reply = ask_fields(admin, partition, KEY_META, names, 5);
    *meta = (struct survey_meta){.there = false};
    if (!reply)
        return -EIO;
    meta->there = !str_absent(reply_text(reply->element[0]));
    meta->partitions = (unsigned)number_of(reply->element[1], 0);
    meta->epoch = number_of(reply->element[2], 0);
    copy_text(reply->element[3], meta->ledger, sizeof(meta->ledger));
    copy_text(reply->element[4], meta->state, sizeof(meta->state));
    freeReplyObject(reply);
    return 0;
}

/* --- items ------------------------------------------------------------------------------------ */

int survey_names(struct admin *admin, struct arena *arena, unsigned partition, struct str after,
                 size_t max, struct str **names, size_t *count)
{
    char *from = arena_alloc(arena, after.n + 1);
    if (!from)
        return -ENOMEM;
    *from = after.n ? '(' : '-';
    memcpy(from + 1, after.n ? after.p : "", after.n);
    survey_command(admin, 7, STR("ZRANGEBYLEX"), partition, KEY_SKUS, NO_NAME);
    resp_arg(&admin->out, (struct str){from, after.n + 1});
    resp_arg(&admin->out, STR("+"));
    resp_arg(&admin->out, STR("LIMIT"));
    resp_int(&admin->out, 0);
    resp_int(&admin->out, (int64_t)max);
    redisReply *reply = admin_ask_list(admin, ADMIN_ANY);
    if (!reply)
        return -EIO;
    int rc = 0;
    *count = reply->elements;
    *names = arena_alloc(arena, reply->elements * sizeof(**names));
    for (size_t i = 0; *names && i < reply->elements && rc == 0; i++) {
        (*names)[i] = arena_str(arena, reply_text(reply->element[i]));
        rc = str_absent((*names)[i]) ? -ENOMEM : 0;
    }
    freeReplyObject(reply);
    return *names ? rc : -ENOMEM;
}

/* The answers: the items, their places in two sets, and each one's first hold. */
static int take_items(struct admin *admin, redisReply *exec, struct survey_item *items,
                      size_t count)
{
    for (size_t k = 0; k < 3; k++)
        if (!admin_is_list(exec->element[k], count))
            return survey_surprised(admin, exec);
    for (size_t i = 0; i < count; i++) {
        const redisReply *first = exec->element[3 + i];
        if (!admin_is_list(first, ADMIN_ANY))
            return survey_surprised(admin, exec);
        items[i].found = survey_item_of(exec->element[0]->element[i], &items[i].item);
        items[i].listed = exec->element[1]->element[i]->type == REDIS_REPLY_STRING;
        items[i].due_ms = survey_score(exec->element[2]->element[i]);
        items[i].earliest_ms = first->elements == 2 ? survey_score(first->element[1]) : 0;
    }
    freeReplyObject(exec);
    return 0;
}

static void ask_scores(struct admin *admin, unsigned partition, struct str set,
                       const struct str *skus, size_t count)
{
    survey_command(admin, 2 + count, STR("ZMSCORE"), partition, set, NO_NAME);
    for (size_t i = 0; i < count; i++)
        resp_arg(&admin->out, skus[i]);
}

int survey_items(struct admin *admin, struct arena *arena, unsigned partition,
                 const struct str *skus, size_t count, struct survey_item **items)
{
    assert(count > 0 && count <= SURVEY_PAGE);
    *items = arena_zalloc(arena, count * sizeof(**items));
    if (!*items)
        return -ENOMEM;
    survey_begin(admin);
    resp_begin(&admin->out, 1 + count);
    resp_arg(&admin->out, STR("MGET"));
    for (size_t i = 0; i < count; i++) {
        (*items)[i].sku = skus[i];
        resp_key(&admin->out, partition, KEY_ITEM, skus[i]);
    }
    ask_scores(admin, partition, KEY_SKUS, skus, count);
    ask_scores(admin, partition, KEY_DUE, skus, count);
    for (size_t i = 0; i < count; i++) {
        survey_command(admin, 5, STR("ZRANGE"), partition, KEY_HOLDS, skus[i]);
        resp_int(&admin->out, 0);
        resp_int(&admin->out, 0);
        resp_arg(&admin->out, STR("WITHSCORES"));
    }
    redisReply *exec = survey_commit(admin, 3 + count);
    return exec ? take_items(admin, exec, *items, count) : -EIO;
}

/* --- the last audit --------------------------------------------------------------------------- */

#define AUDIT_FIELDS 5
static const char *const audit_names[AUDIT_FIELDS] = {"result", "drift", "at_ms", "items",
                                                      "reservations"};

int survey_keep_audit(struct admin *admin, const struct survey_audit *audit)
{
    const int64_t values[AUDIT_FIELDS] = {audit->result, audit->drift, audit->at_ms, audit->items,
                                          audit->reservations};
    survey_command(admin, 2 + 2 * (size_t)AUDIT_FIELDS, STR("HSET"), 0, KEY_AUDIT, NO_NAME);
    for (size_t i = 0; i < AUDIT_FIELDS; i++) {
        resp_arg(&admin->out, str_of(audit_names[i]));
        resp_int(&admin->out, values[i]);
    }
    return admin_done(admin, ANSWER_NUMBER) ? 0 : -EIO;
}

int survey_last_audit(struct admin *admin, struct survey_audit *audit)
{
    redisReply *reply = ask_fields(admin, 0, KEY_AUDIT, audit_names, AUDIT_FIELDS);
    *audit = (struct survey_audit){.result = -1};
    if (!reply)
        return -EIO;
    audit->result = number_of(reply->element[0], -1);
    audit->drift = number_of(reply->element[1], 0);
    audit->at_ms = number_of(reply->element[2], 0);
    audit->items = number_of(reply->element[3], 0);
    audit->reservations = number_of(reply->element[4], 0);
    freeReplyObject(reply);
    return 0;
}
