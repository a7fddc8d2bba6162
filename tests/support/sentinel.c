/* sentinel.c -- see sentinel.h. */
#include "support/sentinel.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_MS 120000

/* docs/operations.md */
#define TSENTINEL_RIGHTS                                                                           \
    "-@all +auth +sentinel|get-master-addr-by-name +sentinel|master +sentinel|sentinels"

/* --- Sentinels -------------------------------------------------------------------------------- */

static const struct thost *host_of(const struct tsentinel_opts *opts, int n)
{
    return opts->on ? &opts->on->host[n % opts->on->count] : NULL;
}

/* It writes to its own configuration, so each has a file. */
static int write_conf(const struct tsentinel *s, const struct tredis *w, const char *path)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return -errno;
    fprintf(file, "port %d\nbind %s %s\nprotected-mode no\ndir %s\nlogfile redis.log\n",
            w->opts.tls ? 0 : w->port, tredis_address(w), w->opts.on ? w->opts.on->front : "",
            w->dir);
    if (w->opts.tls) {
        tredis_print_tls(w, file);
        fprintf(file, "unixsocket %s\n", w->socket);
    }
    if (w->opts.acl)
        fprintf(file, "user stockd on >change-me " TSENTINEL_RIGHTS "\n");
    fprintf(file, "sentinel monitor " TSENTINEL_NAME " %s %d %d\n", tredis_address(s->nodes),
            s->nodes->port, s->watcher_count / 2 + 1);
    fprintf(file, "sentinel down-after-milliseconds " TSENTINEL_NAME " %d\n",
            s->opts.down_after_ms);
    fprintf(file, "sentinel failover-timeout " TSENTINEL_NAME " %d\n", 3 * s->opts.down_after_ms);
    for (const char *const *line = s->opts.sentinel; line && *line; line++)
        fprintf(file, "%s\n", *line);
    return fclose(file) == 0 ? 0 : -errno;
}

/* Also again, with what it has written to its configuration. */
static int watcher_launch(struct tredis *w)
{
    char conf[TEST_PATH_MAX + 16], err_path[TEST_PATH_MAX + 16];
    snprintf(conf, sizeof(conf), "%s/sentinel.conf", w->dir);
    snprintf(err_path, sizeof(err_path), "%s/redis.err", w->dir);
    const char *const argv[] = {"redis-server", conf, "--sentinel", NULL};
    thost_enter(w->opts.on);
    int err = tproc_start(&w->proc, argv, err_path);
    thost_leave(w->opts.on);
    return err;
}

static int watcher_start(const struct tsentinel *s, struct tredis *w, const struct thost *on)
{
    char conf[TEST_PATH_MAX + 16];
    *w = (struct tredis){
        .proc = {.pidfd = -1, .out_fd = -1},
        .opts = {.tcp = true, .tls = s->opts.tls, .acl = s->opts.acl, .on = on},
    };
    int err = temp_dir_make(w->dir);
    if (err)
        return err;
    w->port = tproc_free_port();
    if (w->opts.tls)
        tredis_name_socket(w);
    snprintf(conf, sizeof(conf), "%s/sentinel.conf", w->dir);
    err = write_conf(s, w, conf);
    return err ? err : watcher_launch(w);
}

/* Looks closer than every ten seconds, and tells the others more often than every two: a test is
 * short. Where a Sentinel does not know these words, it takes its time. */
static bool hurry(const struct tredis *w)
{
    redisReply *reply = tredis_try(w, "SENTINEL DEBUG INFO-PERIOD 1000 PUBLISH-PERIOD 500");
    bool answered = reply != NULL;
    freeReplyObject(reply);
    return answered;
}

/* --- what they say ---------------------------------------------------------------------------- */

/* What one Sentinel says of the primary. */
struct opinion {
    char host[64];
    int port;
    int64_t epoch; /* -1: it does not answer */
    int64_t replicas, others;
    bool calm; /* no failover is going on, and none is called for */
    bool dead; /* the primary, as this Sentinel alone sees it */
};

static const char *field(const redisReply *map, const char *name)
{
    for (size_t i = 0; i + 1 < map->elements; i += 2)
        if (map->element[i]->str && map->element[i + 1]->str &&
            strcmp(map->element[i]->str, name) == 0)
            return map->element[i + 1]->str;
    return "";
}

