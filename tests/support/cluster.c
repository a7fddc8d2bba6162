/* cluster.c -- see cluster.h. */
#include "support/cluster.h"
#include "support/cluster_view.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_MS  120000
#define MIGRATE_MS 10000
#define MOVE_MS    60000

/* Few enough that a slot is on its way for a while; a key at a time takes as long as a request has
 * where the machine is busy. */
#define MOVED_AT_ONCE 16

static bool is_ok(redisReply *reply)
{
    bool ok = reply && reply->type != REDIS_REPLY_ERROR;
    if (reply && !ok)
        fprintf(stderr, "Redis said: %s\n", reply->str);
    freeReplyObject(reply);
    return ok;
}

/* --- questions -------------------------------------------------------------------------------- */

int tcluster_slot_of(const struct tcluster *c, int partition)
{
    for (int i = 0; i < c->node_count; i++) {
        redisReply *reply = c->nodes[i].proc.pid > 0
                                ? tredis_try(&c->nodes[i], "CLUSTER KEYSLOT {p%d}:meta", partition)
                                : NULL;
        int slot = reply && reply->type == REDIS_REPLY_INTEGER ? (int)reply->integer : -1;
        freeReplyObject(reply);
        if (slot >= 0)
            return slot;
    }
    return -1;
}

int tcluster_node_of(const struct tcluster *c, int slot)
{
    struct cluster_view view;
    int64_t best = -1;
    int node = -1;
    for (int i = 0; i < c->node_count; i++)
        if (c->nodes[i].proc.pid > 0 && cluster_view_ask(&view, &c->nodes[i]) &&
            cluster_view_has(&view, slot) && view.epoch > best) {
            best = view.epoch;
            node = i;
        }
    return node;
}

/* True for a primary, too. */
static bool is_connected(const struct tredis *r)
{
    redisReply *role = tredis_try(r, "ROLE");
    bool is = role && role->type == REDIS_REPLY_ARRAY &&
              (role->elements == 3 ||
               (role->elements == 5 && strcmp(role->element[3]->str, "connected") == 0));
    freeReplyObject(role);
    return is;
}

int tcluster_replica_of(const struct tcluster *c, int node)
{
    struct cluster_view view;
    char id[CLUSTER_ID_SIZE];
    if (!cluster_view_ask(&view, &c->nodes[node]))
        return -1;
    memcpy(id, view.id, sizeof(id));
    for (int i = 0; i < c->node_count; i++)
        if (i != node && c->nodes[i].proc.pid > 0 && cluster_view_ask(&view, &c->nodes[i]) &&
            strcmp(view.primary, id) == 0 && is_connected(&c->nodes[i]) &&
            tredis_acknowledged(&c->nodes[node], &c->nodes[i]) > 0)
            return i;
    return -1;
}

bool tcluster_outlives_host_of(const struct tcluster *c, int node)
{
    static struct cluster_view its, view;
    int voters = 0, left = 0, heirs = 0;
    if (!cluster_view_ask(&its, &c->nodes[node]))
        return false;
    for (int i = 0; i < c->node_count; i++) {
        if (c->nodes[i].proc.pid == 0 || !cluster_view_ask(&view, &c->nodes[i]))
            continue;
        bool elsewhere = c->nodes[i].opts.on != c->nodes[node].opts.on;
        bool votes = strcmp(view.primary, "-") == 0 && view.slots[0] != '\0';
        voters += votes;
        left += votes && elsewhere;
        heirs += elsewhere && strcmp(view.primary, its.id) == 0 &&
                 tredis_acknowledged(&c->nodes[node], &c->nodes[i]) > 0;
    }
    return heirs > 0 && 2 * left > voters;
}

static bool is_well(const struct tredis *r)
{
    redisReply *reply = tredis_try(r, "CLUSTER INFO");
    bool well = reply && reply->type == REDIS_REPLY_STRING &&
                strstr(reply->str, "cluster_state:ok") &&
                strstr(reply->str, "cluster_slots_ok:16384") && is_connected(r);
    freeReplyObject(reply);
    return well;
}

