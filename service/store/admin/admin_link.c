/* admin_link.c -- commands out, answers in, and what becomes of answers that do not fit. */
#include "store/admin/admin_link.h"
#include "store/redis/resp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void admin_hang_up(struct admin *admin)
{
    if (admin->context)
        redisFree(admin->context);
    admin->context = NULL;
}

static redisReply *no_answer(struct admin *admin)
{
    bool late = admin->context && admin->context->err == REDIS_ERR_IO && errno == EAGAIN;
    const char *why = admin->context ? admin->context->errstr : "not connected";
    snprintf(admin->why, sizeof(admin->why), "%s", late ? "Redis did not answer in time" : why);
    admin->refused = false;
    admin_hang_up(admin);
    return NULL;
}

void admin_surprised(struct admin *admin, redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR)
        snprintf(admin->why, sizeof(admin->why), "Redis answered: %s", reply->str);
    else
        snprintf(admin->why, sizeof(admin->why), "Redis gave an answer that was not expected");
    freeReplyObject(reply);
    admin->refused = true;
    admin_hang_up(admin);
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
    case ANSWER_LIST: return reply->type == REDIS_REPLY_ARRAY;
    case ANSWER_LIST_OR_NIL:
        return reply->type == REDIS_REPLY_ARRAY || reply->type == REDIS_REPLY_NIL;
    }
    return false;
}

redisReply *admin_ask_any(struct admin *admin)
{
    void *reply = NULL;
    struct buf *out = &admin->out;
    bool sent = admin->context && !out->failed &&
                redisAppendFormattedCommand(admin->context, out->p, out->n) == REDIS_OK;
    buf_reset(out);
    if (!sent || redisGetReply(admin->context, &reply) != REDIS_OK)
        return no_answer(admin);
    return reply;
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
    if (reply)
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
