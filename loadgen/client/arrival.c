/* arrival.c -- stages, one after the other. */
#include "client/arrival.h"

#include <assert.h>
#include <math.h>

/* A number in (0, 1]. */
static double unit(struct rng *rng)
{
    return ((double)(rng_next(rng) >> 11) + 1.0) * 0x1p-53;
}

void arrival_open(struct arrival *a, const struct arrival_stage *stages, size_t count, bool poisson,
                  unsigned share, unsigned shares, uint64_t seed)
{
    assert(shares > 0 && share < shares);
    *a = (struct arrival){.stages = stages,
                          .count = count,
                          .poisson = poisson,
                          .share = share,
                          .shares = shares,
                          .at_ns = -1};
    rng_seed(&a->rng, seed);
}

/* The next arrival within the stage, from its begin. */
static double next_in_stage(struct arrival *a, double gap_ns)
{
    if (a->poisson)
        return (a->at_ns < 0 ? 0 : a->at_ns) - log(unit(&a->rng)) * gap_ns;
    return a->at_ns < 0 ? gap_ns * a->share / a->shares : a->at_ns + gap_ns;
}

bool arrival_next(struct arrival *a, uint64_t *at_ns)
{
    for (; a->stage < a->count; a->stage++) {
        const struct arrival_stage *stage = &a->stages[a->stage];
        if (stage->per_second > 0) {
            double at = next_in_stage(a, 1e9 * a->shares / stage->per_second);
            if (at < (double)stage->length_ns) {
                a->at_ns = at;
                *at_ns = a->stage_begin_ns + (uint64_t)at;
                return true;
            }
        }
        a->stage_begin_ns += stage->length_ns;
        a->at_ns = -1;
    }
    return false;
}
