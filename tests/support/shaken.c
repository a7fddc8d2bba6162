/* shaken.c -- see shaken.h. */
#include "support/shaken.h"
#include "support/command.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REQUESTS       300
#define INTERRUPTED    105
#define SCENARIO       "mixed"
#define APPLIER_ARGS   24
#define COULD_NOT_TELL 2    /* of the audit, as where Redis does not answer in time */
#define GUARDED_MS     4000 /* handshakes take so long that a busy machine looks dead */

const char *const shaken_kind_names[SHAKEN_KINDS] = {"sentinel", "cluster"};
const char *const shaken_level_names[SHAKEN_LEVELS + 1] = {"replicated", "ledger", "always"};

/* --- Redis ------------------------------------------------------------------------------------ */

struct tredis *shaken_nodes(struct shaken *w, int *count)
{
    bool cluster = w->opts.kind == SHAKEN_CLUSTER;
    *count = cluster ? w->cluster.node_count : w->sentinel.node_count;
    return cluster ? w->cluster.nodes : w->sentinel.nodes;
}

int shaken_primary(struct shaken *w, int partition)
{
    if (w->opts.kind == SHAKEN_SENTINEL)
        return tsentinel_primary(&w->sentinel);
    return tcluster_node_of(&w->cluster, tcluster_slot_of(&w->cluster, partition));
}

int shaken_replica(struct shaken *w, int partition, int primary)
{
    (void)partition;
    return w->opts.kind == SHAKEN_SENTINEL ? tsentinel_replica(&w->sentinel)
                                           : tcluster_replica_of(&w->cluster, primary);
}

bool shaken_is_settled(struct shaken *w)
{
    return w->opts.kind == SHAKEN_SENTINEL ? tsentinel_is_settled(&w->sentinel)
                                           : tcluster_is_settled(&w->cluster);
}

/* What proves who is who, and the arguments that name it. */
static int guards_make(struct shaken *w)
{
    static const char *const files[3][3] = {{"--redis-ca", "ca", "pem"},
                                            {"--redis-cert", "client", "pem"},
                                            {"--redis-key", "client", "key"}};
    assert(!w->opts.apart); /* the certificate is for loopback */
    if (!realpath("docker/redis.acl", w->acl) || certs_begin_redis(&w->certs) != 0)
        return -EIO;
    for (int i = 0; i < 3; i++) {
        w->tls[2 * i] = files[i][0];
        w->tls[2 * i + 1] = certs_path(&w->certs, files[i][1], files[i][2], w->cert_paths[i]);
    }
    return 0;
}

static int redis_start(struct shaken *w)
{
    const struct thosts *on = w->opts.apart ? &w->hosts : NULL;
    const struct certs *tls = w->opts.guarded ? &w->certs : NULL;
    const char *acl = w->opts.guarded ? w->acl : NULL;
    int min_replicas = w->opts.level == SHAKEN_REPLICATED;
    int patience_ms = w->opts.guarded ? GUARDED_MS : 0;
    const struct tsentinel_opts sentinel = {.aof = TREDIS_AOF_ALWAYS,
                                            .tls = tls,
                                            .acl = acl,
                                            .min_replicas = min_replicas,
                                            .down_after_ms = patience_ms,
                                            .on = on};
    const struct tcluster_opts cluster = {.aof = TREDIS_AOF_ALWAYS,
                                          .tls = tls,
                                          .acl = acl,
                                          .replicas = 1,
                                          .min_replicas = min_replicas,
                                          .node_timeout_ms = patience_ms,
                                          .on = on};
    if (w->opts.guarded && guards_make(w) != 0)
        return -EIO;
    if (w->opts.kind == SHAKEN_SENTINEL) {
        w->url = w->sentinel.url;
        return tsentinel_start(&w->sentinel, &sentinel);
    }
    w->url = w->cluster.url;
    return tcluster_start(&w->cluster, &cluster);
}

/* --- services and ledger processes ------------------------------------------------------------ */

static bool has_sql(const struct shaken *w)
{
    return w->opts.engine != BASE_ENGINES;
}

#define TLS(w) (w)->tls[0], (w)->tls[1], (w)->tls[2], (w)->tls[3], (w)->tls[4], (w)->tls[5]

