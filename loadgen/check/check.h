/* check.h -- decides from a history alone whether every answer was right.
 *
 * Layer: check. Works offline, in memory that grows with the operations (up to 150 bytes each
 * besides the mapped file). The rules are the interface's promise on versions; docs/loadgen.md
 * says what the proof covers and what it does not. What is looked at item by item may be shared
 * out among worker processes (groups.h).
 *
 * Invariant: the verdict is the same for any number of workers, to the byte but for took_ms.
 */
#pragma once

#include "check/verdict.h"
#include "history/reader.h"

enum check_level { CHECK_FULL, CHECK_COUNTS, CHECK_OFF };

/* Called now and then, for a progress line; step is a literal. May be NULL. */
typedef void check_progress_fn(void *ctx, const char *step, unsigned percent);

struct check_options {
    enum check_level level;
    unsigned workers;            /* processes for what falls into groups; 0 and 1: this one */
    check_progress_fn *progress; /* may be NULL */
    void *ctx;
};

/* Fills the verdict. CHECK_COUNTS leaves out LINEARIZABLE and BASKETS (they stay RIGHT with
 * checked = 0), CHECK_OFF everything but the counts of the load: the word is then UNKNOWN only when
 * nothing succeeded or the server, the set-up or the disk failed (facts.trouble).
 *
 * 0; -ENOMEM, or -ECHILD and the like when a worker died. Then the word is UNKNOWN, and why_unknown
 * says how the worker died, if one did. */
int check_history(struct verdict *v, const struct history_reader *r,
                  const struct check_options *options) MUST_CHECK;
