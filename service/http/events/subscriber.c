#include "http/events/subscriber.h"
#include "http/events/sheet.h"
#include "http/exchange.h"
#include "ledger/query/history.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/* --- states ----------------------------------------------------------------------------------- */

static struct subscriber_queue *queue_of(struct subscriber *f)
{
    return f->state == SUBSCRIBER_WANTING ? &f->sheet->followers : &f->events->queues[f->state];
}

static void leave(struct subscriber *f)
{
    struct events_sheet *sheet = f->sheet;
    if (f->state == SUBSCRIBER_NONE)
        return;
    struct subscriber_queue *queue = queue_of(f);
    TAILQ_REMOVE(&queue->list, f, link);
    queue->count--;
    f->sheet = NULL;
    if (f->state == SUBSCRIBER_WANTING)
        sheet_left(sheet);
    else if (sheet)
        sheet_let_go(sheet);
    f->state = SUBSCRIBER_NONE;
}

static void enter(struct subscriber *f, enum subscriber_state state)
{
    f->state = state;
    struct subscriber_queue *queue = queue_of(f);
    TAILQ_INSERT_TAIL(&queue->list, f, link);
    queue->count++;
}

void subscriber_move(struct subscriber *f, enum subscriber_state state)
{
    assert(state != SUBSCRIBER_WANTING && state != SUBSCRIBER_READY);
    leave(f);
    if (state != SUBSCRIBER_NONE)
        enter(f, state);
}

void subscriber_tell(struct subscriber *f, enum subscriber_news news, struct events_sheet *sheet)
{
    if (news != NEWS_PAGE)
        sheet = NULL;
    if (sheet)
        sheet_hold(sheet); /* before it leaves the same one */
    leave(f);
    f->news = news;
    f->sheet = sheet;
    enter(f, SUBSCRIBER_READY);
}

void subscriber_want(struct subscriber *f)
{
    leave(f);
    struct events_sheet *sheet = sheet_find(f);
    if (!sheet || sheet->state == SHEET_READ) {
        subscriber_tell(f, sheet ? NEWS_PAGE : NEWS_NO_MEMORY, sheet);
        return;
    }
    f->sheet = sheet;
    enter(f, SUBSCRIBER_WANTING);
}

void subscriber_free(struct subscriber *f)
{
    f->x->subscriber = NULL;
    if (f->request.stream)
        f->events->streams--;
    subscriber_move(f, SUBSCRIBER_NONE);
    free(f);
}

static void each_in(struct subscriber_queue *queue, void (*call)(struct subscriber *))
{
    struct subscriber *next, *f = TAILQ_FIRST(&queue->list);
    for (unsigned left = queue->count; left > 0; left--, f = next) {
        next = TAILQ_NEXT(f, link);
        call(f);
    }
}

void events_each(struct events *events, void (*call)(struct subscriber *))
{
    each_in(&events->queues[SUBSCRIBER_PARKED], call);
    for (enum sheet_state state = SHEET_WANTED; state <= SHEET_ASKED; state++)
        for (struct events_sheet *s = TAILQ_FIRST(&events->sheets.lists[state].list), *next; s;
             s = next) {
            next = TAILQ_NEXT(s, link);
            each_in(&s->followers, call); /* it may go with the last of them */
        }
    each_in(&events->queues[SUBSCRIBER_READY], call);
    each_in(&events->queues[SUBSCRIBER_SENDING], call);
}

void subscribers_tell_sheet(struct events_sheet *sheet, enum subscriber_news news)
{
    struct events *events = sheet->events;
    while (sheet->followers.count > 0)
        subscriber_tell(TAILQ_FIRST(&sheet->followers.list), news, sheet);
    sheet_let_go(sheet);
    if (events->server->stopped)
        server_release(events->server);
    else
        events_serve(events);
}

/* Something may lie behind its position, or in front of it what nobody should have seen. */
static bool differs(const struct subscriber *f)
{
    const struct events *events = f->events;
    return f->request.latest || !events->ends_known ||
           memcmp(f->at, events->ends, events_positions_bytes(events)) != 0;
}

void subscriber_next(struct subscriber *f)
{
    if (differs(f))
        subscriber_want(f);
    else
        subscriber_move(f, SUBSCRIBER_PARKED);
}

/* --- the checkpoints -------------------------------------------------------------------------- */

static struct events *events_of(struct query *question)
{
    return (struct events *)(void *)((char *)question - offsetof(struct events, watch));
}

/* In a thread. */
static enum db_result ask_ends(struct query *question, struct db *db)
{
    struct events *events = events_of(question);
    enum db_result result = tail_ends(db, events->found, events->partitions);
    return result == DB_OK ? history_as_of(db, &events->found_as_of_ms) : result;
}

