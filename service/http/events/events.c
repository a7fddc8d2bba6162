#include "http/events/events.h"
#include "http/events/render.h"
#include "http/events/sheet.h"
#include "http/events/subscriber.h"
#include "http/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#define STOPPING "the service is being stopped"

/* --- answers ---------------------------------------------------------------------------------- */

/* Nothing but where it is. */
void events_expire(struct subscriber *f)
{
    struct events *events = f->events;
    struct exchange *x = f->x;
    const struct events_list list = {
        .from = f->at, .to = f->at, .partitions = events->partitions, .walk = events->walk};
    const struct history_lag lag = history_lag_of(events->server->stats, events->as_of_ms);
    x->answer = (struct answer){.status = 200, .content = CONTENT_JSON};
    buf_reset(&x->out);
    events_render_page(&list, &lag, &x->out);
    subscriber_free(f);
    exchange_answered(x);
}

static void answer_poll(struct subscriber *f, struct events_sheet *sheet)
{
    struct exchange *x = f->x;
    struct events_text *text = sheet_text(sheet);
    if (!text) {
        events_fail(f, PROBLEM_OVERLOADED, EXCHANGE_NO_ROOM);
        return;
    }
    text->refs++;
    x->text = text;
    x->fixed = buf_str(&text->body);
    x->answer = (struct answer){.status = 200, .content = CONTENT_JSON};
    subscriber_free(f);
    exchange_answered(x);
}

static void refuse_follower(struct subscriber *f, const struct refusal *why)
{
    struct exchange *x = f->x;
    subscriber_free(f);
    exchange_answer_refusal(x, why);
}

static void stop_before_start(struct subscriber *f)
{
    refuse_follower(f, &(struct refusal){.problem = PROBLEM_OVERLOADED, .detail = STOPPING});
}

/* The exchange is over, with its connection or without. */
static void subscriber_gone(struct exchange *x)
{
    struct subscriber *f = x->subscriber;
    text_let_go(x->text);
    x->text = NULL;
    if (!f)
        return;
    /* All was sent. Nobody will ask for anything more here, and a drain need not wait for that. */
    if (f->ended && x->server->draining && x->client->intake.fd >= 0)
        shutdown(x->client->intake.fd, SHUT_RDWR);
    subscriber_free(f);
}

static const struct exchange_work poll_work = {.gone = subscriber_gone};
static const struct exchange_work stream_work = {.gone = subscriber_gone, .stream = stream_feed};

static void begin_stream(struct subscriber *f)
{
    f->started = true;
    f->x->work = &stream_work;
    exchange_answered(f->x);
}

/* A stream outlives a database that is away: browsers do not come back after a 503. */
void events_fail(struct subscriber *f, enum problem_id problem, const char *detail)
{
    bool lasts = f->request.stream && problem == PROBLEM_LEDGER_UNAVAILABLE;
    if (f->started || (lasts && !f->events->server->draining)) {
        if (!f->started) {
            stream_start(f);
            stream_beat(f);
            begin_stream(f);
        }
        subscriber_move(f, f->ended ? SUBSCRIBER_SENDING : SUBSCRIBER_PARKED);
        return;
    }
    refuse_follower(f, &(struct refusal){.problem = problem, .detail = detail});
}

/* --- pages ------------------------------------------------------------------------------------ */

static void refuse_ahead(struct subscriber *f)
{
    const struct refusal why = {.problem = PROBLEM_INVALID_FIELD,
                                .field = f->request.field,
                                .detail = "this cursor is ahead of the ledger: it is of another "
                                          "one, or the ledger came back from an old copy"};
    if (f->started)
        stream_end(f);
    else
        refuse_follower(f, &why);
}

static void stand_at(struct subscriber *f, const struct tail_position *at)
{
    memcpy(f->at, at, f->events->partitions * sizeof(*f->at));
    f->request.latest = false;
}

static void deliver_to_stream(struct subscriber *f, const struct events_page *page)
{
    bool resolved = f->request.latest;
    stand_at(f, page->from);
    if (!f->started)
        stream_start(f);
    else if (resolved)
        stream_put_position(f);
    if (page->count > 0)
        stream_put_page(f, page);
    stand_at(f, page->to);
    if (f->ended || page->count > 0)
        subscriber_move(f, SUBSCRIBER_SENDING);
    else
        subscriber_next(f);
    if (!f->started)
        begin_stream(f);
}

void events_deliver(struct subscriber *f, struct events_sheet *sheet)
{
    const struct http_server *server = f->events->server;
    const struct events_page *page = &sheet->page;
    bool waits = f->until_ms > events_now_ms(f->events) && !server->draining;
    sheet_hold(sheet); /* the subscriber lets go of it */
    if (f->request.stream && !f->started && server->draining) {
        stop_before_start(f);
    } else if (page->ahead) {
        refuse_ahead(f);
    } else if (f->request.stream) {
        deliver_to_stream(f, page);
    } else if (page->count == 0 && waits) {
        stand_at(f, page->to);
        subscriber_next(f);
    } else {
        answer_poll(f, sheet);
    }
    sheet_let_go(sheet);
}