/* A primary is, and a replica that is in step with its own. */
static bool is_in_step(const struct tcluster *c, int node, const struct cluster_view *its)
{
    static struct cluster_view view;
    if (strcmp(its->primary, "-") == 0)
        return true;
    for (int i = 0; i < c->node_count; i++)
        if (c->nodes[i].proc.pid > 0 && cluster_view_ask(&view, &c->nodes[i]) &&
            strcmp(view.id, its->primary) == 0)
            return tredis_acknowledged(&c->nodes[i], &c->nodes[node]) > 0;
    return false;
}

bool tcluster_is_settled(const struct tcluster *c)
{
    static struct cluster_view first, view;
    bool any = false;
    for (int i = 0; i < c->node_count; i++) {
        if (c->nodes[i].proc.pid == 0)
            continue;
        if (!is_well(&c->nodes[i]) || !cluster_view_ask(&view, &c->nodes[i]) ||
            !is_in_step(c, i, &view))
            return false;
        if (!any)
            first = view;
        any = true;
        if (strcmp(view.map, first.map) != 0)
            return false;
        for (int j = 0; j < c->node_count; j++)
            if (c->nodes[j].proc.pid > 0 &&
                cluster_view_doubts(&view, tredis_address(&c->nodes[j]), c->nodes[j].port))
                return false;
    }
    return any;
}

/* --- what a person does ----------------------------------------------------------------------- */

int tcluster_failover(const struct tcluster *c, int replica, const char *how)
{
    return is_ok(tredis_try(&c->nodes[replica], *how ? "CLUSTER FAILOVER %s" : "CLUSTER FAILOVER",
                            how))
               ? 0
               : -EAGAIN;
}

/* A node whose replica is behind for a moment takes nothing, where writes are to have replicas. */
static bool migrate(const struct tredis *from, const struct tredis *to, const redisReply *keys)
{
    char port[16], limit[16];
    const char *words[7 + MOVED_AT_ONCE] = {"MIGRATE", tredis_address(to), port, "", "0", limit,
                                            "KEYS"};
    int count = 7;
    snprintf(port, sizeof(port), "%d", to->port);
    snprintf(limit, sizeof(limit), "%d", MIGRATE_MS);
    for (size_t i = 0; i < keys->elements; i++)
        words[count++] = keys->element[i]->str;
    redisContext *c = tredis_connect(from);
    redisReply *reply = c ? redisCommandArgv(c, count, words, NULL) : NULL;
    if (c)
        redisFree(c);
    bool again = reply && reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "NOREPLICAS");
    if (!again)
        return is_ok(reply);
    freeReplyObject(reply);
    return false;
}

/* Some keys of the slot to the other node; 0: there was none. */
static int move_keys(const struct tredis *from, const struct tredis *to, int slot)
{
    redisReply *keys = tredis_try(from, "CLUSTER GETKEYSINSLOT %d %d", slot, MOVED_AT_ONCE);
    int rc = keys && keys->type == REDIS_REPLY_ARRAY ? (int)keys->elements : -EIO;
    if (rc > 0 && !await(migrate(from, to, keys), MOVE_MS))
        rc = -EIO;
    freeReplyObject(keys);
    return rc;
}

static int64_t info_of(const struct tredis *r, const char *field)
{
    redisReply *info = tredis_try(r, "CLUSTER INFO");
    const char *at = info && info->type == REDIS_REPLY_STRING ? strstr(info->str, field) : NULL;
    int64_t value = at ? strtoll(at + strlen(field), NULL, 10) : -1;
    freeReplyObject(info);
    return value;
}

/* Where a slot moves on before all know of its last move, two nodes take the same epoch for theirs;
 * one of them then takes a later one, and with it what is not its own any more. */
static bool knows_epoch_of(const struct tcluster *c, int node)
{
    int64_t epoch = info_of(&c->nodes[node], "cluster_my_epoch:");
    for (int i = 0; i < c->node_count; i++)
        if (c->nodes[i].proc.pid > 0 && info_of(&c->nodes[i], "cluster_current_epoch:") < epoch)
            return false;
    return epoch >= 0;
}

