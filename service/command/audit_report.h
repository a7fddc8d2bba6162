/* audit_report.h -- what an audit tells: lines for people, or one JSON document.
 *
 * Lines are written as they come; the document is kept until the end. Either names at most
 * AUDIT_REPORT_MAX drifts and then says how many more there are. Whoever called audit_report_begin
 * calls audit_report_end, once, which writes the verdict.
 */
#ifndef COMMAND_AUDIT_REPORT_H
#define COMMAND_AUDIT_REPORT_H

#include "audit/audit.h"

#include <jansson.h>

#define AUDIT_REPORT_MAX 1000

struct audit_report {
    bool json;
    const struct audit *audit;
    json_t *drifts; /* with json */
    int64_t named;
    int64_t began_ms, shown_ms; /* monotonic */
    bool live;                  /* progress goes to a terminal, on one line */
    bool out_of_memory;
};

void audit_report_begin(struct audit_report *report, const struct audit *audit, bool json);

/* For struct audit; user is the report. */
void audit_report_drift(void *user, const struct audit_drift *drift);
void audit_report_progress(void *user);

/* Before the comparison: partitions that are not open. */
void audit_report_positions(struct audit_report *report);

void audit_report_end(struct audit_report *report, enum audit_result result);

#endif
