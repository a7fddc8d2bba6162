/* client_loop.c -- the life of a client process. */
#include "client/client_loop.h"
#include "pool/pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TICK_MS    5
#define CONNECT_NS UINT64_C(3000000000) /* all connections should be open by then */

void client_loop_fail(struct client_loop *w, int err)
{
    atomic_store_explicit(&w->counters->failure, (uint32_t)-err, memory_order_relaxed);
    w->exit_status = POOL_EXIT_FATAL;
    w->over = true;
    uv_stop(&w->loop);
}

bool client_loop_over(struct client_loop *w, uint64_t now_ns)
{
    if (w->over)
        return true;
    uint64_t sent = atomic_load_explicit(&w->counters->requests, memory_order_relaxed);
    bool leaves = w->load->max_tasks > 0 && w->begun_here >= w->load->max_tasks;
    bool stop = atomic_load_explicit(&w->load->shared->stop, memory_order_acquire) != 0;
    bool done =
        stop || (w->end_ns > 0 && now_ns >= w->end_ns) || (w->quota > 0 && sent >= w->quota);
    if (!done && !leaves)
        return false;
    w->over = true;
    w->exit_status = done ? EXIT_SUCCESS : POOL_EXIT_AGAIN;
    w->give_up_ns = now_ns + w->load->grace_ns;
    scheduler_end(w);
    return true;
}

/* --- what the loop says --- */

static void begin_load(struct client_loop *w)
{
    uint64_t go_ns = atomic_load_explicit(&w->load->shared->go_ns, memory_order_acquire);
    if (w->begun || go_ns == 0 || load_now_ns() < go_ns)
        return;
    w->begun = true;
    w->go_ns = go_ns;
    w->end_ns = w->load->duration_ns > 0 ? go_ns + w->load->duration_ns : 0;
    int rc = scheduler_open(w);
    if (rc < 0)
        client_loop_fail(w, rc);
}

static void on_alarm(uv_poll_t *alarm, int status, int events)
{
    struct client_loop *w = alarm->data;
    uint64_t times;
    (void)status, (void)events;
    if (read(w->alarm_fd, &times, sizeof(times)) < 0)
        return; /* set anew in the meantime */
    begin_load(w);
    scheduler_due(w);
}

/* The message itself says nothing: what matters is in shared memory. */
static void on_message(uv_poll_t *messages, int status, int events)
{
    struct client_loop *w = messages->data;
    char byte[8];
    (void)status, (void)events;
    if (pool_child_receive(w->child, byte, sizeof(byte), 0) == -EPIPE) {
        client_loop_fail(w, -EPIPE);
        return;
    }
    uint64_t go_ns = atomic_load_explicit(&w->load->shared->go_ns, memory_order_acquire);
    if (!w->begun && go_ns > 0) {
        struct itimerspec at = {.it_value = {.tv_sec = (time_t)(go_ns / 1000000000u),
                                             .tv_nsec = (long)(go_ns % 1000000000u)}};
        timerfd_settime(w->alarm_fd, TFD_TIMER_ABSTIME, &at, NULL);
    }
}

static void say_ready(struct client_loop *w)
{
    w->ready = true;
    if (pool_ready(w->child) < 0)
        client_loop_fail(w, -EPIPE);
    begin_load(w); /* at once, when the others began long ago */
}

/* Ready means that every client was connected, or at least tried. */
static void check_ready(struct client_loop *w, uint64_t now_ns)
{
    size_t tried = 0;
    for (size_t i = 0; i < w->count; i++)
        tried += w->client[i].connected || w->client[i].backoff_ms > 0;
    if (tried == w->count || now_ns > w->go_ns + CONNECT_NS)
        say_ready(w);
}

static void retry_connects(struct client_loop *w, uint64_t now_ns)
{
    for (size_t i = 0; i < w->count; i++) {
        struct client *c = &w->client[i];
        if (c->wire.state == WIRE_CLOSED && c->retry_ns <= now_ns)
            attempt_connect(c);
        else if (c->wire.state == WIRE_CONNECTING &&
                 (uv_now(&w->loop) - c->wire.opened_ms) * 1000000 >= w->load->timeout_ns)
            attempt_give_up_connect(c);
    }
}

static void on_tick(uv_timer_t *tick)
{
    struct client_loop *w = tick->data;
    uint64_t now_ns = load_now_ns();
    attempt_check(w, now_ns);
    if (!w->ready)
        check_ready(w, now_ns);
    bool over = client_loop_over(w, now_ns);
    if (over && now_ns >= w->give_up_ns)
        attempt_give_up_all(w);
    if (over && w->busy == 0)
        uv_stop(&w->loop);
    else if (!over)
        retry_connects(w, now_ns);
}

