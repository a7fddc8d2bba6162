#include "store/feed_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int feed_id_compare(struct feed_id a, struct feed_id b)
{
    if (a.epoch != b.epoch)
        return a.epoch < b.epoch ? -1 : 1;
    return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

static int64_t number(const char *text, char **end)
{
    unsigned long long value = strtoull(text, end, 10);
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

bool feed_id_take(const redisReply *reply, struct feed_id *id)
{
    char *end;
    *id = (struct feed_id){0, 0};
    if (reply->type != REDIS_REPLY_STRING)
        return false;
    id->epoch = number(reply->str, &end);
    id->seq = *end == '-' ? number(end + 1, &end) : 0;
    return *end == '\0';
}

/* Before the first entry of all there is no id: 0-0 is one that no entry has. */
void feed_id_put(char out[FEED_ID_SIZE], const char *before, struct feed_id id)
{
    if (id.epoch <= 0)
        id = (struct feed_id){0, 0};
    snprintf(out, FEED_ID_SIZE, "%s%" PRId64 "-%" PRId64, before, id.epoch, id.seq);
}
