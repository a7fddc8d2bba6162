#include "http/request_op.h"

#include "http/headers.h"
#include "random.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define MADE_ID_DIGITS  20
#define NAMES_MAX_BYTES 256

/* clang-format off */
static const struct op_schema schemas[] = {
    {OP_PUT, ROUTE_ITEM, METHOD_PUT, true, true, false,
     FIELD(ON_HAND) | FIELD(MAX_PER_CUSTOMER), 0},
    {OP_DELETE, ROUTE_ITEM, METHOD_DELETE, false, true, true, 0, 0},
    {OP_ADJUST, ROUTE_ADJUSTMENTS, METHOD_POST, true, true, false,
     FIELD(DELTA) | FIELD(REASON) | FIELD(REFERENCE), FIELD(DELTA)},
    {OP_DECREMENT, ROUTE_DECREMENTS, METHOD_POST, true, true, false,
     FIELD(QUANTITY) | FIELD(CUSTOMER), FIELD(QUANTITY)},
    {OP_TRANSFER, ROUTE_TRANSFERS, METHOD_POST, true, true, false,
     FIELD(TO) | FIELD(QUANTITY) | FIELD(REASON), FIELD(TO) | FIELD(QUANTITY)},
    {OP_RESERVE, ROUTE_RESERVATIONS, METHOD_POST, true, false, false,
     FIELD(SKU) | FIELD(QUANTITY) | FIELD(LINES) | FIELD(TTL_SECONDS) | FIELD(CUSTOMER) |
     FIELD(REFERENCE) | FIELD(METADATA), 0},
    {OP_CONFIRM, ROUTE_CONFIRM, METHOD_POST, true, false, true,
     FIELD(LINES) | FIELD(IF_EXPIRED), 0},
    {OP_RELEASE, ROUTE_RELEASE, METHOD_POST, true, false, true, 0, 0},
    {OP_EXTEND, ROUTE_EXTEND, METHOD_POST, true, false, false, FIELD(TTL_SECONDS), 0},
    {OP_GET, ROUTE_RESERVATION, METHOD_GET, true, false, true, 0, 0},
};
/* clang-format on */
#define SCHEMAS (sizeof(schemas) / sizeof(schemas[0]))

const struct op_schema *op_schema_of_route(enum route_id route, enum route_method method)
{
    for (size_t i = 0; i < SCHEMAS; i++)
        if (schemas[i].route == route && schemas[i].method == method)
            return &schemas[i];
    return NULL;
}

const struct op_schema *op_schema_of_name(struct str name)
{
    for (size_t i = 0; i < SCHEMAS; i++)
        if (schemas[i].in_batch && str_equal(name, str_of(op_trait(schemas[i].kind)->name)))
            return &schemas[i];
    return NULL;
}

const char *op_schema_names(struct arena *arena)
{
    struct buf text;
    buf_init(&text, NAMES_MAX_BYTES);
    buf_puts(&text, STR("must be one of"));
    for (size_t i = 0, named = 0; i < SCHEMAS; i++)
        if (schemas[i].in_batch)
            buf_printf(&text, "%s %s", named++ ? "," : "", op_trait(schemas[i].kind)->name);
    struct str copy = arena_str(arena, buf_str(&text));
    buf_free(&text);
    return copy.p;
}

static bool no_memory(struct refusal *why)
{
    return refuse(why, PROBLEM_OVERLOADED, NULL, "out of memory");
}

bool op_name(struct op *op, struct arena *arena, struct str key, struct refusal *why)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    if (!str_absent(key)) {
        assert(key.n <= KEY_STORED_MAX_BYTES);
        op->id = op->key = arena_str(arena, key);
        return str_absent(op->id) ? no_memory(why) : true;
    }
    uint8_t bytes[MADE_ID_DIGITS];
    random_bytes(bytes, sizeof(bytes));
    char *id = arena_alloc(arena, 3 + MADE_ID_DIGITS);
    if (!id)
        return no_memory(why);
    memcpy(id, "op-", 3);
    for (size_t i = 0; i < MADE_ID_DIGITS; i++)
        id[3 + i] = digits[bytes[i] & 31];
    op->id = (struct str){id, 3 + MADE_ID_DIGITS};
    return true;
}

bool op_conditions(struct op *op, struct str if_match, struct str if_none_match,
                   struct refusal *why)
{
    if (!condition_parse(if_match, ETAG_STRONG, &op->if_match))
        return refuse(why, PROBLEM_MALFORMED_HEADER, "If-Match",
                      "If-Match must be * or a list of quoted versions");
    if (!condition_parse(if_none_match, ETAG_WEAK, &op->if_none_match))
        return refuse(why, PROBLEM_MALFORMED_HEADER, "If-None-Match",
                      "If-None-Match must be * or a list of quoted versions");
    return true;
}

/* --- fingerprints ----------------------------------------------------------------------------- */

/* The path that the route's pattern gives: the same for every way to percent-encode it. */
static size_t put_path(char *out, const char *pattern, struct str param)
{
    size_t n = strcspn(pattern, "{");
    memcpy(out, pattern, n);
    if (pattern[n] == '\0')
        return n;
    const char *rest = strchr(pattern, '}') + 1;
    memcpy(out + n, param.p, param.n);
    n += param.n;
    memcpy(out + n, rest, strlen(rest));
    return n + strlen(rest);
}

/* What makes two requests under one key "the same": SHA-256 over method, path and body; the body as
 * a JSON value, so that the order of its fields and its blanks are free. NULL: none. False: out of
 * memory. */
