/* fuzz_topology.c -- any bytes that a Sentinel or a node of a cluster could send, through hiredis'
 * reader and into a topology. Nothing may crash, leak or read astray; what is believed has a host
 * and a port. */
#include "store/topology/topology_ask.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>

#define REPLIES_MAX 4
#define QUESTIONS   6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* hiredis before 1.0 makes room for as many elements as an array announces. */
static bool announces_too_much(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        size_t digits = 0;
        while (data[i] == '*' && i + 1 + digits < size && data[i + 1 + digits] >= '0' &&
               data[i + 1 + digits] <= '9')
            digits++;
        if (digits > 4)
            return true;
    }
    return false;
}

static int read_replies(redisReader *reader, redisReply **replies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *reply = NULL;
        if (redisReaderGetReply(reader, &reply) != REDIS_OK || !reply)
            return (int)i;
        replies[i] = reply;
    }
    return (int)count;
}

static void check(const struct topology *t)
{
    for (unsigned slot = 0; slot < SLOTS; slot += 257) {
        struct endpoint at;
        if (topology_find_slot(t, slot, &at))
            assert(at.host[0] && at.port > 0 && at.port <= 65535 && !at.is_unix);
    }
}

/* False: the bytes are at an end. */
static bool answer(struct topology *t, redisReader *reader, struct buf *out, int64_t now_ms)
{
    redisReply *replies[REPLIES_MAX];
    buf_reset(out);
    struct topology_question question = topology_ask(t, now_ms, out);
    assert(question.replies <= REPLIES_MAX && !out->failed);
    int got = read_replies(reader, replies, question.replies);
    bool all = got == (int)question.replies;
    for (int i = 0; i < got; i++)
        if (replies[i]->type == REDIS_REPLY_ERROR)
            topology_told(t, (unsigned)i, &question.at,
                          (struct str){replies[i]->str, replies[i]->len});
    if (all)
        (void)topology_take(t, &question, replies, now_ms);
    else
        topology_unanswered(t, &question, "no answer", now_ms);
    for (int i = 0; i < got; i++)
        freeReplyObject(replies[i]);
    check(t);
    return all;
}

static void run(const char *url, const uint8_t *data, size_t size)
{
    char err[200];
    struct buf out;
    struct topology *t = topology_new(url, err, sizeof(err));
    redisReader *reader = redisReaderCreate();
    if (!t || !reader)
        abort();
    buf_init(&out, 4096);
    if (redisReaderFeed(reader, (const char *)data, size) == REDIS_OK)
        for (int i = 0; i < QUESTIONS && answer(t, reader, &out, i * 5000); i++)
            ;
    redisReaderFree(reader);
    buf_free(&out);
    topology_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || announces_too_much(data, size))
        return 0;
    run(data[0] % 2 ? "redis+sentinel://s1,s2/shop" : "redis+cluster://n1,n2", data + 1, size - 1);
    return 0;
}
