/* curve.h -- the counters of the services that a run was served by, over time: the sum of what each
 * of them counted.
 *
 * Layer: report, pure. A run may reach several services behind one address, and each answer of
 * /metrics has the counters of one alone; a sample names it. So each service has points of its
 * own, and what the services counted during the load is added up. What is told is the whole, or
 * nothing: curve_doubt says what stands against it.
 *
 * Samples come about once a second, intervals may be shorter: between two samples a counter is
 * taken to grow evenly. Before the load and after it the counters are taken to stand still, so that
 * a sample a moment too early or too late loses nothing.
 *
 * Owned by the caller: zeroed, curve_add, curve_doubt, curve_settle, curve_at, curve_free.
 * Invariant: of each service neither time nor a counter goes back; what would go back is left out,
 * and the curve is broken from then on.
 */
#pragma once

#include "history/format.h"

#include <stdbool.h>
#include <stddef.h>

#define CURVE_SERVICES_MAX 256 /* of more the curve is broken */

enum curve_counter {
    CURVE_CONFLICTS,
    CURVE_BATCHES,
    CURVE_BATCH_OPS,
    CURVE_REQUESTS,
    CURVE_COUNTERS
};

struct curve_point {
    uint64_t at_ns;
    uint64_t value[CURVE_COUNTERS];
};

struct curve_service {
    uint64_t id; /* 0 in histories from before services had names: then there was one */
    struct curve_point *point;
    size_t n, cap; /* n > 0 */
};

struct curve {
    struct curve_service *service;
    size_t n, cap;
    bool broken;
};

/* In the order of time. 0 or -ENOMEM. */
int curve_add(struct curve *c, const struct history_sample *sample) MUST_CHECK;

/* By how much the counter has grown, from the first sample of each service to its last. */
uint64_t curve_grown(const struct curve *c, enum curve_counter counter);

/* Why what the curve shows of the load, from go_ns to stop_ns, would not be all that was counted:
 * a literal, or NULL if nothing stands against it. `answers` are requests that some service
 * answered in that time: where they are more than those that are known have counted, there was
 * another service. */
const char *curve_doubt(const struct curve *c, uint64_t go_ns, uint64_t stop_ns, uint64_t answers);

/* When the load ran; to be called once, after the last sample. */
void curve_settle(struct curve *c, uint64_t go_ns, uint64_t stop_ns);

/* The sum of a counter over the services at a time: of each that of the first point before it, of
 * the last point behind. Differences alone say something. */
uint64_t curve_at(const struct curve *c, enum curve_counter counter, uint64_t at_ns);

void curve_free(struct curve *c);
