#include "store/admin/feed.h"
#include "core/event.h"
#include "store/admin/admin_link.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_MAX_BYTES (64u << 20)

void feed_init(struct feed *feed, struct admin *admin)
{
    *feed = (struct feed){.admin = admin};
}

static void drop_reply(struct feed *feed)
{
    freeReplyObject(feed->reply);
    feed->reply = NULL;
    feed->count = feed->bytes = 0;
}

void feed_free(struct feed *feed)
{
    drop_reply(feed);
    free(feed->entries);
    *feed = (struct feed){.admin = feed->admin};
}

const char *feed_source(const struct admin *admin)
{
    return admin->node->reign.run_id;
}

int64_t feed_epoch(const struct admin *admin)
{
    return admin->epoch;
}

/* --- entries ---------------------------------------------------------------------------------- */

/* Entries of ours have one field. */
static bool take_entry(const redisReply *reply, struct event_entry *entry)
{
    *entry = (struct event_entry){.bytes = {NULL, 0}};
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        !feed_id_take(reply->element[0], &entry->id))
        return false;
    const redisReply *fields = reply->element[1];
    if (fields->type == REDIS_REPLY_ARRAY && fields->elements == 2)
        entry->bytes = reply_text(fields->element[1]);
    return true;
}

/* --- commands --------------------------------------------------------------------------------- */

static redisReply *ask_range(struct admin *admin, unsigned partition, const char *from,
                             unsigned max)
{
    layout_command(&admin->out, STR("XRANGE"), partition, KEY_EVENTS, NO_NAME, 4);
    resp_arg(&admin->out, str_of(from));
    resp_arg(&admin->out, STR("+"));
    resp_arg(&admin->out, STR("COUNT"));
    resp_int(&admin->out, max);
    return admin_ask_list(admin, ADMIN_ANY);
}

static bool grow_entries(struct feed *feed, size_t count)
{
    if (count <= feed->cap)
        return true;
    struct event_entry *entries = reallocarray(feed->entries, count, sizeof(*entries));
    if (!entries)
        return false;
    feed->entries = entries;
    feed->cap = count;
    return true;
}

int feed_read(struct feed *feed, unsigned partition, struct event_id after, unsigned max)
{
    char from[FEED_ID_SIZE];
    drop_reply(feed);
    if (admin_at(feed->admin, partition) != ADMIN_OK)
        return -EIO;
    feed_id_put(from, "(", after);
    feed->reply = ask_range(feed->admin, partition, from, max);
    if (!feed->reply)
        return -EIO;
    if (!grow_entries(feed, feed->reply->elements))
        return -ENOMEM;
    for (size_t i = 0; i < feed->reply->elements; i++) {
        if (!take_entry(feed->reply->element[i], &feed->entries[i])) {
            admin_surprised(feed->admin, feed->reply);
            feed->reply = NULL;
            feed->count = feed->bytes = 0;
            return -EIO;
        }
        feed->bytes += feed->entries[i].bytes.n;
        feed->count++;
    }
    return 0;
}

int feed_has(struct admin *admin, unsigned partition, struct event_id id)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    char from[FEED_ID_SIZE];
    struct event_entry entry;
    feed_id_put(from, "", id);
    redisReply *reply = ask_range(admin, partition, from, 1);
    if (!reply)
        return -EIO;
    bool has = reply->elements == 1 && take_entry(reply->element[0], &entry) &&
               event_id_compare(entry.id, id) == 0;
    freeReplyObject(reply);
    return has;
}

/* A stream that is not there is an error to Redis. */
static bool is_no_stream(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "no such key");
}

int feed_tail(struct admin *admin, unsigned partition, struct event_id *tail)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    *tail = (struct event_id){0, 0};
    resp_begin(&admin->out, 3);
    resp_arg(&admin->out, STR("XINFO"));
    resp_arg(&admin->out, STR("STREAM"));
    resp_key(&admin->out, partition, KEY_EVENTS, NO_NAME);
    redisReply *reply = admin_ask_any(admin);
    if (!reply)
        return -EIO;
    bool found = is_no_stream(reply);
    for (size_t i = 0; admin_is_list(reply, ADMIN_ANY) && i + 1 < reply->elements; i += 2)
        if (str_equal(reply_text(reply->element[i]), STR("last-generated-id")))
            found = feed_id_take(reply->element[i + 1], tail);
    if (!found) {
        admin_surprised(admin, reply);
        return -EIO;
    }
    freeReplyObject(reply);
    return 0;
}

void feed_put_applied(struct buf *out, unsigned partition, struct event_id at,
                      const struct event_ends *ended)
{
    char id[FEED_ID_SIZE], ends[FEED_ENDS_SIZE];
    feed_id_put(id, "", at);
    feed_ends_put(ends, ended);
    layout_command(out, STR("MSET"), partition, KEY_APPLIED, NO_NAME, 3);
    resp_arg(out, str_of(id));
    resp_key(out, partition, KEY_ENDED, NO_NAME);
    resp_arg(out, str_of(ends));
}

int feed_applied(struct admin *admin, unsigned partition, struct event_id at,
                 const struct event_ends *ended)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    feed_put_applied(&admin->out, partition, at, ended);
    return admin_done(admin, ANSWER_OK) ? 0 : -EIO;
}

