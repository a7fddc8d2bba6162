/* admin.c -- connection and checks. admin_epoch.c opens, admin_trim.c finds and drops. */
#include "store/admin.h"
#include "log.h"
#include "random.h"
#include "stats.h"
#include "store/admin_link.h"
#include "store/reply.h"
#include "store/resp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define TIMEOUT_MS       1000
#define OUT_MAX_BYTES    (1u << 20)
#define LOOK_MS          500 /* from one look of the keeper at meta to the next */
#define LOOK_PER_PART_MS 10

struct admin *admin_new(const struct store_config *config, struct store_shared *shared, char *err,
                        size_t err_size)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    if (!admin) {
        snprintf(err, err_size, "out of memory");
        return NULL;
    }
    admin->config = config;
    admin->shared = shared;
    buf_init(&admin->out, OUT_MAX_BYTES);
    if (address_parse(config->redis_url, &admin->address, err, err_size))
        return admin;
    free(admin);
    return NULL;
}

void admin_free(struct admin *admin)
{
    admin_hang_up(admin);
    buf_free(&admin->out);
    free(admin);
}

const char *admin_why(const struct admin *admin)
{
    return admin->why;
}

/* --- commands --------------------------------------------------------------------------------- */

void admin_hang_up(struct admin *admin)
{
    if (admin->context)
        redisFree(admin->context);
    admin->context = NULL;
}

redisReply *admin_ask(struct admin *admin)
{
    void *reply = NULL;
    struct buf *out = &admin->out;
    bool sent = admin->context && !out->failed &&
                redisAppendFormattedCommand(admin->context, out->p, out->n) == REDIS_OK;
    buf_reset(out);
    if (!sent || redisGetReply(admin->context, &reply) != REDIS_OK) {
        bool late = admin->context && admin->context->err == REDIS_ERR_IO && errno == EAGAIN;
        const char *why = admin->context ? admin->context->errstr : "not connected";
        snprintf(admin->why, sizeof(admin->why), "%s", late ? "Redis did not answer in time" : why);
        admin_hang_up(admin);
        return NULL;
    }
    redisReply *got = reply;
    if (got->type != REDIS_REPLY_ERROR)
        return got;
    snprintf(admin->why, sizeof(admin->why), "Redis answered: %s", got->str);
    freeReplyObject(got);
    return NULL;
}

static bool info(struct admin *admin, const char *section, const char *name, char out[64])
{
    resp_words(&admin->out, 2, "INFO", section);
    redisReply *reply = admin_ask(admin);
    if (!reply)
        return false;
    (void)reply_info(reply, name, out, 64);
    freeReplyObject(reply);
    return true;
}

/* --- connecting ------------------------------------------------------------------------------- */

bool admin_done(struct admin *admin)
{
    redisReply *reply = admin_ask(admin);
    if (reply)
        freeReplyObject(reply);
    return reply != NULL;
}

static bool dial(struct admin *admin)
{
    const struct address *a = &admin->address;
    struct timeval timeout = {.tv_sec = TIMEOUT_MS / 1000, .tv_usec = TIMEOUT_MS % 1000 * 1000};
    admin->context = a->is_unix ? redisConnectUnixWithTimeout(a->host, timeout)
                                : redisConnectWithTimeout(a->host, a->port, timeout);
    if (!admin->context || admin->context->err ||
        redisSetTimeout(admin->context, timeout) != REDIS_OK) {
        snprintf(admin->why, sizeof(admin->why), "%s",
                 admin->context ? admin->context->errstr : "out of memory");
        admin_hang_up(admin);
        return false;
    }
    char db[16];
    snprintf(db, sizeof(db), "%d", a->db);
    if (a->password[0] && a->user[0])
        resp_words(&admin->out, 3, "AUTH", a->user, a->password);
    else if (a->password[0])
        resp_words(&admin->out, 2, "AUTH", a->password);
    if (a->password[0] && !admin_done(admin))
        return false;
    resp_words(&admin->out, 2, "SELECT", db);
    return a->db == 0 ? (buf_reset(&admin->out), true) : admin_done(admin);
}

