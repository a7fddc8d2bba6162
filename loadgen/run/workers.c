/* workers.c -- fork, let go, watch, end. */
#include "run/workers.h"
#include "client/client_loop.h"
#include "pool/pool.h"
#include "run/live.h"
#include "run/scrape.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define READY_MS     15000
#define STEP_MS      100
#define BEAT_NS      UINT64_C(1000000000) /* of rates and metrics */
#define GO_IN_NS     UINT64_C(20000000)   /* so that the message is there before the moment */
#define STOP_MORE_MS 2000                 /* after the clients' own grace */
#define RESPAWNS_MAX 1000

/* The counters at one moment, added up. */
struct totals {
    uint64_t at_ns;
    uint64_t requests, started, finished, open;
    uint64_t count[OUTCOMES][DETAILS];
    struct histogram response;
};

struct workers {
    const struct load *load;
    struct history_facts *facts;
    struct history_writer *writer;
    const struct workers_options *options;
    struct pool *pool;
    char *err;
    size_t err_size;
    bool stopping, over;
    uint64_t stop_ns;                    /* when stopping began */
    struct totals *first, *before, *now; /* before: a beat ago */
    struct histogram *beat;              /* what came since `before` */
    unsigned beats;
    struct scrape scrape;
    struct live_process *process; /* of the live view, one each */
    struct live_state live;
};

/* --- what has happened so far --- */

static void add_up(struct workers *c, struct totals *t)
{
    memset(t, 0, sizeof(*t));
    t->at_ns = load_now_ns();
    for (uint32_t i = 0; i < c->load->workers; i++) {
        const struct counters *counters = &c->load->shared->counters[i];
        t->requests += atomic_load_explicit(&counters->requests, memory_order_relaxed);
        t->started += atomic_load_explicit(&counters->started, memory_order_relaxed);
        t->finished += atomic_load_explicit(&counters->finished, memory_order_relaxed);
        t->open += atomic_load_explicit(&counters->open, memory_order_relaxed);
        for (int o = 0; o < OUTCOMES; o++)
            for (int d = 0; d < DETAILS; d++)
                t->count[o][d] +=
                    atomic_load_explicit(&counters->count[o][d], memory_order_relaxed);
        histogram_merge(&t->response, &counters->response);
    }
}

static enum live_class class_of(enum history_outcome outcome, enum history_detail detail)
{
    if (outcome == OUTCOME_UNKNOWN)
        return LIVE_UNKNOWN;
    if (outcome == OUTCOME_OK)
        return LIVE_OK;
    if (detail == DETAIL_NO_STOCK)
        return LIVE_NO_STOCK;
    return detail == DETAIL_UNAVAILABLE || detail == DETAIL_NOT_SENT ? LIVE_BUSY : LIVE_REFUSED;
}

/* The newest word about the stock of an item that the workers show. */
static int64_t stock_left(const struct workers *c, uint32_t item)
{
    uint64_t newest = 0;
    int64_t left = -1;
    for (uint32_t i = 0; i < c->load->workers; i++) {
        const struct counters *t = &c->load->shared->counters[i];
        uint64_t version = atomic_load_explicit(&t->version[item], memory_order_acquire);
        if (version > newest) {
            newest = version;
            left = atomic_load_explicit(&t->left[item], memory_order_relaxed);
        }
    }
    return left;
}

static struct live_process process_now(const struct counters *counters)
{
    struct live_process p = {
        .requests = atomic_load_explicit(&counters->requests, memory_order_relaxed),
        .lives = atomic_load_explicit(&counters->lives, memory_order_relaxed),
    };
    for (int o = 0; o < OUTCOMES; o++)
        for (int d = 0; d < DETAILS; d++)
            p.count[class_of((enum history_outcome)o, (enum history_detail)d)] +=
                atomic_load_explicit(&counters->count[o][d], memory_order_relaxed);
    return p;
}

static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? (double)(to_ns - from_ns) / 1e9 : 1e-9;
}

