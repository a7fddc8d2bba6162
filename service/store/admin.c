/* admin.c -- connection, checks, epochs. admin_trim.c finds and drops. */
#include "store/admin.h"
#include "core/event.h"
#include "log.h"
#include "random.h"
#include "stats.h"
#include "store/admin_link.h"
#include "store/gate.h"
#include "store/keys.h"
#include "store/reply.h"
#include "store/resp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define TIMEOUT_MS    1000
#define OUT_MAX_BYTES (1u << 20)
#define EPOCH_TRIES   16

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

static bool simple(struct admin *admin)
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
    if (a->password[0] && !simple(admin))
        return false;
    resp_words(&admin->out, 2, "SELECT", db);
    return a->db == 0 ? (buf_reset(&admin->out), true) : simple(admin);
}

static enum admin_result refuse(struct admin *admin, const char *why)
{
    snprintf(admin->why, sizeof(admin->why), "%s", why);
    return ADMIN_REFUSED;
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
        return refuse(admin, "--durability always needs a Redis with appendonly yes and "
                             "appendfsync always");
    if (level == DURABILITY_EVERYSEC && (!on || strcmp(fsync, "no") == 0))
        return refuse(admin, "--durability everysec needs a Redis with appendonly yes and "
                             "appendfsync everysec");
    const char *level_now = !on || strcmp(fsync, "no") == 0 ? "memory" : fsync;
    if (strcmp(admin->durability, level_now) != 0)
        log_event(LOG_INFO, "redis durability", LOG_STR("level", level_now));
    snprintf(admin->durability, sizeof(admin->durability), "%s", level_now);
    return ADMIN_OK;
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
        return refuse(admin, "Redis 7.0 or newer is needed");
    if (strcmp(policy, "noeviction") != 0)
        return refuse(admin, "maxmemory-policy must be noeviction: with any other, Redis deletes "
                             "stock when memory is short");
    return check_durability(admin);
}

/* --- epochs ----------------------------------------------------------------------------------- */

enum meta_field {
    META_FORMAT_F,
    META_PARTITIONS,
    META_STORE,
    META_LEDGER,
    META_EPOCH,
    META_RUN_ID,
    META_STATE,
    META_FIELDS
};
static const char *const meta_names[META_FIELDS] = {"format", "partitions", "store", "ledger",
                                                    "epoch",  "run_id",     "state"};

struct meta {
    char v[META_FIELDS][64]; /* empty: not there */
};

/* WATCH and read. */
static bool read_meta(struct admin *admin, unsigned partition, struct meta *meta)
{
    resp_begin(&admin->out, 2);
    resp_arg(&admin->out, STR("WATCH"));
    resp_key(&admin->out, partition, KEY_META, NO_NAME);
    if (!simple(admin))
        return false;
    resp_begin(&admin->out, 2 + META_FIELDS);
    resp_arg(&admin->out, STR("HMGET"));
    resp_key(&admin->out, partition, KEY_META, NO_NAME);
    for (size_t i = 0; i < META_FIELDS; i++)
        resp_arg(&admin->out, str_of(meta_names[i]));
    redisReply *reply = admin_ask(admin);
    if (!reply)
        return false;
    for (size_t i = 0; i < META_FIELDS; i++)
        snprintf(meta->v[i], sizeof(meta->v[i]), "%s",
                 reply->elements == META_FIELDS && reply->element[i]->str ? reply->element[i]->str
                                                                          : "");
    freeReplyObject(reply);
    return true;
}

static void queue_meta(struct admin *admin, unsigned partition, const struct meta *meta)
{
    resp_begin(&admin->out, 2 + 2 * META_FIELDS);
    resp_arg(&admin->out, STR("HSET"));
    resp_key(&admin->out, partition, KEY_META, NO_NAME);
    for (size_t i = 0; i < META_FIELDS; i++) {
        resp_arg(&admin->out, str_of(meta_names[i]));
        resp_arg(&admin->out, str_of(meta->v[i]));
    }
}

static void queue_epoch_event(struct admin *admin, unsigned partition, const char *epoch)
{
    struct buf entry;
    char id[80];
    struct event event = {.type = EVENT_EPOCH};
    buf_init(&entry, 4096);
    event_begin(&entry, 0);
    event_put(&entry, &event, 0);
    snprintf(id, sizeof(id), "%s-*", epoch);
    resp_begin(&admin->out, 5);
    resp_arg(&admin->out, STR("XADD"));
    resp_key(&admin->out, partition, KEY_EVENTS, NO_NAME);
    resp_arg(&admin->out, str_of(id));
    resp_arg(&admin->out, STR("e"));
    resp_arg(&admin->out, buf_str(&entry));
    buf_free(&entry);
}

