/* capacity.h -- `stockload capacity`: the highest rate that keeps a given p99.
 *
 * Layer: loadgen. A search by bisection (bisection.h); each step is a recording of its own at one
 * rate, with items of its own, settled and checked as any run. All steps stand in the report.
 */
#pragma once

#include "options.h"

/* An exit status. */
int capacity_command(const struct options *options) MUST_CHECK;
