/* terminal.h -- what a stream can show: how wide it is, whether in colours, whether beyond ASCII.
 *
 * Layer: common. Asked each time, since windows change. NO_COLOR (https://no-color.org) and TERM
 * say what the user wants.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Columns; 0 when it is no terminal, or does not say. */
unsigned terminal_width(FILE *stream);

/* A terminal that can move its cursor: TERM is set, and not "dumb". */
bool terminal_moves(FILE *stream);

/* Such a terminal, and NO_COLOR is not set. */
bool terminal_colours(FILE *stream);

/* Whether the locale of the environment writes UTF-8. */
bool terminal_utf8(void);