int feed_trim(struct admin *admin, unsigned partition, struct event_id first_kept)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    char id[FEED_ID_SIZE];
    feed_id_put(id, "", first_kept);
    layout_command(&admin->out, STR("XTRIM"), partition, KEY_EVENTS, NO_NAME, 2);
    resp_arg(&admin->out, STR("MINID"));
    resp_arg(&admin->out, str_of(id));
    return admin_done(admin, ANSWER_NUMBER) ? 0 : -EIO;
}

/* --- what is old ------------------------------------------------------------------------------ */

static int64_t length_of(struct admin *admin, unsigned partition)
{
    layout_command(&admin->out, STR("XLEN"), partition, KEY_EVENTS, NO_NAME, 0);
    redisReply *reply = admin_ask(admin, ANSWER_NUMBER);
    int64_t length = reply ? reply->integer : -1;
    freeReplyObject(reply);
    return length;
}

/* The first entry at or behind `from`, and its time, 0 of an epoch's first. 1, 0: none, -1. */
static int entry_from(struct admin *admin, unsigned partition, struct event_id from,
                      struct event_id *id, int64_t *at_ms)
{
    char text[FEED_ID_SIZE];
    struct event_entry entry;
    struct event_reader reader;
    feed_id_put(text, "", from);
    redisReply *reply = ask_range(admin, partition, text, 1);
    if (!reply)
        return -1;
    bool found = reply->elements == 1 && take_entry(reply->element[0], &entry) &&
                 !str_absent(entry.bytes) && event_read(&reader, entry.bytes, at_ms) == 0;
    if (found)
        *id = entry.id;
    freeReplyObject(reply);
    return found;
}

/* The last old entry of an epoch, from `kept` on, which is old. Entries are in order of time and
 * their numbers are dense, so it is found by halving. 0 or -1. */
static int find_last_old(struct admin *admin, unsigned partition, int64_t length, int64_t cutoff_ms,
                         struct event_id *kept)
{
    int64_t low = kept->seq, high = kept->seq + length;
    while (low < high) {
        struct event_id probe = {kept->epoch, low + (high - low) / 2};
        int64_t at_ms, middle = probe.seq;
        int found = entry_from(admin, partition, probe, &probe, &at_ms);
        if (found < 0)
            return -1;
        if (found && probe.epoch == kept->epoch && at_ms <= cutoff_ms) {
            *kept = probe;
            low = probe.seq + 1;
        } else {
            high = middle;
        }
    }
    return 0;
}

/* Epoch after epoch, as long as all of one is old. One old entry stays: the stream keeps an end. */
int feed_trim_old(struct admin *admin, unsigned partition, int64_t now_ms, int64_t *total)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    int64_t cutoff_ms = now_ms - admin->config->event_retention_ms, at_ms;
    int64_t length = length_of(admin, partition);
    struct event_id kept, next = {0, 0};
    if (length < 0)
        return -EIO;
    *total += length;
    int found = length > 1 ? entry_from(admin, partition, next, &next, &at_ms) : 0;
    if (found <= 0 || at_ms > cutoff_ms)
        return found < 0 ? -EIO : 0;
    do {
        kept = next;
        if (find_last_old(admin, partition, length, cutoff_ms, &kept) < 0)
            return -EIO;
        next = (struct event_id){kept.epoch, kept.seq + 1};
        found = entry_from(admin, partition, next, &next, &at_ms);
    } while (found > 0 && next.epoch > kept.epoch && at_ms <= cutoff_ms);
    return found < 0 ? -EIO : feed_trim(admin, partition, kept);
}

/* --- how much there is ------------------------------------------------------------------------ */

/* The number of events in an entry, and its time; an entry of another kind counts as one event. */
static int64_t count_events(struct arena *arena, const redisReply *reply, int64_t *at_ms)
{
    struct event_entry entry;
    struct event_reader reader;
    struct event event;
    int64_t events = 0;
    *at_ms = 0;
    arena_reset(arena);
    if (!take_entry(reply, &entry) || str_absent(entry.bytes) ||
        event_read(&reader, entry.bytes, at_ms) != 0)
        return 1;
    while (event_next(&reader, arena, *at_ms, &event) > 0)
        events++;
    return events;
}

int feed_look_behind(struct admin *admin, unsigned partition, struct feed_backlog *backlog)
{
    if (admin_at(admin, partition) != ADMIN_OK)
        return -EIO;
    *backlog = (struct feed_backlog){.entries = length_of(admin, partition)};
    if (backlog->entries < 0)
        return -EIO;
    if (backlog->entries <= 1)
        return 0;
    redisReply *reply = ask_range(admin, partition, "-", 1 + FEED_SAMPLE);
    if (!reply)
        return -EIO;
    struct arena arena;
    int64_t sampled = 0;
    arena_init(&arena, 64 * 1024, SAMPLE_MAX_BYTES);
    for (size_t i = 1; i < reply->elements; i++) {
        int64_t at_ms;
        sampled += count_events(&arena, reply->element[i], &at_ms);
        if (backlog->oldest_ms == 0)
            backlog->oldest_ms = at_ms;
    }
    int64_t entries = (int64_t)reply->elements - 1;
    if (entries > 0)
        backlog->events = (backlog->entries - 1) * sampled / entries;
    arena_free(&arena);
    freeReplyObject(reply);
    return 0;
}
