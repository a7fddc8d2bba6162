/* live_page.h -- what live.h shows on a terminal, in browsers too: when a document is made, and
 * that it gets there.
 *
 * Layer: loadgen, on ui/. One page per process, as there is one view. All of it does nothing while
 * no page is open, and a page that fails disturbs no run.
 */
#pragma once

#include "options.h"
#include "report/report.h"

/* Opens the page if the options want one. False: it can not be served; that was said. */
bool live_page_open(const struct options *options) MUST_CHECK;

/* A run begins: what live_show is told from now on is about this one. */
void live_page_begin(const struct history_facts *facts);

/* The verdict on the run that began last. */
void live_page_judge(const struct report_run *run);

/* Shows how all ended, keeps the page for as long as the options say, unless a signal ended it, and
 * closes it. */
void live_page_close(const struct options *options, int exit_status);
