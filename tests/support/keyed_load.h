/* keyed_load.h -- reservations in the background, one key after the other, each repeated until it
 * is decided.
 *
 * Layer: tests, for suites with a fixture, whose service it asks; one at a time, for the main
 * thread. Invariant: every key that was ever sent has exactly one effect.
 */
#pragma once

#include <stdint.h>

/* The item must have units enough. */
void keyed_load_start(const char *sku);

/* Sends what comes from now on to the service at this port. */
void keyed_load_aim(int port);

/* Waits until so many more keys are decided. */
void keyed_load_await(int more);

/* Answers that did not come, 503 and 504. */
int keyed_load_failures(void);

/* Lets each thread finish its key; then the books must agree, and every reservation that was
 * answered must be there. stock: what the item had. */
void keyed_load_stop_and_check(int64_t stock);

/* A test's teardown: ends it, and all that serve() has started. */
int keyed_load_end(void **state);
