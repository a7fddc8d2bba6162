#include "stats.h"
#include "clock.h"
#include "random.h"
#include "shared.h"

#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#define BUCKETS_MAX  20
#define STATUS_FIRST 100
#define STATUS_COUNT 500

/* One bucket a bound, then one for everything above. */
struct histogram {
    _Atomic uint64_t buckets[BUCKETS_MAX + 1];
    _Atomic uint64_t sum;
};

struct route_slot {
    _Atomic uint64_t statuses[STATUS_COUNT];
    struct histogram seconds; /* counts microseconds */
};

struct slot {
    _Atomic pid_t pid; /* 0: none yet */
    const char *_Atomic process;
    _Atomic uint64_t counters[STATS_COUNTERS];
    _Atomic int64_t gauges[STATS_GAUGES];
    _Atomic uint64_t operations[STATS_KINDS_MAX][STATS_OUTCOMES];
    struct histogram histograms[STATS_HISTOGRAMS];
    struct route_slot routes[STATS_ROUTES_MAX];
};

struct stats {
    size_t bytes;
    uint64_t service; /* a name that no other start of a service has */
    int64_t started_ms;
    unsigned slots, routes, kinds;
    const char *route_names[STATS_ROUTES_MAX], *kind_names[STATS_KINDS_MAX];
    _Alignas(64) struct slot slot[];
};

/* The slot that this process writes; NULL: none yet. */
static struct slot *mine;

struct bounds {
    unsigned count;
    double scale; /* of a counted value, in the metric's unit */
    uint64_t at[BUCKETS_MAX];
};

/* Steps of 1, 2.5, 5: 50 us to 10 s. */
static const struct bounds time_bounds = {17,
                                          1e-6,
                                          {50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000,
                                           100000, 250000, 500000, 1000000, 2500000, 5000000,
                                           10000000}};
static_assert(STATS_TIME_BUCKETS == 17 + 1, "one above all bounds");

/* Powers of two, for counts. */
static const struct bounds size_bounds = {11, 1, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}};

/* Powers of four. */
static const struct bounds chunk_bounds = {
    10, 1, {1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144}};

struct metric {
    const char *name, *help;
};

#define COUNTER(id, name, help) [id] = {name, help},
static const struct metric counters[STATS_COUNTERS] = {STATS_EACH_COUNTER(COUNTER)};

#define GAUGE(id, name, help, scale) [id] = {{name, help}, scale},
static const struct {
    struct metric is;
    double scale;
} gauges[STATS_GAUGES] = {STATS_EACH_GAUGE(GAUGE)};

#define HISTOGRAM(id, name, help, bounds) [id] = {{name, help}, &(bounds)},
static const struct {
    struct metric is;
    const struct bounds *bounds;
} histograms[STATS_HISTOGRAMS] = {STATS_EACH_HISTOGRAM(HISTOGRAM)};

#define OUTCOME(id, name) [id] = (name),
static const char *const outcomes[STATS_OUTCOMES] = {STATS_EACH_OUTCOME(OUTCOME)};

/* Where the processes do not add up. */
static const bool is_largest[STATS_GAUGES] = {
    [STATS_LOST_RUN_MAX] = true, [STATS_TLS_EXPIRES_MS] = true, [STATS_KEY_EXPIRES_MS] = true};

/* What becomes of what the last look at the ledger's backlog has found, when that is stale. */
static const enum {
    STALE_STAYS,
    STALE_GROWS,
    STALE_IS_LEFT_OUT
} when_stale[STATS_GAUGES] = {
    [STATS_STREAM_LENGTH] = STALE_IS_LEFT_OUT,
    [STATS_LEDGER_LAG] = STALE_IS_LEFT_OUT,
    [STATS_LEDGER_LAG_MS] = STALE_GROWS,
};

struct stats *stats_new(unsigned slots, const char *const *route_names, unsigned routes)
{
    size_t bytes = sizeof(struct stats) + slots * sizeof(struct slot);
    assert(slots > 0);
    assert(routes <= STATS_ROUTES_MAX);
    struct stats *stats = shared_alloc(bytes);
    if (!stats)
        return NULL;
    stats->bytes = bytes;
    random_bytes(&stats->service, sizeof(stats->service));
    stats->started_ms = clock_wall_ms();
    stats->slots = slots;
    stats->routes = routes;
    for (unsigned i = 0; i < routes; i++)
        stats->route_names[i] = route_names[i];
    return stats;
}

