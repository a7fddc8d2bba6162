#include "http/events_follow.h"

#include "clock.h"
#include "ledger/history.h"
#include "log.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

static int64_t now_of(const struct events *events)
{
    return (int64_t)uv_now(events->server->loop);
}

static size_t positions_bytes(const struct events *events)
{
    return events->partitions * sizeof(struct tail_position);
}

/* --- states ----------------------------------------------------------------------------------- */

static void unlink_follower(struct follower *f)
{
    struct follower_queue *queue = &f->events->queues[f->state];
    if (f->state == FOLLOWER_NONE)
        return;
    if (f->prev)
        f->prev->next = f->next;
    else
        queue->first = f->next;
    if (f->next)
        f->next->prev = f->prev;
    else
        queue->last = f->prev;
    queue->count--;
    f->prev = f->next = NULL;
}

void follower_move(struct follower *f, enum follower_state state)
{
    struct follower_queue *queue = &f->events->queues[state];
    unlink_follower(f);
    f->state = state;
    if (state == FOLLOWER_NONE)
        return;
    f->prev = queue->last;
    if (queue->last)
        queue->last->next = f;
    else
        queue->first = f;
    queue->last = f;
    queue->count++;
}

void follower_free(struct follower *f)
{
    if (f->x)
        f->x->follower = NULL;
    if (f->request.stream)
        f->events->streams--;
    follower_move(f, FOLLOWER_NONE);
    arena_free(&f->arena);
    free(f);
}

/* Something may lie behind its position, or in front of it what nobody should have seen. */
static bool differs(const struct follower *f)
{
    const struct events *events = f->events;
    return f->request.latest || !events->ends_known ||
           memcmp(f->at, events->ends, positions_bytes(events)) != 0;
}

void follower_next(struct follower *f)
{
    follower_move(f, differs(f) ? FOLLOWER_WANTING : FOLLOWER_PARKED);
}

/* A page may have been read before the last answer about the checkpoints: ends only go up. */
static void note_ends(struct events *events, const struct events_page *page)
{
    for (unsigned p = 0; p < events->partitions; p++)
        if (tail_compare(&events->ends[p], &page->ends[p]) < 0)
            events->ends[p] = page->ends[p];
    if (page->as_of_ms > events->as_of_ms)
        events->as_of_ms = page->as_of_ms;
    events->ends_known = true;
}

static void log_failure(const struct desk_question *question)
{
    static struct log_gate gate;
    if (question->result != DB_OK && log_allowed(&gate, clock_mono_ms()))
        log_event(LOG_WARN, "cannot read events of the ledger", LOG_STR("why", question->why),
                  LOG_STR("result", db_result_name(question->result)));
}

/* --- pages ------------------------------------------------------------------------------------ */

static bool is_ahead(const struct events_page *page, unsigned partitions)
{
    for (unsigned p = 0; p < partitions; p++)
        if (tail_compare(&page->from[p], &page->ends[p]) > 0)
            return true;
    return false;
}

static struct follower *follower_of(struct desk_question *question)
{
    return (struct follower *)(void *)((char *)question - offsetof(struct follower, question));
}

/* In a thread. Of the follower only what nobody else touches while it is ASKING. */
static enum db_result ask_page(struct desk_question *question, struct db *db)
{
    struct follower *f = follower_of(question);
    struct events_page *page = &f->page;
    unsigned partitions = f->events->partitions;
    size_t bytes = partitions * sizeof(*page->from);
    page->from = arena_copy(&f->arena, f->at, bytes);
    page->ends = arena_zalloc(&f->arena, bytes);
    page->to = arena_zalloc(&f->arena, bytes);
    if (!page->from || !page->ends || !page->to)
        return DB_NO_MEMORY;
    enum db_result result = tail_ends(db, page->ends, partitions);
    if (result == DB_OK)
        result = history_as_of(db, &page->as_of_ms);
    if (result != DB_OK)
        return result;
    if (f->request.latest)
        memcpy(page->from, page->ends, bytes);
    memcpy(page->to, page->from, bytes);
    page->ahead = is_ahead(page, partitions);
    if (page->ahead)
        return DB_OK;
    return tail_page(db, &f->arena, page->to, page->ends, partitions, f->request.limit,
                     &page->events, &page->count);
}

/* Others who want what was just read. Only what holds something: that there was nothing may be
 * older than their question. */
static void share(struct events *events, const struct events_page *page, unsigned limit)
{
    struct follower *next;
    if (page->count == 0)
        return;
    for (struct follower *f = events->queues[FOLLOWER_WANTING].first; f; f = next) {
        next = f->next;
        if (!f->request.latest && f->request.limit == limit &&
            memcmp(f->at, page->from, positions_bytes(events)) == 0)
            events_deliver(f, page);
    }
}

