/* series.h -- the run over time: the second pass over a history.
 *
 * Layer: report. Needs what the first pass found: from when to when was measured, which items are
 * hot, and the curve of the server's counters.
 */
#ifndef LOADGEN_REPORT_SERIES_H
#define LOADGEN_REPORT_SERIES_H

#include "report/curve.h"
#include "report/summary_numbers.h"

/* Fills interval_ns, intervals and interval. No time measured gives no intervals. 0 or -ENOMEM. */
int series_make(struct summary *s, const struct history_reader *r, const struct curve *curve)
    __attribute__((warn_unused_result));

#endif
