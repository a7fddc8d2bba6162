/* arrival.h -- when the next request is due in an open loop.
 *
 * Layer: client, pure. Each process makes its own share of the arrivals: evenly spaced ones
 * interleave with those of the other processes; Poisson streams add up to a Poisson stream. Times
 * are planned in advance and never put off because the server is slow, so that waiting counts.
 */
#pragma once

#include "random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the end of the stage before on, for so long, at this rate of all processes together. */
struct arrival_stage {
    uint64_t length_ns;
    double per_second; /* 0: silence */
};

struct arrival {
    const struct arrival_stage *stages;
    size_t count;
    bool poisson;
    unsigned share, shares; /* this process is number `share` of `shares` */
    struct rng rng;
    size_t stage;
    uint64_t stage_begin_ns;
    double at_ns; /* the arrival planned last, from the begin of its stage */
};

/* stages must outlive the arrival. */
void arrival_open(struct arrival *a, const struct arrival_stage *stages, size_t count, bool poisson,
                  unsigned share, unsigned shares, uint64_t seed);

/* Plans the next arrival: its time from the start of the load on. False when the stages are over.
 */
bool arrival_next(struct arrival *a, uint64_t *at_ns) MUST_CHECK;