static int applier_start(struct shaken *w, struct shaken_server *server)
{
    char line[128];
    const char *const argv[APPLIER_ARGS] = {getenv("STOCKD"),
                                            "ledger",
                                            "--redis",
                                            w->url,
                                            "--ledger",
                                            w->bases.url,
                                            "--partitions",
                                            text("%d", w->partitions),
                                            "--auto-restore",
                                            "--startup-timeout",
                                            TSERVICE_STARTUP_TIMEOUT,
                                            TLS(w)};
    thost_enter(server->on);
    int err = tproc_start(&server->applier, argv,
                          text("%s/applier%d.err", w->dir, (int)(server - w->servers)));
    thost_leave(server->on);
    if (!err)
        err = tproc_await_line(&server->applier, "carrying events", line, sizeof(line),
                               SHAKEN_LIMIT_MS);
    return err;
}

/* A request has less time than stockload waits before it asks what became of it. */
static int service_start(struct shaken *w, struct shaken_server *server)
{
    const char *const extra[] = {"--ledger",
                                 has_sql(w) ? w->bases.url : "none",
                                 "--no-ledger-apply",
                                 "--durability",
                                 shaken_level_names[w->opts.level],
                                 "--partitions",
                                 text("%d", w->partitions),
                                 "--request-timeout",
                                 "5s",
                                 TLS(w),
                                 NULL};
    const struct tservice_opts opts = {
        .redis_url = w->url, .workers = 1, .extra = extra, .on = server->on};
    if (tservice_start(&server->service, &opts) != 0)
        return -1;
    const struct balancer_target to = {server->on ? server->on->front : "127.0.0.1",
                                       server->service.port};
    if (balancer_start(&server->door, &to, 1, NULL) != 0)
        return -1;
    api_open(&server->api, server->door.port);
    return 0;
}

static int servers_start(struct shaken *w)
{
    struct balancer_target to[SHAKEN_SERVICES];
    int err = 0;
    for (int i = 0; !err && i < SHAKEN_SERVICES; i++) {
        w->servers[i].on = w->opts.apart ? &w->hosts.host[i] : NULL;
        err = has_sql(w) ? applier_start(w, &w->servers[i]) : 0;
    }
    for (int i = 0; !err && i < SHAKEN_SERVICES; i++) {
        err = service_start(w, &w->servers[i]);
        to[i] = (struct balancer_target){w->servers[i].on ? w->servers[i].on->front : "127.0.0.1",
                                         w->servers[i].service.port};
    }
    return err ? err : balancer_start(&w->balancer, to, SHAKEN_SERVICES, NULL);
}

/* --- start and end ---------------------------------------------------------------------------- */

/* A machine that stands still is answered 504, honestly. */
static bool made(struct api *a, const char *sku)
{
    int err = http_call(&a->conn, "PUT", text("/v1/items/%s", sku), NULL, "{\"on_hand\":1000000}",
                        &a->resp);
    return err == 0 && (a->resp.status == 200 || a->resp.status == 201);
}

static void make_canaries(struct shaken *w)
{
    struct api *a = &w->servers[0].api;
    if (!await(api_ready(a), SHAKEN_LIMIT_MS))
        fail_msg("not ready: %s", a->resp.body ? a->resp.body : "no answer");
    for (int i = 0; i < SHAKEN_CANARIES; i++) {
        snprintf(w->canaries[i], sizeof(w->canaries[i]), "canary-%d", i);
        assert_true(await(made(a, w->canaries[i]), SHAKEN_LIMIT_MS));
    }
}

static int all_start(struct shaken *w)
{
    int err = w->opts.apart ? thosts_start(&w->hosts, 3) : 0;
    if (err)
        return err == -EPERM ? -ENOSYS : err;
    err = temp_dir_make(w->dir);
    if (err)
        return err;
    if (w->opts.engine != BASE_POSTGRES)
        err = bases_start_files(&w->bases);
    else if (bases_start(&w->bases) != 0)
        err = -ENOSYS;
    if (err)
        return err;
    if (has_sql(w))
        db_close(bases_ledger(&w->bases, w->opts.engine));
    return redis_start(w) == 0 && servers_start(w) == 0 ? 0 : -EIO;
}

