/* jsonput.h -- values into a JSON document, with one look at the end whether all went in.
 *
 * Layer: report. Parents are objects, or arrays when key is NULL; what is put in belongs to its
 * parent. The first value that finds no memory sets `failed`, and the document is not to be used.
 *
 * Invariant: every text is valid UTF-8 without control characters (printable.h), every number is
 * finite; counts beyond what JSON integers hold here (2^63-1) are written as that.
 */
#pragma once

#include "str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct jsonput {
    bool failed;
};

json_t *jsonput_object(struct jsonput *j, json_t *parent, const char *key);
json_t *jsonput_array(struct jsonput *j, json_t *parent, const char *key);
void jsonput_text(struct jsonput *j, json_t *parent, const char *key, struct str text);
/* null when the text is empty. */
void jsonput_text_or_null(struct jsonput *j, json_t *parent, const char *key, struct str text);
void jsonput_count(struct jsonput *j, json_t *parent, const char *key, uint64_t count);
/* null when it is not known. */
void jsonput_count_if(struct jsonput *j, json_t *parent, const char *key, bool known,
                      uint64_t count);
void jsonput_integer(struct jsonput *j, json_t *parent, const char *key, int64_t value);
/* null when it is not known. */
void jsonput_integer_if(struct jsonput *j, json_t *parent, const char *key, bool known,
                        int64_t value);
/* null when it is no number. */
void jsonput_number(struct jsonput *j, json_t *parent, const char *key, double value);
void jsonput_bool(struct jsonput *j, json_t *parent, const char *key, bool value);
void jsonput_null(struct jsonput *j, json_t *parent, const char *key);

/* The document, if all went in; else it is freed, and NULL. So is a document of NULL, into which
 * nothing goes. */
json_t *jsonput_end(const struct jsonput *j, json_t *document) MUST_CHECK;