enum admin_result admin_refuse(struct admin *admin, const char *why)
{
    snprintf(admin->why, sizeof(admin->why), "%s", why);
    return ADMIN_REFUSED;
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
    char aof[64], fsync[64] = "";
    enum store_durability level = admin->config->durability;
    if (!info(admin, "persistence", "aof_enabled", aof))
        return ADMIN_DOWN;
    resp_words(&admin->out, 3, "CONFIG", "GET", "appendfsync");
    redisReply *reply = admin_ask(admin);
    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
        snprintf(fsync, sizeof(fsync), "%s", reply->element[1]->str);
    if (reply)
        freeReplyObject(reply);
    bool on = strcmp(aof, "1") == 0;
    if (level == DURABILITY_ALWAYS && (!on || strcmp(fsync, "always") != 0))
        return admin_refuse(admin, "--durability always needs a Redis with appendonly yes and "
                                   "appendfsync always");
    if (level == DURABILITY_REPLICATED && (!on || strcmp(fsync, "always") != 0))
        return admin_refuse(admin, "--durability replicated needs a Redis with appendonly yes and "
                                   "appendfsync always, and its replicas");
    if (level == DURABILITY_EVERYSEC && (!on || strcmp(fsync, "no") == 0))
        return admin_refuse(admin, "--durability everysec needs a Redis with appendonly yes and "
                                   "appendfsync everysec");
    const char *level_now = !on || strcmp(fsync, "no") == 0 ? "memory" : fsync;
    if (strcmp(admin->durability, level_now) != 0)
        log_event(LOG_INFO, "redis durability", LOG_STR("level", level_now),
                  LOG_STR("a_killed_redis_loses", loss_at(level_now)));
    snprintf(admin->durability, sizeof(admin->durability), "%s", level_now);
    return ADMIN_OK;
}

/* Lines of INFO as "slave0:ip=127.0.0.1,port=6380,state=online,...": one that is still being sent
 * the data confirms nothing. */
int admin_look_at_replicas(struct admin *admin)
{
    unsigned online = 0;
    if (admin->config->durability != DURABILITY_REPLICATED)
        return 0;
    resp_words(&admin->out, 2, "INFO", "replication");
    redisReply *reply = admin_ask(admin);
    if (!reply)
        return -1;
    for (const char *at = reply->str; at && (at = strstr(at, ",state=online,")); at++)
        online++;
    freeReplyObject(reply);
    admin->shared->replicas_short = online < admin->config->replicas;
    return 0;
}

static enum admin_result check_redis(struct admin *admin)
{
    char role[64], version[64], policy[64];
    if (!info(admin, "replication", "role", role) ||
        !info(admin, "server", "redis_version", version) ||
        !info(admin, "server", "run_id", admin->run_id) ||
        !info(admin, "memory", "maxmemory_policy", policy))
        return ADMIN_DOWN;
    if (strcmp(role, "master") != 0) {
        snprintf(admin->why, sizeof(admin->why), "this Redis is a %s, not a master", role);
        return ADMIN_DOWN;
    }
    if (atoi(version) < 7)
        return admin_refuse(admin, "Redis 7.0 or newer is needed");
    if (strcmp(policy, "noeviction") != 0)
        return admin_refuse(admin,
                            "maxmemory-policy must be noeviction: with any other, Redis deletes "
                            "stock when memory is short");
    enum admin_result result = check_durability(admin);
    return result == ADMIN_OK && admin_look_at_replicas(admin) < 0 ? ADMIN_DOWN : result;
}

enum admin_result admin_connect(struct admin *admin, const char **why)
{
    *why = admin->why;
    if (admin->context)
        return ADMIN_OK;
    admin->opened = false;
    buf_reset(&admin->out);
    if (!dial(admin)) {
        admin_hang_up(admin);
        return ADMIN_DOWN;
    }
    random_bytes(&admin->new_store_id, sizeof(admin->new_store_id));
    admin->new_store_id |= 1; /* never 0 */
    admin->creating = false;
    enum admin_result result = check_redis(admin);
    if (result != ADMIN_OK)
        admin_hang_up(admin);
    return result;
}

/* With a ledger a restore may give the store another id at any time, and whoever leaves the ledger
 * to another host has nobody but the keeper to notice. */
static bool look_is_due(const struct admin *admin)
{
    return admin->config->ledger && admin->now_ms >= admin->look_ms;
}

enum admin_result admin_open(struct admin *admin, const char **why)
{
    unsigned partitions = admin->config->partitions;
    *why = admin->why;
    if (admin->context && admin->opened && !look_is_due(admin))
        return ADMIN_OK;
    if (!admin->opened)
        admin_hang_up(admin);
    unsigned may = admin->config->ledger ? ADMIN_LOOK : ADMIN_CREATE | ADMIN_RENEW;
    enum admin_result result = admin_connect(admin, why);
    for (unsigned p = 0; p < partitions && result == ADMIN_OK; p++)
        result = admin_open_partition(admin, p, may, why);
    admin->opened = result == ADMIN_OK;
    admin->look_ms = admin->now_ms + LOOK_MS + partitions * LOOK_PER_PART_MS;
    if (admin->opened)
        stats_set(STATS_EPOCH, admin->epoch);
    else
        admin_hang_up(admin);
    return result;
}
