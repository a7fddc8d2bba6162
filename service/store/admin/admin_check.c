/* admin_check.c -- is this Redis what the service needs, and does it have its data yet? */
#include "clock.h"
#include "log.h"
#include "store/admin/admin_link.h"
#include "store/meta.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOADING_SAY_MS 3000 /* from one line on the progress to the next */
#define ROLE_MS        250  /* from one look at the role to the next */

static redisReply *ask_info(struct admin *admin, const char *section)
{
    resp_words(&admin->out, 2, "INFO", section);
    return admin_ask(admin, ANSWER_TEXT);
}

static bool info(struct admin *admin, const char *section, const char *name, char out[64])
{
    redisReply *reply = ask_info(admin, section);
    if (!reply)
        return false;
    (void)reply_info(reply, name, out, 64);
    freeReplyObject(reply);
    return true;
}

/* --- whom this leads to ----------------------------------------------------------------------- */

static bool look_at_role(struct admin *admin)
{
    char role[64], promotion[REIGN_ID_SIZE];
    redisReply *reply = ask_info(admin, "replication");
    if (!reply)
        return false;
    (void)reply_info(reply, "role", role, sizeof(role));
    (void)reply_info(reply, "master_replid", promotion, sizeof(promotion));
    freeReplyObject(reply);
    admin->node->role_ms = clock_mono_ms() + ROLE_MS;
    bool master = strcmp(role, "master") == 0;
    if (master && strcmp(promotion, admin->node->reign.promotion) == 0)
        return true;
    snprintf(admin->why, sizeof(admin->why),
             master ? "this Redis was promoted anew" : "this Redis is not the master any more");
    admin->refused = false;
    admin->trouble = TROUBLE_ROLE;
    admin_drop(admin);
    return false;
}

/* A master may become a replica while this connection lives, and others take its address; and be
 * promoted again, with less than it had (rule FRESH, docs/model). */
bool admin_is_master(struct admin *admin)
{
    return clock_mono_ms() < admin->node->role_ms || look_at_role(admin);
}

/* Sentinels say it of the address that they name now: a connection to another one must not take it
 * for its own. */
static bool learn_from_sentinels(struct admin *admin, unsigned partition)
{
    struct admin_node *node = admin->node;
    if (!admin_turn(admin, partition))
        return false;
    if (admin->node == node) {
        node->reign.order = topology_order(admin->topology, partition);
        return true;
    }
    (void)admin_say(admin, ADMIN_DOWN, "the primary has another address now");
    admin->trouble = TROUBLE_ROLE;
    return false;
}

/* Of a cluster each node knows its own, which may have become higher since it was promoted. */
bool admin_learn_order(struct admin *admin, unsigned partition)
{
    switch (topology_address(admin->topology)->kind) {
    case ADDRESS_ONE: return true;
    case ADDRESS_SENTINEL: return learn_from_sentinels(admin, partition);
    case ADDRESS_CLUSTER: break;
    }
    resp_words(&admin->out, 2, "CLUSTER", "INFO");
    redisReply *reply = admin_ask(admin, ANSWER_TEXT);
    if (!reply)
        return false;
    admin->node->reign.order = reply_info_number(reply, "cluster_my_epoch");
    freeReplyObject(reply);
    return true;
}

/* The order first: of a promotion that is over it may be too high, of one to come never. */
bool admin_is_master_now(struct admin *admin, unsigned partition)
{
    return admin_at(admin, partition) == ADMIN_OK && admin_learn_order(admin, partition) &&
           look_at_role(admin);
}

/* Sentinels may name a primary that was cut off, and replaced, before they made it a replica: it
 * has the replication id that it had, and only the order tells (rule ORDER, docs/model). A node of
 * a cluster is promoted from a replica; its order rises with slots that come to it, too. */
bool admin_wants(const struct admin *admin, const struct meta *meta)
{
    bool counted = topology_address(admin->topology)->kind == ADDRESS_SENTINEL;
    return meta_wants(meta, &admin->node->reign) ||
           meta_wants_anew(meta, &admin->node->reign, counted);
}

void admin_doubt(struct admin *admin, unsigned partition)
{
    topology_doubt(admin->topology, partition);
}

bool admin_ranks(const struct admin *admin)
{
    return topology_address(admin->topology)->kind != ADDRESS_ONE;
}

const struct reign *admin_reign(struct admin *admin, unsigned partition)
{
    return admin_turn(admin, partition) ? &admin->node->reign : &admin->nowhere.reign;
}

