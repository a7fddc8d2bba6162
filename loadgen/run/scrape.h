/* scrape.h -- the server's own counters, as its /metrics shows them.
 *
 * Layer: loadgen. A server need not show any: then there is no sample, and nothing is wrong.
 */
#ifndef LOADGEN_RUN_SCRAPE_H
#define LOADGEN_RUN_SCRAPE_H

#include "client/target.h"
#include "history/format.h"

#include <stdbool.h>

/* Asks once, for a fraction of a second at most. True: sample holds the counters, and in at_ns the
 * moment of the answer by the clock of load_now_ns. */
bool scrape_metrics(const struct target *target, struct history_sample *sample)
    __attribute__((warn_unused_result));

#endif
