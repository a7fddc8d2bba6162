/* figures.h -- numbers as people read them: "12,345", "1.24 ms".
 *
 * Layer: loadgen, pure. Each writes a NUL-terminated text and returns it, so that it may stand
 * among the arguments of a printf: FIGURE(count, n) lives to the end of the enclosing block.
 */
#ifndef LOADGEN_RUN_FIGURES_H
#define LOADGEN_RUN_FIGURES_H

#include "report/units.h"

#include <stdint.h>

#define FIGURE_SIZE UNIT_TEXT_SIZE

/* -1234567 is "-1,234,567". */
static inline const char *figure_count(char out[FIGURE_SIZE], int64_t value)
{
    return unit_count(value, out);
}

/* To a whole number from 100 on, with one decimal below; at most what fits. */
const char *figure_rate(char out[FIGURE_SIZE], double value);

/* "950 us", "1.24 ms", "48.1 ms", "1.20 s". Below 0: "-". */
const char *figure_ms(char out[FIGURE_SIZE], double ms);

#define FIGURE(kind, value) figure_##kind((char[FIGURE_SIZE]){""}, value)

#endif
