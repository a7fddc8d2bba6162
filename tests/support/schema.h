/* schema.h -- does a JSON value fit a schema of an OpenAPI 3.1 document?
 *
 * Layer: tests. The part of JSON Schema 2020-12 that the document uses, and no more: a keyword,
 * type or format that is not known here is an error of its own, never something that passes or that
 * a `not` or `oneOf` could turn round. Patterns are POSIX extended regular expressions.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum schema_verdict {
    SCHEMA_FITS,
    SCHEMA_DIFFERS, /* why says where and in what */
    SCHEMA_BROKEN,  /* the schema itself is wrong or not known here; why says how */
};

/* Judges a value. root: the document that "$ref": "#/..." points into. why may hold "" when it
 * fits. */
enum schema_verdict schema_check(json_t *root, json_t *schema, json_t *value, char *why,
                                 size_t why_size) MUST_CHECK;

/* Whether all of a schema is understood, branches that no value took included; it does not follow
 * references further than to see that they lead somewhere. SCHEMA_FITS or SCHEMA_BROKEN. */
enum schema_verdict schema_known(json_t *root, json_t *schema, char *why,
                                 size_t why_size) MUST_CHECK;

/* Whether each member of each object in the value is a property in the schema: a schema that says
 * nothing about more members lets them pass, an answer should still not have any. Alternatives are
 * taken together; an object without properties may hold anything. SCHEMA_FITS or SCHEMA_DIFFERS. */
enum schema_verdict schema_names_all(json_t *root, json_t *schema, json_t *value, char *why,
                                     size_t why_size) MUST_CHECK;

/* Where "#/a/b" leads (with ~0, ~1 and %7B decoded), or NULL. */
json_t *schema_at(json_t *root, const char *reference);

/* What a { "$ref": ... } stands for, or the value itself; NULL if it leads nowhere. */
json_t *schema_resolve(json_t *root, json_t *value);
