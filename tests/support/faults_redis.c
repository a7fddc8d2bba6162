/* faults_redis.c -- see faults_redis.h. */
#include "support/faults_redis.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DRAW_MS 20000 /* until nodes of a busy machine have said who is what */
#define TRY_MS  20000 /* a failover that was asked for is given up by Redis itself before that */
#define TAIL_MS 1500
#define SLOW_MS 30000
#define TRIES   6

/* --- words ------------------------------------------------------------------------------------ */

static void nap(int64_t ms)
{
    int64_t until = test_now_ms() + ms;
    while (test_now_ms() < until)
        test_pause();
}

static int some_partition(struct shaken *w)
{
    return (int)rng_below(&w->rng, (uint64_t)w->partitions);
}

static struct tredis *node(struct shaken *w, int n)
{
    int count;
    return &shaken_nodes(w, &count)[n];
}

/* On a busy machine nobody may have an answer just now. */
static int primary_of(struct shaken *w, int partition)
{
    int primary;
    if (!await((primary = shaken_primary(w, partition)) >= 0, SHAKEN_LIMIT_MS))
        fail_msg("nobody is primary of partition %d", partition);
    return primary;
}

static int replica_of(struct shaken *w, int partition, int primary)
{
    int replica;
    if (!await((replica = shaken_replica(w, partition, primary)) >= 0, SHAKEN_LIMIT_MS))
        fail_msg("node %d has no replica that is in step", primary);
    return replica;
}

static bool moved_from(struct shaken *w, int partition, int before)
{
    int now = shaken_primary(w, partition);
    return now >= 0 && now != before;
}

static bool await_another(struct shaken *w, int partition, int before)
{
    if (await(moved_from(w, partition, before), SHAKEN_LIMIT_MS))
        return true;
    fprintf(stderr, "no other primary took the place of node %d\n", before);
    return false;
}

/* --- primaries that are lost ------------------------------------------------------------------ */

static bool kill_primary(struct shaken *w)
{
    int partition = some_partition(w), primary = primary_of(w, partition);
    tredis_kill9(node(w, primary));
    return await_another(w, partition, primary);
}

/* It is back with all its data, before or after somebody takes its place. */
static bool restart_primary(struct shaken *w)
{
    int primary = primary_of(w, some_partition(w));
    tredis_kill9(node(w, primary));
    nap((int64_t)rng_below(&w->rng, 3000));
    return tredis_restart(node(w, primary)) == 0;
}

static bool freeze_primary(struct shaken *w)
{
    int partition = some_partition(w), primary = primary_of(w, partition);
    tredis_freeze(node(w, primary));
    bool another = await_another(w, partition, primary);
    nap((int64_t)rng_below(&w->rng, 5000));
    return another;
}

/* For less time than anybody would take for a death, or a little more. */
static bool stall_primary(struct shaken *w)
{
    int primary = primary_of(w, some_partition(w));
    tredis_freeze(node(w, primary));
    nap((int64_t)rng_below(&w->rng, 3000));
    tredis_thaw(node(w, primary));
    return true;
}

/* A service and a ledger process stay with it, and clients of theirs. */
/* One whose primary has an heir when its host is cut off; -1: none has. Failovers before may have
 * brought most of a cluster's primaries to one host. */
static int partition_to_cut(struct shaken *w)
{
    int first = some_partition(w);
    for (int i = 0; i < w->partitions; i++) {
        int partition = (first + i) % w->partitions;
        if (w->opts.kind == SHAKEN_SENTINEL ||
            tcluster_outlives_host_of(&w->cluster, primary_of(w, partition)))
            return partition;
    }
    return -1;
}

static bool split(struct shaken *w)
{
    int partition;
    if (!await((partition = partition_to_cut(w)) >= 0, DRAW_MS)) {
        printf("split left out: whichever host is cut off, nobody could be elected\n");
        return true;
    }
    int primary = primary_of(w, partition);
    w->cut = node(w, primary)->opts.on;
    thost_cut(w->cut);
    bool another = await_another(w, partition, primary);
    nap((int64_t)rng_below(&w->rng, 5000));
    return another;
}

