/* reader_link.c -- a connection of the reader to one Redis: its exchanges, and what they say of the
 * partitions there. */
#include "clock.h"
#include "store/layout.h"
#include "store/reader.h"
#include "store/reader_state.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <stdio.h>
#include <stdlib.h>

#define SILENCE_US        1000000 /* of Redis, after which it does not count as ready */
#define FAILURES_MAX      3       /* after which nothing waits for it */
#define ARENA_FIRST_BYTES (128u << 10)
#define ARENA_MAX_BYTES   (64u << 20)
#define TAIL              2 /* PING, TIME */

/* --- what is known of partitions -------------------------------------------------------------- */

static void set_trouble(struct reader_part *part, const char *why)
{
    part->judged = true;
    part->looked = false;
    snprintf(part->why, sizeof(part->why), "%s", why);
}

static void set_trouble_of_all(struct reader_link *link, const char *why)
{
    struct reader *reader = link->reader;
    for (unsigned p = 0; p < reader->store->config.partitions; p++)
        if (reader->parts[p].link == link)
            set_trouble(&reader->parts[p], why);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* The place of the partition's meta among those that the exchange asks. */
static uint16_t look_index(struct reader_link *link, unsigned partition)
{
    struct reader *reader = link->reader;
    struct reader_part *part = &reader->parts[partition];
    if (part->marked != reader->exchanges) {
        part->marked = reader->exchanges;
        part->mark = (uint16_t)link->look_count;
        link->looks[link->look_count++] = (struct reader_look){.partition = (uint16_t)partition};
    }
    return part->mark;
}

static void gather_asks(struct reader_link *link, struct buf *out)
{
    struct reader *reader = link->reader;
    reader->exchanges++;
    link->count = link->look_count = 0;
    for (unsigned p = 0; link->probing && p < reader->store->config.partitions; p++)
        if (reader->parts[p].link == link)
            (void)look_index(link, p);
    link->probing = false;
    while (!TAILQ_EMPTY(&link->waiting) && link->count < READS_MAX) {
        struct read_ask *ask = TAILQ_FIRST(&link->waiting);
        TAILQ_REMOVE(&link->waiting, ask, next);
        if (!reader_read_of(ask)) {
            reader_give_up(ask, OUT_NONE, NULL);
            continue;
        }
        ask->look = look_index(link, ask->partition);
        reader_put_command(out, ask);
        link->flying[link->count++] = ask;
    }
}

static void give_up_all(struct reader_link *link, enum outcome_code code, const char *why)
{
    unsigned count = link->count;
    link->count = 0;
    for (unsigned i = 0; i < count; i++)
        if (link->flying[i])
            reader_give_up(link->flying[i], code, why);
}

static void on_read(struct conn *conn, redisReply **replies, size_t count);

void reader_link_start(struct reader_link *link)
{
    if (link->conn.state != CONN_READY || (TAILQ_EMPTY(&link->waiting) && !link->probing))
        return;
    struct buf *out = conn_begin(&link->conn);
    gather_asks(link, out);
    if (link->look_count == 0)
        return;
    resp_words(out, 1, "PING");
    resp_words(out, 1, "TIME");
    for (unsigned i = 0; i < link->look_count; i++)
        layout_ask_meta(out, link->looks[i].partition);
    link->asked_us = clock_mono_us();
    link->silent = false;
    if (conn_exchange(&link->conn, link->count + TAIL + link->look_count,
                      link->reader->store->config.request_timeout_ms, on_read) < 0)
        give_up_all(link, OUT_OVERLOADED, "out of memory");
}

/* --- what came -------------------------------------------------------------------------------- */

/* True for what passes: the partition is elsewhere, or its Redis cannot answer yet. */
static bool passes(struct reader_link *link, unsigned partition, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR)
        return false;
    struct str error = {reply->str, reply->len};
    switch (reply_classify(error)) {
    case REPLY_RETRY: return true;
    case REPLY_REPLICA:
    case REPLY_REDIRECT:
        topology_told(link->conn.topology, partition, &link->conn.at, error);
        conn_doubt(&link->conn);
        return true;
    case REPLY_REFUSED:
    case REPLY_FORBIDDEN:
    case REPLY_BROKEN: break;
    }
    return false;
}

static void judge_meta(struct reader_link *link, struct reader_look *look, const redisReply *reply)
{
    struct store *store = link->reader->store;
    struct reader_part *part = &link->reader->parts[look->partition];
    struct meta_view gate;
    if (part->link != link)
        return; /* it has moved: what is known of it now is not for this Redis to say */
    if (meta_check_reply(reply, link->conn.run_id, link->conn.replid, store->config.partitions,
                         store->shared, &gate)) {
        store->partitions[look->partition].gate = gate;
        part->judged = part->looked = true;
        return;
    }
    look->end = passes(link, look->partition, reply) ? LOOK_AGAIN : LOOK_REFUSED;
    set_trouble(part, "Redis refuses to read the meta of the store");
}