/* Writes meta and the first event of its epoch. 1: done; 0: another keeper was faster; -1. */
static int write_epoch(struct admin *admin, unsigned partition, const struct meta *meta)
{
    resp_words(&admin->out, 1, "MULTI");
    if (!simple(admin))
        return -1;
    queue_meta(admin, partition, meta);
    if (!simple(admin))
        return -1;
    queue_epoch_event(admin, partition, meta->v[META_EPOCH]);
    if (!simple(admin))
        return -1;
    resp_words(&admin->out, 1, "EXEC");
    redisReply *reply = admin_ask(admin);
    if (!reply)
        return -1;
    int done = reply->type == REDIS_REPLY_ARRAY ? 1 : 0;
    freeReplyObject(reply);
    if (done)
        log_event(LOG_INFO, "epoch opened", LOG_INT("partition", partition),
                  LOG_STR("epoch", meta->v[META_EPOCH]), LOG_STR("run_id", meta->v[META_RUN_ID]));
    return done;
}

static void first_meta(struct admin *admin, struct meta *meta)
{
    uint64_t id = admin->shared->store_id ? admin->shared->store_id : admin->new_store_id;
    snprintf(meta->v[META_FORMAT_F], 64, "%d", META_FORMAT);
    snprintf(meta->v[META_PARTITIONS], 64, "%u", admin->config->partitions);
    snprintf(meta->v[META_STORE], 64, "%016" PRIx64, id);
    snprintf(meta->v[META_LEDGER], 64, "none");
    snprintf(meta->v[META_EPOCH], 64, "1");
    snprintf(meta->v[META_RUN_ID], 64, "%s", admin->run_id);
    snprintf(meta->v[META_STATE], 64, "open");
}

static enum admin_result check_meta(struct admin *admin, unsigned partition,
                                    const struct meta *meta)
{
    uint64_t id = strtoull(meta->v[META_STORE], NULL, 16);
    if (admin->shared->store_id != 0 && id != admin->shared->store_id) {
        snprintf(admin->why, sizeof(admin->why), "Redis holds another store than before");
        return ADMIN_LOST;
    }
    if (atoi(meta->v[META_FORMAT_F]) != META_FORMAT)
        return refuse(admin, "the store in Redis has a format that this version does not know");
    if ((unsigned)atoi(meta->v[META_PARTITIONS]) != admin->config->partitions) {
        snprintf(admin->why, sizeof(admin->why),
                 "the store in Redis has %s partitions, --partitions says %u",
                 meta->v[META_PARTITIONS], admin->config->partitions);
        return ADMIN_REFUSED;
    }
    if (strcmp(meta->v[META_LEDGER], "none") != 0)
        return refuse(admin, "the store in Redis belongs to a ledger database");
    if (strcmp(meta->v[META_STATE], "open") != 0) {
        snprintf(admin->why, sizeof(admin->why), "partition %u is %s", partition,
                 meta->v[META_STATE]);
        return ADMIN_CLOSED;
    }
    return ADMIN_OK;
}

static enum admin_result open_partition(struct admin *admin, unsigned partition)
{
    for (int tries = 0; tries < EPOCH_TRIES; tries++) {
        struct meta meta;
        int done = 1;
        if (!read_meta(admin, partition, &meta))
            return ADMIN_DOWN;
        bool empty = meta.v[META_STORE][0] == '\0';
        if (empty && admin->shared->store_id != 0 && !admin->creating) {
            snprintf(admin->why, sizeof(admin->why), "Redis has lost the store's data");
            return ADMIN_LOST;
        }
        if (empty) {
            first_meta(admin, &meta);
            admin->creating = true;
            done = write_epoch(admin, partition, &meta);
        } else {
            enum admin_result result = check_meta(admin, partition, &meta);
            if (result != ADMIN_OK)
                return result;
            if (strcmp(meta.v[META_RUN_ID], admin->run_id) != 0) {
                snprintf(meta.v[META_RUN_ID], 64, "%s", admin->run_id);
                snprintf(meta.v[META_EPOCH], 64, "%lld", atoll(meta.v[META_EPOCH]) + 1);
                done = write_epoch(admin, partition, &meta);
            }
        }
        if (done < 0)
            return ADMIN_DOWN;
        if (done > 0) {
            admin->shared->store_id = strtoull(meta.v[META_STORE], NULL, 16);
            stats_set(STATS_EPOCH, atoll(meta.v[META_EPOCH]));
            return ADMIN_OK;
        }
    }
    snprintf(admin->why, sizeof(admin->why), "other keepers keep changing meta");
    return ADMIN_DOWN;
}

enum admin_result admin_open(struct admin *admin, const char **why)
{
    *why = admin->why;
    if (admin->context && admin->opened)
        return ADMIN_OK;
    admin->opened = false;
    admin_hang_up(admin);
    buf_reset(&admin->out);
    if (!dial(admin)) {
        admin_hang_up(admin);
        return ADMIN_DOWN;
    }
    enum admin_result result = check_redis(admin);
    random_bytes(&admin->new_store_id, sizeof(admin->new_store_id));
    admin->new_store_id |= 1; /* never 0 */
    admin->creating = false;
    for (unsigned p = 0; p < admin->config->partitions && result == ADMIN_OK; p++)
        result = open_partition(admin, p);
    admin->opened = result == ADMIN_OK;
    if (!admin->opened)
        admin_hang_up(admin);
    return result;
}
