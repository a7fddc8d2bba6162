/* report_case.h -- runs as real histories tell them, and what the reports write of them.
 *
 * A basket that was sent twice, its confirm, a refusal, a timeout: few attempts, with a verdict
 * that the case gives them. The functions are for tests only: they fail the test themselves.
 */
#pragma once

#include "report/report.h"
#include "report/thresholds.h"
#include "support/history_sample.h"

#define MS    1000 /* in microseconds */
#define START (1000 * MS)
#define EVIL  "a\"b,c\nd\re\x1b[31m\x7f\xff\xc3\xa9\xe2\x80\xae<&>"

enum sample { RIGHT, VIOLATION, UNKNOWN, HOSTILE, EMPTY, SAMPLES };

struct run {
    struct history_sample_file file;
    struct summary summary;
    struct verdict verdict;
    struct gate_result gate[3];
    struct report_run report;
    uint32_t slot[2]; /* of the reserve and its confirm */
};

/* Owned by the caller, who frees it with run_free. */
struct run *run_make(enum sample sample);
void run_free(struct run *run);

/* A set-up, a basket sent twice, its confirm, a refusal, a timeout, a read of nothing, a look-up.
 */
void run_add_attempts(struct run *run, const char *id);

typedef int many_fn(FILE *out, const struct report *report);
typedef int one_fn(FILE *out, const struct report_run *run);

/* The report as a text that the caller frees. */
char *write_as(many_fn *write, const struct report *report);
char *write_many(many_fn *report, const struct report_run *runs, size_t count);
char *write_one(one_fn *report, const struct report_run *run);

void assert_holds(const char *text, const char *what);
void assert_lacks(const char *text, const char *what);
