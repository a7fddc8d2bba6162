/* past_ledgers.h -- a ledger on each engine that was told the same random past.
 *
 * Layer: tests. For a program with cmocka whose tests run on every engine: a test's state says on
 * which. SEED of the environment makes another past; it is printed.
 */
#pragma once

#include "support/ledger_base.h"
#include "support/past.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

extern struct past past;        /* what they were told */
extern struct arena past_arena; /* for what is read; of one test */

/* For cmocka_run_group_tests(): makes both, and ends them. */
int past_ledgers_begin(void **state);
int past_ledgers_end(void **state);

/* The test's ledger, where a transaction that reads has begun, and its address. */
struct db *past_ledger_of(void **state);
const char *past_url_of(void **state);

/* Rows of a table of tests. */
extern enum base_engine past_engines[];
#define ON_ENGINE(test, engine)                                                                    \
    {                                                                                              \
#test " on " #engine, test, NULL, NULL, &past_engines[engine]                              \
    }
#define ON_EACH(test) ON_ENGINE(test, BASE_SQLITE), ON_ENGINE(test, BASE_POSTGRES)
