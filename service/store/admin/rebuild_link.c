/* rebuild_link.c -- metas and transactions; rebuild_put.c says what lies where. */
#include "store/admin/rebuild_link.h"
#include "random.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE_MAX_BYTES    (8u << 20)
#define PAGE_FULL_BYTES   (256u << 10)
#define PAGE_FULL         1000 /* commands */
#define SCAN_COUNT        "1000"
#define ANSWER_TIMEOUT_MS 10000

void rebuild_init(struct rebuild *rebuild, struct admin *admin, unsigned partitions,
                  const char *ledger, int64_t epoch, int64_t restores)
{
    uint64_t store, name;
    struct meta *meta = &rebuild->meta;
    *rebuild = (struct rebuild){
        .admin = admin, .partitions = partitions, .epoch = epoch, .last_bucket = -1};
    buf_init(&rebuild->page, PAGE_MAX_BYTES);
    buf_init(&rebuild->value, PAGE_MAX_BYTES);
    random_bytes(&store, sizeof(store));
    random_bytes(&name, sizeof(name));
    meta_fill(meta, partitions, store | 1, ledger, epoch, restores); /* never 0 */
    snprintf(meta->v[META_STATE], META_VALUE_SIZE, META_RESTORING "%016" PRIx64, name);
}

/* From here on the partition is ours, as far as this connection goes. Pages are larger than what
 * else is asked over it. */
static void take_partition(struct rebuild *rebuild, unsigned partition)
{
    struct admin_node *node = rebuild->admin->node;
    rebuild->born[partition] = node->born;
    node->link.timeout_ms = ANSWER_TIMEOUT_MS;
}

void rebuild_join(struct rebuild *rebuild, struct admin *admin, unsigned partition,
                  const char *state)
{
    *rebuild = (struct rebuild){.admin = admin, .watched = partition, .last_bucket = -1};
    buf_init(&rebuild->page, PAGE_MAX_BYTES);
    buf_init(&rebuild->value, PAGE_MAX_BYTES);
    snprintf(rebuild->meta.v[META_STATE], META_VALUE_SIZE, "%s", state);
    take_partition(rebuild, partition);
}

void rebuild_free(struct rebuild *rebuild)
{
    buf_free(&rebuild->page);
    buf_free(&rebuild->value);
}

/* --- exchanges -------------------------------------------------------------------------------- */

enum rebuild_result rebuild_fail(struct rebuild *rebuild, enum rebuild_result result,
                                 const char *why)
{
    snprintf(rebuild->why, sizeof(rebuild->why), "%s", why);
    return result;
}

static enum rebuild_result no_memory(struct rebuild *rebuild)
{
    return rebuild_fail(rebuild, REBUILD_NO_MEMORY, "out of memory");
}

static enum rebuild_result taken(struct rebuild *rebuild)
{
    return rebuild_fail(rebuild, REBUILD_TAKEN,
                        "somebody else took over: meta in Redis is not what was written there");
}

static enum rebuild_result trouble(struct rebuild *rebuild)
{
    bool refused = rebuild->admin->refused;
    return rebuild_fail(rebuild, refused ? REBUILD_REFUSED : REBUILD_DOWN, rebuild->admin->why);
}

void rebuild_drop(redisReply **replies, size_t count)
{
    for (size_t i = 0; replies && i < count; i++)
        if (replies[i])
            freeReplyObject(replies[i]);
    free(replies);
}

/* An error in an answer, or inside an EXEC. */
static const redisReply *find_error(const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR)
        return reply;
    return reply->type == REDIS_REPLY_ARRAY ? reply_first_error(reply->element, reply->elements)
                                            : NULL;
}

/* A slot of a cluster that moves, and the like. */
static bool is_passing(const redisReply *error)
{
    enum reply_class class = reply_classify(reply_error(error));
    return class == REPLY_RETRY || class == REPLY_REDIRECT;
}

static enum rebuild_result lost(struct rebuild *rebuild, const char *why)
{
    rebuild->guarded = false;
    return rebuild_fail(rebuild, REBUILD_DOWN, why);
}

