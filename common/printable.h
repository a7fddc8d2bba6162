/* printable.h -- text from elsewhere, made fit to be shown: on a terminal, in JSON, in CSV.
 *
 * Layer: common, pure. A server, a file or a command line may hold any byte. Shown are characters
 * of valid UTF-8 that print; control characters (C1 and those that turn the direction of text round
 * included) and bytes that are no UTF-8 become \x and two hexadecimal digits each.
 *
 * Invariant: what is written is valid UTF-8 without control characters, so it cannot end a line,
 * move a cursor or end a JSON string.
 */
#pragma once

#include "buf.h"

/* Writes the text so that it can be shown. */
void printable_put(struct buf *out, struct str text);

/* The same as a field of CSV (RFC 4180): in quotes where it needs them. */
void printable_put_csv(struct buf *out, struct str text);

/* The text in a fixed array, which may lack its NUL. */
struct str printable_field(const char *field, size_t size);

/* How many columns valid UTF-8 takes, each character counted as one. */
size_t printable_columns(struct str text);
