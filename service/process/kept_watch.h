/* kept_watch.h -- asks the ledger what clients keep, where quotas limit that (keys/kept_use.h).
 *
 * Layer: process. The first worker asks, as one of a host is enough, whenever somebody has seen how
 * far the ledger is, which is once a second, and for a client that is new; while it cannot, what
 * was known stays.
 */
#pragma once

#include "ledger/query/query_pool.h"
#include "process/process.h"

struct kept_watch;

/* Begins to look, on the loop of the pool. NULL: out of memory. */
struct kept_watch *kept_watch_new(uv_loop_t *loop, const struct shared_state *shared,
                                  struct query_pool *queries);

/* The pool must be idle. NULL is fine. The memory is freed when the loop has closed the handle. */
void kept_watch_free(struct kept_watch *watch);