void stats_free(struct stats *stats)
{
    if (!stats)
        return;
    if (mine >= stats->slot && mine < stats->slot + stats->slots)
        mine = NULL;
    shared_free(stats, stats->bytes);
}

void stats_name_operations(struct stats *stats, const char *const *names, unsigned kinds)
{
    assert(kinds <= STATS_KINDS_MAX);
    stats->kinds = kinds;
    for (unsigned i = 0; i < kinds; i++)
        stats->kind_names[i] = names[i];
}

uint64_t stats_service(const struct stats *stats)
{
    return stats->service;
}

void stats_attach(struct stats *stats, unsigned slot, const char *process)
{
    assert(slot < stats->slots);
    mine = &stats->slot[slot];
    atomic_store(&mine->process, process);
    atomic_store(&mine->pid, getpid());
    /* What a gauge says about a process ends with the process; counters go on. */
    for (int i = 0; i < STATS_GAUGES; i++)
        atomic_store_explicit(&mine->gauges[i], 0, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

/* Nobody else writes here, so no locked instruction is needed: a request makes a dozen of these. */
static void add_to(_Atomic uint64_t *to, uint64_t n)
{
    atomic_store_explicit(to, get(to) + n, memory_order_relaxed);
}

void stats_count(enum stats_counter counter, uint64_t n)
{
    if (mine)
        add_to(&mine->counters[counter], n);
}

void stats_set(enum stats_gauge gauge, int64_t value)
{
    if (mine)
        atomic_store_explicit(&mine->gauges[gauge], value, memory_order_relaxed);
}

void stats_add(enum stats_gauge gauge, int64_t delta)
{
    if (mine)
        stats_set(gauge, atomic_load_explicit(&mine->gauges[gauge], memory_order_relaxed) + delta);
}

void stats_raise(enum stats_gauge gauge, int64_t value)
{
    if (mine && atomic_load_explicit(&mine->gauges[gauge], memory_order_relaxed) < value)
        stats_set(gauge, value);
}

int64_t stats_gauge(const struct stats *stats, enum stats_gauge gauge)
{
    int64_t sum = 0, largest = 0;
    for (unsigned s = 0; s < stats->slots; s++) {
        int64_t one = atomic_load_explicit(&stats->slot[s].gauges[gauge], memory_order_relaxed);
        sum += one;
        largest = one > largest ? one : largest;
    }
    return is_largest[gauge] ? largest : sum;
}

static void observe(struct histogram *h, const struct bounds *bounds, uint64_t value)
{
    unsigned i = 0;
    while (i < bounds->count && value > bounds->at[i])
        i++;
    add_to(&h->buckets[i], 1);
    add_to(&h->sum, value);
}

void stats_observe(enum stats_histogram histogram, uint64_t value)
{
    if (mine)
        observe(&mine->histograms[histogram], histograms[histogram].bounds, value);
}

void stats_request(unsigned route, unsigned status, uint64_t us)
{
    assert(route < STATS_ROUTES_MAX);
    assert(status >= STATUS_FIRST && status < STATUS_FIRST + STATUS_COUNT);
    if (!mine)
        return;
    add_to(&mine->routes[route].statuses[status - STATUS_FIRST], 1);
    observe(&mine->routes[route].seconds, &time_bounds, us);
}

void stats_operation(unsigned kind, enum stats_outcome outcome)
{
    assert(kind < STATS_KINDS_MAX && outcome < STATS_OUTCOMES);
    if (mine)
        add_to(&mine->operations[kind][outcome], 1);
}

/* --- sums ------------------------------------------------------------------------------------- */

uint64_t stats_counted(const struct stats *stats, enum stats_counter counter)
{
    uint64_t n = 0;
    for (unsigned s = 0; s < stats->slots; s++)
        n += get(&stats->slot[s].counters[counter]);
    return n;
}

uint64_t stats_operations(const struct stats *stats, unsigned kind, enum stats_outcome outcome)
{
    uint64_t n = 0;
    assert(kind < STATS_KINDS_MAX && outcome < STATS_OUTCOMES);
    for (unsigned s = 0; s < stats->slots; s++)
        n += get(&stats->slot[s].operations[kind][outcome]);
    return n;
}

static void add_buckets(const struct histogram *h, uint64_t buckets[STATS_TIME_BUCKETS])
{
    for (unsigned i = 0; i < STATS_TIME_BUCKETS; i++)
        buckets[i] += get(&h->buckets[i]);
}

/* A histogram has as many as there were requests, in fewer numbers than their statuses. */
uint64_t stats_requests(const struct stats *stats)
{
    uint64_t buckets[STATS_TIME_BUCKETS] = {0}, n = 0;
    for (unsigned s = 0; s < stats->slots; s++)
        for (unsigned r = 0; r < stats->routes; r++)
            add_buckets(&stats->slot[s].routes[r].seconds, buckets);
    for (unsigned i = 0; i < STATS_TIME_BUCKETS; i++)
        n += buckets[i];
    return n;
}

void stats_times(const struct stats *stats, enum stats_histogram histogram,
                 uint64_t buckets[STATS_TIME_BUCKETS])
{
    assert(histograms[histogram].bounds == &time_bounds);
    memset(buckets, 0, STATS_TIME_BUCKETS * sizeof(buckets[0]));
    for (unsigned s = 0; s < stats->slots; s++)
        add_buckets(&stats->slot[s].histograms[histogram], buckets);
}

const uint64_t *stats_time_bounds(void)
{
    return time_bounds.at;
}

/* --- texts ------------------------------------------------------------------------------------ */

/* Of a name up to its label. */
static size_t name_chars(const char *name)
{
    return strcspn(name, "{");
}

static void put_metric_head(struct buf *out, const struct metric *metric, const char *type)
{
    int n = (int)name_chars(metric->name);
    buf_printf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", n, metric->name, metric->help, n,
               metric->name, type);
}

/* Those that differ in their label stand behind one another, and the first has the help of all. */
static bool has_own_head(int counter)
{
    if (counter == 0)
        return true;
    const char *name = counters[counter].name, *before = counters[counter - 1].name;
    size_t n = name_chars(name);
    return n != name_chars(before) || strncmp(name, before, n) != 0;
}

/* The sum over all slots of the histogram that lies at `offset` in a slot. */
static void put_histogram(const struct stats *stats, struct buf *out, const char *name,
                          const char *label, const struct bounds *bounds, size_t offset)
{
    uint64_t buckets[BUCKETS_MAX + 1] = {0}, sum = 0, total = 0;
    const char *comma = label[0] ? "," : "";
    for (unsigned s = 0; s < stats->slots; s++) {
        const struct histogram *h =
            (const struct histogram *)(const void *)((const char *)&stats->slot[s] + offset);
        for (unsigned i = 0; i <= bounds->count; i++)
            buckets[i] += get(&h->buckets[i]);
        sum += get(&h->sum);
    }
    for (unsigned i = 0; i < bounds->count; i++) {
        total += buckets[i];
        buf_printf(out, "%s_bucket{%s%sle=\"%.10g\"} %" PRIu64 "\n", name, label, comma,
                   (double)bounds->at[i] * bounds->scale, total);
    }
    total += buckets[bounds->count];
    buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, label, comma, total);
    const char *open = label[0] ? "{" : "", *end = label[0] ? "}" : "";
    buf_printf(out, "%s_sum%s%s%s %.10g\n", name, open, label, end, (double)sum * bounds->scale);
    buf_printf(out, "%s_count%s%s%s %" PRIu64 "\n", name, open, label, end, total);
}

