/* page.h -- lines of plain text for people, at most PAGE_WIDTH columns: what every terminal has.
 *
 * Layer: report, pure. No colour and no cursor movement, so that a page reads the same in a
 * terminal, a file and a mail.
 *
 * Invariant: all that goes in through these functions is made printable first (printable.h).
 */
#pragma once

#include "buf.h"

#include <stddef.h>

#define PAGE_WIDTH 80

/* An empty line, unless this is the first, and a title. */
void page_title(struct buf *b, const char *title);

/* Text that goes on at column `at` (so much of the line is written already) and ends the line. When
 * it is too long it goes on in the next line, at column `indent`. */
void page_wrap(struct buf *b, size_t at, size_t indent, struct str text);

/* "  name              text", the text wrapped. */
void page_fact(struct buf *b, const char *name, struct str text);

/* The text in a cell of that width: filled up with spaces behind, or before when right is true. A
 * text that is too long loses its beginning, since names differ at their ends. */
void page_cell(struct buf *b, struct str text, size_t width, bool right);
