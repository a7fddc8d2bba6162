/* batch.h -- one attempt at a transaction: the view's wants as reads, the plan's effects as writes.
 *
 * Layer: store. A batch is owned by its lane and reused: its memory is one arena that is reset at
 * each attempt. It knows commands and replies, but neither sockets nor time-outs.
 *
 * A round of reads is one write: WATCH what is not watched yet, then read what is not known yet.
 * Nothing is decided on a value that was read before its WATCH. A reservation's record is no
 * watched key (many share a hash); its items guard it, since every transition of a reservation
 * changes each of its items. So a record whose items are not named yet is read for its names only,
 * and again once they are watched.
 */
#pragma once

#include "core/plan.h"
#include "store/meta.h"
#include "store/redis/conn.h"
#include "store/store_config.h"
#include "store/store_op.h"

#define BATCH_ROUNDS_MAX 16

struct batch {
    struct arena arena;
    struct buf events, scratch;
    struct view view;
    struct store_op **ops; /* NULL where an operation was told and forgotten */
    struct op **planned;   /* the live ones, for plan() */
    unsigned count, cap;
    uint16_t partition;
    unsigned partitions;
    /* The round under way: what was asked, in the order of the replies. */
    unsigned rounds;
    size_t replies;
    bool asked_time;
    bool joined; /* by operations that came after what was read */
    struct view_item **read_items;
    struct view_key **read_keys;
    struct view_customer **read_customers;
    struct view_reservation **read_records;
    struct view_item **read_heads;
    uint32_t item_count, key_count, customer_count, record_count, head_count;
    int64_t now_ms; /* Redis TIME of this attempt */
    struct meta_view gate;
    int64_t buckets[PARTS_OPEN]; /* listed by this attempt, for the lane to remember */
    unsigned bucket_count;
};

enum batch_read {
    BATCH_AGAIN,   /* names were learnt: another round before planning makes sense */
    BATCH_READ,    /* everything that was asked is in the view */
    BATCH_GATE,    /* batch->gate says why not */
    BATCH_ERROR,   /* an error reply: *error */
    BATCH_INVALID, /* a reply that is not what the command gives: *error */
    BATCH_NO_MEMORY,
};

bool batch_init(struct batch *batch, unsigned partitions, uint16_t partition, unsigned cap);
void batch_free(struct batch *batch);

/* Begins an attempt with the operations in ops[0..count): forgets the last one's view. */
bool batch_begin(struct batch *batch) MUST_CHECK;

/* Writes the next round of reads. marker: the lane's. Returns the number of replies to expect; 0:
 * nothing is left to read (a fault of ours) or out of memory. */
size_t batch_ask(struct batch *batch, struct buf *out, struct str marker, bool unwatch);

/* Takes the replies of that round. run_id, replid: of the connection. */
enum batch_read batch_take(struct batch *batch, redisReply **replies, size_t count,
                           const char *run_id, const char *replid,
                           const struct store_shared *shared, struct str *error);

/* plan() over the live operations. */
enum plan_result batch_plan(struct batch *batch, const struct plan_limits *limits);

/* Writes the effects, for a transaction that the caller begins and ends. Returns the number of
 * replies; 0: out of memory. `known_bucket` tells whether the lane has listed a bucket before.
 */
size_t batch_write(struct batch *batch, struct buf *out, struct str marker, struct str value,
                   int64_t operation_retention_ms, bool (*known_bucket)(void *, int64_t),
                   void *user);

/* Drops operation i from the batch: it was told. */
void batch_forget(struct batch *batch, unsigned i);

/* For qsort: view_customer pointers by item, view_reservation pointers by bucket. One command is
 * written for each run of equal ones. */
int batch_by_item(const void *a, const void *b);
int batch_by_bucket(const void *a, const void *b);

/* Moves forgotten operations out of the way. */
void batch_compact(struct batch *batch);