static void fill_live(struct workers *c)
{
    struct live_state *live = &c->live;
    const struct totals *now = c->now;
    uint64_t go_ns = atomic_load(&c->load->shared->go_ns);
    memset(live->count, 0, sizeof(live->count));
    for (int o = 0; o < OUTCOMES; o++)
        for (int d = 0; d < DETAILS; d++)
            live->count[class_of((enum history_outcome)o, (enum history_detail)d)] +=
                now->count[o][d];
    live->phase = c->over                                      ? "done"
                  : c->stopping                                ? "stopping"
                  : now->at_ns < go_ns + c->options->warmup_ns ? "warming up"
                                                               : "running";
    live->elapsed_ms = now->at_ns > go_ns ? (int64_t)((now->at_ns - go_ns) / 1000000) : 0;
    live->planned_ms = (int64_t)(c->load->duration_ns / 1000000);
    live->requests_planned = c->load->requests;
    live->requests_sent = now->requests;
    uint64_t answers = now->response.count;
    live->rate_average = (double)answers / seconds_between(go_ns, now->at_ns);
    live->in_flight = now->started - now->finished;
    live->connections = now->open;
    live->dropped = atomic_load(&c->facts->dropped);
    live->hot = c->facts->items < LIVE_HOT ? c->facts->items : LIVE_HOT;
    for (uint32_t i = 0; i < live->hot; i++)
        live->item[i] = (struct live_item){i, stock_left(c, i), (int64_t)c->load->workload.stock};
    live->processes = c->load->workers;
    live->process = c->process;
    for (uint32_t i = 0; i < c->load->workers; i++)
        c->process[i] = process_now(&c->load->shared->counters[i]);
}

/* Rates and percentiles since the last beat. */
static void measure(struct workers *c)
{
    double seconds = seconds_between(c->before->at_ns, c->now->at_ns);
    histogram_difference(c->beat, &c->now->response, &c->before->response);
    c->live.rate_now = (double)c->beat->count / seconds;
    bool any = c->beat->count > 0;
    c->live.p50_ms = any ? (double)histogram_percentile(c->beat, 50) / 1e6 : -1;
    c->live.p99_ms = any ? (double)histogram_percentile(c->beat, 99) / 1e6 : -1;
}

/* A second is over: the next one is measured anew. */
static void beat(struct workers *c)
{
    double seconds = seconds_between(c->before->at_ns, c->now->at_ns);
    measure(c);
    live_remember(&c->live);
    *c->before = *c->now;
    c->beats++;
    c->live.conflicts = scrape_again(&c->scrape, seconds);
}

static void look_at_workers(struct workers *c)
{
    add_up(c, c->now);
    if (c->now->at_ns >= c->before->at_ns + BEAT_NS)
        beat(c);
    else if (c->beats == 0)
        measure(c); /* so that the first second shows something, too */
    fill_live(c);
    live_show(&c->live);
}

/* --- the pool --- */

static void stop_clients(struct workers *c)
{
    if (c->stopping)
        return;
    c->stopping = true;
    c->stop_ns = load_now_ns();
    atomic_store_explicit(&c->load->shared->stop, 1, memory_order_release);
}

static void on_exit_of(void *ctx, int slot, const struct pool_exit *gone)
{
    struct workers *c = ctx;
    const struct counters *counters = &c->load->shared->counters[slot];
    if (gone->status == EXIT_SUCCESS || gone->stopped)
        return;
    if (gone->status == POOL_EXIT_AGAIN) {
        int rc = c->stopping ? 0 : pool_start_slot(c->pool, slot);
        if (rc < 0) {
            atomic_fetch_or(&c->facts->trouble, TROUBLE_WORKER_DIED);
            snprintf(c->err, c->err_size, "client process %d could not be forked again: %s", slot,
                     strerror(-rc));
            stop_clients(c);
        }
        return;
    }
    c->facts->deaths++;
    uint32_t failure = atomic_load(&counters->failure);
    bool disk = failure == ENOSPC || failure == EFBIG || failure == EDQUOT;
    if (gone->signal && c->options->respawn && !c->stopping && c->facts->respawns < RESPAWNS_MAX &&
        pool_start_slot(c->pool, slot) == 0) {
        c->facts->respawns++;
        return;
    }
    atomic_fetch_or(&c->facts->trouble, disk ? TROUBLE_DISK : TROUBLE_WORKER_DIED);
    if (gone->signal)
        snprintf(c->err, c->err_size, "client process %d (pid %d) was killed by signal %d", slot,
                 (int)gone->pid, gone->signal);
    else
        snprintf(c->err, c->err_size, "client process %d (pid %d) failed: %s", slot, (int)gone->pid,
                 failure ? strerror((int)failure) : "no reason given");
    stop_clients(c);
}

static void on_signal_of(void *ctx, int signo)
{
    struct workers *c = ctx;
    *c->options->interrupted = 1;
    stop_clients(c);
}

/* A limit on the size of files is an error of the history, not the end of the process. */
static int run_clients(struct pool_child *child, void *load)
{
    signal(SIGXFSZ, SIG_IGN);
    return client_loop_run(child, load);
}

