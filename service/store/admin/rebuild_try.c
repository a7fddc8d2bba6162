/* rebuild_try.c -- would Redis take what a restore is about to send?
 *
 * Everything is queued behind a MULTI that never gets its EXEC: Redis looks at rights, at memory
 * and at its role when it queues a command, and forgets them with the connection.
 */
#include "store/admin/rebuild_link.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <stdio.h>

#define PROBE STR("probe")

/* A command of the build, or of the audit behind it, on a key. Between them they have every kind of
 * key, should rights be given by those. */
struct trial {
    const char *command, *sub; /* as STREAM of XINFO; or NULL */
    struct str kind;           /* of layout.h; absent: no key */
    bool named;                /* the key ends with a name */
    const char *args[4];
};

static const struct trial trials[] = {
    {"GET", NULL, KEY_APPLIED, false, {NULL}},
    {"SET", NULL, KEY_OPERATION, true, {"x", "PXAT", "1", NULL}},
    {"SET", NULL, KEY_APPLIED, false, {"x", NULL}},
    {"MGET", NULL, KEY_ITEM, true, {NULL}},
    {"MSET", NULL, KEY_ITEM, true, {"x", NULL}},
    {"UNLINK", NULL, KEY_LANE, true, {NULL}},
    {"UNLINK", NULL, KEY_ENDED, false, {NULL}},
    {"HGET", NULL, KEY_META, false, {"state", NULL}},
    {"HMGET", NULL, KEY_META, false, {"state", NULL}},
    {"HSET", NULL, KEY_META, false, {"state", "x", NULL}},
    {"HMGET", NULL, KEY_CUSTOMERS, true, {"x", NULL}},
    {"HSCAN", NULL, KEY_CUSTOMERS, true, {"0", NULL}},
    {"HSET", NULL, KEY_CUSTOMERS, true, {"x", "1", NULL}},
    {"HMGET", NULL, KEY_RECORDS, true, {"x", NULL}},
    {"HSCAN", NULL, KEY_RECORDS, true, {"0", NULL}},
    {"EXISTS", NULL, KEY_RECORDS, true, {NULL}},
    {"HSET", NULL, KEY_RECORDS, true, {"x", "x", NULL}},
    {"HSET", NULL, KEY_AUDIT, false, {"x", "x", NULL}},
    {"ZADD", NULL, KEY_BUCKETS, false, {"1", "x", NULL}},
    {"ZRANGEBYSCORE", NULL, KEY_BUCKETS, false, {"0", "1", NULL}},
    {"ZMSCORE", NULL, KEY_BUCKETS, false, {"x", NULL}},
    {"ZADD", NULL, KEY_SKUS, false, {"0", "x", NULL}},
    {"ZRANGEBYLEX", NULL, KEY_SKUS, false, {"-", "+", NULL}},
    {"ZADD", NULL, KEY_HOLDS, true, {"1", "x", NULL}},
    {"ZRANGE", NULL, KEY_HOLDS, true, {"0", "0", NULL}},
    {"ZMSCORE", NULL, KEY_HOLDS, true, {"x", NULL}},
    {"ZSCAN", NULL, KEY_HOLDS, true, {"0", NULL}},
    {"ZADD", NULL, KEY_DUE, false, {"1", "x", NULL}},
    {"ZMSCORE", NULL, KEY_DUE, false, {"x", NULL}},
    {"ZSCAN", NULL, KEY_DUE, false, {"0", NULL}},
    {"XADD", NULL, KEY_EVENTS, false, {"*", "e", "x", NULL}},
    {"XRANGE", NULL, KEY_EVENTS, false, {"-", "+", NULL}},
    {"XINFO", "STREAM", KEY_EVENTS, false, {NULL}},
    {"TIME", NULL, NO_NAME, false, {NULL}},
    {"SCAN", NULL, NO_NAME, false, {"0", NULL}},
};
#define TRIALS (sizeof(trials) / sizeof(trials[0]))

static size_t args_of(const struct trial *trial)
{
    size_t n = 0;
    while (n < sizeof(trial->args) / sizeof(trial->args[0]) && trial->args[n])
        n++;
    return n;
}

