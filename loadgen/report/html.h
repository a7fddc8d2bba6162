/* html.h -- text, numbers and tables as HTML.
 *
 * Layer: report, pure. Everything goes to a stream whose errors are sticky: the caller looks at
 * ferror once, at the end.
 *
 * Invariant: what html_text writes is text to every HTML parser, in an element and in a quoted
 * attribute, whatever bytes it is given. Nothing that came from a server, a user or a file reaches
 * a page by any other way.
 */
#ifndef LOADGEN_REPORT_HTML_H
#define LOADGEN_REPORT_HTML_H

#include "report/printable.h"

#include <stdint.h>
#include <stdio.h>

#define HTML_NUMBER_SIZE 40 /* holds every number below */

/* A char array that should end in NUL, but came from a file. */
#define HTML_FIELD(array) printable_field((array), sizeof(array))

/* The text, printable (printable.h) and escaped. */
void html_text(FILE *out, struct str text);

/* "1,234,567" */
const char *html_count(char to[HTML_NUMBER_SIZE], uint64_t value);
const char *html_signed(char to[HTML_NUMBER_SIZE], int64_t value);

/* "12.3 ms": three digits and the unit that fits. */
const char *html_duration(char to[HTML_NUMBER_SIZE], uint64_t ns);

/* "1,234" from 100 up, "12.3" below. */
const char *html_rate(char to[HTML_NUMBER_SIZE], double value);

/* A table in a card: a title, a note under it (may be NULL), the heads of its columns. The first
 * column is text, the others are numbers. Heads end in NULL. */
void html_table(FILE *out, const char *title, const char *note, const char *const *heads);
void html_table_end(FILE *out);

/* Cells of a row that the caller opens with <tr>. */
void html_cell_name(FILE *out, struct str text);
void html_cell_count(FILE *out, uint64_t value);
void html_cell_signed(FILE *out, int64_t value);
void html_cell_duration(FILE *out, uint64_t ns);
void html_cell_rate(FILE *out, double value);
void html_cell_none(FILE *out); /* there is no such number */

#endif
