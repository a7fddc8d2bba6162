/* survey_keys.c -- what lies in Redis by the names of its keys, whatever lists it or does not. */
#include "store/keys.h"
#include "store/reply.h"
#include "store/resp.h"
#include "store/survey_link.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static bool starts_with(struct str *text, struct str prefix)
{
    if (text->n < prefix.n || memcmp(text->p, prefix.p, prefix.n) != 0)
        return false;
    *text = (struct str){text->p + prefix.n, text->n - prefix.n};
    return true;
}

/* At most six digits. */
static bool take_partition(struct str *text, unsigned *partition)
{
    size_t n = 0;
    *partition = 0;
    while (n < text->n && n < 6 && text->p[n] >= '0' && text->p[n] <= '9')
        *partition = *partition * 10 + (unsigned)(text->p[n++] - '0');
    *text = (struct str){text->p + n, text->n - n};
    return n > 0;
}

/* `{p<N>}:<kind>:<name>`, of one of the kinds that the indexes list. */
static bool parse(struct str text, struct survey_key *key)
{
    const struct str kinds[SURVEY_KEYS] = {[SURVEY_KEY_RECORDS] = KEY_RECORDS,
                                           [SURVEY_KEY_ITEM] = KEY_ITEM,
                                           [SURVEY_KEY_HOLDS] = KEY_HOLDS,
                                           [SURVEY_KEY_CUSTOMERS] = KEY_CUSTOMERS};
    if (!starts_with(&text, STR("{p")) || !take_partition(&text, &key->partition) ||
        !starts_with(&text, STR("}:")))
        return false;
    for (unsigned kind = 0; kind < SURVEY_KEYS; kind++) {
        key->name = text;
        key->kind = (enum survey_key_kind)kind;
        if (starts_with(&key->name, kinds[kind]) && starts_with(&key->name, STR(":")))
            return true;
    }
    return false;
}

int survey_keys(struct admin *admin, struct arena *arena, char cursor[SURVEY_CURSOR_SIZE],
                struct survey_key **keys, size_t *count)
{
    char page[16];
    snprintf(page, sizeof(page), "%d", SURVEY_PAGE);
    resp_words(&admin->out, 6, "SCAN", cursor, "MATCH", "{p*}:*", "COUNT", page);
    redisReply *reply = admin_ask_list(admin, 2);
    if (!reply)
        return -EIO;
    const redisReply *list = reply->element[1];
    if (reply->element[0]->type != REDIS_REPLY_STRING || !admin_is_list(list, ADMIN_ANY))
        return survey_surprised(admin, reply);
    snprintf(cursor, SURVEY_CURSOR_SIZE, "%s", reply->element[0]->str);
    int rc = 0;
    *count = 0;
    *keys = arena_alloc(arena, (list->elements + 1) * sizeof(**keys));
    for (size_t i = 0; *keys && rc == 0 && i < list->elements; i++) {
        struct survey_key *key = &(*keys)[*count];
        if (!parse(reply_text(list->element[i]), key))
            continue;
        key->name = arena_str(arena, key->name);
        rc = str_absent(key->name) ? -ENOMEM : 0;
        ++*count;
    }
    freeReplyObject(reply);
    return *keys ? rc : -ENOMEM;
}

int survey_stray_bucket(struct admin *admin, unsigned partition, struct str bucket, bool *stray)
{
    survey_begin(admin);
    survey_command(admin, 2, STR("EXISTS"), partition, KEY_RECORDS, bucket);
    survey_command(admin, 3, STR("ZMSCORE"), partition, KEY_BUCKETS, NO_NAME);
    resp_arg(&admin->out, bucket);
    redisReply *exec = survey_commit(admin, 2);
    if (!exec)
        return -EIO;
    const redisReply *there = exec->element[0], *scores = exec->element[1];
    if (there->type != REDIS_REPLY_INTEGER || !admin_is_list(scores, 1))
        return survey_surprised(admin, exec);
    *stray = there->integer > 0 && scores->element[0]->type == REDIS_REPLY_NIL;
    freeReplyObject(exec);
    return 0;
}

int survey_due(struct admin *admin, struct arena *arena, unsigned partition,
               char cursor[SURVEY_CURSOR_SIZE], struct str **names, size_t *count)
{
    redisReply *reply = survey_scan(admin, STR("ZSCAN"), partition, KEY_DUE, NO_NAME, cursor);
    if (!reply)
        return -EIO;
    const redisReply *pairs = reply->element[1];
    int rc = 0;
    *count = 0;
    *names = arena_alloc(arena, (pairs->elements / 2 + 1) * sizeof(**names));
    for (size_t i = 0; *names && rc == 0 && i + 1 < pairs->elements; i += 2) {
        (*names)[*count] = arena_str(arena, reply_text(pairs->element[i]));
        rc = str_absent((*names)[*count]) ? -ENOMEM : 0;
        ++*count;
    }
    freeReplyObject(reply);
    return *names ? rc : -ENOMEM;
}
