#include "store/feed_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t number(const char *text, char **end)
{
    unsigned long long value = strtoull(text, end, 10);
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* "1-7", or "1". */
static struct event_id id_at(const char *text, char **end)
{
    struct event_id id = {.epoch = number(text, end)};
    if (**end == '-')
        id.seq = number(*end + 1, end);
    return id;
}

bool feed_id_take(const redisReply *reply, struct event_id *id)
{
    char *end;
    *id = (struct event_id){0, 0};
    if (reply->type != REDIS_REPLY_STRING)
        return false;
    *id = id_at(reply->str, &end);
    return *end == '\0';
}

/* Before the first entry of all there is no id: 0-0 is one that no entry has. */
void feed_id_put(char out[FEED_ID_SIZE], const char *before, struct event_id id)
{
    if (id.epoch <= 0)
        id = (struct event_id){0, 0};
    snprintf(out, FEED_ID_SIZE, "%s%" PRId64 "-%" PRId64, before, id.epoch, id.seq);
}

void feed_ends_put(char out[FEED_ENDS_SIZE], const struct event_ends *ends)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < ends->count; i++, n += strlen(out + n))
        feed_id_put(out + n, i > 0 ? " " : "", ends->ends[i]);
}

bool feed_ends_find(const redisReply *reply, int64_t epoch, struct event_id *end)
{
    char *at;
    if (reply->type != REDIS_REPLY_STRING)
        return false;
    for (char *from = reply->str;; from = at + 1) {
        *end = id_at(from, &at);
        if (at == from)
            return false;
        if (end->epoch == epoch)
            return *at == ' ' || *at == '\0';
        if (*at != ' ')
            return false;
    }
}
