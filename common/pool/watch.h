/* watch.h -- what a pool makes of its children: their messages, their ends, and what is due.
 *
 * Layer: common, for pool*.c only. Decides who is forked again, and when; tells the owner of the
 * pool of everything. Never waits.
 */
#ifndef COMMON_POOL_WATCH_H
#define COMMON_POOL_WATCH_H

#include "pool/slot.h"

/* Takes up to `limit` messages off the slot's socket. */
void poolwatch_messages(struct pool *pool, struct pool_slot *s, int limit);

/* Waits, without blocking, for a process that seems to have ended. */
void poolwatch_end(struct pool *pool, struct pool_slot *s, int64_t now_ms);

/* The slot is WAITING to be forked again, or STOPPING and about to be killed, at due_ms. */
bool poolwatch_has_timer(const struct pool_slot *s);

/* Forks and kills what is due. */
void poolwatch_timers(struct pool *pool, int64_t now_ms);

#endif