/* Streams stay and look again; whoever wants an answer gets one. */
static void fail_poll(struct subscriber *f)
{
    if (f->state == SUBSCRIBER_PARKED && !f->request.stream)
        subscriber_tell(f, NEWS_UNAVAILABLE, NULL);
}

static void want_if_behind(struct subscriber *f)
{
    if (differs(f))
        subscriber_want(f);
}

static void note_found(struct events *events)
{
    if (!events->ends_known ||
        memcmp(events->ends, events->found, events_positions_bytes(events)) != 0)
        sheets_forget(events);
    memcpy(events->ends, events->found, events_positions_bytes(events));
    events->ends_known = true;
    events->as_of_ms = events->found_as_of_ms;
    each_in(&events->queues[SUBSCRIBER_PARKED], want_if_behind);
}

static void on_ends(struct query *question)
{
    struct events *events = events_of(question);
    events->watching = false;
    sheet_log_failure(question);
    if (events->server->stopped) {
        server_release(events->server);
        return;
    }
    if (question->result == DB_OK)
        note_found(events);
    else
        each_in(&events->queues[SUBSCRIBER_PARKED], fail_poll);
    events_serve(events);
}

static void watch_ends(struct events *events)
{
    int64_t now = events_now_ms(events);
    if (events->watching) {
        if (now - events->watched_ms > events->server->request_ms)
            each_in(&events->queues[SUBSCRIBER_PARKED], fail_poll);
        return;
    }
    if (events->queues[SUBSCRIBER_PARKED].count == 0)
        return;
    events->watch = (struct query){.ask = ask_ends, .done = on_ends};
    events->watching = query_pool_ask(events->server->queries, &events->watch);
    events->watched_ms = now;
}

/* --- time ------------------------------------------------------------------------------------- */

static void check_subscriber(struct subscriber *f)
{
    int64_t now = events_now_ms(f->events);
    if (f->request.stream) {
        if (f->started && !f->ended && !exchange_may_go_on(f->x)) {
            stream_end(f);
            return;
        }
        if (f->started && f->until_ms <= now && stream_is_silent(f))
            stream_beat(f);
    } else if (f->state == SUBSCRIBER_PARKED) {
        if (f->until_ms <= now)
            subscriber_tell(f, NEWS_NOTHING, NULL);
    } else if (f->state == SUBSCRIBER_WANTING &&
               f->until_ms + f->events->server->request_ms <= now) {
        subscriber_tell(f, NEWS_UNAVAILABLE, NULL);
    }
}

static void on_time(uv_timer_t *timer)
{
    struct events *events = ((struct http_server *)timer->data)->events;
    int64_t now = events_now_ms(events);
    if (now - events->looked_ms >= EVENTS_WATCH_MS) {
        events->looked_ms = now;
        watch_ends(events);
        events_each(events, check_subscriber);
    }
    events_serve(events);
}

static void answer_news(struct subscriber *f)
{
    switch (f->news) {
    case NEWS_PAGE: events_deliver(f, f->sheet); return;
    case NEWS_NOTHING: events_expire(f); return;
    case NEWS_NO_MEMORY: events_fail(f, PROBLEM_OVERLOADED, "out of memory"); return;
    case NEWS_UNAVAILABLE: events_fail(f, PROBLEM_LEDGER_UNAVAILABLE, NULL); return;
    }
    abort();
}

/* Each answer costs the loop some time, and its client comes back at once with a request. */
static void answer_some(struct events *events)
{
    const struct subscriber_queue *ready = &events->queues[SUBSCRIBER_READY];
    int64_t now = events_now_ms(events);
    if (now - events->turn_ms >= EVENTS_TURN_MS) {
        events->turn_ms = now;
        events->answered = 0;
    }
    while (ready->count > 0 && events->answered < EVENTS_ANSWERS_MAX) {
        events->answered++;
        answer_news(TAILQ_FIRST(&ready->list));
    }
}

void events_serve(struct events *events)
{
    answer_some(events);
    events_arm(events);
}

void events_arm(struct events *events)
{
    const struct sheet_list *sheets = events->sheets.lists;
    sheets_ask(events);
    bool ready = events->queues[SUBSCRIBER_READY].count > 0;
    bool needed = ready || events->queues[SUBSCRIBER_PARKED].count > 0 ||
                  sheets[SHEET_WANTED].count + sheets[SHEET_ASKED].count > 0;
    if (!needed) {
        sheets_forget(events);
        uv_timer_stop(&events->timer);
        return;
    }
    int64_t left = events->looked_ms + EVENTS_WATCH_MS - events_now_ms(events);
    uint64_t turn = events->answered < EVENTS_ANSWERS_MAX ? 0 : EVENTS_TURN_MS;
    uint64_t wait = ready ? turn : left > 0 ? (uint64_t)left : 0;
    if (ready || !uv_is_active((uv_handle_t *)&events->timer))
        uv_timer_start(&events->timer, on_time, wait, 0);
}
