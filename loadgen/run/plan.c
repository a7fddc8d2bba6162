/* plan.c -- every option in its place. */
#include "run/plan.h"
#include "client/run_name.h"
#include "clock.h"
#include "shared.h"
#include "version.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MS_NS           UINT64_C(1000000)
#define TOKEN_MAX_BYTES 4096

/* --- file descriptors ------------------------------------------------------------------------- */

/* Beside those that grow with clients or processes: files, the loop, some to spare. */
#define OWN 32

/* Raises the soft limit as far as it may go. 0, or -EMFILE when that is not enough for so many
 * clients in so many processes: a client that finds no descriptor would look like a server that
 * refuses it. */
static int provide_descriptors(int64_t clients, int64_t processes, char *err, size_t err_size)
{
    int64_t each = (clients + processes - 1) / processes; /* of a client process */
    int64_t pairs = 2 * processes;                        /* of the parent */
    int64_t need = OWN + (each > pairs ? each : pairs);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0; /* nothing is known; whoever needs one will say so */
    if (limit.rlim_cur < (rlim_t)need && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) < 0)
            return 0;
    }
    if (limit.rlim_cur >= (rlim_t)need)
        return 0;
    snprintf(err, err_size,
             "%" PRId64 " connections in %" PRId64 " process%s need %" PRId64
             " open files in one process, and `ulimit -n` allows %" PRIu64
             "; raise it, or give fewer connections%s",
             clients, processes, processes == 1 ? "" : "es", need, (uint64_t)limit.rlim_cur,
             each > pairs ? " or more processes" : " and processes");
    return -EMFILE;
}

/* --- the load --------------------------------------------------------------------------------- */

static int plan_workload(struct workload *w, const struct options *o, char *err, size_t err_size)
{
    *w = *workload_find(o->scenario);
    w->skus = o->skus ? (uint32_t)o->skus : w->skus;
    if (o->stock > WORKLOAD_STOCK_MAX) {
        snprintf(err, err_size, "--stock must be at most 2,000,000,000");
        return -EINVAL;
    }
    w->stock = o->stock ? (uint32_t)o->stock : w->stock;
    w->theta = o->zipf >= 0 ? o->zipf : w->theta;
    w->ttl_ms = o->ttl_ms ? (uint32_t)o->ttl_ms : w->ttl_ms;
    w->limit = o->limit >= 0 ? (uint32_t)o->limit : w->limit;
    w->customers = o->customers ? (uint32_t)o->customers : w->customers;
    if (w->limit > 0 && w->customers == 0)
        w->customers = (uint32_t)o->connections; /* each client has its own */
    if (o->qty.max > 0) {
        w->qty_min = (uint32_t)o->qty.min;
        w->qty_max = (uint32_t)o->qty.max;
    }
    if (o->basket.max > 0) {
        w->basket_min = (uint32_t)o->basket.min;
        w->basket_max = (uint32_t)o->basket.max;
    }
    w->batch_min = (uint32_t)o->batch.min;
    w->batch_max = (uint32_t)o->batch.max;
    if (o->mixed)
        memcpy(w->weight, o->mix, sizeof(w->weight));
    w->clients = (uint32_t)o->connections;
    w->contended = w->contended && o->command == COMMAND_RUN; /* a low rate need not contend */
    return workload_open(w, err, err_size);
}

static const char *key_path(const struct options *o)
{
    return o->key_file ? o->key_file : o->token_file;
}

static int read_token(char token[TOKEN_MAX_BYTES], const struct options *o, char *err,
                      size_t err_size)
{
    const char *path = key_path(o), *option = o->key_file ? "--key-file" : "--token-file";
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!path)
        return 0;
    if (!file) {
        int rc = -errno;
        snprintf(err, err_size, "%s %s: %s", option, path, strerror(-rc));
        return rc;
    }
    size_t n = fread(token, 1, TOKEN_MAX_BYTES - 1, file);
    int unread = ferror(file) ? -errno : 0;
    fclose(file);
    if (unread) {
        snprintf(err, err_size, "%s %s: %s", option, path, strerror(-unread));
        return unread;
    }
    token[n] = '\0';
    token[strcspn(token, "\r\n")] = '\0';
    if (token[0])
        return 0;
    snprintf(err, err_size, "%s %s: its first line is empty; it should be the key", option, path);
    return -EINVAL;
}

int plan_target(struct target *to, const struct options *o, char *err, size_t err_size)
{
    char token[TOKEN_MAX_BYTES] = "";
    int rc = read_token(token, o, err, err_size);
    if (rc < 0)
        return rc;
    const struct target_options target = {.host = o->url.host,
                                          .port = o->url.port,
                                          .path = o->url.prefix,
                                          .headers = (const char *const *)o->headers.text,
                                          .header_count = o->headers.n,
                                          .token = key_path(o) ? token : NULL,
                                          .close = !o->keepalive,
                                          .tls = o->url.tls ? &o->tls : NULL};
    rc = target_open(to, &target, err, err_size);
    explicit_bzero(token, sizeof(token));
    return rc;
}

