/* paragraph.h -- text for a terminal: words in lines that fit, with an indent.
 *
 * Layer: common. A paragraph is begun, given texts, and ended; a text is cut at its blanks only,
 * so a word that is wider than the line stands alone and sticks out. Colour is a matter of the
 * stream; it takes no columns.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#define PARAGRAPH_WIDTH     80  /* of what is no terminal, or does not say */
#define PARAGRAPH_WIDTH_MAX 100 /* longer lines are hard to read */

struct paragraph {
    FILE *out;
    unsigned width; /* columns */
    bool colour;
    unsigned indent; /* of the lines to come */
    unsigned column; /* where the next byte goes */
    bool joined;     /* the next word follows without a blank */
};

/* As wide as the stream, and no wider than PARAGRAPH_WIDTH_MAX. */
struct paragraph paragraph_on(FILE *out);

void paragraph_begin(struct paragraph *p, unsigned indent);
/* Words that follow what is there after a blank. */
void paragraph_text(struct paragraph *p, const char *text);
/* The same, not cut anywhere, and bold where there is colour. */
void paragraph_strong(struct paragraph *p, const char *text);
/* Bytes right behind what is there, as they are; so is what comes next. */
void paragraph_join(struct paragraph *p, const char *text);
/* The lines from here on begin at this column, and so does this one, if there is still room. */
void paragraph_indent(struct paragraph *p, unsigned indent);
void paragraph_end(struct paragraph *p);

/* An empty line, then "text:" in a line of its own. */
void paragraph_heading(struct paragraph *p, const char *text);

/* Whole paragraphs, one a line of the text. Lines that begin with a blank stay as they are. */
void paragraph_print(struct paragraph *p, unsigned indent, const char *text);
