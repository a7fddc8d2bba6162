/* worker.c -- the loop that all the contention comes from. */
#include "race/worker.h"
#include "clock.h"
#include "store/redis/resp.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* --- the strategies --------------------------------------------------------------------------- */

/* Takes one unit if there is one: atomic, because Redis runs one script at a time. */
#define SCRIPT                                                                                     \
    "local n = tonumber(redis.call('GET', KEYS[1])) or 0\n"                                        \
    "if n < 1 then return -1 end\n"                                                                \
    "return redis.call('DECR', KEYS[1])"

#define TURN_WAITS   4 /* BLPOP waits for so many times what turns took of late */
#define TURN_MIN_US  10000
#define TURN_MAX_US  1000000
#define TURN_KEEP_MS "10000" /* what nobody asks for */

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

/* The answer to WATCH and GET. A key that is gone counts as nothing left. */
static bool read_left(struct race_link *link, int64_t *left)
{
    redisReply *reply = skip_replies(link, 1) ? race_link_reply(link) : NULL;
    if (!reply)
        return false;
    *left = 0;
    bool ok = reply->type == REDIS_REPLY_NIL || race_reply_number(reply, left) ||
              race_link_fail(link, "GET", reply);
    freeReplyObject(reply);
    return ok;
}

/* What EXEC said of so many commands: nil when the watched key was changed by somebody else. */
static enum race_outcome judge_exec(struct race_link *link, const redisReply *reply,
                                    size_t commands)
{
    if (reply->type == REDIS_REPLY_NIL)
        return RACE_CONFLICT;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == commands &&
        reply->element[0]->type == REDIS_REPLY_INTEGER)
        return RACE_GOT;
    race_link_fail(link, "EXEC", reply);
    return RACE_ERROR;
}

static void append_pass_turn(struct race_link *link)
{
    resp_words(&link->out, 3, "LPUSH", link->turn, "t");
    resp_words(&link->out, 3, "PEXPIRE", link->turn, TURN_KEEP_MS);
}

/* What is behind WATCH and GET. */
static enum race_outcome take_left(struct race_link *link, _Atomic int64_t *pending, int64_t *units,
                                   bool turns)
{
    const int turn_commands = turns ? 2 : 0;
    int64_t left;
    if (!read_left(link, &left))
        return RACE_ERROR;
    if (left < 1) {
        resp_words(&link->out, 1, "UNWATCH");
        if (turns)
            append_pass_turn(link);
        return skip_replies(link, 1 + turn_commands) ? RACE_EMPTY : RACE_ERROR;
    }
    *units = *units < left ? *units : left;
    atomic_store(pending, *units);
    resp_words(&link->out, 1, "MULTI");
    if (*units == 1) {
        resp_words(&link->out, 2, "DECR", link->key);
    } else {
        resp_begin(&link->out, 3);
        resp_arg(&link->out, STR("DECRBY"));
        resp_arg(&link->out, str_of(link->key));
        resp_int(&link->out, *units);
    }
    if (turns)
        append_pass_turn(link);
    resp_words(&link->out, 1, "EXEC");
    redisReply *reply = skip_replies(link, 2 + turn_commands) ? race_link_reply(link) : NULL;
    if (!reply)
        return RACE_ERROR;
    enum race_outcome outcome = judge_exec(link, reply, 1 + (size_t)turn_commands);
    freeReplyObject(reply);
    return outcome;
}

static void append_reads(struct race_link *link)
{
    resp_words(&link->out, 2, "WATCH", link->key);
    resp_words(&link->out, 2, "GET", link->key);
}

static enum race_outcome take_watched(struct race_link *link, _Atomic int64_t *pending,
                                      int64_t *units)
{
    append_reads(link);
    return take_left(link, pending, units, false);
}

/* The answer to BLPOP: nil where a turn was lost with who had it, or the queue is longer than it
 * was. Whoever waits in vain goes on without, and passes on a turn all the same: a new one. */
static bool read_turn(struct race_link *link, int64_t asked_us, int64_t time_us)
{
    redisReply *reply = race_link_reply(link);
    if (!reply)
        return false;
    int64_t waited_us = clock_mono_us() - asked_us;
    bool ok = reply->type == REDIS_REPLY_NIL || reply->type == REDIS_REPLY_ARRAY ||
              race_link_fail(link, "BLPOP", reply);
    if (reply->type == REDIS_REPLY_NIL)
        waited_us = time_us / TURN_WAITS * 2;
    link->wait_us -= link->wait_us / 8;
    if (link->wait_us < waited_us)
        link->wait_us = waited_us;
    freeReplyObject(reply);
    return ok;
}

