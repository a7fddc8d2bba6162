/* kept.h -- what a client keeps in the store, and whether a limit lets one operation more keep
 * some.
 *
 * Layer: core, pure.
 *
 * What a client has is known for a moment of the past, and what was let through `since` is not in
 * that; no host knows what others have let through since. So a host gives, of what is left of a
 * limit, its share alone, and one operation at a time of any size that is left.
 */
#pragma once

#include "core/op.h"

enum kept_kind { KEPT_HOLDS, KEPT_UNITS, KEPT_METADATA, KEPT_OPERATIONS, KEPTS };

#define KEPT_MAX INT64_C(1000000000000) /* the highest limit */

/* What the operation adds to each if it comes about: 0 or more. What ends a hold adds none. */
void kept_weigh(const struct op *op, int64_t weight[KEPTS]);

/* Whether a host that has this share, above 0 and at most 1, of a limit may let `weight`, 1 or
 * more, through. */
bool kept_fits(int64_t limit, double share, int64_t known, int64_t since,
               int64_t weight) MUST_CHECK;
