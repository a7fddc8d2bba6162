/* admin_link.c -- commands out, answers in, and what becomes of answers that do not fit.
 * admin_node.c connects, admin_check.c checks Redis, admin_epoch.c opens, admin_trim.c finds and
 * drops. */
#include "store/admin/admin_link.h"
#include "clock.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS    1000
#define PATIENCE_MS   10000
#define OUT_MAX_BYTES (1u << 20)
#define REST_MS       250

/* --- its life --------------------------------------------------------------------------------- */

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
    admin->timeout_ms = TIMEOUT_MS;
    admin->node = &admin->nowhere;
    buf_init(&admin->out, OUT_MAX_BYTES);
    admin->topology = topology_new(config->redis_url, err, err_size);
    if (admin->topology)
        return admin;
    free(admin);
    return NULL;
}

void admin_have_patience(struct admin *admin)
{
    admin->patient = true;
    admin->timeout_ms = PATIENCE_MS;
}

void admin_free(struct admin *admin)
{
    admin_free_nodes(admin);
    buf_free(&admin->out);
    topology_free(admin->topology);
    free(admin);
}

struct topology *admin_topology(const struct admin *admin)
{
    return admin->topology;
}

const char *admin_why(const struct admin *admin)
{
    return admin->why;
}

enum admin_trouble admin_trouble(const struct admin *admin)
{
    return admin->trouble;
}

/* --- commands --------------------------------------------------------------------------------- */

/* The link is closed, for want of an answer. */
static redisReply *no_answer(struct admin *admin, const char *why)
{
    snprintf(admin->why, sizeof(admin->why), "%s", why);
    admin->refused = false;
    admin->trouble = admin_trouble_of(&admin->node->link);
    admin->node->result = ADMIN_DOWN;
    admin_drop(admin);
    return NULL;
}

static enum admin_trouble trouble_of(const redisReply *reply)
{
    struct str error = {reply->str, reply->type == REDIS_REPLY_ERROR ? reply->len : 0};
    if (reply->type != REDIS_REPLY_ERROR || reply_classify(error) != REPLY_FORBIDDEN)
        return TROUBLE_OTHER;
    return reply_is_noperm(error) ? TROUBLE_RIGHTS : TROUBLE_LOGIN;
}

/* The slot of the partition moves, or has moved: it is left alone until that is over, so that
 * others of its node keep the connection. */
static void note_error(struct admin *admin, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR)
        return;
    enum reply_class class = reply_classify(reply_error(reply));
    if (class == REPLY_RETRY || class == REPLY_REDIRECT)
        admin->rest_ms[admin->partition] = clock_mono_ms() + REST_MS;
}

void admin_surprised(struct admin *admin, redisReply *reply)
{
    note_error(admin, reply);
    if (reply->type == REDIS_REPLY_ERROR)
        snprintf(admin->why, sizeof(admin->why), "Redis answered: %s", reply->str);
    else
        snprintf(admin->why, sizeof(admin->why), "Redis gave an answer that was not expected");
    admin->trouble = trouble_of(reply);
    freeReplyObject(reply);
    admin->refused = true;
    admin_drop(admin);
}

enum admin_result admin_say(struct admin *admin, enum admin_result result, const char *why)
{
    snprintf(admin->why, sizeof(admin->why), "%s", why);
    return result;
}

bool admin_is_list(const redisReply *reply, size_t elements)
{
    return reply->type == REDIS_REPLY_ARRAY &&
           (elements == ADMIN_ANY || reply->elements == elements);
}

bool admin_is_page(const redisReply *reply)
{
    return admin_is_list(reply, 2) && reply->element[0]->type == REDIS_REPLY_STRING &&
           admin_is_list(reply->element[1], ADMIN_ANY);
}

static bool is_status(const redisReply *reply, const char *text)
{
    return reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, text) == 0;
}

static bool fits(const redisReply *reply, enum admin_answer answer)
{
    switch (answer) {
    case ANSWER_OK: return is_status(reply, "OK");
    case ANSWER_QUEUED: return is_status(reply, "QUEUED");
    case ANSWER_NUMBER: return reply->type == REDIS_REPLY_INTEGER;
    case ANSWER_TEXT: return reply->type == REDIS_REPLY_STRING;
    case ANSWER_LIST_OR_NIL:
        return reply->type == REDIS_REPLY_ARRAY || reply->type == REDIS_REPLY_NIL;
    }
    return false;
}

