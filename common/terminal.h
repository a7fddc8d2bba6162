/* terminal.h -- what a stream shows text on: how wide it is, and whether it takes colour.
 *
 * Layer: common.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#define TERMINAL_WIDTH 80 /* of what is no terminal, or does not say */

/* Columns. */
int terminal_width(FILE *stream);

/* It is a terminal that is not dumb, and NO_COLOR is not set (https://no-color.org). */
bool terminal_has_colour(FILE *stream);
