#include "store/redis/reply.h"

#include <assert.h>
#include <stdlib.h>

#define SECONDS_MAX 253402300799 /* the end of the year 9999: times have four digits of it */

static const struct {
    const char *word;
    enum reply_class class;
} classes[] = {
    {"LOADING", REPLY_RETRY},    {"BUSY", REPLY_RETRY},          {"TRYAGAIN", REPLY_RETRY},
    {"MISCONF", REPLY_REFUSED},  {"OOM", REPLY_REFUSED},         {"NOREPLICAS", REPLY_REFUSED},
    {"READONLY", REPLY_REPLICA}, {"MASTERDOWN", REPLY_REPLICA},  {"UNBLOCKED", REPLY_REPLICA},
    {"MOVED", REPLY_REDIRECT},   {"ASK", REPLY_RETRY},           {"CLUSTERDOWN", REPLY_RETRY},
    {"NOAUTH", REPLY_FORBIDDEN}, {"WRONGPASS", REPLY_FORBIDDEN}, {"NOPERM", REPLY_FORBIDDEN},
};
#define CLASSES (sizeof(classes) / sizeof(classes[0]))

static const struct str because = {"because of: ", sizeof("because of: ") - 1};

static bool begins_with_word(struct str text, const char *word)
{
    size_t n = strlen(word);
    return text.n >= n && memcmp(text.p, word, n) == 0 && (text.n == n || text.p[n] == ' ');
}

bool reply_is_execabort(struct str error)
{
    return begins_with_word(error, "EXECABORT");
}

bool reply_is_noperm(struct str error)
{
    return begins_with_word(error, "NOPERM");
}

enum reply_class reply_classify(struct str error)
{
    if (reply_is_execabort(error)) {
        const char *cause = memmem(error.p, error.n, because.p, because.n);
        if (!cause)
            return REPLY_BROKEN;
        cause += because.n;
        error = (struct str){cause, (size_t)(error.p + error.n - cause)};
    }
    for (size_t i = 0; i < CLASSES; i++)
        if (begins_with_word(error, classes[i].word))
            return classes[i].class;
    if (error.n >= 31 && memcmp(error.p, "ERR max number of clients reached", 31) == 0)
        return REPLY_RETRY;
    return REPLY_BROKEN;
}

struct str reply_text(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING)
        return (struct str){NULL, 0};
    return (struct str){reply->str, (size_t)reply->len};
}

struct str reply_error(const redisReply *error)
{
    assert(error->type == REDIS_REPLY_ERROR);
    return (struct str){error->str, (size_t)error->len};
}

const redisReply *reply_first_error(redisReply *const *replies, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (replies[i]->type == REDIS_REPLY_ERROR)
            return replies[i];
    return NULL;
}

int64_t reply_time_ms(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return -1;
    long long s = strtoll(reply->element[0]->str, NULL, 10);
    long long us = strtoll(reply->element[1]->str, NULL, 10);
    if (s < 1 || s > SECONDS_MAX || us < 0 || us >= 1000000)
        return -1;
    return s * 1000 + us / 1000;
}

bool reply_info(const redisReply *info, const char *name, char *out, size_t out_size)
{
    const char *at = info->type == REDIS_REPLY_STRING ? info->str : NULL;
    size_t n = strlen(name);
    out[0] = '\0';
    /* The name must stand at the beginning of a line: "role:" is not "xrole:". */
    while (at && (strncmp(at, name, n) != 0 || at[n] != ':'))
        at = (at = strchr(at, '\n')) ? at + 1 : NULL;
    if (!at)
        return false;
    at += n + 1;
    n = strcspn(at, "\r\n");
    if (n >= out_size)
        n = out_size - 1;
    memcpy(out, at, n);
    out[n] = '\0';
    return true;
}

int64_t reply_info_number(const redisReply *info, const char *name)
{
    char text[32];
    return reply_info(info, name, text, sizeof(text)) ? strtoll(text, NULL, 10) : 0;
}