static struct opinion ask(const struct tredis *w)
{
    struct opinion o = {.epoch = -1};
    redisReply *reply =
        tproc_pid_alive(w->proc.pid) ? tredis_try(w, "SENTINEL MASTER " TSENTINEL_NAME) : NULL;
    if (reply && reply->type == REDIS_REPLY_ARRAY) {
        snprintf(o.host, sizeof(o.host), "%s", field(reply, "ip"));
        o.port = (int)strtol(field(reply, "port"), NULL, 10);
        o.epoch = strtoll(field(reply, "config-epoch"), NULL, 10);
        o.replicas = strtoll(field(reply, "num-slaves"), NULL, 10);
        o.others = strtoll(field(reply, "num-other-sentinels"), NULL, 10);
        o.calm = strcmp(field(reply, "flags"), "master") == 0;
        o.dead = strstr(field(reply, "flags"), "s_down") != NULL;
    }
    freeReplyObject(reply);
    return o;
}

static int node_at(const struct tsentinel *s, const struct opinion *o)
{
    for (int i = 0; i < s->node_count; i++)
        if (s->nodes[i].port == o->port && strcmp(tredis_address(&s->nodes[i]), o->host) == 0)
            return i;
    return -1;
}

int tsentinel_primary(const struct tsentinel *s)
{
    struct opinion best = {.epoch = -1};
    for (int i = 0; i < s->watcher_count; i++) {
        struct opinion o = ask(&s->watchers[i]);
        if (o.epoch > best.epoch)
            best = o;
    }
    return best.epoch < 0 ? -1 : node_at(s, &best);
}

/* --- what the nodes say ----------------------------------------------------------------------- */

/* In its own eyes, and in those of the primary, which it has told. */
static bool is_replica_of(const struct tredis *r, const struct tredis *primary)
{
    redisReply *role = tredis_try(r, "ROLE");
    bool is = role && role->type == REDIS_REPLY_ARRAY && role->elements == 5 &&
              strcmp(role->element[1]->str, tredis_address(primary)) == 0 &&
              role->element[2]->integer == primary->port &&
              strcmp(role->element[3]->str, "connected") == 0;
    freeReplyObject(role);
    return is && tredis_acknowledged(primary, r) > 0;
}

static bool is_primary(const struct tredis *r)
{
    redisReply *role = tredis_try(r, "ROLE");
    bool is = role && role->type == REDIS_REPLY_ARRAY && role->elements == 3 &&
              strcmp(role->element[0]->str, "master") == 0;
    freeReplyObject(role);
    return is;
}

int tsentinel_replica(const struct tsentinel *s)
{
    int primary = tsentinel_primary(s);
    for (int i = 0; primary >= 0 && i < s->node_count; i++)
        if (i != primary && s->nodes[i].proc.pid > 0 &&
            is_replica_of(&s->nodes[i], &s->nodes[primary]))
            return i;
    return -1;
}

/* They agree on a node, and have found each other and all the nodes. */
static bool all_name(const struct tsentinel *s, int primary)
{
    int named = 0, alive = 0;
    for (int i = 0; i < s->watcher_count; i++) {
        if (s->watchers[i].proc.pid == 0)
            continue;
        struct opinion o = ask(&s->watchers[i]);
        alive++;
        named += o.epoch >= 0 && o.calm && node_at(s, &o) == primary &&
                 o.replicas == s->node_count - 1 && o.others == s->watcher_count - 1;
    }
    return alive > 0 && named == alive;
}

bool tsentinel_is_settled(const struct tsentinel *s)
{
    int primary = tsentinel_primary(s);
    if (primary < 0 || !is_primary(&s->nodes[primary]) || !all_name(s, primary))
        return false;
    for (int i = 0; i < s->node_count; i++)
        if (i != primary && s->nodes[i].proc.pid > 0 &&
            !is_replica_of(&s->nodes[i], &s->nodes[primary]))
            return false;
    return true;
}

static bool has_majority(const struct tredis *w)
{
    redisReply *reply = tredis_try(w, "SENTINEL CKQUORUM " TSENTINEL_NAME);
    bool has = !reply || reply->type != REDIS_REPLY_ERROR;
    freeReplyObject(reply);
    return has;
}

bool tsentinel_is_helpless(const struct tsentinel *s, bool primary_dead)
{
    for (int i = 0; i < s->watcher_count; i++)
        if (s->watchers[i].proc.pid > 0 &&
            (has_majority(&s->watchers[i]) || (primary_dead && !ask(&s->watchers[i]).dead)))
            return false;
    return true;
}

int tsentinel_failover(const struct tsentinel *s)
{
    for (int i = 0; i < s->watcher_count; i++) {
        redisReply *reply = s->watchers[i].proc.pid > 0
                                ? tredis_try(&s->watchers[i], "SENTINEL FAILOVER " TSENTINEL_NAME)
                                : NULL;
        bool begun = reply && reply->type == REDIS_REPLY_STATUS;
        freeReplyObject(reply);
        if (begun)
            return 0;
    }
    return -EAGAIN;
}

