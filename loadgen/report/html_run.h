/* html_run.h -- one run in an HTML report: verdict, key figures, proof, charts, tables, facts.
 *
 * Layer: report. The charts are empty canvases that page/report.js draws on; all else is text.
 */
#ifndef LOADGEN_REPORT_HTML_RUN_H
#define LOADGEN_REPORT_HTML_RUN_H

#include "report/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The word that the style gives a colour: "right", "unknown", "violation", or "unchecked" when
 * nothing was looked at; and the same as a reader sees it. */
const char *html_verdict_class(const struct verdict *v);
const char *html_verdict_word(const struct verdict *v);

/* A property that nobody looked at does not hold, it was not checked. */
bool html_unchecked(const struct property_result *p);

/* How bad it is: the worst of several verdicts is the one to show for all. */
unsigned html_verdict_rank(const struct verdict *v);

/* A canvas in a card. Both texts are literals of ours; run is an index into the data. */
void html_chart(FILE *out, const char *chart, size_t run, const char *title, const char *note);

/* The whole of one run. 0 or -ENOMEM. */
int html_run(FILE *out, const struct report_run *run, size_t index)
    __attribute__((warn_unused_result));

#endif
