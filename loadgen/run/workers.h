/* workers.h -- the parent's side of the load: client processes forked, let go together, watched,
 * ended.
 *
 * Layer: loadgen, on common/pool. Blocks until the last client process has ended. The parent stays
 * single-threaded; between two looks at the pool it shows the live view and reads the server's
 * metrics.
 */
#pragma once

#include "client/load.h"
#include "options.h"

#include <signal.h>

struct workers_options {
    bool respawn; /* a process that dies is forked again; otherwise the run ends */
    uint64_t warmup_ns;
    volatile sig_atomic_t *interrupted; /* set by a handler, or here on a signal of the pool */
};

/* Runs the load. 0: it ended, one way or another; facts say how (go_ns, stop_ns, established,
 * deaths, respawns, cpu_ns, trouble). -ECONNREFUSED: not one connection could be made. -errno: the
 * pool could not be made. err says what happened. */
int workers_run(const struct load *load, struct history_writer *w,
                const struct workers_options *options, char *err, size_t err_size) MUST_CHECK;
