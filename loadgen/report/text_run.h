/* text_run.h -- the parts of the text report of one run, each with its title.
 *
 * Layer: report, pure. A part that has nothing to say writes nothing.
 */
#ifndef LOADGEN_REPORT_TEXT_RUN_H
#define LOADGEN_REPORT_TEXT_RUN_H

#include "buf.h"
#include "report/report.h"

/* Whether the checker had anything to look at. */
bool text_was_checked(const struct verdict *v);

/* "RIGHT", "VIOLATION", "UNKNOWN" or "NOT CHECKED". */
const char *text_word(const struct verdict *v);

/* "RIGHT ...", "VIOLATION ...", "UNKNOWN ..." and why, in one or more lines. */
void text_verdict(struct buf *b, const struct verdict *v);
void text_properties(struct buf *b, const struct verdict *v);
void text_witnesses(struct buf *b, const struct verdict *v, const struct history_reader *history);
void text_coverage(struct buf *b, const struct verdict *v, const struct history_facts *facts);

void text_facts(struct buf *b, const struct report_run *run);
void text_pace(struct buf *b, const struct summary *s);

void text_latency(struct buf *b, const struct summary *s);
void text_statuses(struct buf *b, const struct summary *s);
void text_items(struct buf *b, const struct summary *s);
void text_workers(struct buf *b, const struct summary *s);
void text_gates(struct buf *b, const struct report_run *run);

/* Several runs side by side, and what proves their violations. */
void text_comparison(struct buf *b, const struct report_run *runs, size_t count);

#endif
