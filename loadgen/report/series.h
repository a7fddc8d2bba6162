/* series.h -- the run over time: the second pass over a history.
 *
 * Layer: report, pure. Needs what the first pass found: from when to when was measured, which items
 * are hot, and the curve of the server's counters, from its samples.
 *
 * Samples come about once a second, intervals may be shorter: between two samples a counter is
 * taken to grow evenly. Before the load and after it the counters are taken to stand still, so that
 * a sample a moment too early or too late loses nothing. A counter that went down was one of a
 * server that was started again: it goes on from where it was.
 *
 * The curve is owned by the caller: zeroed, curve_add, curve_settle, curve_at, curve_free.
 * Invariant after curve_settle: points are sorted by time, no counter goes down.
 */
#pragma once

#include "report/summary.h"

enum curve_counter { CURVE_CONFLICTS, CURVE_BATCHES, CURVE_BATCH_OPS, CURVE_COUNTERS };

struct curve_point {
    uint64_t at_ns;
    uint64_t value[CURVE_COUNTERS];
};

struct curve {
    struct curve_point *point;
    size_t n, cap;
};

/* 0 or -ENOMEM. */
int curve_add(struct curve *c, const struct history_sample *sample) MUST_CHECK;

/* When the load ran; to be called once, after the last sample. */
void curve_settle(struct curve *c, uint64_t go_ns, uint64_t stop_ns);

/* The counter at a time: that of the first point before it, of the last point behind. 0 without
 * points. Differences say something only when there are two or more. */
uint64_t curve_at(const struct curve *c, enum curve_counter counter, uint64_t at_ns);

void curve_free(struct curve *c);

/* Fills interval_ns, intervals and interval. No time measured gives no intervals. 0 or -ENOMEM. */
int series_make(struct summary *s, const struct history_reader *r,
                const struct curve *curve) MUST_CHECK;