static bool fingerprint(uint8_t out[FINGERPRINT_BYTES], struct arena *arena, const char *method,
                        enum route_id route, struct str param, const json_t *body)
{
    /* Fetched once: an implicit fetch a call costs more than the hash. */
    static EVP_MD *sha256;
    if (!sha256 && !(sha256 = EVP_MD_fetch(NULL, "SHA256", NULL)))
        return false;
    char *dumped = NULL;
    if (body && !(dumped = json_dumps(body, JSON_SORT_KEYS | JSON_COMPACT)))
        return false;
    const char *pattern = route_row(route)->pattern;
    struct str text = str_of(dumped);
    char *input =
        arena_alloc(arena, strlen(method) + strlen(pattern) + param.n + text.n + sizeof("  "));
    if (!input) {
        free(dumped);
        return false;
    }
    size_t n = strlen(method);
    memcpy(input, method, n);
    input[n++] = ' ';
    n += put_path(input + n, pattern, param);
    input[n++] = ' ';
    if (text.n > 0)
        memcpy(input + n, text.p, text.n);
    n += text.n;
    free(dumped);
    unsigned size = 0;
    bool ok = EVP_Digest(input, n, out, &size, sha256, NULL) == 1;
    assert(!ok || size == FINGERPRINT_BYTES);
    return ok;
}

bool op_fingerprint(struct op *op, struct arena *arena, const struct op_schema *schema,
                    struct str param, const json_t *body, struct refusal *why)
{
    const char *method = schema->method == METHOD_PUT      ? "PUT"
                         : schema->method == METHOD_DELETE ? "DELETE"
                                                           : "POST";
    if (str_absent(op->key))
        return true;
    return fingerprint(op->fingerprint, arena, method, schema->route, param, body) ? true
                                                                                   : no_memory(why);
}

/* --- operations ------------------------------------------------------------------------------- */

/* The item that the path names, or the short form of a reservation; and the item that it goes to,
 * which is absent but for a transfer. */
static bool fill_lines(struct op *op, struct arena *arena, struct str sku, struct str to,
                       int64_t quantity, struct refusal *why)
{
    if (!sku_valid(sku))
        return refuse(why, PROBLEM_INVALID_FIELD, "sku",
                      "must be 1 to 64 characters of A-Z a-z 0-9 . _ : -");
    if (!str_absent(to) && str_equal(to, sku))
        return refuse(why, PROBLEM_INVALID_FIELD, "to", "must be another item");
    struct str copy = arena_str(arena, sku);
    op->line_count = str_absent(to) ? 1 : 2;
    op->lines = arena_alloc(arena, op->line_count * sizeof(op->lines[0]));
    if (str_absent(copy) || !op->lines)
        return no_memory(why);
    op->lines[0] = (struct op_line){.sku = copy, .quantity = quantity};
    if (!str_absent(to))
        op->lines[1] = (struct op_line){.sku = to, .quantity = quantity};
    return true;
}

static bool fill_reserve(struct op *op, struct arena *arena, const struct parsed_body *parsed,
                         struct refusal *why)
{
    unsigned seen = parsed->seen;
    bool has_short = seen & (FIELD(SKU) | FIELD(QUANTITY));
    if (has_short && seen & FIELD(LINES))
        return refuse(why, PROBLEM_INVALID_FIELD, "lines",
                      "give either lines, or sku and quantity");
    if (!has_short && !(seen & FIELD(LINES)))
        return refuse(why, PROBLEM_INVALID_FIELD, "lines", "is required");
    if (has_short && !(seen & FIELD(SKU)))
        return refuse(why, PROBLEM_INVALID_FIELD, "sku", "is required");
    if (has_short && !(seen & FIELD(QUANTITY)))
        return refuse(why, PROBLEM_INVALID_FIELD, "quantity", "is required");
    random_bytes(op->rid.b + RID_BUCKET_BYTES, RID_BYTES - RID_BUCKET_BYTES);
    return has_short ? fill_lines(op, arena, parsed->sku, parsed->to, parsed->quantity, why) : true;
}

bool op_fill(struct op *op, struct arena *arena, const struct op_schema *schema, struct str param,
             const struct parsed_body *parsed, struct refusal *why)
{
    op->kind = schema->kind;
    op->lines = parsed->lines;
    op->line_count = parsed->line_count;
    op->has_lines = parsed->seen & FIELD(LINES);
    op->has_on_hand = parsed->seen & FIELD(ON_HAND);
    op->has_max = parsed->seen & FIELD(MAX_PER_CUSTOMER);
    op->rereserve = parsed->seen & FIELD(IF_EXPIRED);
    op->on_hand = parsed->on_hand;
    op->max_per_customer = parsed->max_per_customer;
    op->delta = parsed->delta;
    op->ttl_ms = parsed->seen & FIELD(TTL_SECONDS) ? parsed->ttl_seconds * 1000 : TTL_DEFAULT_MS;
    op->customer = parsed->customer;
    op->reference = parsed->reference;
    op->reason = parsed->reason;
    op->metadata = parsed->metadata;
    if (schema->kind == OP_RESERVE)
        return fill_reserve(op, arena, parsed, why);
    if (schema->of_item)
        return fill_lines(op, arena, param, parsed->to, parsed->quantity, why);
    if (!rid_parse(param, &op->rid))
        return refuse(why, PROBLEM_RESERVATION_NOT_FOUND, NULL, NULL);
    return true;
}
