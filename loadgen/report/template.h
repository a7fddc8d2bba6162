/* template.h -- sentences with places for values of a document: "{load.attempts} attempts".
 *
 * Layer: report, pure. "{a.b}" is the member b of the member a, "{a.b:ns}" the same in a unit
 * (units.h). Without a unit texts stand as they are, whole numbers in all their digits, lists with
 * spaces between their elements. page/report.js fills the same templates in the same way.
 */
#pragma once

#include "buf.h"

#include <jansson.h>

/* Appends the text, filled from the document. False, and nothing is appended, when a value is null,
 * or not there at all. */
bool template_put(struct buf *b, const char *text, const json_t *from) MUST_CHECK;

/* The value that "a.b" names, or NULL. "" is the document itself. */
const json_t *template_find(const json_t *from, const char *path, size_t n);

/* Whether "a.b" names something: not null, 0, false, or empty; with "!" before it the opposite.
 * NULL asks for nothing and is true. */
bool template_holds(const json_t *from, const char *when);
