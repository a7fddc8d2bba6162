/* feed.h -- the event stream as the ledger reads it: entries from a position on, its end, its trim.
 *
 * Layer: store. Works on the connection of a struct admin to the partition's Redis; after an
 * error, answered or not, that connection is closed, and admin_why() says why. The owner of a feed
 * calls feed_free; what feed_read hands out is good until the next call.
 *
 * Invariant: entries come in the order of their ids, and none is left out. Whether one was lost is
 * not decided here: ids of an epoch are dense, so whoever takes them can tell.
 */
#pragma once

#include "buf.h"
#include "store/admin/admin.h"
#include "store/feed_id.h"

struct feed {
    struct admin *admin;
    redisReply *reply;
    struct event_entry *entries;
    size_t count, cap;
    size_t bytes; /* of all entries */
};

/* What SQL does not have yet, as far as Redis can tell: all behind the first entry, since that one
 * is the last that was taken. */
struct feed_backlog {
    int64_t entries;   /* in the stream */
    int64_t events;    /* behind its first entry; past FEED_SAMPLE entries estimated from those */
    int64_t oldest_ms; /* Redis time of the first one behind it; 0: none */
};

#define FEED_SAMPLE 16

void feed_init(struct feed *feed, struct admin *admin);
void feed_free(struct feed *feed);

/* The run id of the Redis of the partition that was named last; "": it was not reached yet. */
const char *feed_source(const struct admin *admin);

/* The epoch of the partition that admin_open_partition said ADMIN_OK of last: the Redis process
 * that is read opened it. */
int64_t feed_epoch(const struct admin *admin);

/* At most `max` entries behind `after`. 0, -EIO or -ENOMEM. */
int feed_read(struct feed *feed, unsigned partition, struct event_id after,
              unsigned max) MUST_CHECK;

/* Is that entry in the stream? 1, 0 or -EIO. */
int feed_has(struct admin *admin, unsigned partition, struct event_id id) MUST_CHECK;

/* The last id that the stream ever had; 0-0 if there is no stream. */
int feed_tail(struct admin *admin, unsigned partition, struct event_id *tail) MUST_CHECK;

/* Tells everybody, in Redis, that SQL holds all up to `at`, and of earlier epochs all up to their
 * ends: answers of --durability ledger wait for it. To be called behind the COMMIT, never before.
 */
int feed_applied(struct admin *admin, unsigned partition, struct event_id at,
                 const struct event_ends *ended) MUST_CHECK;

/* The command of it, for a transaction. */
void feed_put_applied(struct buf *out, unsigned partition, struct event_id at,
                      const struct event_ends *ended);

/* Drops what lies before `first_kept`. */
int feed_trim(struct admin *admin, unsigned partition, struct event_id first_kept) MUST_CHECK;

/* Drops events older than the retention; adds to *total how many there were. */
int feed_trim_old(struct admin *admin, unsigned partition, int64_t now_ms,
                  int64_t *total) MUST_CHECK;

/* Waits until there is an entry behind after[i] in the stream of partitions[i], for some i, at most
 * timeout_ms. */
int feed_wait(struct admin *admin, const unsigned *partitions, const struct event_id *after,
              size_t count, int64_t timeout_ms) MUST_CHECK;

int feed_look_behind(struct admin *admin, unsigned partition,
                     struct feed_backlog *backlog) MUST_CHECK;
