/* race.h -- `stockload race`: forked processes straight at Redis, one item, until it is gone.
 *
 * Layer: loadgen. The demonstration that started it all: how optimistic locking on one hot key
 * behaves when many processes run into each other, beside two ways out of it. No HTTP, no service.
 *
 * The books: each worker declares in shared memory how many units it is about to take before it
 * sends, and moves them to `sold` after the answer. A worker that is killed in between leaves
 * units of which nobody knows; sold <= initial - left <= sold + pending is all that can be said
 * then, and all that is demanded. With nobody killed pending is 0 and it is an equation.
 */
#pragma once

#include "options.h"

/* Runs the strategies asked for, one after the other, prints what came out and returns the exit
 * status: 0 the books balance, 1 they do not, 105 interrupted, 255 Redis or the pool failed. */
int race_command(const struct options *options) MUST_CHECK;
