/* document.h -- all that is known of one run, or several, or of a search for
 * capacity, as a JSON document.
 *
 * Layer: report. Its members are described in report.schema.json, which tests hold against what is
 * made here. --output-format json writes it, the text report and the page show it: what they say is
 * in it, computed once.
 */
#pragma once

#include "report/jsonput.h"
#include "report/report.h"

#define DOCUMENT_FORMAT (JSON_REAL_PRECISION(12)) /* flags of jansson: digits of its numbers */

/* The document, which is the caller's; NULL when there is no memory. */
json_t *document_make(const struct report *report) MUST_CHECK;

/* --- the larger parts of a run: each fills its object with members of its own --- */

void jsonrun_verdict(struct jsonput *j, json_t *run, const struct report_run *from);
void jsonrun_numbers(struct jsonput *j, json_t *run, const struct report_run *from);

/* The name of an item: the prefix of the run and its number. */
void jsonrun_sku(struct jsonput *j, json_t *parent, const char *key,
                 const struct history_reader *history, uint32_t item);
