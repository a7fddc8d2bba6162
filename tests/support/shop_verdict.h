/* shop_verdict.h -- whole histories of simulated shops (shop_history.h), written, checked, removed.
 *
 * One file at a time, in a directory of its own that the group's setup makes and its teardown
 * removes. The functions are for tests only: they fail the test themselves.
 */
#pragma once

#include "check/check.h"
#include "support/shop_history.h"

extern char shop_path[64]; /* where the history is, or will be */

int shop_verdict_setup(void **state);
int shop_verdict_teardown(void **state);

/* A shop of 600 steps whose size follows from the seed. */
struct shop_options shop_of(uint64_t seed, enum shop_fault fault);

/* Writes the history and leaves it there. */
void shop_write(const struct shop_options *options);
/* Writes that number over what is there. */
void shop_overwrite(uint64_t at, const void *number, size_t size);
/* What the history that is there is called. */
void shop_check(struct verdict *v, enum check_level level);
void shop_remove(void);

/* All of it. False when the seed has no place for the fault. */
bool shop_judge(struct verdict *v, const struct shop_options *options, enum check_level level);

void shop_print_witnesses(const struct verdict *v);
/* Fails the test, and says with which SEED it can be had again. */
void shop_fail(uint64_t seed, const char *what, const struct verdict *v);
