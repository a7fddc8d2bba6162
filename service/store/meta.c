#include "store/meta.h"
#include "core/event.h"
#include "store/admin/admin_link.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool says_restoring(const char *state)
{
    return strncmp(state, META_RESTORING, strlen(META_RESTORING)) == 0;
}

bool meta_format_known(const char *format)
{
    int number = atoi(format);
    return number >= META_FORMAT_LEAST && number <= META_FORMAT;
}

bool meta_restoring(const struct meta *meta)
{
    return says_restoring(meta->v[META_STATE]);
}

bool meta_making(const struct meta *meta)
{
    return strcmp(meta->v[META_STATE], META_MAKING) == 0;
}

bool meta_opening(const char *state)
{
    return strncmp(state, META_OPENING, strlen(META_OPENING)) == 0;
}

bool meta_deposed(const char *state)
{
    return strncmp(state, META_DEPOSED, strlen(META_DEPOSED)) == 0;
}

bool meta_wants(const struct meta *meta, const struct reign *reign)
{
    const char *state = meta->v[META_STATE];
    bool passes = strcmp(state, "open") == 0 || meta_deposed(state);
    return meta_opening(state) || (passes && !meta_is_of(meta, reign));
}

bool meta_wants_anew(const struct meta *meta, const struct reign *reign, bool counted)
{
    const char *state = meta->v[META_STATE];
    bool passes = meta_deposed(state) || (counted && strcmp(state, "open") == 0);
    return passes && reign->order > meta_order(meta);
}

bool meta_says_lost(const char *state)
{
    return strncmp(state, "lost", 4) == 0;
}

int64_t meta_epoch(const struct meta *meta)
{
    return strtoll(meta->v[META_EPOCH], NULL, 10);
}

int64_t meta_order(const struct meta *meta)
{
    return strtoll(meta->v[META_ORDER], NULL, 10);
}

int64_t meta_restores(const struct meta *meta)
{
    return strtoll(meta->v[META_RESTORES], NULL, 10);
}

static bool take_fields(struct admin *admin, unsigned partition, struct meta *meta)
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

bool meta_read(struct admin *admin, unsigned partition, struct meta *meta)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return false;
    layout_command(&admin->out, STR("WATCH"), partition, KEY_META, NO_NAME, 0);
    return admin_done(admin, ANSWER_OK) && take_fields(admin, partition, meta);
}

bool meta_look(struct admin *admin, unsigned partition, struct meta *meta)
{
    return admin_at(admin, partition) == ADMIN_OK && take_fields(admin, partition, meta);
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
    buf_init(&entry, 4096);
    event_put_epoch(&entry);
    layout_put_events(out, partition, epoch, buf_str(&entry));
    out->failed |= entry.failed;
    buf_free(&entry);
}

void meta_fill(struct meta *meta, unsigned partitions, uint64_t store, const char *ledger,
               int64_t epoch, int64_t restores)
{
    snprintf(meta->v[META_FORMAT_F], META_VALUE_SIZE, "%d", META_FORMAT);
    snprintf(meta->v[META_PARTITIONS], META_VALUE_SIZE, "%u", partitions);
    snprintf(meta->v[META_STORE], META_VALUE_SIZE, "%016" PRIx64, store);
    snprintf(meta->v[META_LEDGER], META_VALUE_SIZE, "%s", ledger);
    snprintf(meta->v[META_EPOCH], META_VALUE_SIZE, "%" PRId64, epoch);
    snprintf(meta->v[META_RESTORES], META_VALUE_SIZE, "%" PRId64, restores);
}

void meta_fill_reign(struct meta *meta, const struct reign *reign)
{
    snprintf(meta->v[META_RUN_ID], META_VALUE_SIZE, "%s", reign->run_id);
    snprintf(meta->v[META_PROMOTION], META_VALUE_SIZE, "%s", reign->promotion);
    snprintf(meta->v[META_ORDER], META_VALUE_SIZE, "%" PRId64, reign->order);
}

/* Both, since a process may be promoted twice (rule REIGN, docs/model). */
bool meta_is_of(const struct meta *meta, const struct reign *reign)
{
    return strcmp(meta->v[META_RUN_ID], reign->run_id) == 0 &&
           strcmp(meta->v[META_PROMOTION], reign->promotion) == 0;
}

/* --- for those who serve ---------------------------------------------------------------------- */

static void say_verdict(struct meta_view *view, enum meta_verdict verdict, const char *why)
{
    view->gate = verdict;
    snprintf(view->why, sizeof(view->why), "%s", why);
}

/* The store is open, but for whom? NULL: for the Redis process and the promotion that this is. */
static const char *not_of(const char *const v[META_FIELDS], const char *run_id, const char *replid)
{
    if (strcmp(v[META_RUN_ID], run_id) != 0)
        return "Redis was restarted; its next epoch is not open yet";
    if (*v[META_PROMOTION] && strcmp(v[META_PROMOTION], replid) != 0)
        return "Redis was promoted anew; its next epoch is not open yet";
    return NULL;
}

bool meta_check_reply(const redisReply *reply, const char *run_id, const char *replid,
                      unsigned partitions, const struct store_shared *shared,
                      struct meta_view *view)
{
    const char *v[META_FIELDS];
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != META_FIELDS)
        return false;
    for (size_t i = 0; i < META_FIELDS; i++)
        v[i] = reply->element[i]->type == REDIS_REPLY_STRING ? reply->element[i]->str : "";
    uint64_t known = shared->store_id;
    *view = (struct meta_view){.gate = META_IS_OPEN,
                               .epoch = strtoll(v[META_EPOCH], NULL, 10),
                               .rolled = strtoll(v[META_ROLLED], NULL, 10),
                               .format = atoi(v[META_FORMAT_F]),
                               .store = strtoull(v[META_STORE], NULL, 16)};
    if (known == 0 && shared->state_lost)
        say_verdict(view, META_IS_LOST, "Redis has lost the store's data");
    else if (known == 0)
        say_verdict(view, META_IS_WAIT, "the store has not been opened yet");
    else if (view->store != known && says_restoring(v[META_STATE]))
        say_verdict(view, META_IS_LOST, "a restore is at work, or one did not come to its end");
    else if (view->store != known)
        say_verdict(view, META_IS_LOST,
                    *v[META_STORE] ? "Redis holds another store"
                                   : "Redis has lost the store's data");
    else if (meta_says_lost(v[META_STATE]))
        say_verdict(view, META_IS_LOST, v[META_STATE]);
    else if (strcmp(v[META_STATE], META_MAKING) == 0)
        say_verdict(view, META_IS_WAIT, "the store has not been made to its end yet");
    else if (meta_opening(v[META_STATE]))
        say_verdict(view, META_IS_WAIT, "the next epoch is being opened");
    else if (meta_deposed(v[META_STATE]))
        say_verdict(view, META_IS_WAIT, "a later promotion goes on elsewhere");
    else if (strcmp(v[META_STATE], "open") != 0)
        say_verdict(view, META_IS_CLOSED, v[META_STATE]);
    else if (not_of(v, run_id, replid))
        say_verdict(view, META_IS_WAIT, not_of(v, run_id, replid));
    else if (!meta_format_known(v[META_FORMAT_F]) ||
             (unsigned)atoi(v[META_PARTITIONS]) != partitions || view->epoch < 1)
        say_verdict(view, META_IS_CLOSED,
                    "format or number of partitions differ from this service's");
    return true;
}
