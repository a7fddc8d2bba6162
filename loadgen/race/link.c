/* link.c -- commands of words, with errors that say where. */
#include "race/link.h"
#include "fail.h"
#include "store/redis/resp.h"
#include "store/topology/topology_link.h"
#include "units.h"

#include <stdio.h>

#define CONNECT_MS    3000
#define ANSWER_MS     10000
#define OUT_MAX_BYTES (64 * 1024)

bool race_link_fail(struct race_link *link, const char *what, const redisReply *reply)
{
    const char *said = reply && reply->type == REDIS_REPLY_ERROR ? reply->str
                       : reply                                   ? "an answer of no sense"
                                                                 : link->link.why;
    return fail_with(link->err, RACE_ERR_SIZE, "%.20s: %.120s", what, said);
}

/* Frees a reply that is an error, and tells of it. */
static redisReply *expect_reply(struct race_link *link, const char *what, redisReply *reply)
{
    if (reply && reply->type != REDIS_REPLY_ERROR)
        return reply;
    race_link_fail(link, what, reply);
    freeReplyObject(reply);
    return NULL;
}

/* NULL: the link is closed. */
static redisReply *take_reply(struct race_link *link)
{
    bool open = link_is_open(&link->link);
    return open && (link->out.n == 0 || link_send(&link->link, &link->out)) ? link_next(&link->link)
                                                                            : NULL;
}

redisReply *race_link_call(struct race_link *link, int argc, const char *const *argv)
{
    resp_begin(&link->out, (size_t)argc);
    for (int i = 0; i < argc; i++)
        resp_arg(&link->out, str_of(argv[i]));
    return expect_reply(link, argv[0], take_reply(link));
}

redisReply *race_link_reply(struct race_link *link)
{
    return expect_reply(link, "answer", take_reply(link));
}

bool race_link_done(redisReply *reply)
{
    freeReplyObject(reply);
    return reply != NULL;
}

bool race_link_open(struct race_link *link, struct topology *topology, const char *key,
                    char err[RACE_ERR_SIZE])
{
    struct endpoint at;
    *link = (struct race_link){.key = key, .err = err};
    buf_init(&link->out, OUT_MAX_BYTES);
    snprintf(link->turn, sizeof(link->turn), "{%s}:turn", key);
    if (!topology_seek(topology, slot_of(str_of(key)), 0, CONNECT_MS, &at))
        return fail_with(err, RACE_ERR_SIZE, "%s", topology_why(topology));
    const struct address *who = topology_address(topology);
    if (!link_open(&link->link, &at, who, who->tls, CONNECT_MS))
        return race_link_fail(link, "connect", NULL);
    link->link.timeout_ms = ANSWER_MS;
    return true;
}

void race_link_close(struct race_link *link)
{
    link_close(&link->link);
    buf_free(&link->out);
}

bool race_reply_number(const redisReply *reply, int64_t *value)
{
    char ignored[UNITS_ERR_SIZE];
    if (reply->type == REDIS_REPLY_STRING)
        return units_parse_int(reply->str, INT64_MIN, INT64_MAX, value, ignored, sizeof(ignored));
    *value = reply->integer;
    return reply->type == REDIS_REPLY_INTEGER;
}
