/* check_case.h -- a small history of a run, and what the checker says of it.
 *
 * One at a time: case_begin, attempts (history_sample_add to `sample`), then one of case_verdict,
 * case_tells and case_expect, which ends it. The functions are for tests only: they fail the test
 * themselves.
 */
#pragma once

#include "check/check.h"
#include "support/history_sample.h"

#define LINE(item, quantity, version, remaining)                                                   \
    {                                                                                              \
        (item), (quantity), (version), (remaining)                                                 \
    }

extern struct history_sample_file sample;

/* Every item was created by 20 us, with that many units at version 1. */
void case_begin(const struct history_facts *facts, int32_t units);

/* What an answer of 2xx says that a reservation is then. */
enum history_detail state_after(enum history_kind kind);

const struct verdict *case_verdict(void);

/* Whether a witness says so; without any there must be no violation at all. */
bool case_tells(const char *text);

/* That a witness says so; NULL: that nothing is wrong. */
void case_expect(const char *text);
