/* relay_copy.h -- an operation, and its outcome, with all that they point to, in a cell.
 *
 * Layer: store, private to relay.c. Everything goes into the cell's bytes, one piece behind the
 * other; texts that are static stay where they are.
 *
 * Invariant: behind a copy that succeeded nothing in cell->op points out of the cell but to static
 * texts; any outcome fits behind any request.
 */
#pragma once

#include "store/relay/relay_shared.h"

/* Begins the cell anew with what is asked. False: it is too large to be handed over. */
bool relay_copy_request(struct relay_cell *cell, const struct op *op) MUST_CHECK;

/* Sets cell->op.out. False: it does not fit, though all within the limits of core/limits.h do. */
bool relay_copy_outcome(struct relay_cell *cell, const struct outcome *out) MUST_CHECK;
