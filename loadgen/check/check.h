/* check.h -- decides from a history alone whether every answer was right.
 *
 * Layer: check. Works offline, in one process, in memory that grows with the operations (up to 150
 * bytes each besides the mapped file). The rules are the interface's promise on versions;
 * docs/loadgen.md says what the proof covers and what it does not.
 */
#ifndef LOADGEN_CHECK_CHECK_H
#define LOADGEN_CHECK_CHECK_H

#include "check/verdict.h"
#include "history/reader.h"

enum check_level { CHECK_FULL, CHECK_COUNTS, CHECK_OFF };

/* Called now and then, for a progress line; step is a literal. May be NULL. */
typedef void check_progress_fn(void *ctx, const char *step, unsigned percent);

/* Fills the verdict. 0, or -ENOMEM. CHECK_COUNTS leaves out LINEARIZABLE and BASKETS (they stay
 * RIGHT with checked = 0), CHECK_OFF everything but the counts of the load: the word is then
 * UNKNOWN only when nothing succeeded or the server, the set-up or the disk failed (facts.trouble).
 */
int check_history(struct verdict *v, const struct history_reader *r, enum check_level level,
                  check_progress_fn *progress, void *ctx) __attribute__((warn_unused_result));

#endif
