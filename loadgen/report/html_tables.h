/* html_tables.h -- the tables of one run in an HTML report.
 *
 * Layer: report. They say in numbers all that the charts show, and what no chart does; a table that
 * would be empty is left out.
 */
#ifndef LOADGEN_REPORT_HTML_TABLES_H
#define LOADGEN_REPORT_HTML_TABLES_H

#include "report/report.h"

#include <stdio.h>

void html_tables(FILE *out, const struct report_run *run);

#endif
