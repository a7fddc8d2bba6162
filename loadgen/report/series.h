/* series.h -- the run over time: the second pass over a history.
 *
 * Layer: report, pure. Needs what the first pass found: from when to when was measured, which items
 * are hot, and the curve of the services' counters, from their samples.
 */
#pragma once

#include "report/curve.h"
#include "report/summary.h"

/* Fills interval_ns, intervals and interval. No time measured gives no intervals. 0 or -ENOMEM. */
int series_make(struct summary *s, const struct history_reader *r,
                const struct curve *curve) MUST_CHECK;
