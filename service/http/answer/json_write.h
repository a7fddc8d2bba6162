/* json_write.h -- JSON text into a buf, by hand: the answers of the hot path.
 *
 * Layer: http, pure. Whatever bytes go in, the text that comes out is valid JSON in valid UTF-8.
 */
#pragma once

#include "buf.h"
#include "str.h"

#include <jansson.h>

/* A literal, its length taken at compile time. */
#define JSON_LIT(b, literal) buf_put((b), (literal), sizeof(literal) - 1)

/* The same and a value behind it, as a member is: a number; a str as json_put_string, as
 * json_put_text; a time. */
#define JSON_INT(b, literal, value)    (JSON_LIT((b), literal), buf_put_i64((b), (value)))
#define JSON_STRING(b, literal, value) (JSON_LIT((b), literal), json_put_string((b), (value)))
#define JSON_TEXT(b, literal, value)   (JSON_LIT((b), literal), json_put_text((b), (value)))
#define JSON_TIME(b, literal, value)   (JSON_LIT((b), literal), json_put_time((b), (value)))

/* A string in quotes; bytes that are no UTF-8 become U+FFFD. */
void json_put_string(struct buf *b, struct str text);

/* The same, or null when absent. */
void json_put_text(struct buf *b, struct str text);

/* RFC 3339 in quotes, or null for 0. */
void json_put_time(struct buf *b, int64_t unix_ms);

/* A jansson value, without blanks, members in the order they came. A real is written with the
 * fewest digits that give it back, where jansson would write 1.1 as 1.1000000000000001. */
void json_put_value(struct buf *b, const json_t *value);
