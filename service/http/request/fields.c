#include "http/request/fields.h"
#include "http/answer/json_write.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define NAME_SHOWN_BYTES 64 /* of an unknown member's name, in `field` */
#define DETAIL_SIZE      160

struct reader {
    struct parsed_body *parsed;
    struct arena *arena;
    struct refusal *why;
};

struct field {
    const char *name;
    bool (*read)(struct reader *r, const struct field *field, const json_t *value);
    size_t at; /* of the member in struct parsed_body */
    int64_t min, max;
};

static bool wrong(struct reader *r, const char *field, const char *detail)
{
    return refuse(r->why, PROBLEM_INVALID_FIELD, field, detail);
}

/* A copy of a formatted text in the arena; NULL when out of memory, which costs only the text. */
__attribute__((format(printf, 2, 3))) static const char *text_in(struct arena *arena,
                                                                 const char *format, ...)
{
    char text[DETAIL_SIZE];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0)
        return NULL;
    size_t length = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    return arena_str(arena, (struct str){text, length}).p;
}

static bool integer_in(const json_t *value, int64_t min, int64_t max)
{
    return json_is_integer(value) && json_integer_value(value) >= min &&
           json_integer_value(value) <= max;
}

static bool wrong_integer(struct reader *r, const char *name, int64_t min, int64_t max)
{
    return wrong(r, name,
                 text_in(r->arena, "must be an integer from %" PRId64 " to %" PRId64, min, max));
}

static void *place(struct reader *r, const struct field *field)
{
    return (char *)r->parsed + field->at;
}

static bool read_integer(struct reader *r, const struct field *field, const json_t *value)
{
    if (!integer_in(value, field->min, field->max))
        return wrong_integer(r, field->name, field->min, field->max);
    *(int64_t *)place(r, field) = json_integer_value(value);
    return true;
}

/* null takes the limit away, which a parsed and an operation write as 0. */
static bool read_limit(struct reader *r, const struct field *field, const json_t *value)
{
    if (json_is_null(value)) {
        *(int64_t *)place(r, field) = 0;
        return true;
    }
    return read_integer(r, field, value);
}

static bool read_delta(struct reader *r, const struct field *field, const json_t *value)
{
    if (json_is_integer(value) && json_integer_value(value) == 0)
        return wrong(r, field->name, "must not be 0");
    return read_integer(r, field, value);
}

static bool read_text(struct reader *r, const struct field *field, const json_t *value)
{
    if (!json_is_string(value) || json_string_length(value) > (size_t)field->max)
        return wrong(
            r, field->name,
            text_in(r->arena, "must be a string of at most %" PRId64 " bytes", field->max));
    struct str text = {json_string_value(value), json_string_length(value)};
    struct str copy = arena_str(r->arena, text);
    *(struct str *)place(r, field) = copy;
    return str_absent(copy) ? refuse_no_memory(r->why) : true;
}

static bool sku_of(const json_t *value, struct str *sku)
{
    if (!json_is_string(value))
        return false;
    *sku = (struct str){json_string_value(value), json_string_length(value)};
    return sku_valid(*sku);
}

#define SKU_DETAIL "must be 1 to 64 characters of A-Z a-z 0-9 . _ : -"

static bool read_sku(struct reader *r, const struct field *field, const json_t *value)
{
    struct str sku;
    if (!sku_of(value, &sku))
        return wrong(r, field->name, SKU_DETAIL);
    struct str copy = arena_str(r->arena, sku);
    *(struct str *)place(r, field) = copy;
    return str_absent(copy) ? refuse_no_memory(r->why) : true;
}

static bool nests_deeper(const json_t *value, unsigned levels)
{
    const char *name;
    json_t *inner, *outer = (json_t *)value; /* iterators take a mutable one and do not change it */
    size_t i;
    if (!json_is_object(value) && !json_is_array(value))
        return false;
    if (levels == 0)
        return true;
    json_array_foreach(value, i, inner)
    {
        if (nests_deeper(inner, levels - 1))
            return true;
    }
    json_object_foreach(outer, name, inner)
    {
        if (nests_deeper(inner, levels - 1))
            return true;
    }
    return false;
}

