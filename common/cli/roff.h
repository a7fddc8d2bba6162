/* roff.h -- text as manual pages have it: escaped, a sentence a line, no line too long.
 *
 * Layer: common; for man.c only.
 */
#pragma once

#include <stdio.h>

/* Words on lines of their own. What stands between backticks is bold, and so are options. */
void roff_prose(FILE *out, const char *text);

/* Paragraphs, one a line of the text; lines that begin with a blank are examples, and stay. */
void roff_paragraphs(FILE *out, const char *text);

/* Right where it stands, to be typed as it is: inside a macro's line. */
void roff_literal(FILE *out, const char *text);
