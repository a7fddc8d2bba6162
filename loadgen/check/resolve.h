/* resolve.h -- did it happen? Attempts, replays and look-ups of one key, as one decision.
 *
 * Layer: check. A key took effect when one of its attempts was answered with 2xx, or when it was
 * found after the load. It did not when all attempts were refused (4xx, 503, never sent), or when
 * it was not found. What contradicts itself is a violation:
 *
 *   two different 2xx, neither marked as replayed      took effect twice           (VERSIONS)
 *   a replay, and nobody who could have been first     an effect behind a refusal  (ANSWERS)
 *   found after the load, though every attempt failed  the same                    (ANSWERS)
 *   attempts that quote different numbers              a replay that differs       (ANSWERS)
 *   refused after it had been answered with 2xx        not replayed                (ANSWERS)
 *   acknowledged, and not found after the load         lost                        (LASTING)
 */
#ifndef LOADGEN_CHECK_RESOLVE_H
#define LOADGEN_CHECK_RESOLVE_H

#include "check/index.h"
#include "check/verdict.h"

/* Fills index->effect for all first attempts. A replayed confirm or release that none of its own
 * attempts explains is left as EFFECT_AGAIN: reservations.h decides whose answer it repeats. */
void resolve_effects(struct index *index, struct verdict *v);

#endif