static bool read_metadata(struct reader *r, const struct field *field, const json_t *value)
{
    if (!json_is_object(value))
        return wrong(r, field->name, "must be an object");
    if (json_object_size(value) == 0)
        return true; /* none and {} are one: both are answered as {} */
    if (nests_deeper(value, METADATA_DEPTH_MAX))
        return wrong(
            r, field->name,
            text_in(r->arena, "must be nested at most %d levels deep", METADATA_DEPTH_MAX));
    struct buf text;
    buf_init(&text, METADATA_MAX_BYTES);
    json_put_value(&text, value);
    bool fits = !text.failed, exhausted = text.exhausted;
    struct str copy = fits ? arena_str(r->arena, buf_str(&text)) : (struct str){NULL, 0};
    buf_free(&text);
    if (exhausted)
        return refuse_no_memory(r->why);
    if (!fits)
        return wrong(r, field->name, "must be at most 4096 bytes of JSON without blanks");
    *(struct str *)place(r, field) = copy;
    return str_absent(copy) ? refuse_no_memory(r->why) : true;
}

static bool read_if_expired(struct reader *r, const struct field *field, const json_t *value)
{
    struct str text = {json_string_value(value), json_string_length(value)};
    if (!json_is_string(value) || !str_equal(text, STR("rereserve")))
        return wrong(r, field->name, "must be \"rereserve\"");
    return true;
}

static bool wrong_line(struct reader *r, size_t index, const char *name, const char *detail)
{
    return wrong(r, text_in(r->arena, "lines[%zu]%s%s", index, name ? "." : "", name ? name : ""),
                 detail);
}

/* The members of one line, nothing else, both there. */
static bool check_line(struct reader *r, size_t index, json_t *line, struct str *sku,
                       int64_t *quantity)
{
    const char *name;
    json_t *value;
    if (!json_is_object(line))
        return wrong_line(r, index, NULL, "must be an object of sku and quantity");
    json_object_foreach(line, name, value)
    {
        if (strcmp(name, "sku") != 0 && strcmp(name, "quantity") != 0)
            return wrong_line(r, index, text_in(r->arena, "%.*s", NAME_SHOWN_BYTES, name),
                              "there is no such field");
    }
    value = json_object_get(line, "sku");
    if (!value || !sku_of(value, sku))
        return wrong_line(r, index, "sku", value ? SKU_DETAIL : "is required");
    value = json_object_get(line, "quantity");
    if (!value)
        return wrong_line(r, index, "quantity", "is required");
    if (!integer_in(value, 1, QUANTITY_MAX))
        return wrong_line(r, index, "quantity", "must be an integer from 1 to 1000000000");
    *quantity = json_integer_value(value);
    return true;
}

/* Adds to the line of that sku, or begins one. */
static bool merge_line(struct reader *r, size_t index, struct str sku, int64_t quantity)
{
    struct parsed_body *parsed = r->parsed;
    for (unsigned i = 0; i < parsed->line_count; i++) {
        struct op_line *line = &parsed->lines[i];
        if (!str_equal(line->sku, sku))
            continue;
        line->quantity += quantity;
        if (line->quantity > QUANTITY_MAX)
            return wrong_line(r, index, "quantity",
                              "the lines of one sku add up to more than 1000000000");
        return true;
    }
    struct str copy = arena_str(r->arena, sku);
    if (str_absent(copy))
        return refuse_no_memory(r->why);
    parsed->lines[parsed->line_count++] =
        (struct op_line){.sku = copy, .quantity = quantity, .index = (unsigned)index};
    return true;
}

