/* summary_sample.h -- one small history of a test, and its summary.
 *
 * EACH_BETWEEN(summary_sample_setup, summary_sample_teardown) gives each test one; the facts may be
 * changed until the first attempt is added. Anything that fails fails the test.
 */
#pragma once

#include "report/summary.h"
#include "support/history_sample.h"

#define MS     1000 /* in microseconds, as histories are given */
#define START  (1000 * MS)
#define MS_NS  UINT64_C(1000000)
#define WITHIN 1.004 /* the error of a histogram */

extern struct history_facts facts;
extern struct history_sample_file summary_file; /* once something was added */
extern struct summary summary;                  /* once it was summed up */

int summary_sample_setup(void **state);
int summary_sample_teardown(void **state);

/* Begins another one, with the facts as they are. */
void again(void);

/* A reserve of one unit of item 0 that succeeded, from at_us for took_us. */
struct history_attempt reserve(uint64_t at_us, uint64_t took_us, uint64_t version, int64_t left);
/* One of that time that was refused with that status and detail. */
struct history_attempt refused(struct history_attempt attempt, uint16_t status,
                               enum history_detail detail);
/* One whose answer nobody knows. */
struct history_attempt unknown(struct history_attempt attempt, enum history_detail detail);

uint32_t add(struct history_attempt attempt);
void add_conflicts(uint64_t at_us, uint64_t conflicts, uint64_t batches, uint64_t batch_ops);
void sum_up(void);
