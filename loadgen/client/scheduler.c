/* scheduler.c -- who starts when: at once, after thinking, or when an arrival is due. */
#include "client/client_loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>

#define LAG_SKIPPED_NS UINT64_C(20000000) /* of arrivals: what a process forked anew has missed */

static bool open_loop(const struct client_loop *w)
{
    return w->load->stage_count > 0;
}

static void set_alarm(struct client_loop *w, uint64_t at_ns)
{
    struct itimerspec at = {.it_value = {.tv_sec = (time_t)(at_ns / 1000000000u),
                                         .tv_nsec = (long)(at_ns % 1000000000u)}};
    int rc = timerfd_settime(w->alarm_fd, TFD_TIMER_ABSTIME, &at, NULL);
    assert(rc == 0);
}

/* --- clients that rest --- */

static void push_rest(struct client *c)
{
    struct client_loop *w = c->loop;
    if (c->resting)
        return;
    assert(w->rest_count < w->count);
    w->rest[(w->rest_first + w->rest_count++) % w->count] = c;
    c->resting = true;
}

static struct client *pop_rest(struct client_loop *w)
{
    while (w->rest_count > 0) {
        struct client *c = w->rest[w->rest_first];
        w->rest_first = (w->rest_first + 1) % w->count;
        w->rest_count--;
        c->resting = false;
        if (c->state == CLIENT_FREE)
            return c;
    }
    return NULL;
}

/* --- arrivals --- */

static void next_arrival(struct client_loop *w)
{
    uint64_t at_ns;
    w->arrivals_over = !arrival_next(&w->arrival, &at_ns);
    if (!w->arrivals_over)
        w->arrival_ns = w->go_ns + at_ns;
}

static void count_dropped(struct client_loop *w, uint64_t n)
{
    atomic_fetch_add_explicit(&w->facts->dropped, n, memory_order_relaxed);
}

static void arrive(struct client_loop *w, uint64_t planned_ns)
{
    struct client *c = pop_rest(w);
    if (c) {
        attempt_start(c, planned_ns);
    } else if (w->backlog_count < w->load->max_backlog) {
        w->backlog[(w->backlog_first + w->backlog_count++) % w->load->max_backlog] = planned_ns;
    } else {
        count_dropped(w, 1);
    }
}

static void due_arrivals(struct client_loop *w, uint64_t now_ns)
{
    while (!w->arrivals_over && w->arrival_ns <= now_ns && !client_loop_over(w, now_ns)) {
        uint64_t planned_ns = w->arrival_ns;
        next_arrival(w);
        histogram_add(&w->counters->lag, now_ns - planned_ns);
        arrive(w, planned_ns);
    }
    if (!w->arrivals_over)
        set_alarm(w, w->arrival_ns);
}

/* --- thinking --- */

static void due_thinkers(struct client_loop *w, uint64_t now_ns)
{
    while (w->rest_count > 0 && w->rest[w->rest_first]->ready_ns <= now_ns) {
        struct client *c = pop_rest(w);
        if (c)
            attempt_start(c, c->ready_ns);
    }
    if (w->rest_count > 0)
        set_alarm(w, w->rest[w->rest_first]->ready_ns);
}

/* --- for the loop --- */

int scheduler_open(struct client_loop *w)
{
    const struct load *load = w->load;
    w->rest = calloc(w->count, sizeof(struct client *));
    w->backlog = open_loop(w) ? calloc(load->max_backlog + 1, sizeof(*w->backlog)) : NULL;
    if (!w->rest || (open_loop(w) && !w->backlog))
        return -ENOMEM;
    if (open_loop(w)) {
        arrival_open(&w->arrival, load->stages, load->stage_count, load->poisson, w->index,
                     load->workers, load->seed + w->index);
        next_arrival(w);
        uint64_t now_ns = load_now_ns();
        while (w->history.life > 0 && !w->arrivals_over && w->arrival_ns + LAG_SKIPPED_NS < now_ns)
            next_arrival(w);
    }
    for (size_t i = 0; i < w->count; i++)
        if (w->client[i].state == CLIENT_FREE)
            scheduler_free(&w->client[i], load_now_ns());
    scheduler_due(w);
    return 0;
}

void scheduler_close(struct client_loop *w)
{
    free(w->rest);
    free(w->backlog);
}

void scheduler_free(struct client *c, uint64_t now_ns)
{
    struct client_loop *w = c->loop;
    assert(c->state == CLIENT_FREE);
    if (!w->begun || client_loop_over(w, now_ns))
        return;
    if (open_loop(w) && w->backlog_count > 0) {
        uint64_t planned_ns = w->backlog[w->backlog_first];
        w->backlog_first = (w->backlog_first + 1) % w->load->max_backlog;
        w->backlog_count--;
        attempt_start(c, planned_ns);
    } else if (open_loop(w)) {
        push_rest(c);
    } else if (w->load->think_ns == 0) {
        attempt_start(c, now_ns);
    } else {
        c->ready_ns = now_ns + w->load->think_ns;
        push_rest(c);
        set_alarm(w, w->rest[w->rest_first]->ready_ns);
    }
}

void scheduler_due(struct client_loop *w)
{
    uint64_t now_ns = load_now_ns();
    if (!w->begun || client_loop_over(w, now_ns))
        return;
    if (open_loop(w))
        due_arrivals(w, now_ns);
    else
        due_thinkers(w, now_ns);
}

void scheduler_end(struct client_loop *w)
{
    count_dropped(w, w->backlog_count);
    w->backlog_count = 0;
}