/* BLPOP leads the reads, LPUSH goes with the EXEC: Redis queues the turns, and nobody loses but to
 * a second turn. So who loses passes none on. */
static enum race_outcome take_in_turn(struct race_link *link, _Atomic int64_t *pending,
                                      int64_t *units)
{
    char time_s[32];
    int64_t asked_us = clock_mono_us(), time_us = link->wait_us * TURN_WAITS;
    time_us = time_us < TURN_MIN_US ? TURN_MIN_US : time_us > TURN_MAX_US ? TURN_MAX_US : time_us;
    snprintf(time_s, sizeof(time_s), "%" PRId64 ".%06" PRId64, time_us / 1000000,
             time_us % 1000000);
    resp_words(&link->out, 3, "BLPOP", link->turn, time_s);
    append_reads(link);
    return read_turn(link, asked_us, time_us) ? take_left(link, pending, units, true) : RACE_ERROR;
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
    {"turn", "the first again, but who contends waits for a turn that Redis queues (BLPOP, LPUSH)",
     NULL, take_in_turn, false},
    {"script", "EVALSHA of a script that looks and takes one unit", load_script, take_scripted,
     false},
};

/* --- the worker ------------------------------------------------------------------------------- */

/* So that the parent can make sure that nothing of a dead worker is executed late. A Redis too old
 * or too strict to tell is no reason to give up. */
static void note_client_id(struct race_link *link, struct race_page *page)
{
    int64_t id;
    redisReply *reply = RACE_CALL(link, "CLIENT", "ID");
    if (reply && race_reply_number(reply, &id))
        atomic_store(&page->client_id, id);
    freeReplyObject(reply);
    page->err[0] = '\0';
}

static bool connect_link(const struct race_plan *plan, struct race_link *link,
                         struct race_page *page)
{
    if (!race_link_open(link, plan->topology, plan->key, page->err))
        return false;
    note_client_id(link, page);
    return !plan->strategy->prepare || plan->strategy->prepare(link);
}

static void sleep_until(int64_t at_us)
{
    struct timespec at = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        ;
}

/* `sold` first: killed in between, the units count twice in the upper bound and never get lost. */
static void book(struct race_page *page, int64_t units, int64_t waited_us)
{
    for (int64_t i = 0; i < units; i++)
        histogram_add(&page->wait, (uint64_t)waited_us * 1000);
    atomic_fetch_add(&page->sold, units);
    atomic_store(&page->pending, 0);
}

/* Takes units until there is a reason not to. False when Redis failed. */
static bool race(const struct race_plan *plan, struct race_link *link, struct race_page *page,
                 int64_t end_us)
{
    int64_t now_us = clock_mono_us(), wanted_us = now_us;
    while (now_us < end_us && !atomic_load_explicit(&plan->books->stop, memory_order_relaxed)) {
        int64_t units = plan->strategy->batches ? plan->batch_max : 1;
        enum race_outcome outcome = plan->strategy->take(link, &page->pending, &units);
        now_us = clock_mono_us();
        switch (outcome) {
        case RACE_GOT:
            book(page, units, now_us - wanted_us);
            wanted_us = now_us;
            break;
        case RACE_CONFLICT:
            atomic_store(&page->pending, 0);
            atomic_fetch_add_explicit(&page->conflicts, 1, memory_order_relaxed);
            break;
        case RACE_EMPTY: atomic_store(&page->pending, 0); return true;
        case RACE_ERROR: return false;
        }
    }
    return true;
}

int race_worker_run(struct pool_child *child, void *arg)
{
    const struct race_plan *plan = arg;
    struct race_page *page = &plan->books->page[child->slot - plan->first_slot];
    struct race_link link;
    struct race_go go;
    signal(SIGINT, SIG_IGN); /* a terminal sends it to all: the parent decides what it means */
    signal(SIGPIPE, SIG_IGN);
    if (!connect_link(plan, &link, page)) {
        race_link_close(&link);
        return 1;
    }
    bool ok =
        pool_ready(child) == 0 && pool_child_receive(child, &go, sizeof(go), -1) == sizeof(go);
    if (ok) {
        sleep_until(go.begin_us);
        ok = race(plan, &link, page, go.end_us);
    }
    race_link_close(&link);
    atomic_store(&page->ended_us, clock_mono_us());
    return ok ? 0 : 1;
}