static uint64_t requests(const struct stats *stats, unsigned route, unsigned status)
{
    uint64_t n = 0;
    for (unsigned s = 0; s < stats->slots; s++)
        n += get(&stats->slot[s].routes[route].statuses[status]);
    return n;
}

static void put_requests(const struct stats *stats, struct buf *out)
{
    static const struct metric total = {"stockd_http_requests_total", "HTTP requests answered."};
    static const struct metric seconds = {"stockd_http_request_seconds",
                                          "From the head of a request to its answer."};
    put_metric_head(out, &total, "counter");
    for (unsigned r = 0; r < stats->routes; r++)
        for (unsigned i = 0; i < STATUS_COUNT; i++) {
            uint64_t n = requests(stats, r, i);
            if (n > 0)
                buf_printf(out, "%s{route=\"%s\",status=\"%u\"} %" PRIu64 "\n", total.name,
                           stats->route_names[r], i + STATUS_FIRST, n);
        }
    put_metric_head(out, &seconds, "histogram");
    for (unsigned r = 0; r < stats->routes; r++) {
        char label[64];
        snprintf(label, sizeof(label), "route=\"%s\"", stats->route_names[r]);
        put_histogram(stats, out, seconds.name, label, &time_bounds,
                      offsetof(struct slot, routes) + r * sizeof(struct route_slot) +
                          offsetof(struct route_slot, seconds));
    }
}