/* --- loading ---------------------------------------------------------------------------------- */

/* One process of the service at a time, and not every time. */
static bool may_say(struct store_shared *shared)
{
    int64_t now_ms = clock_mono_ms(), next_ms = shared->loading_say_ms;
    return now_ms >= next_ms && atomic_compare_exchange_strong(&shared->loading_say_ms, &next_ms,
                                                               now_ms + LOADING_SAY_MS);
}

static enum admin_result is_loading(struct admin *admin, const redisReply *persistence)
{
    struct store_shared *shared = admin->shared;
    shared->loading_bytes = reply_info_number(persistence, "loading_loaded_bytes");
    shared->loading_total_bytes = reply_info_number(persistence, "loading_total_bytes");
    shared->loading_eta_s = reply_info_number(persistence, "loading_eta_seconds");
    shared->loading = true;
    store_loading_text(shared, admin->why, sizeof(admin->why));
    if (!shared->starting && may_say(shared))
        log_event(LOG_WARN, "redis is loading its data",
                  LOG_INT("loaded_bytes", shared->loading_bytes),
                  LOG_INT("total_bytes", shared->loading_total_bytes),
                  LOG_INT("eta_s", shared->loading_eta_s));
    return ADMIN_LOADING;
}

/* Until it has its data, what Redis says of itself is not what it will be: `aof_enabled` is 0. */
static enum admin_result check_loading(struct admin *admin)
{
    redisReply *reply = ask_info(admin, "persistence");
    if (!reply)
        return ADMIN_DOWN;
    enum admin_result result =
        reply_info_number(reply, "loading") ? is_loading(admin, reply) : ADMIN_OK;
    freeReplyObject(reply);
    return result;
}

/* --- durability ------------------------------------------------------------------------------- */

/* Empty if Redis does not let us know. False: it did not answer, or not for want of rights. */
static bool ask_fsync(struct admin *admin, char fsync[64])
{
    fsync[0] = '\0';
    resp_words(&admin->out, 3, "CONFIG", "GET", "appendfsync");
    redisReply *reply = admin_ask_any(admin);
    if (!reply)
        return false;
    bool pairs = admin_is_list(reply, 0) || admin_is_list(reply, 2);
    bool forbidden =
        reply->type == REDIS_REPLY_ERROR && reply_classify(reply_error(reply)) == REPLY_FORBIDDEN;
    if (!pairs && !forbidden) {
        admin_surprised(admin, reply);
        return false;
    }
    if (pairs && reply->elements == 2)
        snprintf(fsync, 64, "%.*s", STR_ARG(reply_text(reply->element[1])));
    freeReplyObject(reply);
    return true;
}

/* Of what was answered, at an appendfsync; docs/durability.md has why. */
static const char *loss_at(const char *fsync)
{
    return strcmp(fsync, "always") == 0     ? "nothing"
           : strcmp(fsync, "everysec") == 0 ? "up to 2 s while its disk is busy"
                                            : "all since it was started";
}

/* What the level of --durability needs of Redis. */
static enum admin_result check_durability(struct admin *admin)
{
    char aof[64], fsync[64];
    enum store_durability level = admin->config->durability;
    if (!info(admin, "persistence", "aof_enabled", aof) || !ask_fsync(admin, fsync))
        return ADMIN_DOWN;
    bool on = strcmp(aof, "1") == 0;
    if (level == DURABILITY_ALWAYS && (!on || strcmp(fsync, "always") != 0))
        return admin_say(admin, ADMIN_REFUSED,
                         "--durability always needs a Redis with appendonly yes and "
                         "appendfsync always");
    if (level == DURABILITY_REPLICATED && (!on || strcmp(fsync, "always") != 0))
        return admin_say(admin, ADMIN_REFUSED,
                         "--durability replicated needs a Redis with appendonly yes and "
                         "appendfsync always, and its replicas");
    if (level == DURABILITY_EVERYSEC && (!on || strcmp(fsync, "no") == 0))
        return admin_say(admin, ADMIN_REFUSED,
                         "--durability everysec needs a Redis with appendonly yes and "
                         "appendfsync everysec");
    const char *level_now = !on || strcmp(fsync, "no") == 0 ? "memory" : fsync;
    if (strcmp(admin->node->durability, level_now) != 0)
        log_event(LOG_INFO, "redis durability", LOG_STR("level", level_now),
                  LOG_STR("a_killed_redis_loses", loss_at(level_now)),
                  LOG_STR("host", admin->node->at.host), LOG_INT("port", admin->node->at.port));
    snprintf(admin->node->durability, sizeof(admin->node->durability), "%s", level_now);
    return ADMIN_OK;
}

