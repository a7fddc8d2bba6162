#include "store/topology/topology_link.h"
#include "clock.h"
#include "store/redis/link.h"
#include "store/topology/topology_ask.h"

#include <time.h>

#define OUT_MAX_BYTES 4096
#define REPLIES_MAX   (1 + TOPOLOGY_SENTINEL_REPLIES)

static size_t read_replies(struct link *link, redisReply **replies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        replies[i] = link_next(link);
        if (!replies[i])
            return i;
    }
    return count;
}

static void put_question(struct topology *t, const struct topology_question *question,
                         struct buf *out)
{
    redisReply *replies[REPLIES_MAX];
    struct link link = {0};
    bool tls = topology_address(t)->tls;
    size_t got = 0;
    if (link_open(&link, &question->at, NULL, tls, TOPOLOGY_QUESTION_MS) && link_send(&link, out))
        got = read_replies(&link, replies, question->replies);
    if (got == question->replies)
        (void)topology_take(t, question, replies, clock_mono_ms());
    else
        topology_unanswered(t, question, link.why, clock_mono_ms());
    for (size_t i = 0; i < got; i++)
        freeReplyObject(replies[i]);
    link_close(&link);
}

static void ask_topology(struct topology *t, unsigned partitions)
{
    struct buf out;
    buf_init(&out, OUT_MAX_BYTES);
    struct topology_question question = topology_ask(t, clock_mono_ms(), &out);
    put_question(t, &question, &out);
    topology_say_moves(t, partitions);
    buf_free(&out);
}

bool topology_seek(struct topology *topology, unsigned slot, unsigned partitions,
                   int64_t patience_ms, struct endpoint *at)
{
    int64_t end_ms = clock_mono_ms() + patience_ms;
    for (bool asked = false;; asked = true) {
        bool known = topology_find_slot(topology, slot, at);
        int64_t now_ms = clock_mono_ms(), due_ms = topology_ask_due(topology);
        if ((due_ms > now_ms && (known || due_ms > end_ms)) ||
            (asked && (known || now_ms >= end_ms)))
            return known;
        if (due_ms > now_ms)
            nanosleep(&(struct timespec){.tv_nsec = (due_ms - now_ms) * 1000000}, NULL);
        ask_topology(topology, partitions);
    }
}
