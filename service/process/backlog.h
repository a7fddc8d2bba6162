/* backlog.h -- what the ledger has not taken yet, as a process sees it in Redis that looks now and
 * then: the keeper, and the ledger process where there is no keeper beside it.
 *
 * What was seen last stays in the shared store, for a process that takes the place of one that
 * died; it is the caller's gauges that show it.
 */
#pragma once

#include "store/admin/feed.h"

struct backlog_sum {
    int64_t entries, events;
    int64_t lag_ms; /* how long the oldest event has waited, by the clock of its Redis */
};

struct backlog {
    struct backlog_sum all;  /* of the partitions whose Redis is reached */
    struct backlog_sum open; /* of those that admin_open found open */
    int64_t has_until_ms;    /* monotonic: SQL has all that was in Redis then; 0: who knows, as a
                                Redis was not reached */
};

/* Before the first look: what is known from before, or that nothing waits. */
void backlog_begin(struct store_shared *shared);

/* Looks at all partitions. 0, or -1: no Redis is reached, or one was lost. */
int backlog_look(struct admin *admin, unsigned partitions, struct backlog *backlog) MUST_CHECK;

/* Shows what was found. */
void backlog_show(struct store_shared *shared, const struct backlog *backlog);
