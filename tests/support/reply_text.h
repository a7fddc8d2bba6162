/* reply_text.h -- a reply of Redis as a short text: "[slots [:0 :99] nodes []]".
 *
 * Layer: tests. [ ] is an array, :1 an integer, -ERR~why an error, _ nil, "" an empty string; any
 * other word is a string. Words are parted by blanks; a ~ is a blank in a word, a | the end of a
 * line. A text that is none of this ends the program.
 */
#pragma once

#include <hiredis/hiredis.h>

/* The caller frees it. */
redisReply *reply_of_text(const char *text);
