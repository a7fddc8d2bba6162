#include "http/request/request.h"

#include "http/headers.h"
#include "http/request/request_op.h"

#include <assert.h>

/* The names that the path and the header fields give: checked before the body is looked at. */
static bool read_head(struct op *op, struct arena *arena, const struct request_head *head,
                      struct refusal *why)
{
    struct str key = {NULL, 0};
    if (!str_absent(head->key) && !key_parse(head->key, &key))
        return refuse(why, PROBLEM_INVALID_FIELD, "Idempotency-Key",
                      "must be 1 to 255 visible ASCII characters without blanks");
    if (!op_name(op, arena, key, &head->by, why))
        return false;
    bool conditional = head->match->method & (METHOD_PUT | METHOD_DELETE);
    return conditional ? op_conditions(op, head->if_match, head->if_none_match, why) : true;
}

bool request_is_op(const struct route_match *match)
{
    return match->method != METHOD_GET && op_schema_of_route(match->id, match->method);
}

const struct op_trait *request_trait(const struct route_match *match)
{
    const struct op_schema *schema = op_schema_of_route(match->id, match->method);
    return schema ? op_trait(schema->kind) : NULL;
}

bool request_op(struct op *op, struct arena *arena, const struct request_head *head, char *body,
                size_t body_n, struct refusal *why)
{
    const struct op_schema *schema = op_schema_of_route(head->match->id, head->match->method);
    static char nothing[] = "{}";
    struct json_body json;
    struct parsed_body parsed;
    assert(schema);
    *op = (struct op){.kind = schema->kind};
    if (!read_head(op, arena, head, why))
        return false;
    if (schema->kind == OP_DELETE || (body_n == 0 && schema->empty_body)) {
        body = nothing; /* a DELETE's body means nothing */
        body_n = 2;
    }
    if (!json_body_parse(&json, arena, body, body_n, why))
        return false;
    bool ok;
    if (json.oversized)
        ok = refuse(why, PROBLEM_INVALID_FIELD, json.oversized->path, "the number is too large");
    else
        ok = fields_read(&parsed, arena, json.root, schema->allowed, schema->required, why) &&
             op_fill(op, arena, schema, head->match->param, &parsed, &head->by, why) &&
             op_fingerprint(op, arena, schema, head->match->param, json.root, why);
    json_body_free(&json);
    return ok;
}

bool request_number(struct str text, size_t digits, int64_t min, int64_t max, int64_t *number)
{
    int64_t value = 0;
    if (text.n < 1 || text.n > digits)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        value = value * 10 + (text.p[i] - '0');
    }
    *number = value;
    return value >= min && value <= max;
}

bool request_limit(struct str text, unsigned *limit, struct refusal *why)
{
    int64_t value;
    if (!request_number(text, 3, 1, LIST_MAX, &value))
        return refuse(why, PROBLEM_INVALID_FIELD, "limit", "must be an integer from 1 to 500");
    *limit = (unsigned)value;
    return true;
}

bool request_unknown_param(struct arena *arena, struct str name, struct refusal *why)
{
    struct str shown = arena_str(arena, (struct str){name.p, name.n < 64 ? name.n : 64});
    return refuse(why, PROBLEM_INVALID_FIELD, shown.p, "there is no such parameter");
}

int request_params(struct query_param *params, unsigned max, struct arena *arena, struct str query,
                   struct refusal *why)
{
    if (str_absent(query))
        return 0;
    char *room = arena_alloc(arena, query.n);
    if (!room) {
        (void)refuse_no_memory(why);
        return -1;
    }
    int count = query_parse(query, room, params, max);
    if (count < 0)
        (void)refuse(why, PROBLEM_INVALID_FIELD, "query",
                     "a parameter comes twice or is wrongly encoded");
    return count;
}

