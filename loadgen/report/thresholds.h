/* thresholds.h -- what a run is asked to reach: "p99<50ms", "errors<1%".
 *
 * Layer: report, pure.
 *
 *   p50 .. p99.99, max, mean   response times of the answers; the bound has a unit: us, ms or s
 *   rps                        answers a second
 *   errors                     nobody served it (503, 429, not sent), or the outcome is unknown
 *   unknown                    the outcome is unknown
 *   dropped                    arrivals that found the backlog full
 *   conflicts                  transactions that the server lost, a success
 *
 * Numbers without a unit may end in k, m or g, for thousands, millions and so on. errors, unknown,
 * dropped and conflicts with a percent sign are shares: of the operations (of all arrivals, for
 * dropped). Operators: < <= > >= =. What was not measured is not met; conflicts that are not known
 * make the whole unknown: the services may have counted what this side was not shown.
 */
#pragma once

#include "report/report.h"

#include <stdbool.h>

#define GATE_ERR_SIZE 200 /* holds every message of this module */

enum gate_metric {
    GATE_PERCENTILE,
    GATE_MAX,
    GATE_MEAN,
    GATE_RPS,
    GATE_ERRORS,
    GATE_UNKNOWN,
    GATE_DROPPED,
    GATE_CONFLICTS,
    GATE_METRICS
};

enum gate_operator { GATE_LESS, GATE_AT_MOST, GATE_MORE, GATE_AT_LEAST, GATE_EQUAL };

struct gate {
    const char *text; /* as given; of the caller, must outlive the gate */
    enum gate_metric metric;
    enum gate_operator op;
    double percentile; /* of GATE_PERCENTILE: above 0, below 100 */
    bool share;        /* the bound is in percent */
    double bound;      /* in ms, 1/s, a count, or percent */
};

/* Reads one threshold. False: err says what is wrong and what would be right; the text as a whole
 * is not repeated there. */
bool gate_parse(struct gate *gate, const char *text, char *err, size_t err_size) MUST_CHECK;

/* How it came out. The result points to gate->text. */
struct gate_result gate_evaluate(const struct gate *gate, const struct summary *s);