int tcluster_move_slot(const struct tcluster *c, int slot, int to)
{
    struct cluster_view from_view, to_view;
    int rc, from = tcluster_node_of(c, slot);
    if (from < 0 || from == to)
        return from < 0 ? -EAGAIN : 0;
    if (!cluster_view_ask(&from_view, &c->nodes[from]) ||
        !cluster_view_ask(&to_view, &c->nodes[to]) ||
        !is_ok(tredis_try(&c->nodes[to], "CLUSTER SETSLOT %d IMPORTING %s", slot, from_view.id)) ||
        !is_ok(tredis_try(&c->nodes[from], "CLUSTER SETSLOT %d MIGRATING %s", slot, to_view.id)))
        return -EIO;
    while ((rc = move_keys(&c->nodes[from], &c->nodes[to], slot)) > 0)
        continue;
    if (rc < 0)
        return rc;
    /* Its new one first: if the old one forgot it before, nobody would have it. */
    bool told = is_ok(tredis_try(&c->nodes[to], "CLUSTER SETSLOT %d NODE %s", slot, to_view.id));
    for (int i = 0; told && i < c->node_count; i++)
        if (i != to && c->nodes[i].proc.pid > 0)
            freeReplyObject(
                tredis_try(&c->nodes[i], "CLUSTER SETSLOT %d NODE %s", slot, to_view.id));
    if (!told)
        return -EIO;
    return await(knows_epoch_of(c, to), MOVE_MS) ? 0 : -ETIMEDOUT;
}

int tcluster_follow(const struct tcluster *c, int replica, int primary)
{
    struct cluster_view view;
    return cluster_view_ask(&view, &c->nodes[primary]) &&
                   is_ok(tredis_try(&c->nodes[replica], "CLUSTER REPLICATE %s", view.id))
               ? 0
               : -EIO;
}

/* --- start and end ---------------------------------------------------------------------------- */

static const struct thost *host_of(const struct tcluster *c, int n)
{
    const struct thosts *on = c->opts.on;
    /* Numbers beyond the primaries are replicas of the same ones in turns, each one host on. */
    return on ? &on->host[(n % c->opts.primaries + n / c->opts.primaries) % on->count] : NULL;
}

static int node_start(struct tcluster *c, int n)
{
    const struct thost *on = host_of(c, n);
    size_t count = 0;
    snprintf(c->words[n].min_replicas, sizeof(c->words[n].min_replicas), "%d",
             c->opts.min_replicas);
    snprintf(c->words[n].timeout, sizeof(c->words[n].timeout), "%d", c->opts.node_timeout_ms);
    thost_enter(on);
    snprintf(c->words[n].bus, sizeof(c->words[n].bus), "%d", tproc_free_port());
    thost_leave(on);
    const char *const all[] = {"--repl-diskless-sync-delay",
                               "0",
                               "--repl-ping-replica-period", /* so that there is an offset */
                               "1",
                               "--min-replicas-max-lag",
                               "2",
                               "--min-replicas-to-write",
                               c->words[n].min_replicas,
                               "--cluster-enabled",
                               "yes",
                               "--cluster-node-timeout",
                               c->words[n].timeout,
                               "--cluster-port",
                               c->words[n].bus,
                               "--cluster-allow-replica-migration",
                               "no",
                               "--cluster-require-full-coverage",
                               c->opts.partly ? "no" : "yes"};
    for (; count < sizeof(all) / sizeof(*all); count++)
        c->words[n].args[count] = all[count];
    for (const char *const *arg = c->opts.node; arg && *arg; arg++) {
        assert(count < TCLUSTER_ARGS_MAX - 1);
        c->words[n].args[count++] = *arg;
    }
    c->words[n].args[count] = NULL;
    const struct tredis_opts opts = {.aof = c->opts.aof,
                                     .tcp = true,
                                     .tls = c->opts.tls,
                                     .acl = c->opts.acl,
                                     .extra = c->words[n].args,
                                     .on = on};
    c->node_count = n + 1;
    return tredis_start(&c->nodes[n], &opts);
}

