/* jsonrun.h -- the larger parts of a run in the JSON report, for document.c.
 *
 * Layer: report. Each fills the object of a run with members of its own; what they mean is said in
 * report.schema.json, which tests hold against what is written.
 */
#ifndef LOADGEN_REPORT_JSONRUN_H
#define LOADGEN_REPORT_JSONRUN_H

#include "report/jsonput.h"
#include "report/report.h"

void jsonrun_verdict(struct jsonput *j, json_t *run, const struct report_run *from);
void jsonrun_numbers(struct jsonput *j, json_t *run, const struct report_run *from);

/* The name of an item: the prefix of the run and its number. */
void jsonrun_sku(struct jsonput *j, json_t *parent, const char *key,
                 const struct history_reader *history, uint32_t item);

#endif
