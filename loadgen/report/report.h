/* report.h -- a run, or several side by side, written for people and for programs.
 *
 * Layer: report. Each function writes the whole of one format to a stream and returns 0, -EIO
 * when the stream failed, or -ENOMEM. Text that a server supplied is escaped. No format leaves out
 * the verdict.
 */
#pragma once

#include "check/verdict.h"
#include "history/reader.h"
#include "report/summary.h"

#include <stdio.h>

/* One run, ready to be shown. */
struct report_run {
    const char *name; /* the file it came from, or "this run" */
    const struct history_reader *history;
    const struct summary *summary;
    const struct verdict *verdict;
    size_t gates;
    const struct gate_result *gate;
    int exit_status; /* what stockload says of this run */
};

/* A --threshold and how it came out. */
struct gate_result {
    const char *text; /* as given: "p99<50ms" */
    double actual;    /* in the unit of the text's left side: ms, 1/s, a count, or % */
    bool met;
    bool unknown;     /* it is not known whether it is met, and so not met */
    const char *unit; /* of actual: "ms", "/s", "%" or "" */
    const char *why;  /* a literal: why it could not be measured (then it is not met), or "" */
};

struct capacity;

/* How the text is to look; all zero: in brief, PAGE_WIDTH wide, without colours. */
struct report_style {
    bool whole; /* all there is of one run, before the verdict and its few figures */
    unsigned width;
    bool coloured;
};

/* What is told together: one run, or several side by side. */
struct report {
    const struct report_run *runs;
    size_t count;
    const struct capacity *capacity; /* of a search: the runs are its steps (capacity.h); or NULL */
    struct report_style style;
};

int report_text(FILE *out, const struct report *report) MUST_CHECK;
int report_json(FILE *out, const struct report *report) MUST_CHECK;
/* One row an attempt, of any phase (the last column says which), and a line of it. RFC 4180. */
int report_csv(FILE *out, const struct report_run *run) MUST_CHECK;
/* Percentiles of response times as HdrHistogram's tools read them. */
int report_hgrm(FILE *out, const struct report_run *run) MUST_CHECK;
int report_html(FILE *out, const struct report *report) MUST_CHECK;
