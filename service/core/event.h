/* event.h -- what happened, as bytes: one entry of the partition's stream a batch.
 *
 * Layer: core, pure. An entry holds the format number, the Redis time of the batch and its events
 * in order. An event carries the state of every item that it touched right after it, so a reader
 * can rebuild the items without having seen what came before, and can see that it missed nothing:
 * versions of one item are dense. docs/architecture.md documents the layout.
 *
 * Of the two formats the brief one says an event in terms of the one before it in its entry, as the
 * events of a batch are often of one item; and no result that follows from the rest. Builds that
 * know only the other one share stores of format 1 (store/meta.h).
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "core/item.h"
#include "core/pack.h"
#include "core/reservation.h"

#define EVENT_FULL  1
#define EVENT_BRIEF 2

#define EVENT_FINGERPRINT_BYTES 16

/* The values are part of the format: new ones at the end. */
enum event_type {
    EVENT_NONE = 0, /* none */
    EVENT_CREATE = 1,
    EVENT_SET = 2,
    EVENT_ADJUST = 3,
    EVENT_DELETE = 4,
    EVENT_DECREMENT = 5,
    EVENT_RESERVE = 6,
    EVENT_CONFIRM = 7,
    EVENT_RELEASE = 8,
    EVENT_EXTEND = 9,
    EVENT_EXPIRE = 10,
    EVENT_EPOCH = 11,    /* first of its epoch; no lines */
    EVENT_TRANSFER = 12, /* two lines: from, to */
    EVENT_TYPES
};

/* What a type of event carries. */
struct event_trait {
    const char *name;    /* as SQL and readers of the feed know it */
    bool of_reservation; /* it has a rid */
    bool sets_deadline;  /* it has expires_ms */
    unsigned lines_least, lines_most;
};

const struct event_trait *event_trait(enum event_type type);

struct event_line {
    struct str sku;
    int64_t quantity; /* units that moved (reserve, decrement, transfer; confirm: sold); adjust: see
                         negative */
    int64_t available, held, sold, version, max_per_customer; /* right after */
};

/* Optional parts; an absent text or a 0 is left out. */
struct event {
    enum event_type type;
    unsigned line_count;
    struct event_line *lines;
    bool negative; /* adjust: the delta is -quantity */
    bool has_rid;
    struct rid rid;
    int64_t expires_ms; /* if its type sets a deadline */
    struct str customer, reference, reason, metadata;
    struct str owner;  /* of who asked, of an expiry that of its reservation; see tenant.h */
    struct str trace;  /* of the request that asked; see traceparent.h */
    struct str key;    /* the client's key, its inner name */
    struct str result; /* what record_encode_result wrote for it; absent if it follows */
    /* Of a reserve: the result is what record_result_of() makes of this and the rest. */
    bool result_follows;
    uint8_t fingerprint[EVENT_FINGERPRINT_BYTES];
};

/* Begins an entry; appends an event. */
void event_begin(struct buf *out, int64_t now_ms);
void event_put(struct buf *out, const struct event *event, int64_t now_ms);

/* The same, brief. `before` is all zero at the beginning of an entry; it keeps pointers to names of
 * items, no more. */
struct event_before {
    struct event_line line; /* the last one; without a version: there was none */
    struct rid rid;
};
void event_begin_brief(struct buf *out, int64_t now_ms);
void event_put_brief(struct buf *out, const struct event *event, int64_t now_ms,
                     struct event_before *before);

/* The whole first entry of an epoch. */
void event_put_epoch(struct buf *out);

/* Reads an entry of either format: *now_ms, then the events one by one until event_next says 0. -1:
 * no such entry. Texts point into `bytes`, lines are made in the arena. */
struct event_reader {
    struct unpack in;
    bool brief;
    struct event_before before;
};
int event_read(struct event_reader *reader, struct str bytes, int64_t *now_ms) MUST_CHECK;
int event_next(struct event_reader *reader, struct arena *arena, int64_t now_ms,
               struct event *event) MUST_CHECK;