int shaken_start(struct shaken *w, const struct shaken_opts *opts)
{
    *w = (struct shaken){.opts = *opts,
                         .partitions = opts->kind == SHAKEN_CLUSTER ? SHAKEN_PARTITIONS : 1};
    for (int i = 0; i < SHAKEN_SERVICES; i++)
        w->servers[i] = (struct shaken_server){.service.proc = {.pidfd = -1, .out_fd = -1},
                                               .applier = {.pidfd = -1, .out_fd = -1},
                                               .api.conn.fd = -1};
    rng_seed(&w->rng, opts->seed);
    int err = all_start(w);
    if (err == 0)
        make_canaries(w);
    return err;
}

int shaken_stop(struct shaken *w)
{
    bool well = true;
    int count;
    struct tredis *nodes = shaken_nodes(w, &count);
    for (int i = 0; i < count; i++)
        tredis_thaw(&nodes[i]); /* the services would wait for it */
    if (w->load.proc.pid > 0)
        tproc_kill9(&w->load.proc);
    if (*w->load.dir)
        tload_free(&w->load);
    balancer_stop(&w->balancer);
    for (int i = 0; i < SHAKEN_SERVICES; i++) {
        struct shaken_server *server = &w->servers[i];
        api_close(&server->api);
        balancer_stop(&server->door);
        well = tservice_stop(&server->service) && well;
        if (server->applier.pid > 0) {
            tproc_signal(&server->applier, SIGCONT);
            well = tproc_stop(&server->applier, SHAKEN_LIMIT_MS) && well;
        }
    }
    tsentinel_stop(&w->sentinel);
    tcluster_stop(&w->cluster);
    certs_end(&w->certs);
    if (*w->dir) {
        bases_stop(&w->bases);
        temp_dir_remove(w->dir);
    }
    thosts_stop(&w->hosts);
    *w = (struct shaken){.partitions = 0};
    return well ? 0 : -1;
}

/* --- what is judged --------------------------------------------------------------------------- */

static double decided(struct shaken *w)
{
    double sum = 0;
    for (int i = 0; i < SHAKEN_SERVICES; i++)
        sum += api_metric(&w->servers[i].api, "stockd_batch_operations_total");
    return sum;
}

bool shaken_goes_on(struct shaken *w)
{
    double goal = decided(w) + REQUESTS;
    bool went = await(decided(w) >= goal || !tproc_alive(&w->load.proc), SHAKEN_LIMIT_MS) &&
                tproc_alive(&w->load.proc);
    if (!went)
        print_error("too few requests are decided\n");
    return went;
}

/* On a machine that stands still Redis fails over by itself, and stockload gives up where that
 * happens while it makes its items. */
static bool load_begins(struct shaken *w, const char *flags)
{
    if (tload_start(&w->load, w->balancer.port, SCENARIO, flags) == 0 && shaken_goes_on(w))
        return true;
    tproc_kill9(&w->load.proc);
    tload_free(&w->load);
    w->load.dir[0] = '\0';
    return false;
}

void shaken_load(struct shaken *w)
{
    char flags[192];
    snprintf(flags, sizeof(flags),
             "-p 1 -c 24 -R 250 -d 3h --ttl 20s --settle 8s --timeout 10s --grace 10s %s "
             "--abort 0.01 --seed %" PRIu64,
             w->opts.scarce ? "--dup 0.5 --skus 15 --stock 12" : "--dup 0.03",
             w->opts.seed % 1000000 + 1);
    assert_true(await(load_begins(w, flags), SHAKEN_LIMIT_MS));
}

static bool sells(struct api *a, const char *sku)
{
    int err = http_call(&a->conn, "POST", text("/v1/items/%s/decrements", sku), NULL,
                        "{\"quantity\":1}", &a->resp);
    return err == 0 && a->resp.status == 200;
}

static bool all_ready(struct api *a)
{
    return api_ready(a) && !strstr(a->resp.body, "not_open");
}

bool shaken_serves(struct shaken *w)
{
    for (int i = 0; i < SHAKEN_SERVICES; i++) {
        struct shaken_server *server = &w->servers[i];
        if (server->on && server->on == w->cut)
            continue;
        if (!all_ready(&server->api))
            return false;
        for (int j = 0; j < SHAKEN_CANARIES; j++)
            if (!sells(&server->api, w->canaries[j]))
                return false;
    }
    return true;
}

