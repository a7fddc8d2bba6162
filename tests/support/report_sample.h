/* report_sample.h -- made-up runs for the tests of reports: no server, the same every time.
 *
 * A flash sale on four items: fast while there is stock, then sold out. The history behind it
 * holds no more than the operations that its witnesses point at. Owned by the caller:
 * report_sample_make .. report_sample_free; the run points into the sample, which must not move.
 */
#pragma once

#include "report/capacity.h"
#include "report/report.h"

enum report_sample_kind {
    SAMPLE_RIGHT,
    SAMPLE_UNKNOWN, /* a plain server without counters, one threshold missed */
    SAMPLE_HOSTILE, /* violations, and text everywhere that wants to be a script */
    SAMPLE_EMPTY,   /* not a single answer */
};

/* What hostile text does when it runs: it sets a variable of this name. */
#define SAMPLE_HOSTILE_MARK "stockload_was_here"

struct report_sample {
    struct report_run run;
    struct history_reader reader;
    struct summary summary;
    struct verdict verdict;
    struct gate_result gate[2];
};

/* Aborts when there is no memory. */
void report_sample_make(struct report_sample *sample, enum report_sample_kind kind, uint64_t seed);
void report_sample_free(struct report_sample *sample);

/* A search of three steps: one held, one with refusals, one too slow. */
struct capacity capacity_sample(void);