static void put_operation_counters(const struct stats *stats, struct buf *out)
{
    static const struct metric total = {
        "stockd_operations_total",
        "Operations that clients asked for, alone or in batches, by what became of them: done, "
        "replayed (answered as the first time), insufficient_stock, limit_exceeded, refused (any "
        "other 4xx), failed (5xx)."};
    put_metric_head(out, &total, "counter");
    for (unsigned k = 0; k < stats->kinds; k++)
        for (int i = 0; i < STATS_OUTCOMES; i++) {
            uint64_t n = stats_operations(stats, k, (enum stats_outcome)i);
            if (n > 0)
                buf_printf(out, "%s{op=\"%s\",outcome=\"%s\"} %" PRIu64 "\n", total.name,
                           stats->kind_names[k], outcomes[i], n);
        }
}

/* --- what the system says of each process ----------------------------------------------------- */

/* 0 for a process that is gone. */
static long long resident_bytes(pid_t pid)
{
    char path[64];
    long long pages = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*d %lld", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static long long open_descriptors(pid_t pid)
{
    char path[64];
    long long count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    if (!directory)
        return 0;
    for (const struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static void put_process_gauges(const struct stats *stats, struct buf *out,
                               const struct metric *metric, long long (*read)(pid_t pid))
{
    put_metric_head(out, metric, "gauge");
    for (unsigned s = 0; s < stats->slots; s++) {
        pid_t pid = atomic_load(&stats->slot[s].pid);
        if (pid > 0)
            buf_printf(out, "%s{process=\"%s\",slot=\"%u\"} %lld\n", metric->name,
                       atomic_load(&stats->slot[s].process), s, read(pid));
    }
}

/* Of the last look at the ledger's backlog; 0: it is of now, or there is no ledger. */
static int64_t stale_ms(const struct stats *stats)
{
    int64_t look_at_ms = stats_gauge(stats, STATS_LEDGER_LOOK_AT_MS);
    int64_t age_ms = clock_wall_ms() - look_at_ms;
    return look_at_ms == 0 || age_ms < STATS_STALE_MS ? 0 : age_ms;
}

static void put_gauges(const struct stats *stats, struct buf *out)
{
    int64_t age_ms = stale_ms(stats);
    for (int i = 0; i < STATS_GAUGES; i++) {
        int64_t n = stats_gauge(stats, (enum stats_gauge)i);
        if (when_stale[i] == STALE_IS_LEFT_OUT && age_ms > 0)
            continue;
        if (when_stale[i] == STALE_GROWS)
            n += age_ms;
        put_metric_head(out, &gauges[i].is, "gauge");
        buf_printf(out, "%s %.15g\n", gauges[i].is.name, (double)n * gauges[i].scale);
    }
}

/* Whose counters these are: behind a balancer each scrape may be another's. */
static void put_service(const struct stats *stats, struct buf *out)
{
    static const struct metric start = {"stockd_service_start_time_seconds",
                                        "When the service that counts here was started; "
                                        "service is a name that no other start of any has."};
    put_metric_head(out, &start, "gauge");
    buf_printf(out, "%s{service=\"%016" PRIx64 "\"} %.15g\n", start.name, stats->service,
               (double)stats->started_ms * 1e-3);
}

void stats_render(const struct stats *stats, struct buf *out)
{
    put_service(stats, out);
    for (int i = 0; i < STATS_COUNTERS; i++) {
        if (has_own_head(i))
            put_metric_head(out, &counters[i], "counter");
        buf_printf(out, "%s %" PRIu64 "\n", counters[i].name,
                   stats_counted(stats, (enum stats_counter)i));
    }
    put_gauges(stats, out);
    for (int i = 0; i < STATS_HISTOGRAMS; i++) {
        put_metric_head(out, &histograms[i].is, "histogram");
        put_histogram(stats, out, histograms[i].is.name, "", histograms[i].bounds,
                      offsetof(struct slot, histograms) + (size_t)i * sizeof(struct histogram));
    }
    put_operation_counters(stats, out);
    put_requests(stats, out);
    static const struct metric memory = {"stockd_process_resident_memory_bytes",
                                         "Memory of a process that is in RAM."};
    static const struct metric descriptors = {"stockd_process_open_fds",
                                              "Descriptors that a process has open."};
    put_process_gauges(stats, out, &memory, resident_bytes);
    put_process_gauges(stats, out, &descriptors, open_descriptors);
}