/* --- set-up and end --- */

static int make_clients(struct client_loop *w)
{
    uint32_t first, count;
    load_clients_of(w->load, w->index, &first, &count);
    unsigned calls = workload_calls(&w->load->workload);
    w->client = calloc(count, sizeof(*w->client));
    if (!w->client)
        return -ENOMEM;
    w->calls = calloc(count, calls * sizeof(*w->calls));
    if (!w->calls) {
        free(w->client);
        return -ENOMEM;
    }
    for (w->count = 0; w->count < count; w->count++) {
        struct client *c = &w->client[w->count];
        int rc = wire_init(&c->wire, &w->loop, &w->load->target, &attempt_events);
        if (rc < 0)
            return rc;
        c->loop = w;
        c->number = first + (uint32_t)w->count;
        c->shared = &w->load->shared->client[c->number];
        c->attempt.call = &w->calls[w->count * calls];
    }
    return 0;
}

static int watch_handles(struct client_loop *w)
{
    w->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (w->alarm_fd < 0)
        return -errno;
    int rc = uv_poll_init(&w->loop, &w->alarm, w->alarm_fd);
    rc = rc < 0 ? rc : uv_poll_init(&w->loop, &w->messages, w->child->fd);
    rc = rc < 0 ? rc : uv_timer_init(&w->loop, &w->tick);
    if (rc < 0)
        return rc;
    w->alarm.data = w->messages.data = w->tick.data = w;
    rc = uv_poll_start(&w->alarm, UV_READABLE, on_alarm);
    rc = rc < 0 ? rc : uv_poll_start(&w->messages, UV_READABLE | UV_DISCONNECT, on_message);
    return rc < 0 ? rc : uv_timer_start(&w->tick, on_tick, TICK_MS, TICK_MS);
}

static int set_up_loop(struct client_loop *w)
{
    int rc = uv_loop_init(&w->loop);
    if (rc < 0)
        return rc;
    rc = make_clients(w);
    rc = rc < 0 ? rc : watch_handles(w);
    if (rc < 0)
        return rc;
    w->go_ns = load_now_ns(); /* until the load begins: when connecting began */
    for (size_t i = 0; i < w->count; i++)
        attempt_connect(&w->client[i]);
    return 0;
}

/* Leaves nothing open: what connections still have in flight was given up before. */
static void tear_down(struct client_loop *w)
{
    w->over = true;
    attempt_give_up_all(w);
    for (size_t i = 0; i < w->count; i++)
        wire_close(&w->client[i].wire);
    uv_close((uv_handle_t *)&w->alarm, NULL);
    uv_close((uv_handle_t *)&w->messages, NULL);
    uv_close((uv_handle_t *)&w->tick, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    uv_loop_close(&w->loop);
    close(w->alarm_fd);
    for (size_t i = 0; i < w->count; i++)
        wire_free(&w->client[i].wire);
    free(w->client);
    free(w->calls);
    scheduler_close(w);
}

/* What a process that died had in flight is over, and unknown. */
static void inherit(struct counters *t)
{
    uint64_t lost = atomic_load(&t->started) - atomic_load(&t->finished);
    atomic_fetch_add(&t->finished, lost);
    atomic_fetch_add(&t->count[OUTCOME_UNKNOWN][DETAIL_RESET], lost);
}

int client_loop_run(struct pool_child *child, void *arg)
{
    const struct load *load = arg;
    struct client_loop w = {.load = load,
                            .facts = history_facts(load->history),
                            .counters = &load->shared->counters[child->slot],
                            .child = child,
                            .index = (uint32_t)child->slot,
                            .alarm_fd = -1};
    prctl(PR_SET_NAME, "load-client");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* the parent decides what Ctrl-C means */
    uint32_t life = atomic_fetch_add_explicit(&w.counters->lives, 1, memory_order_relaxed);
    atomic_store_explicit(&w.counters->open, 0, memory_order_relaxed);
    inherit(w.counters);
    history_writer_open(&w.history, load->history, w.index, life);
    w.zero_ns = w.facts->zero_ns;
    w.quota = load->requests / load->workers + (w.index < load->requests % load->workers);
    int rc = set_up_loop(&w);
    if (rc < 0) {
        atomic_store_explicit(&w.counters->failure, (uint32_t)-rc, memory_order_relaxed);
        return POOL_EXIT_FATAL;
    }
    uv_run(&w.loop, UV_RUN_DEFAULT);
    tear_down(&w);
    history_writer_close(&w.history);
    return w.exit_status;
}
