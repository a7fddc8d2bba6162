/* request_op.h -- what request.c and request_batch.c share: the schemas of the operations.
 *
 * Layer: http, private to the two.
 */
#pragma once

#include "core/route.h"
#include "core/tenant.h"
#include "http/request/fields.h"

/* What one kind of operation takes. */
struct op_schema {
    enum op_kind kind;
    enum route_id route;
    enum route_method method; /* METHOD_GET: no mutation, keys are ignored */
    bool in_batch;            /* by its name */
    bool of_item;             /* the path names an item, else a reservation or nothing */
    bool empty_body;          /* an empty body is {} */
    unsigned allowed, required;
};

/* NULL: no operation has that route and method, or that name. */
const struct op_schema *op_schema_of_route(enum route_id route, enum route_method method);
const struct op_schema *op_schema_of_name(struct str name);

/* "must be one of" the names that a batch may have; NULL when out of memory. */
const char *op_schema_names(struct arena *arena);

/* Fills the operation from a parsed body; param is the path's parameter, or what stands for it.
 * Items get their inner names. */
bool op_fill(struct op *op, struct arena *arena, const struct op_schema *schema, struct str param,
             const struct parsed_body *parsed, const struct requester *by,
             struct refusal *why) MUST_CHECK;

/* Sets owner, trace, key and id from a client's key; the id is made up when the key is absent. */
bool op_name(struct op *op, struct arena *arena, struct str key, const struct requester *by,
             struct refusal *why) MUST_CHECK;

bool op_conditions(struct op *op, struct str if_match, struct str if_none_match,
                   struct refusal *why) MUST_CHECK;

/* The fingerprint of an operation with a key. */
bool op_fingerprint(struct op *op, struct arena *arena, const struct op_schema *schema,
                    struct str param, const json_t *body, struct refusal *why) MUST_CHECK;
