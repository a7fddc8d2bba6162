/* dispatch.c -- a request that is here as a whole: to the store and back. */
#include "clock.h"
#include "http/access.h"
#include "http/answer/render.h"
#include "http/batch.h"
#include "http/events/events.h"
#include "http/exchange.h"
#include "http/history/history.h"
#include "http/live/live.h"
#include "http/request/json_heap.h"
#include "http/tally.h"

#include <assert.h>

#define WHY_NO_ROOM_TO_PARSE "to read this body may take more memory than --memory-max has left"

static void refuse_request(struct exchange *x, const struct refusal *why)
{
    access_refused(x, why);
    exchange_answer_refusal(x, why);
}

/* Its client keeps too much. */
static void answer_over_quota(struct exchange *x, const struct refusal *why)
{
    buf_reset(&x->out);
    render_refusal(why, &x->answer, &x->out);
    tally_decided(x->server, &x->op.op);
    access_op_refused(x, &x->op.op, why, -1);
    exchange_answered(x);
}

static void on_op_done(struct store_op *op)
{
    struct exchange *x = op->user;
    struct refusal why;
    assert(x->pending == 1);
    x->pending = 0;
    request_times_op(&x->spent, op->started_us, op->kept_us);
    if (kept_decided(&x->server->host, &op->op, &x->kept.ticket, &why)) {
        answer_over_quota(x, &why);
        return;
    }
    buf_reset(&x->out);
    render_op(&op->op, &x->answer, &x->out);
    tally_decided(x->server, &op->op);
    access_decided(x, &op->op, &x->answer, -1);
    exchange_answered(x);
}

static void on_read_done(struct store_read *read)
{
    struct exchange *x = read->user;
    assert(x->pending == 1);
    x->pending = 0;
    buf_reset(&x->out);
    render_read(read, &x->if_none_match, &x->answer, &x->out);
    exchange_answered(x);
}

static void begin_op(struct exchange *x, const struct request_head *head)
{
    struct refusal why;
    struct op *op = &x->op.op;
    x->op = (struct store_op){.done = on_op_done, .user = x};
    bool good = request_op(op, &x->arena, head, x->body.p, x->body.n, &why);
    if (good && !exchange_hold(x, render_op_room(op)))
        good = refuse(&why, PROBLEM_OVERLOADED, NULL, EXCHANGE_NO_ROOM);
    if (!good) {
        refuse_request(x, &why);
        return;
    }
    enum outcome_code code = store_route(x->server->store, op);
    if (code != OUT_NONE) {
        op->out = (struct outcome){.code = code, .field_line = -1};
        render_op(op, &x->answer, &x->out);
        tally_decided(x->server, op);
        access_decided(x, op, &x->answer, -1);
        exchange_answered(x);
        return;
    }
    x->kept.ticket.verdict = KEPT_FREE;
    if (!kept_admit(&x->kept, &x->server->host, op, &x->kept.ticket, &why)) {
        answer_over_quota(x, &why);
        return;
    }
    x->spent.queues = true;
    exchange_wait(x);
    x->pending = 1;
    store_submit(x->server->store, &x->op);
}

static void begin_read(struct exchange *x, const struct request_head *head)
{
    struct refusal why;
    if (!request_read(&x->read, &x->if_none_match, &x->arena, head, &why)) {
        exchange_answer_refusal(x, &why);
        return;
    }
    x->read.done = on_read_done;
    x->read.user = x;
    exchange_wait(x);
    x->pending = 1;
    store_read_submit(x->server->store, &x->read);
}

/* What the body is parsed into lives for this call only, beside all that is counted. */
static bool has_room_to_parse(struct exchange *x)
{
    size_t room = exchange_room(x);
    if (JSON_HEAP_LEAST + x->body.n * JSON_HEAP_WORST <= room)
        return true;
    size_t bound = json_heap_bound(buf_str(&x->body));
    if (bound <= room)
        server_had(x->server, bound);
    return bound <= room;
}

void exchange_dispatch(struct exchange *x)
{
    struct request_head head = {.match = &x->match,
                                .key = x->headers.key,
                                .if_match = x->headers.if_match,
                                .if_none_match = x->headers.if_none_match,
                                .role = x->role,
                                .by = x->by};
    assert(x->state == EXCHANGE_READING);
    x->spent.arrived_us = x->received > 0 ? clock_mono_us() : x->started_us;
    if (x->refused) {
        refuse_request(x, &x->refusal);
        return;
    }
    if (x->body.n > 0 && !has_room_to_parse(x)) {
        const struct refusal why = {.problem = PROBLEM_OVERLOADED, .detail = WHY_NO_ROOM_TO_PARSE};
        refuse_request(x, &why);
        return;
    }
    bool reads = x->match.method & (METHOD_GET | METHOD_HEAD);
    if (reads && history_job_wanted(x)) {
        x->spent.asks_sql = true;
        history_job_begin(x);
        return;
    }
    if (request_is_op(&x->match)) {
        begin_op(x, &head);
        return;
    }
    switch (x->match.id) {
    case ROUTE_ITEMS:
    case ROUTE_ITEM:
    case ROUTE_RESERVATION:
    case ROUTE_OPERATION: begin_read(x, &head); return;
    case ROUTE_BATCH: batch_job_begin(x, &head); return;
    case ROUTE_EVENTS:
        x->spent.lasts = true;
        events_begin(x);
        return;
    case ROUTE_LIVE:
        x->spent.lasts = true;
        live_begin(x);
        return;
    default: builtin_answer(x); return;
    }
}
