#include "store/meta.h"
#include "core/event.h"
#include "store/admin_link.h"
#include "store/keys.h"
#include "store/reply.h"
#include "store/resp.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const names[META_FIELDS] = {"format", "partitions", "store", "ledger",
                                               "epoch",  "run_id",     "state", "restores"};

bool meta_restoring(const struct meta *meta)
{
    return strncmp(meta->v[META_STATE], META_RESTORING, strlen(META_RESTORING)) == 0;
}

int64_t meta_epoch(const struct meta *meta)
{
    return strtoll(meta->v[META_EPOCH], NULL, 10);
}

int64_t meta_restores(const struct meta *meta)
{
    return strtoll(meta->v[META_RESTORES], NULL, 10);
}

bool meta_read(struct admin *admin, unsigned partition, struct meta *meta)
{
    resp_begin(&admin->out, 2);
    resp_arg(&admin->out, STR("WATCH"));
    resp_key(&admin->out, partition, KEY_META, NO_NAME);
    if (!admin_done(admin, ANSWER_OK))
        return false;
    resp_begin(&admin->out, 2 + META_FIELDS);
    resp_arg(&admin->out, STR("HMGET"));
    resp_key(&admin->out, partition, KEY_META, NO_NAME);
    for (size_t i = 0; i < META_FIELDS; i++)
        resp_arg(&admin->out, str_of(names[i]));
    redisReply *reply = admin_ask_list(admin, META_FIELDS);
    if (!reply)
        return false;
    for (size_t i = 0; i < META_FIELDS; i++)
        snprintf(meta->v[i], sizeof(meta->v[i]), "%.*s", STR_ARG(reply_text(reply->element[i])));
    freeReplyObject(reply);
    return true;
}

void meta_put(struct buf *out, unsigned partition, const struct meta *meta)
{
    resp_begin(out, 2 + 2 * META_FIELDS);
    resp_arg(out, STR("HSET"));
    resp_key(out, partition, KEY_META, NO_NAME);
    for (size_t i = 0; i < META_FIELDS; i++) {
        resp_arg(out, str_of(names[i]));
        resp_arg(out, str_of(meta->v[i]));
    }
}

void meta_put_epoch_event(struct buf *out, unsigned partition, int64_t epoch)
{
    struct buf entry;
    char id[32];
    struct event event = {.type = EVENT_EPOCH};
    buf_init(&entry, 4096);
    event_begin(&entry, 0);
    event_put(&entry, &event, 0);
    snprintf(id, sizeof(id), "%lld-*", (long long)epoch);
    resp_begin(out, 5);
    resp_arg(out, STR("XADD"));
    resp_key(out, partition, KEY_EVENTS, NO_NAME);
    resp_arg(out, str_of(id));
    resp_arg(out, STR("e"));
    resp_arg(out, buf_str(&entry));
    out->failed |= entry.failed;
    buf_free(&entry);
}