static bool is_deposed(const struct tredis *redis)
{
    redisReply *state = tredis_try(redis, "HGET {p0}:meta state");
    bool is = state && state->type == REDIS_REPLY_STRING &&
              strncmp(state->str, "closed: deposed", 15) == 0;
    freeReplyObject(state);
    return is;
}

/* It is cut off, and who took its place dies before it is heard again: nobody makes it a replica.
 * Where its ledger process reaches SQL, that finds it replaced. */
static bool name_again(struct shaken *w)
{
    int first = shaken_primary(w, 0);
    w->cut = node(w, first)->opts.on;
    thost_cut(w->cut);
    if (!await_another(w, 0, first) || !await(shaken_serves(w), SHAKEN_LIMIT_MS))
        return false;
    if (w->opts.engine == BASE_SQLITE && !await(is_deposed(node(w, first)), SHAKEN_LIMIT_MS)) {
        fprintf(stderr, "node %d was replaced, and its partition is open\n", first);
        return false;
    }
    int second = shaken_primary(w, 0);
    tredis_kill9(node(w, second));
    thost_mend(w->cut);
    w->cut = NULL;
    return await_another(w, 0, second);
}

/* Its replica refuses to follow any more and lacks what comes then. */
static bool cut_tail(struct shaken *w)
{
    int partition = some_partition(w), primary = primary_of(w, partition);
    int replica = replica_of(w, partition, primary);
    freeReplyObject(tredis_try(node(w, replica), "CONFIG SET masterauth nobody"));
    freeReplyObject(tredis_try(node(w, primary), "CLIENT KILL TYPE replica"));
    nap(TAIL_MS);
    tredis_kill9(node(w, primary));
    return await_another(w, partition, primary);
}

/* --- failovers that are asked for ------------------------------------------------------------- */

static bool ask(struct shaken *w, const char *how)
{
    int partition = some_partition(w), before = primary_of(w, partition);
    for (int tries = 0; tries < TRIES; tries++) {
        int replica = shaken_replica(w, partition, before);
        if (w->opts.kind == SHAKEN_SENTINEL)
            (void)!tsentinel_failover(&w->sentinel);
        else if (replica >= 0)
            (void)!tcluster_failover(&w->cluster, replica, how);
        if (await(moved_from(w, partition, before), TRY_MS))
            return true;
    }
    fprintf(stderr, "a failover was asked for and did not come\n");
    return false;
}

static bool ask_politely(struct shaken *w)
{
    return ask(w, "");
}

static bool force(struct shaken *w)
{
    return ask(w, "FORCE");
}

static bool take_over(struct shaken *w)
{
    return ask(w, "TAKEOVER");
}

/* The second one comes when the first one has just happened. */
static bool kill_two(struct shaken *w)
{
    int partition = some_partition(w), first = primary_of(w, partition);
    tredis_kill9(node(w, first));
    if (!await_another(w, partition, first) || tredis_restart(node(w, first)) != 0 ||
        !await(shaken_is_settled(w), SHAKEN_LIMIT_MS))
        return false;
    int second = primary_of(w, partition);
    tredis_kill9(node(w, second));
    return await_another(w, partition, second);
}

/* --- Sentinels that are lost ------------------------------------------------------------------ */

/* Nobody misses one of them, and the others fail over. */
static bool kill_sentinel(struct shaken *w)
{
    tredis_kill9(&w->sentinel.watchers[rng_below(&w->rng, (uint64_t)w->sentinel.watcher_count)]);
    return shaken_goes_on(w) && kill_primary(w);
}

static int64_t epoch_at(struct shaken *w, int primary)
{
    return tredis_int(node(w, primary), "HGET {p0}:meta epoch");
}

