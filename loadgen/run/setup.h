/* setup.h -- before the load: the items that it will fight for.
 *
 * Layer: loadgen. Every run has items of its own, named after the run, so that nothing else in the
 * store is touched and the first version of each is known. Their creation is part of the history.
 */
#pragma once

#include "client/load.h"

/* Called now and then with how many of all are done; true asks to stop. */
typedef bool step_progress_fn(void *ctx, const char *what, uint64_t done, uint64_t all);

/* Creates load->workload.skus items. 0; -ECONNREFUSED (and the like) when nobody answers; -EPROTO
 * when the server refuses; -EINTR; -ENOSPC. err says which item and what the answer was. */
int setup_items(const struct load *load, struct history_writer *w, step_progress_fn *progress,
                void *ctx, char *err, size_t err_size) MUST_CHECK;
