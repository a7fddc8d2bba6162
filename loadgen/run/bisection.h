/* bisection.h -- the highest rate that holds, looked for with few trials.
 *
 * Layer: loadgen, pure. From the first rate on it doubles while rates hold, or halves while they
 * miss, until one holds and one misses; then it tries between them (the geometric mean), until the
 * two are near enough to each other. What a trial shows is a measurement: a rate may hold by luck,
 * or miss because of a moment's trouble, so it counts as missed only when each of its tries did.
 *
 * Invariant: low < high, whatever is told: every rate tried lies strictly between them, so trials
 * that contradict each other can make the answer less near, never end the search in a circle.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bisection {
    int64_t floor, ceiling; /* rates a second; nothing below or above is tried; 1 <= floor */
    double precision;       /* near enough: high <= low * (1 + precision) */
    unsigned tries;         /* of one rate, at the most; at least 1 */
    int64_t low;            /* the highest that held; 0: none yet */
    int64_t high;           /* the lowest that missed; 0: none yet */
    int64_t next;           /* what is to be tried; 0: it is over */
    unsigned missed;        /* tries of `next` so far */
};

/* Begins with `first`, brought between floor and ceiling. */
void bisection_begin(struct bisection *b, int64_t first);

/* How the trial of b->next came out. Sets the next one, which may be the same again. */
void bisection_tell(struct bisection *b, bool held);