enum rebuild_result rebuild_exchange(struct rebuild *rebuild, struct buf *out, size_t count,
                                     redisReply ***replies)
{
    struct link *link = &rebuild->admin->node->link;
    enum rebuild_result result = REBUILD_OK;
    *replies = calloc(count, sizeof(**replies));
    if (!*replies || out->failed)
        return no_memory(rebuild);
    if (!link_is_open(link))
        return lost(rebuild, "not connected to Redis");
    if (!link_send(link, out))
        return lost(rebuild, link->why);
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = link_next(link);
        if (!reply)
            return lost(rebuild, link->why);
        (*replies)[i] = reply;
        const redisReply *error = find_error(reply);
        if (error && result == REBUILD_OK) {
            result = is_passing(error) ? REBUILD_DOWN : REBUILD_REFUSED;
            snprintf(rebuild->why, sizeof(rebuild->why), "Redis answered: %s", error->str);
        }
    }
    if (result != REBUILD_OK)
        admin_drop(rebuild->admin); /* what it has watched, nobody knows */
    return result;
}

/* --- under WATCH ------------------------------------------------------------------------------ */

/* Two replies. */
static void put_guard(struct buf *out, unsigned partition)
{
    layout_command(out, STR("WATCH"), partition, KEY_META, NO_NAME, 0);
    layout_command(out, STR("HGET"), partition, KEY_META, NO_NAME, 1);
    resp_arg(out, str_of(layout_meta_name(META_STATE)));
}

/* After an exchange that was REBUILD_OK every reply is there. */
static const redisReply *reply_at(redisReply **replies, size_t i)
{
    assert(replies && replies[i]);
    return replies[i];
}

static bool is_ours(const struct rebuild *rebuild, const redisReply *state)
{
    return str_equal(reply_text(state), str_of(rebuild->meta.v[META_STATE]));
}

/* What was sent over a connection that was lost, and what of it a Redis has that took the place of
 * another, nobody knows. */
enum rebuild_result rebuild_turn(struct rebuild *rebuild, unsigned partition)
{
    assert(rebuild->commands == 0 || partition == rebuild->watched);
    if (admin_at(rebuild->admin, partition) != ADMIN_OK)
        return trouble(rebuild);
    if (rebuild->born[partition] != rebuild->admin->node->born)
        return lost(rebuild, "the connection to Redis was lost");
    rebuild->guarded = rebuild->guarded && partition == rebuild->watched;
    rebuild->watched = partition;
    return REBUILD_OK;
}

enum rebuild_result rebuild_guard(struct rebuild *rebuild)
{
    redisReply **replies;
    enum rebuild_result result = rebuild_turn(rebuild, rebuild->watched);
    if (result != REBUILD_OK || rebuild->guarded)
        return result;
    buf_reset(&rebuild->value);
    put_guard(&rebuild->value, rebuild->watched);
    result = rebuild_exchange(rebuild, &rebuild->value, 2, &replies);
    if (result == REBUILD_OK && !is_ours(rebuild, reply_at(replies, 1)))
        result = taken(rebuild);
    rebuild->guarded = result == REBUILD_OK;
    rebuild_drop(replies, 2);
    return result;
}

struct buf *rebuild_next(struct rebuild *rebuild)
{
    if (rebuild->commands++ == 0)
        resp_words(&rebuild->page, 1, "MULTI");
    return &rebuild->page;
}

enum rebuild_result rebuild_queued(struct rebuild *rebuild)
{
    if (rebuild->page.failed)
        return no_memory(rebuild);
    return rebuild->commands >= PAGE_FULL || rebuild->page.n >= PAGE_FULL_BYTES
               ? rebuild_flush(rebuild)
               : REBUILD_OK;
}

/* The guard of the next page rides behind this one. */
enum rebuild_result rebuild_flush(struct rebuild *rebuild)
{
    redisReply **replies;
    size_t count = rebuild->commands + 4; /* MULTI, EXEC, WATCH, HGET */
    enum rebuild_result result = rebuild_guard(rebuild);
    if (result != REBUILD_OK || rebuild->commands == 0)
        return result;
    resp_words(&rebuild->page, 1, "EXEC");
    put_guard(&rebuild->page, rebuild->watched);
    rebuild->guarded = false;
    result = rebuild_exchange(rebuild, &rebuild->page, count, &replies);
    if (result == REBUILD_OK && (reply_at(replies, count - 3)->type != REDIS_REPLY_ARRAY ||
                                 !is_ours(rebuild, reply_at(replies, count - 1))))
        result = taken(rebuild);
    rebuild->guarded = result == REBUILD_OK;
    rebuild->commands = 0;
    buf_reset(&rebuild->page);
    rebuild_drop(replies, count);
    return result;
}

enum rebuild_result rebuild_leave(struct rebuild *rebuild)
{
    enum rebuild_result result = rebuild_flush(rebuild);
    if (result != REBUILD_OK)
        return result;
    resp_words(&rebuild->admin->out, 1, "UNWATCH");
    rebuild->guarded = false;
    return admin_done(rebuild->admin, ANSWER_OK) ? REBUILD_OK : trouble(rebuild);
}

