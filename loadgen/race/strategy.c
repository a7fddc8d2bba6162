/* strategy.c -- optimistic locking, the same with batches, and a script. */
#include "race/strategy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Takes one unit if there is one: atomic, because Redis runs one script at a time. */
#define SCRIPT                                                                                     \
    "local n = tonumber(redis.call('GET', KEYS[1])) or 0\n"                                        \
    "if n < 1 then return -1 end\n"                                                                \
    "return redis.call('DECR', KEYS[1])"

/* Skips `count` answers of which only failure would matter. */
static bool skip_replies(struct race_link *link, int count)
{
    for (int i = 0; i < count; i++) {
        redisReply *reply = race_link_reply(link);
        if (!reply)
            return false;
        freeReplyObject(reply);
    }
    return true;
}

/* WATCH and GET. A key that is gone counts as nothing left. */
static bool read_left(struct race_link *link, int64_t *left)
{
    redisAppendCommand(link->c, "WATCH %s", link->key);
    redisAppendCommand(link->c, "GET %s", link->key);
    redisReply *reply = skip_replies(link, 1) ? race_link_reply(link) : NULL;
    if (!reply)
        return false;
    *left = 0;
    bool ok = reply->type == REDIS_REPLY_NIL || race_reply_number(reply, left) ||
              race_link_fail(link, "GET", reply);
    freeReplyObject(reply);
    return ok;
}

/* What EXEC said: nil when the watched key was changed by somebody else. */
static enum race_outcome judge_exec(struct race_link *link, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_NIL)
        return RACE_CONFLICT;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
        reply->element[0]->type == REDIS_REPLY_INTEGER)
        return RACE_GOT;
    race_link_fail(link, "EXEC", reply);
    return RACE_ERROR;
}

static enum race_outcome take_watched(struct race_link *link, _Atomic int64_t *pending,
                                      int64_t *units)
{
    int64_t left;
    if (!read_left(link, &left))
        return RACE_ERROR;
    if (left < 1) {
        redisAppendCommand(link->c, "UNWATCH");
        return skip_replies(link, 1) ? RACE_EMPTY : RACE_ERROR;
    }
    *units = *units < left ? *units : left;
    atomic_store(pending, *units);
    redisAppendCommand(link->c, "MULTI");
    if (*units == 1)
        redisAppendCommand(link->c, "DECR %s", link->key);
    else
        redisAppendCommand(link->c, "DECRBY %s %" PRId64, link->key, *units);
    redisAppendCommand(link->c, "EXEC");
    redisReply *reply = skip_replies(link, 2) ? race_link_reply(link) : NULL;
    if (!reply)
        return RACE_ERROR;
    enum race_outcome outcome = judge_exec(link, reply);
    freeReplyObject(reply);
    return outcome;
}

static bool load_script(struct race_link *link)
{
    redisReply *reply = RACE_CALL(link, "SCRIPT", "LOAD", SCRIPT);
    if (!reply)
        return false;
    bool ok = (reply->type == REDIS_REPLY_STRING && reply->len == sizeof(link->script) - 1) ||
              race_link_fail(link, "SCRIPT LOAD", reply);
    if (ok)
        memcpy(link->script, reply->str, sizeof(link->script));
    freeReplyObject(reply);
    return ok;
}

static enum race_outcome take_scripted(struct race_link *link, _Atomic int64_t *pending,
                                       int64_t *units)
{
    int64_t left;
    *units = 1;
    atomic_store(pending, 1);
    redisReply *reply = RACE_CALL(link, "EVALSHA", link->script, "1", link->key);
    if (!reply)
        return RACE_ERROR;
    bool ok = race_reply_number(reply, &left) || race_link_fail(link, "EVALSHA", reply);
    freeReplyObject(reply);
    return !ok ? RACE_ERROR : left < 0 ? RACE_EMPTY : RACE_GOT;
}

const struct race_strategy race_strategies[RACE_STRATEGIES] = {
    {"watch", "WATCH, GET, MULTI, DECR, EXEC for each unit", NULL, take_watched, false},
    {"watch-batch", "the same, but one transaction takes many units with DECRBY", NULL,
     take_watched, true},
    {"script", "EVALSHA of a script that looks and takes one unit", load_script, take_scripted,
     false},
};
