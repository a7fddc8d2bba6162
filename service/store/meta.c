#include "store/meta.h"
#include "core/event.h"
#include "store/admin/admin.h"
#include "store/admin/admin_link.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <stdio.h>
#include <stdlib.h>

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
    layout_command(&admin->out, STR("WATCH"), partition, KEY_META, NO_NAME, 0);
    return admin_done(admin, ANSWER_OK) && meta_look(admin, partition, meta);
}

bool meta_look(struct admin *admin, unsigned partition, struct meta *meta)
{
    layout_ask_meta(&admin->out, partition);
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
    layout_command(out, STR("HSET"), partition, KEY_META, NO_NAME, 2 * META_FIELDS);
    for (size_t i = 0; i < META_FIELDS; i++) {
        resp_arg(out, str_of(layout_meta_name((enum meta_field)i)));
        resp_arg(out, str_of(meta->v[i]));
    }
}

void meta_put_epoch_event(struct buf *out, unsigned partition, int64_t epoch)
{
    struct buf entry;
    struct event event = {.type = EVENT_EPOCH};
    buf_init(&entry, 4096);
    event_begin(&entry, 0);
    event_put(&entry, &event, 0);
    layout_put_events(out, partition, epoch, buf_str(&entry));
    out->failed |= entry.failed;
    buf_free(&entry);
}