redisReply *admin_ask_any(struct admin *admin)
{
    bool open = link_is_open(&admin->node->link);
    redisReply *reply = open ? link_ask(&admin->node->link, &admin->out) : NULL;
    buf_reset(&admin->out);
    return reply ? reply : no_answer(admin, open ? admin->node->link.why : "not connected");
}

redisReply *admin_ask(struct admin *admin, enum admin_answer answer)
{
    redisReply *reply = admin_ask_any(admin);
    if (!reply || fits(reply, answer))
        return reply;
    admin_surprised(admin, reply);
    return NULL;
}

redisReply *admin_ask_list(struct admin *admin, size_t elements)
{
    redisReply *reply = admin_ask_any(admin);
    if (!reply || admin_is_list(reply, elements))
        return reply;
    admin_surprised(admin, reply);
    return NULL;
}

redisReply *admin_ask_page(struct admin *admin, char cursor[ADMIN_CURSOR_SIZE])
{
    redisReply *reply = admin_ask_list(admin, 2);
    if (!reply)
        return NULL;
    if (!admin_is_page(reply)) {
        admin_surprised(admin, reply);
        return NULL;
    }
    snprintf(cursor, ADMIN_CURSOR_SIZE, "%s", reply->element[0]->str);
    return reply;
}

bool admin_done(struct admin *admin, enum admin_answer answer)
{
    redisReply *reply = admin_ask(admin, answer);
    freeReplyObject(reply);
    return reply != NULL;
}

int admin_exec(struct admin *admin, size_t commands)
{
    resp_words(&admin->out, 1, "EXEC");
    redisReply *reply = admin_ask(admin, ANSWER_LIST_OR_NIL);
    if (!reply)
        return -1;
    bool done = reply->type == REDIS_REPLY_ARRAY;
    bool good = !done || reply->elements == commands;
    for (size_t i = 0; done && i < reply->elements; i++)
        good = good && reply->element[i]->type != REDIS_REPLY_ERROR;
    if (!good) {
        admin_surprised(admin, reply);
        return -1;
    }
    freeReplyObject(reply);
    return done;
}

void admin_multi(struct admin *admin)
{
    resp_words(&admin->out, 1, "MULTI");
}

/* True if the answers to all commands of the transaction are there and good. */
static bool all_good(struct admin *admin, const redisReply *exec, size_t commands)
{
    if (!admin_is_list(exec, commands)) {
        snprintf(admin->why, sizeof(admin->why), "Redis answered EXEC: %s",
                 exec->type == REDIS_REPLY_ERROR ? exec->str : "not as expected");
        return false;
    }
    for (size_t i = 0; i < commands; i++) {
        if (exec->element[i]->type != REDIS_REPLY_ERROR)
            continue;
        snprintf(admin->why, sizeof(admin->why), "Redis answered: %s", exec->element[i]->str);
        return false;
    }
    return true;
}

/* The first answer is taken by admin_done(), which sends all; the others follow it. An error to a
 * queued command comes back with EXEC. */
redisReply *admin_commit(struct admin *admin, size_t commands)
{
    redisReply *reply = NULL;
    resp_words(&admin->out, 1, "EXEC");
    if (!admin_done(admin, ANSWER_OK))
        return NULL;
    for (size_t i = 0; i <= commands; i++) {
        if (reply) {
            note_error(admin, reply);
            freeReplyObject(reply);
        }
        reply = link_next(&admin->node->link);
        if (!reply)
            return no_answer(admin, admin->node->link.why);
    }
    if (all_good(admin, reply, commands))
        return reply;
    freeReplyObject(reply);
    admin_drop(admin);
    return NULL;
}

int admin_settle(struct admin *admin, redisReply *reply, int rc)
{
    if (rc == -EIO)
        admin_surprised(admin, reply);
    else
        freeReplyObject(reply);
    return rc;
}
