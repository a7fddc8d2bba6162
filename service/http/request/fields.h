/* fields.h -- the members of request bodies: one table of what each may hold.
 *
 * Layer: http. A parsed body is one whose members were read one by one; request.c makes an
 * operation of it. Which members belong to which operation is request.c's business too, told here
 * as sets.
 */
#pragma once

#include "arena.h"
#include "core/op.h"
#include "http/problem.h"

#include <jansson.h>

enum field_id {
    FIELD_SKU,
    FIELD_QUANTITY,
    FIELD_LINES,
    FIELD_TTL_SECONDS,
    FIELD_CUSTOMER,
    FIELD_REFERENCE,
    FIELD_REASON,
    FIELD_METADATA,
    FIELD_ON_HAND,
    FIELD_MAX_PER_CUSTOMER,
    FIELD_DELTA,
    FIELD_IF_EXPIRED,
    FIELD_TO,
    /* Only in operations of a batch, where they stand for the path and the header fields. */
    FIELD_OP,
    FIELD_ID,
    FIELD_IDEMPOTENCY_KEY,
    FIELD_IF_MATCH,
    FIELD_IF_NONE_MATCH,
    FIELDS
};

#define FIELD(name) (1u << FIELD_##name)

struct parsed_body {
    unsigned seen; /* FIELD(...) of the members that are there */
    struct str sku, to, customer, reference, reason, metadata;
    struct str op, id, idempotency_key, if_match, if_none_match;
    int64_t quantity, on_hand, max_per_customer, delta, ttl_seconds;
    struct op_line *lines; /* merged by sku */
    unsigned line_count;
};

/* Reads the members of an object: those in `allowed` may be there, those in `required` must. Texts
 * are copied to the arena. */
bool fields_read(struct parsed_body *parsed, struct arena *arena, const json_t *object,
                 unsigned allowed, unsigned required, struct refusal *why) MUST_CHECK;

/* "sku", "quantity", ... */
const char *field_name(enum field_id id);
