/* summary.h -- what a run was like, in numbers, made from its history.
 *
 * Layer: report. Made in two passes over a history, never from anything else, so that the report of
 * a run and the one made from its file years later are the same. Owned by the caller:
 * summary_make .. summary_free.
 */
#ifndef LOADGEN_REPORT_SUMMARY_H
#define LOADGEN_REPORT_SUMMARY_H

#include "report/summary_numbers.h"

/* 0 or -ENOMEM. */
int summary_make(struct summary *s, const struct history_reader *r)
    __attribute__((warn_unused_result));
void summary_free(struct summary *s);

#endif
