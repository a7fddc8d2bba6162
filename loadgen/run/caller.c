/* caller.c -- a loop, some connections, and the next request for each that is free. */
#include "run/caller.h"
#include "client/http_conn.h"
#include "client/load.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define TICK_MS 5

enum call_state { CALL_EMPTY, CALL_WAITING, CALL_SENT };

struct call {
    struct wire wire; /* first: see call_of */
    struct caller *caller;
    enum call_state state;
    uint64_t token;
    uint64_t begin_ns, deadline_ns;
};

struct caller {
    const struct caller_work *work;
    uv_loop_t loop;
    uv_timer_t tick;
    struct call *call;
    unsigned count;
    uint64_t timeout_ns;
    bool over;
    int rc;
};

static struct call *call_of(struct wire *wire)
{
    return (struct call *)wire;
}
static_assert(offsetof(struct call, wire) == 0, "call_of relies on it");

static void finish_call(struct call *call, const struct response *response, int err)
{
    struct call_end end = {response, err, call->begin_ns, load_now_ns()};
    call->state = CALL_EMPTY;
    call->begin_ns = 0;
    call->caller->work->done(call->caller->work->ctx, call->token, &end);
}

static void send_call(struct call *call)
{
    call->begin_ns = load_now_ns();
    int rc = wire_send(&call->wire);
    if (rc == 0) {
        call->state = CALL_SENT;
        return;
    }
    call->begin_ns = 0;
    finish_call(call, NULL, rc);
    wire_close(&call->wire);
}

/* Takes the next request, if there is one, and moves it on as far as the connection is. */
static void feed(struct call *call)
{
    struct caller *caller = call->caller;
    if (caller->over)
        return;
    if (call->state == CALL_EMPTY &&
        caller->work->next(caller->work->ctx, &call->wire.out, &call->token)) {
        call->state = CALL_WAITING;
        call->deadline_ns = load_now_ns() + caller->timeout_ns;
    }
    if (call->state != CALL_WAITING)
        return;
    if (call->wire.state == WIRE_IDLE) {
        send_call(call);
    } else if (call->wire.state == WIRE_CLOSED) {
        int rc = wire_open(&call->wire);
        if (rc < 0)
            finish_call(call, NULL, rc);
    }
}

/* What one answer taught may have made work for every free connection. */
static void feed_all(struct caller *caller)
{
    unsigned at_work = 0;
    for (unsigned i = 0; i < caller->count; i++) {
        feed(&caller->call[i]);
        at_work += caller->call[i].state != CALL_EMPTY;
    }
    if (at_work == 0)
        uv_stop(&caller->loop);
}

static void on_open(struct wire *wire)
{
    feed(call_of(wire));
}

static void on_answer(struct wire *wire, const struct response *response)
{
    struct call *call = call_of(wire);
    finish_call(call, response, 0);
    if (response->close)
        wire_close(wire);
    feed_all(call->caller);
}

static void on_lost(struct wire *wire, enum wire_state was, int err)
{
    struct call *call = call_of(wire);
    if (call->state != CALL_EMPTY)
        finish_call(call, NULL, err);
}

static void on_closed(struct wire *wire)
{
    feed_all(call_of(wire)->caller);
}

static const struct wire_events events = {on_open, on_answer, on_lost, on_closed};

static void on_tick(uv_timer_t *tick)
{
    struct caller *caller = tick->data;
    if (caller->work->stop && caller->work->stop(caller->work->ctx)) {
        caller->rc = -EINTR;
        uv_stop(&caller->loop);
        return;
    }
    uint64_t now_ns = load_now_ns();
    for (unsigned i = 0; i < caller->count; i++) {
        struct call *call = &caller->call[i];
        if (call->state == CALL_EMPTY || call->deadline_ns > now_ns)
            continue;
        finish_call(call, NULL, -ETIMEDOUT);
        wire_close(&call->wire);
    }
    feed_all(caller);
}

static void tear_down(struct caller *caller)
{
    caller->over = true;
    for (unsigned i = 0; i < caller->count; i++)
        wire_close(&caller->call[i].wire);
    uv_close((uv_handle_t *)&caller->tick, NULL);
    uv_run(&caller->loop, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < caller->count; i++)
        wire_free(&caller->call[i].wire);
    free(caller->call);
    uv_loop_close(&caller->loop);
}

int caller_run(const struct target *target, unsigned connections, uint64_t timeout_ns,
               const struct caller_work *work)
{
    struct caller caller = {.work = work, .timeout_ns = timeout_ns};
    int rc = uv_loop_init(&caller.loop);
    if (rc < 0)
        return rc;
    uv_timer_init(&caller.loop, &caller.tick);
    caller.tick.data = &caller;
    caller.call = calloc(connections, sizeof(*caller.call));
    caller.rc = caller.call ? uv_timer_start(&caller.tick, on_tick, TICK_MS, TICK_MS) : -ENOMEM;
    while (caller.rc == 0 && caller.count < connections) {
        struct call *call = &caller.call[caller.count];
        caller.rc = wire_init(&call->wire, &caller.loop, target, &events);
        if (caller.rc == 0) {
            call->caller = &caller;
            caller.count++;
        }
    }
    if (caller.rc == 0) {
        feed_all(&caller);
        uv_run(&caller.loop, UV_RUN_DEFAULT);
    }
    tear_down(&caller);
    return caller.rc;
}
