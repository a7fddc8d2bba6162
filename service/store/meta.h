/* meta.h -- the hash that says which store a partition belongs to, and whether it is open.
 *
 * Layer: store, on the connection of a struct admin; what is put goes into any buffer. meta_check.h
 * judges the same hash for those who serve.
 *
 * Invariant: meta is only written in a transaction whose WATCH came before the values that were
 * decided on were read.
 */
#ifndef STORE_META_H
#define STORE_META_H

#include "buf.h"
#include "store/layout.h"

#define META_VALUE_SIZE 192
/* What the state of a partition begins with while a restore writes it; a name of its own follows.
 */
#define META_RESTORING "closed: restore "

struct admin;

/* Texts as stored, cut to their room; empty: not there. */
struct meta {
    char v[META_FIELDS][META_VALUE_SIZE];
};

/* No store has an empty id: without one there is no meta. */
static inline bool meta_missing(const struct meta *meta)
{
    return meta->v[META_STORE][0] == '\0';
}

/* A restore is at work, or was and did not come to its end. */
bool meta_restoring(const struct meta *meta);

int64_t meta_epoch(const struct meta *meta); /* 0: none */

/* How often the store was restored in its life. */
int64_t meta_restores(const struct meta *meta);

/* WATCH, and read; or read only. False: see admin_why(). */
bool meta_read(struct admin *admin, unsigned partition, struct meta *meta)
    __attribute__((warn_unused_result));
bool meta_look(struct admin *admin, unsigned partition, struct meta *meta)
    __attribute__((warn_unused_result));

/* Append HSET of all fields; XADD of the first event of the epoch that meta has. One reply each. */
void meta_put(struct buf *out, unsigned partition, const struct meta *meta);
void meta_put_epoch_event(struct buf *out, unsigned partition, int64_t epoch);

#endif