static bool read_lines(struct reader *r, const struct field *field, const json_t *value)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count < 1 || count > LINES_MAX)
        return wrong(r, field->name, "must be an array of 1 to 100 lines");
    r->parsed->lines = arena_alloc(r->arena, count * sizeof(r->parsed->lines[0]));
    if (!r->parsed->lines)
        return refuse_no_memory(r->why);
    for (size_t i = 0; i < count; i++) {
        struct str sku;
        int64_t quantity;
        if (!check_line(r, i, json_array_get(value, i), &sku, &quantity) ||
            !merge_line(r, i, sku, quantity))
            return false;
    }
    return true;
}

#define AT(member)     offsetof(struct parsed_body, member)
#define TEXT(member)   read_text, AT(member), 0, TEXT_MAX_BYTES
#define HEADER(member) read_text, AT(member), 0, 1024
/* clang-format off */
static const struct field table[FIELDS] = {
    [FIELD_SKU]              = {"sku", read_sku, AT(sku), 0, 0},
    [FIELD_QUANTITY]         = {"quantity", read_integer, AT(quantity), 1, QUANTITY_MAX},
    [FIELD_LINES]            = {"lines", read_lines, 0, 0, 0},
    [FIELD_TTL_SECONDS]      = {"ttl_seconds", read_integer, AT(ttl_seconds), 1, TTL_MAX_MS / 1000},
    [FIELD_CUSTOMER]         = {"customer", TEXT(customer)},
    [FIELD_REFERENCE]        = {"reference", TEXT(reference)},
    [FIELD_REASON]           = {"reason", TEXT(reason)},
    [FIELD_METADATA]         = {"metadata", read_metadata, AT(metadata), 0, 0},
    [FIELD_ON_HAND]          = {"on_hand", read_integer, AT(on_hand), 0, UNITS_MAX},
    [FIELD_MAX_PER_CUSTOMER] = {"max_per_customer", read_limit, AT(max_per_customer), 1, QUANTITY_MAX},
    [FIELD_DELTA]            = {"delta", read_delta, AT(delta), -DELTA_MAX, DELTA_MAX},
    [FIELD_IF_EXPIRED]       = {"if_expired", read_if_expired, 0, 0, 0},
    [FIELD_TO]               = {"to", read_sku, AT(to), 0, 0},
    [FIELD_OP]               = {"op", HEADER(op)},
    [FIELD_ID]               = {"id", HEADER(id)},
    [FIELD_IDEMPOTENCY_KEY]  = {"idempotency_key", HEADER(idempotency_key)},
    [FIELD_IF_MATCH]         = {"if_match", HEADER(if_match)},
    [FIELD_IF_NONE_MATCH]    = {"if_none_match", HEADER(if_none_match)},
};
/* clang-format on */

const char *field_name(enum field_id id)
{
    return table[id].name;
}

static const struct field *find_field(const char *name, unsigned allowed)
{
    for (unsigned i = 0; i < FIELDS; i++)
        if (allowed & 1u << i && strcmp(name, table[i].name) == 0)
            return &table[i];
    return NULL;
}

bool fields_read(struct parsed_body *parsed, struct arena *arena, const json_t *object,
                 unsigned allowed, unsigned required, struct refusal *why)
{
    struct reader r = {parsed, arena, why};
    /* The iterators take a mutable object and do not change it. */
    json_t *members = (json_t *)object;
    *parsed = (struct parsed_body){0};
    for (void *at = json_object_iter(members); at; at = json_object_iter_next(members, at)) {
        const char *name = json_object_iter_key(at);
        const struct field *field = find_field(name, allowed);
        if (!field)
            return wrong(&r, text_in(arena, "%.*s", NAME_SHOWN_BYTES, name),
                         "there is no such field");
        if (!field->read(&r, field, json_object_iter_value(at)))
            return false;
        parsed->seen |= 1u << (field - table);
    }
    for (unsigned i = 0; i < FIELDS; i++)
        if (required & ~parsed->seen & 1u << i)
            return wrong(&r, table[i].name, "is required");
    return true;
}
