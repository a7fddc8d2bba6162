/* json_raw.h -- the members of a JSON object and the elements of an array as they stand in the
 * text.
 *
 * Layer: command, pure. For texts that jansson has parsed without an error, so what is shown is
 * what the service wrote: 0.1 stays 0.1. A text that is no JSON ends the walk early, and no more.
 */
#pragma once

#include "str.h"

/* The next element of an array. *at: the place in the text, 0 at first. False: that was the last,
 * or it is no array. */
bool json_raw_element(struct str array, size_t *at, struct str *element) MUST_CHECK;

/* The same of an object; the name is as written between its quotes. */
bool json_raw_member(struct str object, size_t *at, struct str *name, struct str *value) MUST_CHECK;

/* The member of that name; absent if there is none. */
struct str json_raw_find(struct str object, const char *name);