static void put_trial(struct buf *out, unsigned partition, const struct trial *trial)
{
    size_t args = args_of(trial);
    size_t words = 1 + (size_t)(trial->sub != NULL) + (size_t)!str_absent(trial->kind);
    resp_begin(out, words + args);
    resp_arg(out, str_of(trial->command));
    if (trial->sub)
        resp_arg(out, str_of(trial->sub));
    if (!str_absent(trial->kind))
        resp_key(out, partition, trial->kind, trial->named ? PROBE : NO_NAME);
    for (size_t i = 0; i < args; i++)
        resp_arg(out, str_of(trial->args[i]));
}

static void say_refused(struct rebuild *rebuild, unsigned partition, const struct trial *trial,
                        const char *error)
{
    const char *user = topology_address(rebuild->admin->topology)->user;
    char key[64] = "";
    if (!str_absent(trial->kind))
        snprintf(key, sizeof(key), " on {p%u}:%.*s%s", partition, STR_ARG(trial->kind),
                 trial->named ? ":..." : "");
    if (reply_classify(str_of(error)) != REPLY_FORBIDDEN)
        snprintf(rebuild->why, sizeof(rebuild->why), "Redis does not take %s%s: %.120s",
                 trial->command, key, error);
    else
        snprintf(rebuild->why, sizeof(rebuild->why),
                 "the Redis user %.60s may not run %s%s; docker/redis.acl has the rights that are "
                 "needed",
                 *user ? user : "default", trial->command, key);
}

static enum rebuild_result try_partition(struct rebuild *rebuild, unsigned partition)
{
    redisReply **replies;
    buf_reset(&rebuild->value);
    for (size_t i = 0; i < TRIALS; i++)
        put_trial(&rebuild->value, partition, &trials[i]);
    enum rebuild_result result = rebuild_exchange(rebuild, &rebuild->value, TRIALS, &replies);
    for (size_t i = 0; i < TRIALS && result == REBUILD_REFUSED; i++)
        if (replies[i]->type == REDIS_REPLY_ERROR) {
            say_refused(rebuild, partition, &trials[i], replies[i]->str);
            break;
        }
    rebuild_drop(replies, TRIALS);
    return result;
}

/* Those that only count outside of a MULTI, and its own; the last one begins what is given up. */
static enum rebuild_result try_transaction(struct rebuild *rebuild, unsigned partition)
{
    static const char *const words[] = {"WATCH", "UNWATCH", "MULTI", "EXEC", "MULTI"};
    enum { WORDS = sizeof(words) / sizeof(words[0]) };
    redisReply **replies;
    struct buf *out = &rebuild->value;
    buf_reset(out);
    resp_begin(out, 2);
    resp_arg(out, STR("WATCH"));
    resp_key(out, partition, KEY_META, NO_NAME);
    resp_words(out, 1, "UNWATCH");
    resp_words(out, 1, "MULTI");
    resp_words(out, 1, "EXEC");
    resp_words(out, 1, "MULTI");
    enum rebuild_result result = rebuild_exchange(rebuild, out, WORDS, &replies);
    for (size_t i = 0; i < WORDS && result == REBUILD_REFUSED; i++)
        if (replies[i]->type == REDIS_REPLY_ERROR) {
            say_refused(rebuild, partition, &(struct trial){.command = words[i]}, replies[i]->str);
            break;
        }
    rebuild_drop(replies, WORDS);
    return result;
}

/* The first partition of each Redis begins what is given up; the others go on there. */
static enum rebuild_result begin_partition(struct rebuild *rebuild, unsigned partition)
{
    struct admin *admin = rebuild->admin;
    if (!admin_is_first(admin, partition))
        return admin_turn(admin, partition) ? REBUILD_OK
                                            : rebuild_fail(rebuild, REBUILD_DOWN, admin->why);
    if (admin_at(admin, partition) != ADMIN_OK)
        return rebuild_fail(rebuild, REBUILD_DOWN, admin->why);
    return try_transaction(rebuild, partition);
}

enum rebuild_result rebuild_try(struct rebuild *rebuild)
{
    enum rebuild_result result = REBUILD_OK;
    for (unsigned p = 0; p < rebuild->partitions && result == REBUILD_OK; p++) {
        result = begin_partition(rebuild, p);
        if (result == REBUILD_OK)
            result = try_partition(rebuild, p);
    }
    admin_hang_up(rebuild->admin);
    return result;
}
