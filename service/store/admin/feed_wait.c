/* feed_wait.c -- waiting for entries. */
#include "clock.h"
#include "store/admin/admin_link.h"
#include "store/admin/feed.h"
#include "store/layout.h"

#include <errno.h>
#include <time.h>

#define PAUSE_MS        20 /* from one look at the streams of several Redis to the next */
#define PAUSE_LEDGER_MS 5  /* the same where answers wait for SQL */

static void put_position(struct buf *out, struct event_id after)
{
    char id[FEED_ID_SIZE];
    feed_id_put(id, "", after);
    resp_arg(out, str_of(id));
}

/* Where all streams are in one Redis, it tells at once. */
static int wait_there(struct admin *admin, const unsigned *partitions, const struct event_id *after,
                      size_t count, int64_t timeout_ms)
{
    if (admin_at(admin, partitions[0]) != ADMIN_OK)
        return -EIO;
    resp_begin(&admin->out, 6 + 2 * count);
    resp_arg(&admin->out, STR("XREAD"));
    resp_arg(&admin->out, STR("COUNT"));
    resp_int(&admin->out, 1);
    resp_arg(&admin->out, STR("BLOCK"));
    resp_int(&admin->out, timeout_ms);
    resp_arg(&admin->out, STR("STREAMS"));
    for (size_t i = 0; i < count; i++)
        resp_key(&admin->out, partitions[i], KEY_EVENTS, NO_NAME);
    for (size_t i = 0; i < count; i++)
        put_position(&admin->out, after[i]);
    return admin_done(admin, ANSWER_LIST_OR_NIL) ? 0 : -EIO;
}

static void ask_behind(struct admin *admin, unsigned partition, struct event_id after)
{
    resp_begin(&admin->out, 6);
    resp_arg(&admin->out, STR("XREAD"));
    resp_arg(&admin->out, STR("COUNT"));
    resp_int(&admin->out, 1);
    resp_arg(&admin->out, STR("STREAMS"));
    resp_key(&admin->out, partition, KEY_EVENTS, NO_NAME);
    put_position(&admin->out, after);
}

/* Looks at the streams that are at the Redis of the first: all questions in one go, since none may
 * be of two slots. How many have something, or -EIO. */
static int look_there(struct admin *admin, const unsigned *partitions, const struct event_id *after,
                      size_t count)
{
    size_t asked = 0;
    int found = 0;
    if (admin_at(admin, partitions[0]) != ADMIN_OK)
        return -EIO;
    for (size_t i = 0; i < count; i++)
        if (admin_are_beside(admin, partitions[0], partitions[i])) {
            ask_behind(admin, partitions[i], after[i]);
            asked++;
        }
    for (; asked > 0; asked--) {
        redisReply *reply = admin_ask(admin, ANSWER_LIST_OR_NIL); /* sends what is left to send */
        if (!reply)
            return -EIO;
        found += reply->type == REDIS_REPLY_ARRAY;
        freeReplyObject(reply);
    }
    return found;
}

static int look_everywhere(struct admin *admin, const unsigned *partitions,
                           const struct event_id *after, size_t count)
{
    int found = 0;
    for (size_t i = 0; i < count && found == 0; i++) {
        bool first = true;
        for (size_t k = 0; k < i && first; k++)
            first = !admin_are_beside(admin, partitions[k], partitions[i]);
        if (first)
            found = look_there(admin, partitions + i, after + i, count - i);
    }
    return found;
}

/* Several Redis can not be waited for at once: they are asked again and again. */
static int wait_everywhere(struct admin *admin, const unsigned *partitions,
                           const struct event_id *after, size_t count, int64_t timeout_ms)
{
    bool answers_wait = admin->config->durability == DURABILITY_LEDGER;
    const struct timespec pause = {.tv_nsec =
                                       (answers_wait ? PAUSE_LEDGER_MS : PAUSE_MS) * 1000000};
    int64_t end_ms = clock_mono_ms() + timeout_ms;
    int found;
    while ((found = look_everywhere(admin, partitions, after, count)) == 0 &&
           clock_mono_ms() < end_ms)
        nanosleep(&pause, NULL);
    return found < 0 ? found : 0;
}

int feed_wait(struct admin *admin, const unsigned *partitions, const struct event_id *after,
              size_t count, int64_t timeout_ms)
{
    bool one = count == 1 || !admin_in_cluster(admin);
    return one ? wait_there(admin, partitions, after, count, timeout_ms)
               : wait_everywhere(admin, partitions, after, count, timeout_ms);
}
