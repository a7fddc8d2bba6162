/* document.h -- all that is known of one run, or several, or of a search for
 * capacity, as a JSON document.
 *
 * Layer: report. Its members are described in report.schema.json, which tests hold against what is
 * made here. --output-format json writes it, the text report and the page show it: what they say is
 * in it, computed once.
 */
#ifndef LOADGEN_REPORT_DOCUMENT_H
#define LOADGEN_REPORT_DOCUMENT_H

#include "report/report.h"

#include <jansson.h>

#define DOCUMENT_FORMAT (JSON_REAL_PRECISION(12)) /* flags of jansson: digits of its numbers */

/* The document, which is the caller's; NULL when there is no memory. */
json_t *document_make(const struct report *report) __attribute__((warn_unused_result));

#endif
