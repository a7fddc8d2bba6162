#include "http/request/request_op.h"

#include "http/headers.h"
#include "random.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define MADE_ID_DIGITS   20
#define NAMES_MAX_BYTES  256
#define DUMP_FIRST_BYTES 512 /* more than most bodies take */

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

bool op_name(struct op *op, struct arena *arena, struct str key, const struct requester *by,
             struct refusal *why)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    op->owner = by->owner;
    op->trace = by->trace;
    if (!str_absent(key)) {
        op->id = arena_str(arena, key);
        op->key = tenant_inner(arena, owner_tenant(by->owner), TENANT_MARK_KEY, op->id);
        assert(op->key.n <= KEY_STORED_MAX_BYTES);
        return str_absent(op->key) ? refuse_no_memory(why) : true;
    }
    uint8_t bytes[MADE_ID_DIGITS];
    random_bytes(bytes, sizeof(bytes));
    char *id = arena_alloc(arena, 3 + MADE_ID_DIGITS);
    if (!id)
        return refuse_no_memory(why);
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

/* SHA-256. Fetched and made once: done again for each call they would cost as much as a short hash.
 */
static bool digest(uint8_t out[FINGERPRINT_BYTES], const char *input, size_t n)
{
    static EVP_MD *sha256;
    static EVP_MD_CTX *context;
    unsigned size = 0;
    if ((!sha256 && !(sha256 = EVP_MD_fetch(NULL, "SHA256", NULL))) ||
        (!context && !(context = EVP_MD_CTX_new())))
        return false;
    bool ok = EVP_DigestInit_ex2(context, sha256, NULL) == 1 &&
              EVP_DigestUpdate(context, input, n) == 1 &&
              EVP_DigestFinal_ex(context, out, &size) == 1;
    assert(!ok || size == FINGERPRINT_BYTES);
    return ok;
}

/* The one text of the value, as far as it fits; how long it is. 0: out of memory. */
static size_t dump(const json_t *value, char *to, size_t room)
{
    return json_dumpb(value, to, room, JSON_SORT_KEYS | JSON_COMPACT);
}

/* What makes two requests under one key "the same": SHA-256 over method, path and body; the body as
 * a JSON value, so that the order of its fields and its blanks are free. NULL: none. False: out of
 * memory. */
static bool fingerprint(uint8_t out[FINGERPRINT_BYTES], struct arena *arena, const char *method,
                        enum route_id route, struct str param, const json_t *body)
{
    const char *pattern = route_row(route)->pattern;
    size_t head_n = strlen(method) + strlen(pattern) + param.n + sizeof("  "), text_n = 0;
    size_t room = body ? DUMP_FIRST_BYTES : 0;
    char *input = arena_alloc(arena, head_n + room);
    if (input && body && (text_n = dump(body, input + head_n, room)) > room) {
        room = text_n;
        input = arena_alloc(arena, head_n + room);
        text_n = input ? dump(body, input + head_n, room) : 0;
    }
    if (!input || (body && (text_n == 0 || text_n > room)))
        return false;
    size_t n = strlen(method);
    memcpy(input, method, n);
    input[n++] = ' ';
    n += put_path(input + n, pattern, param);
    input[n++] = ' ';
    memmove(input + n, input + head_n, text_n);
    return digest(out, input, n + text_n);
}

bool op_fingerprint(struct op *op, struct arena *arena, const struct op_schema *schema,
                    struct str param, const json_t *body, struct refusal *why)
{
    const char *method = schema->method == METHOD_PUT      ? "PUT"
                         : schema->method == METHOD_DELETE ? "DELETE"
                                                           : "POST";
    if (str_absent(op->key))
        return true;
    return fingerprint(op->fingerprint, arena, method, schema->route, param, body)
               ? true
               : refuse_no_memory(why);
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
        return refuse_no_memory(why);
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

static bool fill_op(struct op *op, struct arena *arena, const struct op_schema *schema,
                    struct str param, const struct parsed_body *parsed, struct refusal *why)
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

bool op_fill(struct op *op, struct arena *arena, const struct op_schema *schema, struct str param,
             const struct parsed_body *parsed, const struct requester *by, struct refusal *why)
{
    if (!fill_op(op, arena, schema, param, parsed, why))
        return false;
    for (unsigned i = 0; i < op->line_count; i++) {
        struct str *sku = &op->lines[i].sku;
        *sku = tenant_inner(arena, by->items, TENANT_MARK_ITEM, *sku);
        if (str_absent(*sku))
            return refuse_no_memory(why);
    }
    return true;
}