static int meet(const struct tcluster *c, int n)
{
    return is_ok(tredis_try(&c->nodes[n], "CLUSTER MEET %s %d %s", tredis_address(c->nodes),
                            c->nodes->port, c->words[0].bus))
               ? 0
               : -EIO;
}

/* Those that were killed cannot. */
static bool knows_all(const struct tcluster *c)
{
    struct cluster_view view;
    for (int i = 0; i < c->node_count; i++)
        if (c->nodes[i].proc.pid > 0 &&
            (!cluster_view_ask(&view, &c->nodes[i]) || view.nodes != c->node_count))
            return false;
    return true;
}

static int give_slots(const struct tcluster *c, int n)
{
    int first = TCLUSTER_SLOTS * n / c->opts.primaries;
    int last = TCLUSTER_SLOTS * (n + 1) / c->opts.primaries - 1;
    if (!is_ok(tredis_try(&c->nodes[n], "CLUSTER ADDSLOTSRANGE %d %d", first, last)))
        return -EIO;
    return is_ok(tredis_try(&c->nodes[n], "CLUSTER SET-CONFIG-EPOCH %d", n + 1)) ? 0 : -EIO;
}

/* As `redis-cli --cluster create`, which waits in whole seconds. */
static int start_all(struct tcluster *c)
{
    int primaries = c->opts.primaries, nodes = primaries * (1 + c->opts.replicas), err = 0;
    for (int i = 0; !err && i < nodes; i++)
        err = node_start(c, i);
    for (int i = 0; !err && i < primaries; i++)
        err = give_slots(c, i);
    for (int i = 1; !err && i < nodes; i++)
        err = meet(c, i);
    if (!err && !await(knows_all(c), SETTLE_MS))
        err = -ETIMEDOUT;
    for (int i = primaries; !err && i < nodes; i++)
        err = tcluster_follow(c, i, i % primaries);
    if (!err && !await(tcluster_is_settled(c), SETTLE_MS))
        err = -ETIMEDOUT;
    return err;
}

static void name_url(struct tcluster *c)
{
    size_t n = tredis_begin_url(c->nodes, "cluster", c->url, sizeof(c->url));
    for (int i = 0; i < c->node_count; i++)
        n += (size_t)snprintf(c->url + n, sizeof(c->url) - n, "%s%s:%d", i ? "," : "",
                              tredis_address(&c->nodes[i]), c->nodes[i].port);
}

int tcluster_start(struct tcluster *c, const struct tcluster_opts *opts)
{
    *c = (struct tcluster){.opts = *opts};
    c->opts.primaries = opts->primaries ? opts->primaries : 3;
    c->opts.node_timeout_ms = opts->node_timeout_ms ? opts->node_timeout_ms : 2000;
    assert(c->opts.primaries * (1 + opts->replicas) <= TCLUSTER_NODES_MAX);
    int err = start_all(c);
    if (err) {
        fprintf(stderr, "no cluster: %s\n", strerror(-err));
        tcluster_print(c);
        tcluster_stop(c);
        return err;
    }
    name_url(c);
    return 0;
}

int tcluster_add_node(struct tcluster *c)
{
    int n = c->node_count;
    assert(n < TCLUSTER_NODES_MAX);
    int err = node_start(c, n);
    if (!err)
        err = meet(c, n);
    if (!err && !await(knows_all(c) && is_well(&c->nodes[n]), SETTLE_MS))
        err = -ETIMEDOUT;
    return err ? err : n;
}

void tcluster_stop(struct tcluster *c)
{
    for (int i = 0; i < c->node_count; i++)
        tredis_stop(&c->nodes[i]);
    c->node_count = 0;
}

void tcluster_print(const struct tcluster *c)
{
    for (int i = 0; i < c->node_count; i++)
        tredis_print(&c->nodes[i]);
}
