/* html_facts.h -- what a run was, in an HTML report: the line on top and the list at the end.
 *
 * Layer: report.
 */
#ifndef LOADGEN_REPORT_HTML_FACTS_H
#define LOADGEN_REPORT_HTML_FACTS_H

#include "report/report.h"

#include <stdio.h>

/* Scenario, target, time: what a reader wants to know at a glance. */
void html_facts_line(FILE *out, const struct report_run *run);

/* Everything that it takes to run it again. */
void html_facts(FILE *out, const struct report_run *run);

/* What makes the evidence incomplete, and thresholds that were missed, as list items. */
void html_facts_trouble(FILE *out, const struct report_run *run);

#endif
