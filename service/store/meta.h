/* meta.h -- the hash that says which store a partition belongs to, and whether it is open.
 *
 * Layer: store, on the connection of a struct admin; what is put goes into any buffer. Every batch
 * watches and reads it, so one HSET closes a partition for every host at once.
 *
 * Invariant: meta is only written in a transaction whose WATCH came before the values that were
 * decided on were read.
 */
#pragma once

#include "buf.h"
#include "core/reign.h"
#include "store/layout.h"
#include "store/store_config.h"

/* What a new store is, and an older one becomes with its next epoch; and the oldest that is served.
 * In format 2 ids carry a part of their bucket, and events are brief: builds before it know
 * neither.
 */
#define META_FORMAT       2
#define META_FORMAT_LEAST 1
#define META_VALUE_SIZE   192
/* What the state of a partition begins with while a restore writes it; a name of its own follows.
 */
#define META_RESTORING "closed: restore "
/* The same while a ledger process opens an epoch: its sign follows. */
#define META_OPENING "closed: opening "
/* What it is while the store is made, until that is done in all partitions (admin_make.h). */
#define META_MAKING "closed: making"

/* The same where a later promotion has gone on elsewhere; why follows. */
#define META_DEPOSED "closed: deposed"

struct admin;

/* Texts as stored, cut to their room; empty: not there. */
struct meta {
    char v[META_FIELDS][META_VALUE_SIZE];
};

/* False: a format that this build does not know. */
bool meta_format_known(const char *format);

/* No store has an empty id: without one there is no meta. */
static inline bool meta_missing(const struct meta *meta)
{
    return meta->v[META_STORE][0] == '\0';
}

/* What `state` says: the data that Redis holds is not the present. */
bool meta_says_lost(const char *state);

/* A restore is at work, or was and did not come to its end. */
bool meta_restoring(const struct meta *meta);

/* The store is being made, or whoever made it did not come to its end. */
bool meta_making(const struct meta *meta);

int64_t meta_epoch(const struct meta *meta); /* 0: none */
int64_t meta_order(const struct meta *meta); /* 0: not known */

/* A ledger process is at opening it, or was and did not come to its end: the next one begins anew.
 */
bool meta_opening(const char *state);

/* A later promotion goes on elsewhere, and SQL is in its epoch. */
bool meta_deposed(const char *state);

/* The next epoch is to be opened for this one: the last one was opened for another, or opening it
 * did not come to its end. Not so where a person has to look first. */
bool meta_wants(const struct meta *meta, const struct reign *reign);

/* The same of a primary that was promoted without having been a replica, so that it is the one in
 * meta by all but the order: a higher one is of a later promotion. `counted`: whatever made it
 * higher was one, also where meta is open. */
bool meta_wants_anew(const struct meta *meta, const struct reign *reign, bool counted);

/* How often the store was restored in its life. */
int64_t meta_restores(const struct meta *meta);

/* WATCH, and read; or read only. False: see admin_why(). */
bool meta_read(struct admin *admin, unsigned partition, struct meta *meta) MUST_CHECK;
bool meta_look(struct admin *admin, unsigned partition, struct meta *meta) MUST_CHECK;

/* All fields but the state and whose epoch it is. store: its id. */
void meta_fill(struct meta *meta, unsigned partitions, uint64_t store, const char *ledger,
               int64_t epoch, int64_t restores);

/* Whose epoch it is. */
void meta_fill_reign(struct meta *meta, const struct reign *reign);

/* True if the epoch in meta was opened for this one. One that a build before this opened names no
 * promotion: it is to be opened anew, though it is served until then. */
bool meta_is_of(const struct meta *meta, const struct reign *reign);

/* Append HSET of all fields; XADD of the first event of the epoch that meta has. One reply each. */
void meta_put(struct buf *out, unsigned partition, const struct meta *meta);
void meta_put_epoch_event(struct buf *out, unsigned partition, int64_t epoch);

/* --- for those who serve: may a partition be written now? ------------------------------------- */

enum meta_verdict {
    META_IS_OPEN,
    META_IS_WAIT,   /* the keeper has not opened this Redis (yet): a passing state */
    META_IS_CLOSED, /* closed on purpose: `why` */
    META_IS_LOST,   /* this Redis does not hold our store any more */
};

struct meta_view {
    enum meta_verdict gate;
    int64_t epoch;  /* META_IS_OPEN */
    int64_t rolled; /* META_IS_OPEN: the last epoch before which effects came from SQL; 0: none */
    int format;     /* META_IS_OPEN: how the store is to be written */
    uint64_t store; /* the id that meta has; 0: none */
    char why[128];
};

/* False if the reply is not one to layout_ask_meta(). run_id, replid: of the connection that read
 * it. */
bool meta_check_reply(const redisReply *reply, const char *run_id, const char *replid,
                      unsigned partitions, const struct store_shared *shared,
                      struct meta_view *view) MUST_CHECK;
