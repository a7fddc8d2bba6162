#include "http/headers.h"
#include "http/request/request.h"
#include "http/request/request_op.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define ELEMENT "operations["

bool request_batch_open(struct request_batch *batch, struct arena *arena,
                        const struct request_head *head, char *body, size_t body_n,
                        struct refusal *why)
{
    const char *name;
    json_t *value;
    *batch = (struct request_batch){.role = head->role, .by = head->by};
    if (!str_absent(head->key) && !key_parse(head->key, &batch->key))
        return refuse(why, PROBLEM_INVALID_FIELD, "Idempotency-Key",
                      "must be 1 to 255 visible ASCII characters without blanks");
    if (!json_body_parse(&batch->body, arena, body, body_n, why))
        return false;
    batch->operations = json_object_get(batch->body.root, "operations");
    json_object_foreach(batch->body.root, name, value)
    {
        if (strcmp(name, "operations") != 0) {
            struct str copy = arena_str(arena, (struct str){name, strnlen(name, 64)});
            refuse(why, PROBLEM_INVALID_FIELD, copy.p, "there is no such field");
            request_batch_close(batch);
            return false;
        }
    }
    size_t count = json_array_size(batch->operations);
    if (!json_is_array(batch->operations) || count < 1 || count > BATCH_OPS_MAX) {
        request_batch_close(batch);
        return refuse(why, PROBLEM_INVALID_FIELD, "operations",
                      "must be an array of 1 to 1000 operations");
    }
    batch->count = (unsigned)count;
    return true;
}

void request_batch_close(struct request_batch *batch)
{
    json_body_free(&batch->body);
    batch->operations = NULL;
}

/* The path, within operation i, of a number too large for us; NULL: there is none. The list is in
 * the order of the operations, and each is asked for once, in order. */
static const char *oversized_in(struct request_batch *batch, unsigned i)
{
    struct json_oversized *first = batch->body.oversized;
    if (!first || strncmp(first->path, ELEMENT, strlen(ELEMENT)) != 0)
        return NULL;
    char *end;
    unsigned long index = strtoul(first->path + strlen(ELEMENT), &end, 10);
    if (index > i || end[0] != ']')
        return NULL;
    batch->body.oversized = first->next;
    return index < i ? oversized_in(batch, i) : end[1] == '.' ? end + 2 : end + 1;
}

/* The operation's own key, else `K/i` of the header's K. */
static bool name_op(struct op *op, struct arena *arena, const struct request_batch *batch,
                    unsigned i, const json_t *own, struct refusal *why)
{
    char text[KEY_STORED_MAX_BYTES];
    struct str key = {NULL, 0};
    if (own) {
        struct str raw = {json_string_value(own), json_string_length(own)};
        if (!json_is_string(own) || !key_parse(raw, &key))
            return refuse(why, PROBLEM_INVALID_FIELD, "idempotency_key",
                          "must be a string of 1 to 255 visible ASCII characters without blanks");
    } else if (!str_absent(batch->key)) {
        int n = snprintf(text, sizeof(text), "%.*s/%u", STR_ARG(batch->key), i);
        assert(n > 0 && (size_t)n < sizeof(text));
        key = (struct str){text, (size_t)n};
    }
    return op_name(op, arena, key, &batch->by, why);
}

/* What the body of the single call would be: without the members that stand for its path and its
 * header fields. */
static json_t *single_body(const struct op_schema *schema, const json_t *object)
{
    static const enum field_id outer[] = {FIELD_OP, FIELD_ID, FIELD_IDEMPOTENCY_KEY, FIELD_IF_MATCH,
                                          FIELD_IF_NONE_MATCH};
    json_t *body = json_copy((json_t *)object);
    if (!body)
        return NULL;
    for (size_t i = 0; i < sizeof(outer) / sizeof(outer[0]); i++)
        json_object_del(body, field_name(outer[i]));
    if (schema->of_item)
        json_object_del(body, field_name(FIELD_SKU));
    return body;
}

static bool fingerprint_op(struct op *op, struct arena *arena, const struct op_schema *schema,
                           struct str param, const json_t *object, struct refusal *why)
{
    if (str_absent(op->key))
        return true;
    json_t *body = single_body(schema, object);
    if (!body)
        return refuse_no_memory(why);
    bool ok = op_fingerprint(op, arena, schema, param, body, why);
    json_decref(body);
    return ok;
}

bool request_batch_op(struct op *op, struct arena *arena, struct request_batch *batch, unsigned i,
                      struct refusal *why)
{
    const json_t *object = json_array_get(batch->operations, i);
    const char *oversized = oversized_in(batch, i);
    struct parsed_body parsed;
    *op = (struct op){0};
    if (!json_is_object(object))
        return refuse(why, PROBLEM_INVALID_FIELD, "op", "an operation must be an object");
    const json_t *name = json_object_get(object, "op");
    const struct op_schema *schema =
        json_is_string(name)
            ? op_schema_of_name((struct str){json_string_value(name), json_string_length(name)})
            : NULL;
    if (!schema)
        return refuse(why, PROBLEM_INVALID_FIELD, "op", op_schema_names(arena));
    op->kind = schema->kind;
    if (!role_may(batch->role, op_trait(op->kind)->least))
        return refuse(why, PROBLEM_FORBIDDEN, NULL, role_needed(op_trait(op->kind)->least));
    if (!name_op(op, arena, batch, i, json_object_get(object, "idempotency_key"), why))
        return false;
    const struct op_trait *trait = op_trait(op->kind);
    if (trait->event == EVENT_NONE)
        op->key = (struct str){NULL, 0}; /* a read is not recorded */
    if (oversized)
        return refuse(why, PROBLEM_INVALID_FIELD, oversized, "the number is too large");
    unsigned outer = schema->of_item ? FIELD(SKU) : trait->names_reservation ? FIELD(ID) : 0;
    unsigned more = schema->kind == OP_PUT ? FIELD(IF_MATCH) | FIELD(IF_NONE_MATCH) : 0;
    if (!fields_read(&parsed, arena, object,
                     schema->allowed | outer | more | FIELD(OP) | FIELD(IDEMPOTENCY_KEY),
                     schema->required | outer, why))
        return false;
    struct str param = schema->of_item ? parsed.sku : parsed.id;
    return op_conditions(op, parsed.if_match, parsed.if_none_match, why) &&
           op_fill(op, arena, schema, param, &parsed, &batch->by, why) &&
           fingerprint_op(op, arena, schema, param, object, why);
}