/* --- requests --------------------------------------------------------------------------------- */

struct head {
    struct events_accept accept;
    struct str last_event_id;
};

static enum MHD_Result each_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   size_t name_n, const char *value, size_t value_n)
{
    struct head *head = cls;
    struct str text = {value ? value : "", value_n};
    if (name_n == strlen("Accept") && strncasecmp(name, "Accept", name_n) == 0)
        events_accept_add(&head->accept, text);
    else if (name_n == strlen("Last-Event-ID") && strncasecmp(name, "Last-Event-ID", name_n) == 0)
        head->last_event_id = text;
    return MHD_YES;
}

static struct subscriber *subscriber_new(struct exchange *x, bool stream)
{
    struct events *events = x->server->events;
    struct subscriber *f = calloc(1, sizeof(*f) + events->partitions * sizeof(f->at[0]));
    if (!f)
        return NULL;
    f->events = events;
    f->x = x;
    f->tenant = owner_tenant(x->by.owner);
    f->request.stream = stream;
    f->request.at = f->at;
    if (stream)
        events->streams++;
    x->subscriber = f;
    x->work = &poll_work;
    return f;
}

/* NULL: it can be taken. */
static const char *no_room(const struct events *events, bool stream)
{
    if (events->server->stopped || (stream && events->server->draining))
        return STOPPING;
    return stream && events->streams >= EVENTS_STREAMS_MAX ? "too many streams are open" : NULL;
}

static bool take_up(struct exchange *x, struct refusal *why)
{
    struct events *events = x->server->events;
    struct head head = {.last_event_id = {NULL, 0}};
    if (!events)
        return refuse(why, PROBLEM_LEDGER_MISSING, NULL, NULL);
    MHD_get_connection_values_n(x->conn, MHD_HEADER_KIND, each_header, &head);
    bool stream = events_accept_stream(&head.accept);
    const char *full = no_room(events, stream);
    if (full)
        return refuse(why, PROBLEM_OVERLOADED, NULL, full);
    struct subscriber *f = subscriber_new(x, stream);
    if (!f)
        return refuse_no_memory(why);
    if (events_request_read(&f->request, &x->arena, events->partitions, x->match.query,
                            head.last_event_id, why))
        return true;
    subscriber_free(f);
    return false;
}

void events_begin(struct exchange *x)
{
    struct refusal why;
    if (!take_up(x, &why)) {
        exchange_answer_refusal(x, &why);
        return;
    }
    struct subscriber *f = x->subscriber;
    if (f->request.stream)
        f->request.limit = EVENTS_STREAM_PAGE;
    f->until_ms = events_now_ms(f->events) + (int64_t)f->request.wait_s * 1000;
    exchange_wait_long(x);
    /* Who would not wait, or becomes a stream, is told at once whether there is something. */
    if (f->request.wait_s == 0 || f->request.stream)
        subscriber_want(f);
    else
        subscriber_next(f);
    events_arm(f->events);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Who asks something now is answered when that is known. */
static void drain_one(struct subscriber *f)
{
    if (f->started) {
        /* It has as long as an idle connection to take what is left. */
        client_conn_move(f->x->client, CONN_IDLE);
        stream_end(f);
    } else if (f->state == SUBSCRIBER_PARKED && !f->request.stream) {
        subscriber_tell(f, NEWS_NOTHING, NULL);
    }
}

static void stop_one(struct subscriber *f)
{
    if (f->started)
        stream_end(f);
    else if (f->state == SUBSCRIBER_PARKED)
        events_expire(f);
    else
        stop_before_start(f);
}

void events_drain(struct events *events)
{
    events_each(events, drain_one);
    events_serve(events);
}

void events_stop(struct events *events)
{
    events_each(events, stop_one);
}

struct events *events_new(struct http_server *server, unsigned partitions)
{
    struct events *events = calloc(1, sizeof(*events));
    struct tail_position *positions = calloc((size_t)3 * partitions, sizeof(*positions));
    assert(partitions > 0);
    if (!events || !positions) {
        free(events);
        free(positions);
        return NULL;
    }
    for (int state = 0; state < SUBSCRIBER_STATES; state++)
        TAILQ_INIT(&events->queues[state].list);
    for (int state = 0; state <= SHEET_READ; state++)
        TAILQ_INIT(&events->sheets.lists[state].list);
    events->server = server;
    events->partitions = partitions;
    events->ends = positions;
    events->walk = positions + partitions;
    events->found = positions + (size_t)2 * partitions;
    events->on_sheet = subscribers_tell_sheet;
    return events;
}

uv_timer_t *events_timer(struct events *events)
{
    return &events->timer;
}

bool events_idle(const struct events *events)
{
    return !events->watching && events->sheets.lists[SHEET_ASKED].count == 0;
}

void events_free(struct events *events)
{
    if (!events)
        return;
    assert(events_idle(events));
    sheets_forget(events);
    free(events->ends);
    free(events);
}
