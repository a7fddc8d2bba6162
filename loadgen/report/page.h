/* page.h -- lines of plain text for people, no wider than the page.
 *
 * Layer: report, pure. No cursor movement, and colours only where the page has them, so that it
 * reads the same in a terminal, a file and a mail.
 *
 * Invariant: all that goes in through these functions is made printable first (printable.h); but
 * for colours the page holds no control bytes except newlines.
 */
#pragma once

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>

#define PAGE_WIDTH     80 /* what every terminal, and a mail, has */
#define PAGE_WIDTH_MIN 40
#define PAGE_WIDTH_MAX 200

struct page {
    struct buf out;
    size_t width;
    bool coloured;
};

enum page_paint { PAGE_PLAIN, PAGE_BOLD, PAGE_GREEN, PAGE_YELLOW, PAGE_RED, PAGE_PAINTS };

/* A page of that width, 0 for PAGE_WIDTH, cut to what a page can have. The caller frees p->out. */
void page_init(struct page *p, size_t max, unsigned width, bool coloured);

/* The text as it can be shown, in that colour if the page has colours. */
void page_paint(struct page *p, enum page_paint paint, struct str text);

/* An empty line, unless this is the first, and a title. */
void page_title(struct page *p, const char *title);

/* Text that goes on at column `at` (so much of the line is written already) and ends the line. When
 * it is too long it goes on in the next line, at column `indent`. */
void page_wrap(struct page *p, size_t at, size_t indent, struct str text);

/* "  name              text", the text wrapped. */
void page_fact(struct page *p, const char *name, struct str text);

/* The text in a cell of that width: filled up with spaces behind, or before when right is true. A
 * text that is too long loses its beginning, since names differ at their ends. */
void page_cell(struct page *p, struct str text, size_t width, bool right);