/* Arrivals: the stages as given, or one stage for the whole run. */
static void plan_stages(struct plan *plan, const struct options *o)
{
    struct load *load = &plan->load;
    load->stages = plan->stages;
    load->stage_count = o->stages.count;
    for (size_t i = 0; i < o->stages.count; i++)
        plan->stages[i] =
            (struct arrival_stage){.length_ns = (uint64_t)o->stages.stage[i].duration_ms * MS_NS,
                                   .per_second = (double)o->stages.stage[i].rate};
    if (o->rate > 0) {
        load->stage_count = 1;
        plan->stages[0] = (struct arrival_stage){.length_ns = load->duration_ns ? load->duration_ns
                                                                                : UINT64_MAX / 4,
                                                 .per_second = (double)o->rate};
    } else if (o->stages.count > 0 && o->warmup_ms > 0) {
        plan->stages[0].length_ns += (uint64_t)o->warmup_ms * MS_NS; /* the first rate, longer */
    }
}

static int plan_shared(struct plan *plan, const struct options *o)
{
    struct load *load = &plan->load;
    plan->shared_bytes = load_shared_bytes(load->clients);
    load->shared = shared_alloc(plan->shared_bytes);
    if (!load->shared)
        return -ENOMEM;
    for (uint32_t i = 0; i < load->clients; i++) {
        struct rng seeds; /* every client has a stream of its own */
        rng_seed(&seeds, (uint64_t)o->seed);
        rng_seed(&load->shared->client[i].rng, rng_next(&seeds) + i);
    }
    return 0;
}

int plan_open(struct plan *plan, const struct options *o, char *err, size_t err_size)
{
    *plan = (struct plan){0};
    struct load *load = &plan->load;
    snprintf(err, err_size, "out of memory");
    int rc = provide_descriptors(o->connections, o->processes, err, err_size);
    rc = rc < 0 ? rc : plan_workload(&load->workload, o, err, err_size);
    if (rc < 0)
        return rc;
    load->workers = (uint32_t)o->processes;
    load->clients = (uint32_t)o->connections;
    load->duration_ns = o->duration_ms ? (uint64_t)(o->warmup_ms + o->duration_ms) * MS_NS : 0;
    load->requests = (uint64_t)o->requests;
    load->grace_ns = (uint64_t)o->grace_ms * MS_NS;
    load->timeout_ns = (uint64_t)o->timeout_ms * MS_NS;
    load->think_ns = (uint64_t)o->think_ms * MS_NS;
    load->max_tasks = (uint64_t)o->max_tasks_per_child;
    load->max_backlog = (uint64_t)o->max_backlog;
    load->dup = o->dup;
    load->abort = o->abort;
    load->keepalive = o->keepalive;
    load->poisson = o->arrival == ARRIVAL_POISSON;
    load->seed = (uint64_t)o->seed;
    plan_stages(plan, o);
    rc = plan_target(&load->target, o, err, err_size);
    rc = rc < 0 ? rc : plan_shared(plan, o);
    if (rc < 0)
        plan_close(plan);
    return rc;
}

void plan_close(struct plan *plan)
{
    workload_close(&plan->load.workload);
    target_close(&plan->load.target);
    shared_free(plan->load.shared, plan->shared_bytes);
    *plan = (struct plan){0};
}

/* --- what the history says of it -------------------------------------------------------------- */

/* Arrivals a second, over all stages. */
static double average_rate(const struct load *load)
{
    double arrivals = 0, seconds = 0;
    for (size_t i = 0; i < load->stage_count; i++) {
        arrivals += load->stages[i].per_second * (double)load->stages[i].length_ns / 1e9;
        seconds += (double)load->stages[i].length_ns / 1e9;
    }
    return seconds > 0 ? arrivals / seconds : 0;
}

void plan_facts(const struct plan *plan, const struct options *o, struct history_facts *facts)
{
    const struct load *load = &plan->load;
    const char *arrival = load->poisson ? "poisson" : "const";
    *facts = (struct history_facts){
        .verify = (uint32_t)o->verify,
        .started_wall_ms = clock_wall_ms(),
        .zero_ns = load_now_ns(),
        .warmup_ns = (uint64_t)o->warmup_ms * MS_NS,
        .duration_ns = (uint64_t)o->duration_ms * MS_NS,
        .requests = load->requests,
        .seed = load->seed,
        .rate = average_rate(load),
        .processes = load->workers,
        .clients = load->clients,
        .items = load->workload.skus,
        .contended = load->workload.contended,
        .stock = load->workload.stock,
        .ttl_ms = load->workload.ttl_ms,
        .timeout_ms = (uint64_t)o->timeout_ms,
        .limit = load->workload.limit,
        .limited_every = load->workload.limited_every,
        .customers = load->workload.customers,
        .removable_every = load->workload.removable_every,
    };
    run_name_make(facts->run);
    run_name_prefix(facts->prefix, facts->run);
    snprintf(facts->scenario, sizeof(facts->scenario), "%s", o->scenario);
    snprintf(facts->arrival, sizeof(facts->arrival), "%s", load->stage_count ? arrival : "closed");
    snprintf(facts->url, sizeof(facts->url), "%s", o->url.text);
    snprintf(facts->version, sizeof(facts->version), "%s", stockd_version);
    gethostname(facts->host, sizeof(facts->host) - 1);
    snprintf(facts->command, sizeof(facts->command), "%s", o->command_line ? o->command_line : "");
}