/* Takes the answer to one ask, of which its partition's meta has been judged. */
static void take_read_reply(struct reader_link *link, struct read_ask *ask, const redisReply *reply,
                            int64_t now_ms)
{
    struct reader *reader = link->reader;
    const struct reader_look *look = &link->looks[ask->look];
    const struct meta_view *gate = &reader->store->partitions[ask->partition].gate;
    bool waits = look->end == LOOK_WELL && gate->gate == META_IS_WAIT;
    if (!reader_read_of(ask))
        reader_give_up(ask, OUT_NONE, NULL);
    else if (look->end == LOOK_AGAIN || passes(link, ask->partition, reply) || waits)
        reader_send_later(reader, ask);
    else if (look->end == LOOK_REFUSED)
        reader_give_up(ask, OUT_REDIS_UNAVAILABLE, reader->parts[ask->partition].why);
    else if (gate->gate != META_IS_OPEN)
        reader_give_up(ask, reader_code_of(gate->gate), gate->why);
    else if (!reader_take_reply(reader, &link->arena, ask, reply, now_ms))
        reader_give_up(ask, OUT_REDIS_UNAVAILABLE, "Redis refused to read");
}

static void on_read(struct conn *conn, redisReply **replies, size_t count)
{
    struct reader_link *link = conn->user;
    unsigned n = link->count;
    const redisReply *ping = replies[n], *time = replies[n + 1];
    int64_t now_ms = reply_time_ms(time);
    arena_reset(&link->arena);
    if (now_ms < 0) {
        const char *why = ping->type == REDIS_REPLY_ERROR ? ping->str : "Redis gave no time";
        set_trouble_of_all(link, why);
        give_up_all(link, OUT_REDIS_UNAVAILABLE, why);
    } else {
        for (unsigned i = 0; i < link->look_count; i++)
            judge_meta(link, &link->looks[i], replies[n + TAIL + i]);
        link->count = 0;
        for (unsigned i = 0; i < n; i++)
            if (link->flying[i])
                take_read_reply(link, link->flying[i], replies[i], now_ms);
    }
    reader_start(link->reader);
}

/* --- its life --------------------------------------------------------------------------------- */

static void on_ready(struct conn *conn)
{
    struct reader_link *link = conn->user;
    link->probing = true;
    reader_start(link->reader);
}

static void on_lost(struct conn *conn, bool busy)
{
    struct reader_link *link = conn->user;
    set_trouble_of_all(link, conn->error);
    /* Reads change nothing: what was under way is asked again on the next connection. */
    for (unsigned i = link->count; i-- > 0;)
        if (link->flying[i])
            TAILQ_INSERT_HEAD(&link->waiting, link->flying[i], next);
    link->count = 0;
}

/* Answers what waits for longer than it may, and lets go what nobody waits for. */
static void expire_waiting(struct reader_link *link, int64_t now_us)
{
    bool down = link->conn.state < CONN_READY && link->conn.failures >= FAILURES_MAX;
    for (struct read_ask *ask = TAILQ_FIRST(&link->waiting), *next; ask; ask = next) {
        next = TAILQ_NEXT(ask, next);
        if (!down && !reader_is_late(ask, now_us))
            continue;
        TAILQ_REMOVE(&link->waiting, ask, next);
        reader_give_up_late(link->reader, ask);
    }
}

void reader_link_expire(struct reader_link *link, int64_t now_us)
{
    expire_waiting(link, now_us);
    if (link->conn.state == CONN_BUSY && !link->silent && now_us - link->asked_us > SILENCE_US) {
        link->silent = true;
        topology_doubt(link->conn.topology, link->conn.partition);
        set_trouble_of_all(link, "Redis does not answer");
    }
    for (unsigned i = 0; i < link->count; i++) {
        struct read_ask *ask = link->flying[i];
        if (!ask || ask->wide || !reader_is_late(ask, now_us))
            continue;
        link->flying[i] = NULL;
        reader_give_up_late(link->reader, ask);
    }
}

bool reader_link_idle(const struct reader_link *link)
{
    for (const struct read_ask *ask = TAILQ_FIRST(&link->waiting); ask; ask = TAILQ_NEXT(ask, next))
        if (reader_read_of(ask))
            return false;
    for (unsigned i = 0; i < link->count; i++)
        if (link->flying[i] && reader_read_of(link->flying[i]))
            return false;
    return true;
}

struct reader_link *reader_link_new(struct reader *reader, unsigned partition)
{
    struct reader_link *link = calloc(1, sizeof(*link));
    if (!link)
        return NULL;
    link->reader = reader;
    TAILQ_INIT(&link->waiting);
    arena_init(&link->arena, ARENA_FIRST_BYTES, ARENA_MAX_BYTES);
    conn_init(&link->conn, reader->store->loop, reader->store->topology, partition);
    link->conn.user = link;
    link->conn.on_ready = on_ready;
    link->conn.on_lost = on_lost;
    conn_open(&link->conn);
    return link;
}

void reader_link_free(struct reader_link *link)
{
    arena_free(&link->arena);
    free(link);
}
