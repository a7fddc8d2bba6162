/* print.h -- what a race prints for people.
 *
 * Layer: loadgen. Each writes to a stream and flushes it: the next strategy may take a while.
 */
#pragma once

#include "race/view.h"

#include <stdio.h>

void race_print_head(FILE *out, const struct options *options);

/* What comes now. */
void race_print_title(FILE *out, const struct race_strategy *strategy);

/* Each worker's share, if wanted, then what came out, in sentences. */
void race_print_result(FILE *out, const struct race_track *track, bool shares);

/* The strategies that are done, beside each other. */
void race_print_table(FILE *out, const struct race_view *view);
