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
    meta_fill_reign(meta, &admin->reign);
    snprintf(meta->v[META_STATE], META_VALUE_SIZE, META_RESTORING "%016" PRIx64, name);
}

/* Pages are larger than what else is asked over the connection. */
static void have_patience(struct rebuild *rebuild)
{
    rebuild->admin->link.timeout_ms = ANSWER_TIMEOUT_MS;
}

void rebuild_join(struct rebuild *rebuild, struct admin *admin, unsigned partition,
                  const char *state)
{
    *rebuild = (struct rebuild){.admin = admin, .watched = partition, .last_bucket = -1};
    buf_init(&rebuild->page, PAGE_MAX_BYTES);
    buf_init(&rebuild->value, PAGE_MAX_BYTES);
    snprintf(rebuild->meta.v[META_STATE], META_VALUE_SIZE, "%s", state);
    have_patience(rebuild);
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
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++)
        if (reply->element[i]->type == REDIS_REPLY_ERROR)
            return reply->element[i];
    return NULL;
}

static enum rebuild_result lost(struct rebuild *rebuild, const char *why)
{
    rebuild->guarded = false;
    return rebuild_fail(rebuild, REBUILD_DOWN, why);
}

enum rebuild_result rebuild_exchange(struct rebuild *rebuild, struct buf *out, size_t count,
                                     redisReply ***replies)
{
    struct link *link = &rebuild->admin->link;
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
            result = REBUILD_REFUSED;
            snprintf(rebuild->why, sizeof(rebuild->why), "Redis answered: %s", error->str);
        }
    }
    if (result != REBUILD_OK)
        admin_hang_up(rebuild->admin); /* what it has watched, nobody knows */
    return result;
}

/* --- under WATCH ------------------------------------------------------------------------------ */

/* One meta stands for all: they are only ever changed together. Two replies. */
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

enum rebuild_result rebuild_guard(struct rebuild *rebuild)
{
    redisReply **replies;
    if (rebuild->guarded)
        return REBUILD_OK;
    buf_reset(&rebuild->value);
    put_guard(&rebuild->value, rebuild->watched);
    enum rebuild_result result = rebuild_exchange(rebuild, &rebuild->value, 2, &replies);
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

/* WATCHes all metas; REBUILD_TAKEN if one is not what is expected. */
static enum rebuild_result watch_all(struct rebuild *rebuild, const struct meta *expected)
{
    resp_words(&rebuild->admin->out, 1, "UNWATCH");
    if (!admin_done(rebuild->admin, ANSWER_OK))
        return trouble(rebuild);
    for (unsigned p = 0; p < rebuild->partitions; p++) {
        struct meta meta;
        if (!meta_read(rebuild->admin, p, &meta))
            return trouble(rebuild);
        for (size_t i = 0; i < META_FIELDS; i++)
            if (strcmp(meta.v[i], expected ? expected[p].v[i] : rebuild->meta.v[i]) != 0)
                return taken(rebuild);
    }
    return REBUILD_OK;
}

/* Sends the page alone: what is watched is all metas. */
static enum rebuild_result commit_metas(struct rebuild *rebuild)
{
    redisReply **replies;
    size_t count = rebuild->commands + 2;
    if (rebuild->commands == 0)
        return REBUILD_OK;
    resp_words(&rebuild->page, 1, "EXEC");
    enum rebuild_result result = rebuild_exchange(rebuild, &rebuild->page, count, &replies);
    if (result == REBUILD_OK && reply_at(replies, count - 1)->type != REDIS_REPLY_ARRAY)
        result = taken(rebuild);
    rebuild->guarded = false;
    rebuild->commands = 0;
    rebuild_drop(replies, count);
    return result;
}

enum rebuild_result rebuild_halt(struct rebuild *rebuild, const struct meta *expected,
                                 const char *state)
{
    enum rebuild_result result = watch_all(rebuild, expected);
    if (result != REBUILD_OK)
        return result;
    for (unsigned p = 0; p < rebuild->partitions; p++) {
        if (strcmp(expected[p].v[META_STATE], "open") != 0)
            continue;
        layout_put_state(rebuild_next(rebuild), p, state);
    }
    return commit_metas(rebuild);
}

enum rebuild_result rebuild_claim(struct rebuild *rebuild, const struct meta *expected)
{
    have_patience(rebuild);
    enum rebuild_result result = watch_all(rebuild, expected);
    for (unsigned p = 0; p < rebuild->partitions && result == REBUILD_OK; p++)
        meta_put(rebuild_next(rebuild), p, &rebuild->meta);
    return result == REBUILD_OK ? commit_metas(rebuild) : result;
}

enum rebuild_result rebuild_open(struct rebuild *rebuild)
{
    char applied[32];
    struct meta open = rebuild->meta;
    enum rebuild_result result = watch_all(rebuild, NULL);
    snprintf(open.v[META_STATE], META_VALUE_SIZE, "open");
    snprintf(applied, sizeof(applied), "%" PRId64 "-0", rebuild->epoch);
    for (unsigned p = 0; p < rebuild->partitions && result == REBUILD_OK; p++) {
        meta_put(rebuild_next(rebuild), p, &open);
        meta_put_epoch_event(rebuild_next(rebuild), p, rebuild->epoch);
        layout_command(rebuild_next(rebuild), STR("SET"), p, KEY_APPLIED, NO_NAME, 1);
        resp_arg(&rebuild->page, str_of(applied));
    }
    return result == REBUILD_OK ? commit_metas(rebuild) : result;
}

/* --- what was there --------------------------------------------------------------------------- */

/* "{p<N>}:...", N one of ours, and not meta. */
static bool is_to_go(const struct rebuild *rebuild, struct str key)
{
    struct layout_key is;
    return layout_key(key, &is) && is.partition < rebuild->partitions &&
           !(str_equal(is.kind, KEY_META) && str_absent(is.name));
}

/* The keys of a SCAN, to go. */
static enum rebuild_result take_keys(struct rebuild *rebuild, const redisReply *page,
                                     char cursor[ADMIN_CURSOR_SIZE])
{
    if (!admin_is_page(page))
        return rebuild_fail(rebuild, REBUILD_REFUSED, "Redis gave no list of its keys");
    for (size_t i = 0; i < page->element[1]->elements; i++) {
        struct str key = reply_text(page->element[1]->element[i]);
        if (!is_to_go(rebuild, key))
            continue;
        resp_begin(rebuild_next(rebuild), 2);
        resp_arg(&rebuild->page, STR("UNLINK"));
        resp_arg(&rebuild->page, key);
        rebuild->unlinked++;
    }
    snprintf(cursor, ADMIN_CURSOR_SIZE, "%s", page->element[0]->str);
    return REBUILD_OK;
}

enum rebuild_result rebuild_clear(struct rebuild *rebuild, char cursor[ADMIN_CURSOR_SIZE])
{
    redisReply **replies = NULL;
    enum rebuild_result result = rebuild_guard(rebuild);
    if (result != REBUILD_OK)
        return result;
    buf_reset(&rebuild->value);
    resp_words(&rebuild->value, 6, "SCAN", cursor, "MATCH", LAYOUT_ALL_KEYS, "COUNT", SCAN_COUNT);
    result = rebuild_exchange(rebuild, &rebuild->value, 1, &replies);
    if (result == REBUILD_OK)
        result = take_keys(rebuild, reply_at(replies, 0), cursor);
    rebuild_drop(replies, 1);
    return result == REBUILD_OK ? rebuild_flush(rebuild) : result;
}