/* --- metas ------------------------------------------------------------------------------------ */

/* WATCHes the partition's meta, and nothing else of its Redis. */
static enum rebuild_result watch_meta(struct rebuild *rebuild, unsigned partition,
                                      struct meta *meta)
{
    struct admin *admin = rebuild->admin;
    if (admin_at(admin, partition) != ADMIN_OK)
        return trouble(rebuild);
    resp_words(&admin->out, 1, "UNWATCH");
    if (!admin_done(admin, ANSWER_OK) || !meta_read(admin, partition, meta))
        return trouble(rebuild);
    rebuild->guarded = false;
    return REBUILD_OK;
}

static enum rebuild_result watch_expected(struct rebuild *rebuild, unsigned partition,
                                          const struct meta *expected)
{
    struct meta meta;
    enum rebuild_result result = watch_meta(rebuild, partition, &meta);
    for (size_t i = 0; i < META_FIELDS && result == REBUILD_OK; i++)
        if (strcmp(meta.v[i], expected->v[i]) != 0)
            result = taken(rebuild);
    return result;
}

/* Sends the page alone: what is watched is meta as it was. */
static enum rebuild_result commit_meta(struct rebuild *rebuild)
{
    redisReply **replies;
    size_t count = rebuild->commands + 2;
    resp_words(&rebuild->page, 1, "EXEC");
    enum rebuild_result result = rebuild_exchange(rebuild, &rebuild->page, count, &replies);
    if (result == REBUILD_OK && reply_at(replies, count - 1)->type != REDIS_REPLY_ARRAY)
        result = taken(rebuild);
    rebuild->commands = 0;
    buf_reset(&rebuild->page);
    rebuild_drop(replies, count);
    return result;
}

enum rebuild_result rebuild_halt(struct rebuild *rebuild, const struct meta *expected,
                                 const char *state)
{
    enum rebuild_result result = REBUILD_OK;
    for (unsigned p = 0; p < rebuild->partitions && result == REBUILD_OK; p++) {
        if (strcmp(expected[p].v[META_STATE], "open") != 0)
            continue;
        result = watch_expected(rebuild, p, &expected[p]);
        if (result != REBUILD_OK)
            break;
        layout_put_state(rebuild_next(rebuild), p, state);
        result = commit_meta(rebuild);
    }
    return result;
}

/* What every meta has, and whose Redis this one is in. */
static struct meta meta_here(const struct rebuild *rebuild)
{
    struct meta meta = rebuild->meta;
    meta_fill_reign(&meta, &rebuild->admin->node->reign);
    return meta;
}

enum rebuild_result rebuild_claim(struct rebuild *rebuild, const struct meta *expected)
{
    enum rebuild_result result = REBUILD_OK;
    for (unsigned p = 0; p < rebuild->partitions && result == REBUILD_OK; p++) {
        result = watch_expected(rebuild, p, &expected[p]);
        if (result != REBUILD_OK)
            break;
        const struct meta meta = meta_here(rebuild);
        meta_put(rebuild_next(rebuild), p, &meta);
        take_partition(rebuild, p);
        result = commit_meta(rebuild);
    }
    return result;
}

static enum rebuild_result open_partition(struct rebuild *rebuild, unsigned partition)
{
    char applied[32];
    struct meta meta;
    enum rebuild_result result = rebuild_turn(rebuild, partition);
    if (result == REBUILD_OK)
        result = watch_meta(rebuild, partition, &meta);
    if (result == REBUILD_OK && strcmp(meta.v[META_STATE], rebuild->meta.v[META_STATE]) != 0)
        result = taken(rebuild);
    if (result != REBUILD_OK)
        return result;
    meta = meta_here(rebuild);
    snprintf(meta.v[META_STATE], META_VALUE_SIZE, "open");
    snprintf(applied, sizeof(applied), "%" PRId64 "-0", rebuild->epoch);
    meta_put(rebuild_next(rebuild), partition, &meta);
    meta_put_epoch_event(rebuild_next(rebuild), partition, rebuild->epoch);
    layout_command(rebuild_next(rebuild), STR("SET"), partition, KEY_APPLIED, NO_NAME, 1);
    resp_arg(&rebuild->page, str_of(applied));
    return commit_meta(rebuild);
}

enum rebuild_result rebuild_open(struct rebuild *rebuild)
{
    enum rebuild_result result = REBUILD_OK;
    for (unsigned p = 0; p < rebuild->partitions && result == REBUILD_OK; p++)
        result = open_partition(rebuild, p);
    return result;
}