/* Lines of INFO as "slave0:ip=127.0.0.1,port=6380,state=online,...": one that is still being sent
 * the data confirms nothing. */
static unsigned count_online(const redisReply *replication)
{
    unsigned online = 0;
    for (const char *at = replication->str; (at = strstr(at, ",state=online,")); at++)
        online++;
    return online;
}

int admin_look_at_replicas(struct admin *admin)
{
    int rc = 0;
    if (admin->config->durability != DURABILITY_REPLICATED)
        return 0;
    for (unsigned p = 0; p < admin->config->partitions; p++) {
        if (!admin_is_first(admin, p) || !link_is_open(&admin->node->link))
            continue;
        redisReply *reply = ask_info(admin, "replication");
        if (reply)
            admin->node->replicas_short = count_online(reply) < admin->config->replicas;
        if (reply)
            freeReplyObject(reply);
        else
            rc = -1;
    }
    for (unsigned p = 0; p < admin->config->partitions; p++)
        admin->shared->replicas_short[p] = admin_turn(admin, p) && admin->node->replicas_short;
    return rc;
}

/* A primary that others have replaced must notice that nobody follows it, and take nothing more:
 * Redis shows this field only where that is set up. */
static enum admin_result check_replicated(struct admin *admin)
{
    char good[64];
    if (admin->config->durability != DURABILITY_REPLICATED ||
        topology_address(admin->topology)->kind == ADDRESS_ONE)
        return ADMIN_OK;
    redisReply *reply = ask_info(admin, "replication");
    if (!reply)
        return ADMIN_DOWN;
    bool kept = reply_info(reply, "min_slaves_good_slaves", good, sizeof(good));
    freeReplyObject(reply);
    return kept ? ADMIN_OK
                : admin_say(admin, ADMIN_REFUSED,
                            "--durability replicated needs min-replicas-to-write 1 or more (and "
                            "min-replicas-max-lag above 0) in every Redis behind Sentinels or of a "
                            "cluster: else a primary that was replaced goes on alone");
}

/* --- all of it -------------------------------------------------------------------------------- */

static enum admin_result check_settings(struct admin *admin)
{
    char version[64], run_id[64], policy[64];
    if (!info(admin, "server", "redis_version", version) ||
        !info(admin, "server", "run_id", run_id) ||
        !info(admin, "memory", "maxmemory_policy", policy))
        return ADMIN_DOWN;
    snprintf(admin->node->reign.run_id, sizeof(admin->node->reign.run_id), "%.*s",
             REIGN_ID_SIZE - 1, run_id);
    if (atoi(version) < 7)
        return admin_say(admin, ADMIN_REFUSED, "Redis 7.0 or newer is needed");
    if (strcmp(policy, "noeviction") != 0)
        return admin_say(admin, ADMIN_REFUSED,
                         "maxmemory-policy must be noeviction: with any other, Redis deletes "
                         "stock when memory is short");
    enum admin_result result = check_durability(admin);
    return result == ADMIN_OK ? check_replicated(admin) : result;
}

enum admin_result admin_check_redis(struct admin *admin)
{
    char role[64];
    redisReply *reply = ask_info(admin, "replication");
    admin->node->reign = (struct reign){.order = topology_order(admin->topology, admin->partition)};
    if (!reply)
        return ADMIN_DOWN;
    (void)reply_info(reply, "role", role, sizeof(role));
    (void)reply_info(reply, "master_replid", admin->node->reign.promotion,
                     sizeof(admin->node->reign.promotion));
    freeReplyObject(reply);
    admin->node->role_ms = clock_mono_ms() + ROLE_MS;
    if (strcmp(role, "master") != 0) {
        snprintf(admin->why, sizeof(admin->why), "this Redis is a %s, not a master", role);
        admin->trouble = TROUBLE_ROLE;
        return ADMIN_DOWN;
    }
    enum admin_result result = check_loading(admin);
    if (result == ADMIN_OK)
        result = check_settings(admin);
    return result == ADMIN_OK && !admin_learn_order(admin, admin->partition) ? ADMIN_DOWN : result;
}