void shaken_say(struct shaken *w)
{
    for (int i = 0; i < SHAKEN_SERVICES; i++) {
        struct api *a = &w->servers[i].api;
        bool ready = api_ready(a);
        print_error("service %d is %s: %s\n", i + 1, ready ? "ready" : "not ready",
                    a->resp.body ? a->resp.body : "no answer");
        print_tail(w->servers[i].service.err_path, 25);
        print_tail(text("%s/applier%d.err", w->dir, i), 25);
    }
    if (!shaken_is_settled(w))
        w->opts.kind == SHAKEN_SENTINEL ? tsentinel_print(&w->sentinel)
                                        : tcluster_print(&w->cluster);
}

/* A replica may have been told a wrong password, so that it falls behind. */
static bool node_mend(struct tredis *r)
{
    if (r->proc.pid == 0 && tredis_restart(r) != 0)
        return false;
    tredis_thaw(r);
    freeReplyObject(tredis_try(r, "CONFIG SET masterauth %s", ""));
    return true;
}

bool shaken_mend(struct shaken *w)
{
    int count;
    struct tredis *nodes = shaken_nodes(w, &count);
    bool fine = true;
    if (w->cut)
        thost_mend(w->cut);
    w->cut = NULL;
    for (int i = 0; i < count; i++)
        fine = node_mend(&nodes[i]) && fine;
    fine = tsentinel_revive(&w->sentinel) && fine;
    for (int i = 0; i < SHAKEN_SERVICES; i++) {
        tproc_signal(&w->servers[i].applier, SIGCONT);
        if (has_sql(w) && !tproc_alive(&w->servers[i].applier))
            fine = applier_start(w, &w->servers[i]) == 0 && fine;
    }
    fine = fine && await(shaken_is_settled(w), SHAKEN_LIMIT_MS) &&
           await(shaken_serves(w), SHAKEN_LIMIT_MS);
    if (!fine)
        shaken_say(w);
    return fine;
}

static void await_in_sql(struct shaken *w)
{
    struct api *a = &w->servers[0].api;
    if (!has_sql(w) || await(api_metric(a, "stockd_ledger_lag_events") == 0, SHAKEN_LIMIT_MS))
        return;
    shaken_say(w);
    fail_msg("SQL does not get all");
}

int shaken_end_load(struct shaken *w)
{
    assert_true(shaken_goes_on(w));
    tproc_signal(&w->load.proc, SIGINT);
    return tload_finish(&w->load);
}

static void check_refused_nothing(const struct tredis *r)
{
    redisReply *reply = tredis_try(r, "ACL LOG");
    if (!reply || reply->type != REDIS_REPLY_ARRAY)
        fail_msg("%s does not say what it refused", r->socket);
    for (size_t i = 0; i < reply->elements; i++)
        for (size_t j = 0; j < reply->element[i]->elements; j++)
            print_error("%s ", reply->element[i]->element[j]->str);
    if (reply->elements > 0)
        fail_msg("refused by %s", r->socket);
    freeReplyObject(reply);
}

/* The rights that docs and docker/redis.acl give are enough, wherever nodes are what they were not
 * at the start. */
static void check_rights(struct shaken *w)
{
    int count;
    const struct tredis *nodes = shaken_nodes(w, &count);
    for (int i = 0; i < count; i++)
        check_refused_nothing(&nodes[i]);
    for (int i = 0; i < w->sentinel.watcher_count; i++)
        check_refused_nothing(&w->sentinel.watchers[i]);
}

static int audited(const struct shaken *w)
{
    return command_run("audit", "--redis", w->url, "--ledger", w->bases.url, TLS(w));
}

void shaken_judge(struct shaken *w)
{
    int status = shaken_end_load(w);
    await_in_sql(w);
    int audit = 0;
    if (has_sql(w))
        (void)await((audit = audited(w)) != COULD_NOT_TELL, SHAKEN_LIMIT_MS);
    if (audit != 0)
        print_error("the audit ends with %d: %s\n", audit, command_said);
    if (w->opts.guarded)
        check_rights(w);
    bool right = status == INTERRUPTED && strcmp(tload_word(&w->load), "right") == 0;
    if (!right)
        tload_print(&w->load);
    if (!right || audit != 0) {
        print_error("stockload ends with %d, the audit with %d\n", status, audit);
        shaken_say(w);
        fail();
    }
    tload_free(&w->load);
    w->load.dir[0] = '\0';
}