static bool list_param(struct store_read *read, const struct query_param *param,
                       struct arena *arena, struct refusal *why)
{
    if (str_equal(param->name, STR("limit")))
        return request_limit(param->value, &read->limit, why);
    if (str_equal(param->name, STR("prefix"))) {
        read->prefix = param->value;
        return param->value.n == 0 || sku_valid(param->value)
                   ? true
                   : refuse(why, PROBLEM_INVALID_FIELD, "prefix", "must be the beginning of a sku");
    }
    if (str_equal(param->name, STR("cursor"))) {
        read->after = param->value;
        return sku_valid(param->value) ? true
                                       : refuse(why, PROBLEM_INVALID_FIELD, "cursor",
                                                "must be a next_cursor as answered before");
    }
    return request_unknown_param(arena, param->name, why);
}

/* Makes an inner name of a text that is not absent. */
static bool go_in(struct str *name, struct arena *arena, struct str tenant, char mark,
                  struct refusal *why)
{
    *name = tenant_inner(arena, tenant, mark, *name);
    return str_absent(*name) ? refuse_no_memory(why) : true;
}

static bool read_list(struct store_read *read, struct arena *arena, struct str query,
                      struct str items, struct refusal *why)
{
    struct query_param params[8];
    read->kind = READ_ITEMS;
    read->limit = LIST_DEFAULT;
    int count = request_params(params, sizeof(params) / sizeof(params[0]), arena, query, why);
    for (int i = 0; i < count; i++)
        if (!list_param(read, &params[i], arena, why))
            return false;
    if (str_absent(read->prefix))
        read->prefix = STR("");
    return count >= 0 && go_in(&read->prefix, arena, items, TENANT_MARK_ITEM, why) &&
           (str_absent(read->after) || go_in(&read->after, arena, items, TENANT_MARK_ITEM, why));
}

/* Longer than a client's own keys: those of a batch's operations are `K/i`. */
static bool recorded_key_valid(struct str key, struct str tenant)
{
    size_t before = tenant_is_default(tenant) ? 0 : tenant.n + 1;
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] < 0x21 || key.p[i] > 0x7e)
            return false;
    return key.n >= 1 && before + key.n <= KEY_STORED_MAX_BYTES;
}

bool request_read(struct store_read *read, struct op_condition *if_none_match, struct arena *arena,
                  const struct request_head *head, struct refusal *why)
{
    struct str param = arena_str(arena, head->match->param);
    struct str tenant = owner_tenant(head->by.owner);
    if (str_absent(param) && !str_absent(head->match->param))
        return refuse_no_memory(why);
    *read = (struct store_read){0};
    *if_none_match = (struct op_condition){.kind = PRE_NONE};
    switch (head->match->id) {
    case ROUTE_ITEMS: return read_list(read, arena, head->match->query, head->by.items, why);
    case ROUTE_ITEM:
        read->kind = READ_ITEM;
        read->sku = param;
        if (!condition_parse(head->if_none_match, ETAG_WEAK, if_none_match))
            return refuse(why, PROBLEM_MALFORMED_HEADER, "If-None-Match",
                          "If-None-Match must be * or a list of quoted versions");
        return sku_valid(param) ? go_in(&read->sku, arena, head->by.items, TENANT_MARK_ITEM, why)
                                : refuse(why, PROBLEM_INVALID_FIELD, "sku",
                                         "must be 1 to 64 characters of A-Z a-z 0-9 . _ : -");
    case ROUTE_RESERVATION:
        read->kind = READ_RESERVATION;
        read->owner = head->by.owner;
        return rid_parse(param, &read->rid)
                   ? true
                   : refuse(why, PROBLEM_RESERVATION_NOT_FOUND, NULL, NULL);
    default:
        assert(head->match->id == ROUTE_OPERATION);
        read->kind = READ_OPERATION;
        read->key = param;
        return recorded_key_valid(param, tenant)
                   ? go_in(&read->key, arena, tenant, TENANT_MARK_KEY, why)
                   : refuse(why, PROBLEM_OPERATION_NOT_FOUND, NULL, NULL);
    }
}