static int make_pool(struct workers *c)
{
    const struct pool_events events = {.ctx = c, .on_exit = on_exit_of, .on_signal = on_signal_of};
    int rc = pool_new(&c->pool, c->load->workers, &events);
    if (rc < 0)
        return rc;
    rc = pool_watch_signals(c->pool, (const int[]){SIGINT, SIGTERM, 0});
    for (uint32_t i = 0; rc >= 0 && i < c->load->workers; i++) {
        const struct pool_slot_options slot = {.name = "client",
                                               .index = (int)i,
                                               .restart = POOL_NEVER,
                                               .handshake = true,
                                               .run = run_clients,
                                               .arg = (void *)(uintptr_t)c->load};
        rc = pool_add(c->pool, &slot);
    }
    rc = rc < 0 ? rc : pool_start(c->pool);
    return rc < 0 ? rc : pool_wait_ready(c->pool, READY_MS);
}

/* Says go, or stop, by waking everybody: what it is stands in shared memory. */
static void wake_all(struct workers *c)
{
    for (int i = 0; i < (int)c->load->workers; i++)
        if (pool_slot_alive(c->pool, i) && pool_send(c->pool, i, "", 1) < 0)
            continue; /* it is ending, or looks by itself in a few milliseconds */
}

static int let_go(struct workers *c)
{
    add_up(c, c->first);
    c->facts->established = (uint32_t)c->first->open;
    if (c->first->open == 0) {
        atomic_fetch_or(&c->facts->trouble, TROUBLE_UNREACHABLE);
        snprintf(c->err, c->err_size, "not one of %u connections could be opened",
                 c->load->clients);
        return -ECONNREFUSED;
    }
    scrape_first(&c->scrape);
    *c->before = *c->first;
    uint64_t go_ns = load_now_ns() + GO_IN_NS;
    c->before->at_ns = go_ns;
    c->facts->go_ns = go_ns - c->facts->zero_ns;
    atomic_store_explicit(&c->load->shared->go_ns, go_ns, memory_order_release);
    wake_all(c);
    return 0;
}

static int watch_workers(struct workers *c)
{
    while (pool_alive(c->pool) > 0) {
        int rc = pool_step(c->pool, STEP_MS);
        if (rc < 0)
            return rc;
        if (*c->options->interrupted)
            stop_clients(c);
        uint64_t limit_ns = c->load->grace_ns + STOP_MORE_MS * UINT64_C(1000000);
        if (c->stopping && load_now_ns() > c->stop_ns + limit_ns)
            pool_stop(c->pool, 0); /* what is in flight stays unknown */
        look_at_workers(c);
    }
    c->over = true; /* a last line, or view, of all that was done */
    look_at_workers(c);
    return 0;
}

static uint64_t cpu_of_children_ns(void)
{
    struct rusage use;
    getrusage(RUSAGE_CHILDREN, &use);
    return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000000u +
           (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000u;
}

static int run_pool(struct workers *c)
{
    uint64_t cpu_ns = cpu_of_children_ns();
    int rc = make_pool(c);
    if (rc == -EINTR)
        *c->options->interrupted = 1;
    else if (rc < 0)
        snprintf(c->err, c->err_size, "the client processes could not be started: %s",
                 c->pool && pool_error(c->pool)[0] ? pool_error(c->pool) : strerror(-rc));
    rc = rc < 0 ? rc : let_go(c);
    rc = rc < 0 ? rc : watch_workers(c);
    if (c->pool) {
        pool_stop(c->pool, rc < 0 ? 0 : STOP_MORE_MS);
        pool_free(c->pool);
    }
    c->facts->stop_ns = load_now_ns() - c->facts->zero_ns;
    c->facts->cpu_ns += cpu_of_children_ns() - cpu_ns;
    scrape_last(&c->scrape, c->now->requests);
    if (*c->options->interrupted)
        atomic_fetch_or(&c->facts->trouble, TROUBLE_INTERRUPTED);
    return rc;
}

int workers_run(const struct load *load, struct history_writer *w,
                const struct workers_options *options, char *err, size_t err_size)
{
    struct workers c = {.load = load,
                        .facts = history_facts(load->history),
                        .writer = w,
                        .options = options,
                        .err = err,
                        .err_size = err_size,
                        .scrape = {.load = load, .writer = w},
                        .live = {.conflicts = -1, .p50_ms = -1, .p99_ms = -1}};
    c.first = calloc(1, sizeof(*c.first));
    c.before = calloc(1, sizeof(*c.before));
    c.now = calloc(1, sizeof(*c.now));
    c.beat = calloc(1, sizeof(*c.beat));
    c.process = calloc(load->workers, sizeof(*c.process));
    int rc = c.first && c.before && c.now && c.beat && c.process ? run_pool(&c) : -ENOMEM;
    free(c.first);
    free(c.before);
    free(c.now);
    free(c.beat);
    free(c.process);
    scrape_end(&c.scrape);
    return rc;
}
