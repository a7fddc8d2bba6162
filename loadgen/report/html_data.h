/* html_data.h -- what the charts of an HTML report are drawn from.
 *
 * Layer: report. Only numbers over time and curves: everything else is in the page as text, so that
 * the page can be read where no script runs. page/report.js reads it; the members are documented
 * in html_data.c, beside the lines that make them.
 */
#ifndef LOADGEN_REPORT_HTML_DATA_H
#define LOADGEN_REPORT_HTML_DATA_H

#include "report/report.h"

#include <stdbool.h>
#include <stdio.h>

/* Writes the runs as JSON that may stand in a script element: "<", ">" and "&" are \u escapes.
 * 0 or -ENOMEM; errors of the stream are the caller's to see. */
int html_data(FILE *out, const struct report_run *runs, size_t count)
    __attribute__((warn_unused_result));

/* Which charts of a run have something to show. The page leaves a canvas out where there is not. */
bool html_data_over_time(const struct summary *s);
bool html_data_latency(const struct summary *s); /* then both histograms are there */
bool html_data_stock(const struct summary *s);
bool html_data_workers(const struct summary *s);

#endif
