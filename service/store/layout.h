/* layout.h -- how each thing lies in Redis: the names of keys, what is put there, how it is read.
 *
 * Layer: store, pure: commands go into a buffer, values come out of replies. docs/architecture.md
 * lists formats. Every key begins with its partition's hash tag `{p<N>}:`, so that one slot of a
 * Redis Cluster holds all that a batch touches.
 *
 * Invariant: what layout_put_... wrote is what the reader of the same name takes back; a value that
 * it would not have written is broken, never guessed at.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "core/item.h"
#include "core/reservation.h"
#include "store/redis/resp.h"

#include <hiredis/hiredis.h>

#define KEY_META      STR("meta")    /* hash: format, partitions, store, epoch, run_id, state ... */
#define KEY_LANE      STR("lane")    /* string :<instance>.<n>: the marker of a lane */
#define KEY_TURN      STR("turn")    /* list: whose turn it is among lanes that contend (turn.h) */
#define KEY_ITEM      STR("item")    /* string :<sku>: counters (item_encode) */
#define KEY_SKUS      STR("skus")    /* sorted set of names, score 0 */
#define KEY_RECORDS   STR("resv")    /* hash :<bucket>: id -> record (record_encode) */
#define KEY_BUCKETS   STR("buckets") /* sorted set: the buckets that there are */
#define KEY_HOLDS     STR("holds")   /* sorted set :<sku>: ids by deadline */
#define KEY_DUE       STR("due")     /* sorted set: skus by the earliest deadline */
#define KEY_CUSTOMERS STR("cust")    /* hash :<sku>: customer -> units held and bought */
#define KEY_OPERATION STR("op")      /* string :<key>: a recorded result */
#define KEY_EVENTS    STR("events")  /* stream */
#define KEY_APPLIED   STR("applied") /* string: the last entry of it that SQL holds */
#define KEY_ENDED     STR("ended")   /* string: where earlier epochs ended in SQL */
#define KEY_AUDIT     STR("audit")   /* hash, of partition 0: what the last audit found */
#define KEY_LIVE      STR("live")    /* hash, of partition 0: how each service is now (share.h) */

#define NO_NAME                                                                                    \
    (struct str)                                                                                   \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* Matches the keys of all partitions, in a SCAN. */
#define LAYOUT_ALL_KEYS "{p*}:*"

/* The fields of meta. */
enum meta_field {
    META_FORMAT_F,
    META_PARTITIONS,
    META_STORE,
    META_LEDGER,
    META_EPOCH,
    META_RUN_ID,
    META_STATE,
    META_RESTORES,
    META_PROMOTION,
    META_ORDER,
    META_ROLLED,
    META_FIELDS
};

/* --- commands --------------------------------------------------------------------------------- */

/* Begins a command on a key; `rest` arguments follow. */
void layout_command(struct buf *out, struct str name, unsigned partition, struct str kind,
                    struct str of, size_t rest);

/* The same on a bucket of records. */
void layout_command_records(struct buf *out, struct str name, unsigned partition, int64_t bucket,
                            size_t rest);

/* HMGET of all fields of meta, in their order. */
void layout_ask_meta(struct buf *out, unsigned partition);

const char *layout_meta_name(enum meta_field field);

/* The first `count` ids of an item's holds, with their deadlines: pairs. */
void layout_ask_holds(struct buf *out, unsigned partition, struct str sku, int64_t count);

/* A page of HSCAN or ZSCAN from the cursor on, of about `count` pairs. */
void layout_ask_page(struct buf *out, struct str name, unsigned partition, struct str kind,
                     struct str of, const char *cursor, int64_t count);

/* --- what is put ------------------------------------------------------------------------------ */

/* An argument: a reservation's id as a field or a member. */
void layout_put_id(struct buf *out, const struct rid *id);

/* Two arguments each: of MSET, of HSET on a bucket, of ZADD on holds, of HSET on customers. */
void layout_put_item(struct buf *out, unsigned partition, struct str sku, const struct item *item);
void layout_put_record(struct buf *out, struct buf *scratch, const struct reservation *r);
void layout_put_hold(struct buf *out, int64_t deadline_ms, const struct rid *id);
void layout_put_share(struct buf *out, struct str customer, int64_t units);

/* Whole commands, a reply each. */
void layout_put_state(struct buf *out, unsigned partition, const char *state);
void layout_put_bucket(struct buf *out, unsigned partition, int64_t bucket);
/* Until a time of Redis: a span would make it write the command anew, for AOF and replicas. */
void layout_put_result(struct buf *out, unsigned partition, struct str key, struct str result,
                       int64_t until_ms);
void layout_put_marker(struct buf *out, struct str marker, struct str value);
void layout_put_events(struct buf *out, unsigned partition, int64_t epoch, struct str entry);

/* --- what is read ----------------------------------------------------------------------------- */

enum layout_found {
    LAYOUT_MISSING,
    LAYOUT_BROKEN, /* there is something, but not of a format that we know */
    LAYOUT_FOUND,
};

/* *item is zeroed unless it is found. */
enum layout_found layout_item(const redisReply *reply, struct item *item);

/* A copy of the record, in the arena. -ENOMEM or 0. */
int layout_record(struct arena *arena, const redisReply *reply, const struct rid *id,
                  struct reservation *r, enum layout_found *found) MUST_CHECK;

/* False: these bytes are no id of ours. */
bool layout_id(const redisReply *reply, unsigned partition, struct rid *id);

/* A score of holds or due, which is positive and whole; 0: there is none; -1: it is not ours. */
int64_t layout_deadline(const redisReply *reply);

/* The first deadline in the reply to layout_ask_holds(), in the same words. */
int64_t layout_first_deadline(const redisReply *reply);

/* Of a customer; 0: there are none; -1: it is no number of units. */
int64_t layout_units(const redisReply *reply);

/* `{p<N>}:<kind>` and, if it has one, its name. False: not a key of ours. Points into `text`. */
struct layout_key {
    unsigned partition;
    struct str kind, name; /* name: absent if there is none */
};
bool layout_key(struct str text, struct layout_key *key);

/* The partition that an item lies in. */
uint16_t layout_partition(unsigned partitions, struct str sku);