/* Without a majority there is no failover: with the primary that they know the services go on, and
 * for it they wait. */
static bool kill_most_sentinels(struct shaken *w)
{
    struct tsentinel *s = &w->sentinel;
    int kept = (int)rng_below(&w->rng, (uint64_t)s->watcher_count), primary;
    for (int i = 0; i < s->watcher_count; i++)
        if (i != kept)
            tredis_kill9(&s->watchers[i]);
    if (!await(tsentinel_is_helpless(s, false), SHAKEN_LIMIT_MS) ||
        (primary = shaken_primary(w, 0)) < 0)
        return false;
    int64_t epoch = epoch_at(w, primary);
    if (!shaken_goes_on(w) || epoch_at(w, primary) != epoch)
        return false;
    tredis_kill9(node(w, primary));
    return await(tsentinel_is_helpless(s, true), SHAKEN_LIMIT_MS) &&
           tredis_restart(node(w, primary)) == 0 && shaken_goes_on(w) &&
           shaken_primary(w, 0) == primary;
}

/* --- slots and nodes -------------------------------------------------------------------------- */

static bool move_slots(struct shaken *w)
{
    for (int i = 0; i < 3; i++) {
        int slot = tcluster_slot_of(&w->cluster, some_partition(w));
        int from = tcluster_node_of(&w->cluster, slot);
        int to = tcluster_node_of(&w->cluster, (int)rng_below(&w->rng, TCLUSTER_SLOTS));
        if (from < 0 || to < 0 || tcluster_move_slot(&w->cluster, slot, to) != 0)
            return false;
    }
    return true;
}

/* The first time; a cluster does not grow without end. */
static bool add_node(struct shaken *w)
{
    struct tcluster *c = &w->cluster;
    int slot = tcluster_slot_of(c, some_partition(w));
    if (w->grown)
        return move_slots(w);
    int primary = tcluster_add_node(c), replica = tcluster_add_node(c);
    if (primary < 0 || replica < 0 || tcluster_follow(c, replica, primary) != 0 ||
        !await(tcluster_is_settled(c) && tcluster_replica_of(c, primary) == replica,
               SHAKEN_LIMIT_MS))
        return false;
    w->grown = true;
    return tcluster_move_slot(c, slot, primary) == 0;
}

/* --- restores and processes of stockd ------------------------------------------------------------
 */

/* All of a primary's data is gone; its place is taken while it gets them back. */
static bool kill_in_restore(struct shaken *w)
{
    int partition = some_partition(w), primary = primary_of(w, partition);
    (void)replica_of(w, partition, primary);
    freeReplyObject(tredis_try(node(w, primary), "FLUSHALL"));
    bool begun = await(tredis_int(node(w, primary), "DBSIZE") > 0, SHAKEN_LIMIT_MS);
    nap((int64_t)rng_below(&w->rng, 300));
    tredis_kill9(node(w, primary));
    return begun && await_another(w, partition, primary);
}

static bool kill_applier(struct shaken *w)
{
    tproc_kill9(&w->servers[rng_below(&w->rng, SHAKEN_SERVICES)].applier);
    return kill_primary(w);
}

/* The next one has to find its way while nobody is primary. */
static bool kill_worker(struct shaken *w)
{
    struct tservice *service = &w->servers[rng_below(&w->rng, SHAKEN_SERVICES)].service;
    int partition = some_partition(w), primary = primary_of(w, partition);
    pid_t pids[TSERVICE_CHILDREN_MAX];
    int n = tservice_pids(service, TSERVICE_WORKER, pids, TSERVICE_CHILDREN_MAX);
    tredis_kill9(node(w, primary));
    if (n > 0)
        kill(pids[0], SIGKILL);
    return await_another(w, partition, primary);
}

