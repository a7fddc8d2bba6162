/* link.c -- hiredis, with errors that say where. */
#include "race/link.h"
#include "fail.h"
#include "units.h"

#include <stdio.h>

#define CONNECT_S 3
#define ANSWER_S  10

bool race_link_fail(struct race_link *link, const char *what, const redisReply *reply)
{
    const char *said = reply && reply->type == REDIS_REPLY_ERROR ? reply->str
                       : reply                                   ? "an answer of no sense"
                       : link->c && link->c->err                 ? link->c->errstr
                                                                 : "no memory";
    return fail_with(link->err, RACE_ERR_SIZE, "%.20s: %.120s", what, said);
}

/* Frees a reply that is an error, and tells of it. */
static redisReply *expect_reply(struct race_link *link, const char *what, redisReply *reply)
{
    if (reply && reply->type != REDIS_REPLY_ERROR)
        return reply;
    race_link_fail(link, what, reply);
    if (reply)
        freeReplyObject(reply);
    return NULL;
}

redisReply *race_link_call(struct race_link *link, int argc, const char *const *argv)
{
    return expect_reply(link, argv[0],
                        redisCommandArgv(link->c, argc, (const char **)(uintptr_t)argv, NULL));
}

redisReply *race_link_reply(struct race_link *link)
{
    void *reply = NULL;
    if (redisGetReply(link->c, &reply) != REDIS_OK)
        reply = NULL;
    return expect_reply(link, "answer", reply);
}

bool race_link_done(redisReply *reply)
{
    if (reply)
        freeReplyObject(reply);
    return reply != NULL;
}

static bool sign_in(struct race_link *link, const struct address *address)
{
    char db[16];
    snprintf(db, sizeof(db), "%d", address->db);
    if (address->user[0] && !RACE_DO(link, "AUTH", address->user, address->password))
        return false;
    if (!address->user[0] && address->password[0] && !RACE_DO(link, "AUTH", address->password))
        return false;
    return address->db == 0 || RACE_DO(link, "SELECT", db);
}

bool race_link_open(struct race_link *link, const struct topology *topology, const char *key,
                    char err[RACE_ERR_SIZE])
{
    struct timeval limit = {.tv_sec = CONNECT_S}, answer = {.tv_sec = ANSWER_S};
    struct endpoint at;
    *link = (struct race_link){.key = key, .err = err};
    if (!topology_find_slot(topology, slot_of(str_of(key)), &at))
        return fail_with(err, RACE_ERR_SIZE, "nobody has said yet where the key is");
    link->c = at.is_unix ? redisConnectUnixWithTimeout(at.host, limit)
                         : redisConnectWithTimeout(at.host, at.port, limit);
    if (link->c && !link->c->err && redisSetTimeout(link->c, answer) == REDIS_OK) {
        if (sign_in(link, topology_address(topology)))
            return true;
    } else {
        race_link_fail(link, "connect", NULL);
    }
    race_link_close(link);
    return false;
}

void race_link_close(struct race_link *link)
{
    if (link->c)
        redisFree(link->c);
    link->c = NULL;
}

bool race_reply_number(const redisReply *reply, int64_t *value)
{
    char ignored[UNITS_ERR_SIZE];
    if (reply->type == REDIS_REPLY_STRING)
        return units_parse_int(reply->str, INT64_MIN, INT64_MAX, value, ignored, sizeof(ignored));
    *value = reply->integer;
    return reply->type == REDIS_REPLY_INTEGER;
}
