/* check.h -- what holds of a store between two steps of its loop: an operation is in exactly one
 * place, and a lane is in a state that it can leave.
 *
 * Layer: store, private to it. Built with -DSTOCKD_CHECKS=1 store_pump() asks at every turn.
 */
#pragma once

#ifndef STOCKD_CHECKS
#define STOCKD_CHECKS 0
#endif

struct store;

/* Asserts it; to be called while no callback of the store is on the stack. */
void store_check(const struct store *store);