bool tsentinel_revive(struct tsentinel *s)
{
    for (int i = 0; i < s->watcher_count; i++)
        if (s->watchers[i].proc.pid == 0 &&
            (watcher_launch(&s->watchers[i]) != 0 || !await(hurry(&s->watchers[i]), SETTLE_MS)))
            return false;
    return true;
}

/* --- start and end ---------------------------------------------------------------------------- */

/* What the arguments of its nodes are; good as long as it is. */
static void name_args(struct tsentinel *s)
{
    const char *const all[] = {
        "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1",
        "--min-replicas-max-lag",     "2", "--min-replicas-to-write",    s->min_replicas};
    size_t n = sizeof(all) / sizeof(*all);
    snprintf(s->min_replicas, sizeof(s->min_replicas), "%d", s->opts.min_replicas);
    memcpy(s->args, all, sizeof(all));
    for (const char *const *arg = s->opts.node; arg && *arg; arg++) {
        assert(n < TSENTINEL_ARGS_MAX - 4);
        s->args[n++] = *arg;
    }
    memcpy(s->replica_args, s->args, sizeof(s->args));
    s->replica_args[n++] = "--replicaof";
    s->replica_args[n++] = tredis_address(s->nodes);
    s->replica_args[n++] = s->port;
}

static int node_start(struct tsentinel *s, int n)
{
    const struct tredis_opts opts = {.aof = s->opts.aof,
                                     .tcp = true,
                                     .tls = s->opts.tls,
                                     .acl = s->opts.acl,
                                     .extra = n > 0 ? s->replica_args : s->args,
                                     .on = host_of(&s->opts, n)};
    int err = tredis_start(&s->nodes[n], &opts);
    s->node_count = n + 1;
    if (!err && n == 0) {
        snprintf(s->port, sizeof(s->port), "%d", s->nodes->port);
        name_args(s); /* now that its address is known */
    }
    return err;
}

static void name_url(struct tsentinel *s)
{
    size_t n = tredis_begin_url(s->nodes, "sentinel", s->url, sizeof(s->url));
    for (int i = 0; i < s->watcher_count; i++)
        n += (size_t)snprintf(s->url + n, sizeof(s->url) - n, "%s%s:%d", i ? "," : "",
                              tredis_address(&s->watchers[i]), s->watchers[i].port);
    snprintf(s->url + n, sizeof(s->url) - n, "/" TSENTINEL_NAME);
}

static int start_all(struct tsentinel *s, int nodes)
{
    int err = 0;
    name_args(s);
    for (int i = 0; !err && i < nodes; i++)
        err = node_start(s, i);
    for (int i = 0; !err && i < s->watcher_count; i++)
        err = watcher_start(s, &s->watchers[i], host_of(&s->opts, i));
    for (int i = 0; !err && i < s->watcher_count; i++)
        err = await(hurry(&s->watchers[i]), SETTLE_MS) ? 0 : -ETIMEDOUT;
    if (!err && !await(tsentinel_is_settled(s), SETTLE_MS))
        err = -ETIMEDOUT;
    return err;
}

int tsentinel_start(struct tsentinel *s, const struct tsentinel_opts *opts)
{
    *s = (struct tsentinel){.opts = *opts};
    int replicas = opts->replicas ? opts->replicas : 1;
    s->watcher_count = opts->sentinels ? opts->sentinels : 3;
    s->opts.down_after_ms = opts->down_after_ms ? opts->down_after_ms : 2000;
    assert(replicas < TSENTINEL_NODES_MAX && s->watcher_count <= TSENTINEL_WATCHERS_MAX);
    int err = start_all(s, 1 + replicas);
    if (err) {
        fprintf(stderr, "no primary with Sentinels: %s\n", strerror(-err));
        tsentinel_print(s);
        tsentinel_stop(s);
        return err;
    }
    name_url(s);
    return 0;
}

void tsentinel_stop(struct tsentinel *s)
{
    for (int i = 0; i < s->watcher_count; i++)
        tredis_stop(&s->watchers[i]);
    for (int i = 0; i < s->node_count; i++)
        tredis_stop(&s->nodes[i]);
    s->watcher_count = s->node_count = 0;
}

void tsentinel_print(const struct tsentinel *s)
{
    for (int i = 0; i < s->node_count; i++)
        tredis_print(&s->nodes[i]);
    for (int i = 0; i < s->watcher_count; i++)
        tredis_print(&s->watchers[i]);
}
