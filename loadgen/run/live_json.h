/* live_json.h -- a run while it goes on, as a document for the live page.
 *
 * Layer: loadgen, pure. One object for the length of a run, in which a moment replaces the one
 * before; its members are told in docs/loadgen.md. The verdict, when it is known, comes with the
 * figures of the report, in the report's own words, and with its counts: those of the moments
 * before were taken while clients were at work.
 */
#pragma once

#include "buf.h"
#include "report/report.h"
#include "run/live.h"

#include <jansson.h>

/* The document of a run of which nothing has happened. NULL: no memory. The caller's. */
json_t *live_json_begin(const struct history_facts *facts) MUST_CHECK;

/* What is seen now. Of a step, before or after the load, only what steps have is replaced. False:
 * no memory, and the document is not to be shown. */
bool live_json_moment(json_t *document, const struct live_state *state) MUST_CHECK;

/* How it came out. False as above. */
bool live_json_verdict(json_t *document, const struct report_run *run) MUST_CHECK;

/* All is over, with that exit status. False as above. */
bool live_json_end(json_t *document, int exit_status) MUST_CHECK;