/* It goes on where it stood, when all others have moved on. */
static bool freeze_applier(struct shaken *w)
{
    tproc_signal(&w->servers[rng_below(&w->rng, SHAKEN_SERVICES)].applier, SIGSTOP);
    return kill_primary(w);
}

/* --- all of it -------------------------------------------------------------------------------- */

#define SENTINEL (1u << SHAKEN_SENTINEL)
#define CLUSTER  (1u << SHAKEN_CLUSTER)
#define EITHER   (SENTINEL | CLUSTER)
#define LEDGER   (1u << SHAKEN_LEDGER)
#define BOTH     (1u << SHAKEN_REPLICATED | LEDGER)
#define ANY      (BOTH | 1u << SHAKEN_ALWAYS)

/* clang-format off */
const struct redis_fault redis_faults[] = {
    {"primary-killed", EITHER, BOTH, false, kill_primary},
    {"primary-restarted", EITHER, BOTH, false, restart_primary},
    {"primary-frozen", EITHER, BOTH, false, freeze_primary},
    {"primary-stalls", EITHER, BOTH, false, stall_primary},
    {"split", EITHER, BOTH, true, split},
    {"named-again", SENTINEL, LEDGER, true, name_again},
    {"tail-cut", EITHER, ANY, false, cut_tail},
    {"failover", EITHER, BOTH, false, ask_politely},
    {"failover-force", CLUSTER, BOTH, false, force},
    {"failover-takeover", CLUSTER, LEDGER, false, take_over},
    {"two-failovers", EITHER, BOTH, false, kill_two},
    {"sentinel-killed", SENTINEL, BOTH, false, kill_sentinel},
    {"sentinels-killed", SENTINEL, BOTH, false, kill_most_sentinels},
    {"slots-moved", CLUSTER, BOTH, false, move_slots},
    {"node-added", CLUSTER, BOTH, false, add_node},
    {"restore-interrupted", EITHER, LEDGER, false, kill_in_restore},
    {"applier-killed", EITHER, BOTH, false, kill_applier},
    {"worker-killed", EITHER, BOTH, false, kill_worker},
    {"applier-frozen", EITHER, BOTH, false, freeze_applier},
};
/* clang-format on */
const int redis_fault_count = sizeof(redis_faults) / sizeof(*redis_faults);

const struct redis_fault *redis_fault_named(const char *name)
{
    for (int i = 0; i < redis_fault_count; i++)
        if (strcmp(redis_faults[i].name, name) == 0)
            return &redis_faults[i];
    return NULL;
}

bool redis_fault_fits(const struct redis_fault *fault, const struct shaken_opts *opts)
{
    return fault->kinds >> opts->kind & 1 && fault->levels >> opts->level & 1 &&
           (!fault->apart || opts->apart);
}

static void say(const struct redis_fault *fault, const char *what, int64_t since_ms)
{
    printf("  %s: %s after %.1f s\n", fault->name, what, (double)(test_now_ms() - since_ms) / 1000);
    fflush(stdout);
}

/* What takes long is worth a look, whatever comes of it. */
static bool await_serving(struct shaken *w)
{
    if (await(shaken_serves(w), SLOW_MS))
        return true;
    shaken_say(w);
    return await(shaken_serves(w), SHAKEN_LIMIT_MS);
}

bool redis_fault_go_through(const struct redis_fault *fault, struct shaken *w)
{
    int64_t begun = test_now_ms();
    bool happened = fault->begin(w);
    say(fault, happened ? "Redis has done its part" : "it did not come about", begun);
    if (!happened)
        return false;
    /* With the only replica gone or promoted, nothing can be replicated before it is mended. */
    bool serves = w->opts.level == SHAKEN_REPLICATED || await_serving(w);
    if (w->opts.level != SHAKEN_REPLICATED)
        say(fault, serves ? "serving" : "not serving", begun);
    begun = test_now_ms();
    serves = shaken_mend(w) && serves;
    say(fault, serves ? "mended, settled and serving" : "not mended", begun);
    return serves;
}
