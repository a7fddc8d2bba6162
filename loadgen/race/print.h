/* print.h -- what a race was like, for people.
 *
 * Layer: loadgen. Text to a stream; the caller looks at ferror.
 */
#ifndef LOADGEN_RACE_PRINT_H
#define LOADGEN_RACE_PRINT_H

#include "race/shm.h"
#include "race/strategy.h"

#include <stdio.h>

/* What comes now: said before it begins, since it may take a while. */
void race_print_title(FILE *out, const struct race_strategy *strategy);

/* Each worker's share, if wanted, then what came out, in sentences. */
void race_print_result(FILE *out, const struct race_books *books, const struct race_result *result,
                       bool shares);

/* The strategies beside each other. */
void race_print_table(FILE *out, const struct race_strategy *const *strategies,
                      const struct race_result *results, size_t count);

#endif
