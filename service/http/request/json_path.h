/* json_path.h -- where in a JSON text a number stands, as clients write it: `lines[2].quantity`.
 *
 * Layer: http, pure. jansson refuses numbers that fit no 64-bit integer (and no double) while it
 * parses, so the field they belong to must be found in the text. The walk takes time linear in the
 * text and checks only as much syntax as it needs: whether the text is JSON is jansson's business.
 */
#pragma once

#include "str.h"

#define JSON_PATH_SIZE  256 /* with the NUL; a longer path is cut at its end */
#define JSON_WALK_DEPTH 16  /* deeper values get the path of the container at this depth */

struct json_frame {
    bool array;
    unsigned index; /* of the element, in an array */
    struct str key; /* of the member, as written between its quotes */
};

struct json_walk {
    struct str text;
    size_t at;
    unsigned depth; /* may pass JSON_WALK_DEPTH */
    struct json_frame frames[JSON_WALK_DEPTH];
};

void json_walk_init(struct json_walk *walk, struct str text);

/* Goes to the next number. False: there is none, or the text is not JSON from here on. */
bool json_walk_number(struct json_walk *walk, struct str *number) MUST_CHECK;

/* Writes the path of the number that json_walk_number gave; returns its length. */
size_t json_walk_path(const struct json_walk *walk, char out[JSON_PATH_SIZE]);

/* True if objects and arrays stand in one another more than `levels` deep. The path is that of the
 * member of the text's object that does so; of one in an array of objects, the member of those. */
bool json_path_deeper(struct str text, unsigned levels, char out[JSON_PATH_SIZE]) MUST_CHECK;

/* True if neither a 64-bit integer nor a double holds the number. */
bool json_number_oversized(struct str number) MUST_CHECK;