static void on_page(struct desk_question *question)
{
    struct follower *f = follower_of(question);
    struct events *events = f->events;
    /* The page outlives the follower, which may be answered and freed. */
    struct arena arena = f->arena;
    struct events_page page = f->page;
    unsigned limit = f->request.limit;
    arena_init(&f->arena, EVENTS_PAGE_BLOCK, EVENTS_PAGE_MAX);
    follower_move(f, FOLLOWER_NONE);
    log_failure(question);
    if (!f->x) {
        follower_free(f);
    } else if (question->result == DB_OK) {
        note_ends(events, &page);
        events_deliver(f, &page);
        share(events, &page, limit);
    } else if (question->result == DB_NO_MEMORY) {
        events_fail(f, PROBLEM_OVERLOADED, "out of memory");
    } else {
        events_fail(f, PROBLEM_LEDGER_UNAVAILABLE, NULL);
    }
    arena_free(&arena);
    if (events->server->stopped)
        server_release(events->server);
    else
        events_serve(events);
}

static bool ask(struct follower *f)
{
    f->question = (struct desk_question){.ask = ask_page, .done = on_page};
    f->page = (struct events_page){.count = 0};
    if (!desk_ask(f->events->server->desk, &f->question))
        return false;
    follower_move(f, FOLLOWER_ASKING);
    return true;
}

/* --- the checkpoints -------------------------------------------------------------------------- */

static struct events *events_of(struct desk_question *question)
{
    return (struct events *)(void *)((char *)question - offsetof(struct events, watch));
}

/* In a thread. */
static enum db_result ask_ends(struct desk_question *question, struct db *db)
{
    struct events *events = events_of(question);
    enum db_result result = tail_ends(db, events->found, events->partitions);
    return result == DB_OK ? history_as_of(db, &events->found_as_of_ms) : result;
}

/* Streams stay and look again; whoever wants an answer gets one. */
static void fail_polls(struct events *events)
{
    struct follower *next;
    for (struct follower *f = events->queues[FOLLOWER_PARKED].first; f; f = next) {
        next = f->next;
        if (!f->request.stream)
            events_fail(f, PROBLEM_LEDGER_UNAVAILABLE, NULL);
    }
}

static void wake_those_behind(struct events *events)
{
    struct follower *next;
    for (struct follower *f = events->queues[FOLLOWER_PARKED].first; f; f = next) {
        next = f->next;
        if (differs(f))
            follower_move(f, FOLLOWER_WANTING);
    }
}

static void on_ends(struct desk_question *question)
{
    struct events *events = events_of(question);
    events->watching = false;
    log_failure(question);
    if (events->server->stopped) {
        server_release(events->server);
        return;
    }
    if (question->result == DB_OK) {
        memcpy(events->ends, events->found, positions_bytes(events));
        events->ends_known = true;
        events->as_of_ms = events->found_as_of_ms;
        wake_those_behind(events);
    } else {
        fail_polls(events);
    }
    events_serve(events);
}

static void watch(struct events *events)
{
    int64_t now = now_of(events);
    if (events->watching) {
        if (now - events->watched_ms > events->server->request_ms)
            fail_polls(events);
        return;
    }
    if (events->queues[FOLLOWER_PARKED].count == 0)
        return;
    events->watch = (struct desk_question){.ask = ask_ends, .done = on_ends};
    events->watching = desk_ask(events->server->desk, &events->watch);
    events->watched_ms = now;
}

/* --- time ------------------------------------------------------------------------------------- */

static void look_at(struct events *events, enum follower_state state)
{
    int64_t now = now_of(events);
    struct follower *next;
    for (struct follower *f = events->queues[state].first; f; f = next) {
        next = f->next;
        if (!f->x)
            continue; /* its question is still under way */
        if (f->request.stream) {
            if (f->started && f->until_ms <= now && stream_is_silent(f))
                stream_beat(f);
        } else if (state == FOLLOWER_PARKED) {
            if (f->until_ms <= now)
                events_expire(f);
        } else if (f->until_ms + events->server->request_ms <= now) {
            events_fail(f, PROBLEM_LEDGER_UNAVAILABLE, NULL);
        }
    }
}

static void on_time(uv_timer_t *timer)
{
    struct events *events = ((struct http_server *)timer->data)->events;
    watch(events);
    look_at(events, FOLLOWER_PARKED);
    look_at(events, FOLLOWER_WANTING);
    look_at(events, FOLLOWER_ASKING);
    events_serve(events);
}

void events_serve(struct events *events)
{
    const struct follower_queue *queues = events->queues;
    while (queues[FOLLOWER_ASKING].count < EVENTS_ASKING_MAX && queues[FOLLOWER_WANTING].first &&
           ask(queues[FOLLOWER_WANTING].first))
        continue;
    bool needed = queues[FOLLOWER_PARKED].count + queues[FOLLOWER_WANTING].count +
                      queues[FOLLOWER_ASKING].count >
                  0;
    if (!needed) {
        uv_timer_stop(&events->timer);
    } else if (!uv_is_active((uv_handle_t *)&events->timer)) {
        int64_t since = now_of(events) - events->watched_ms;
        uint64_t first = since < EVENTS_WATCH_MS ? (uint64_t)(EVENTS_WATCH_MS - since) : 0;
        uv_timer_start(&events->timer, on_time, first, EVENTS_WATCH_MS);
    }
}
