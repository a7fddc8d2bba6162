/* op.c -- see op.h. */
#include "shop/op.h"

#include "shop/memory.h"
#include "str.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define QUANTITY_MAX   INT64_C(1000000000)
#define UNITS_MAX      ((INT64_C(1) << 53) - 1)
#define TTL_MAX_S      604800
#define TTL_DEFAULT_MS 600000
#define TEXT_MAX       128
#define METADATA_MAX   4096
#define KEY_MAX        255
#define IN(kind)       (1u << OP_##kind)
#define TAKES_LINES    (IN(RESERVE) | IN(CONFIRM))

static const struct {
    const char *name;
    bool of_item;
} kinds[OP_KINDS] = {
    [OP_PUT] = {"put", true},
    [OP_ADJUST] = {"adjust", true},
    [OP_DECREMENT] = {"decrement", true},
    [OP_RESERVE] = {"reserve", false},
    [OP_CONFIRM] = {"confirm", false},
    [OP_RELEASE] = {"release", false},
    [OP_EXTEND] = {"extend", false},
    [OP_GET] = {"get", false},
    [OP_DELETE] = {"", true},
    [OP_TRANSFER] = {"transfer", true},
};

enum op_kind op_kind_named(const char *name)
{
    int kind = 0;
    while (kind < OP_KINDS && (strcmp(kinds[kind].name, name) != 0 || !*name))
        kind++;
    return (enum op_kind)kind;
}

bool op_is_of_item(enum op_kind kind)
{
    assert(kind < OP_KINDS);
    return kinds[kind].of_item;
}

/* --- members ---------------------------------------------------------------------------------- */

static bool read_int(const json_t *value, int64_t min, int64_t max, int64_t *to)
{
    if (!json_is_integer(value))
        return false;
    *to = json_integer_value(value);
    return *to >= min && *to <= max;
}

static bool read_sku(const char *text, size_t bytes, char to[ITEM_SKU_MAX + 1])
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
    if (bytes < 1 || bytes > ITEM_SKU_MAX || strlen(text) != bytes ||
        strspn(text, allowed) != bytes)
        return false;
    memcpy(to, text, bytes + 1);
    return true;
}

static bool read_on_hand(struct op *op, const json_t *value)
{
    op->has_on_hand = true;
    return read_int(value, 0, UNITS_MAX, &op->on_hand);
}

static bool read_max(struct op *op, const json_t *value)
{
    op->has_max = true;
    return json_is_null(value) || read_int(value, 1, QUANTITY_MAX, &op->max_per_customer);
}

static bool read_delta(struct op *op, const json_t *value)
{
    return read_int(value, -UNITS_MAX - 1, UNITS_MAX + 1, &op->delta) && op->delta != 0;
}

static bool read_quantity(struct op *op, const json_t *value)
{
    op->has_short = op->kind == OP_RESERVE;
    op->line_count = 1;
    return read_int(value, 1, QUANTITY_MAX, &op->line[0].quantity);
}

static bool read_top_sku(struct op *op, const json_t *value)
{
    op->has_short = true;
    op->line_count = 1;
    return json_is_string(value) &&
           read_sku(json_string_value(value), json_string_length(value), op->line[0].sku);
}

static bool read_to(struct op *op, const json_t *value)
{
    return json_is_string(value) && strcmp(json_string_value(value), op->target) != 0 &&
           read_sku(json_string_value(value), json_string_length(value), op->line[1].sku);
}

static bool read_ttl(struct op *op, const json_t *value)
{
    int64_t seconds = 0;
    bool good = read_int(value, 1, TTL_MAX_S, &seconds);
    op->ttl_ms = seconds * 1000;
    return good;
}

static bool read_text(const json_t *value, const json_t **to)
{
    *to = value;
    return json_is_string(value) && json_string_length(value) <= TEXT_MAX;
}

static bool read_customer(struct op *op, const json_t *value)
{
    return read_text(value, &op->customer);
}

static bool read_reference(struct op *op, const json_t *value)
{
    return read_text(value, &op->reference);
}

static bool read_reason(struct op *op, const json_t *value)
{
    const json_t *unused;
    return read_text(value, &unused);
}

static bool read_if_expired(struct op *op, const json_t *value)
{
    op->rereserve = json_is_string(value) && strcmp(json_string_value(value), "rereserve") == 0;
    return op->rereserve;
}

static bool read_metadata(struct op *op, const json_t *value)
{
    op->metadata = value;
    return json_is_object(value) && json_dumpb(value, NULL, 0, JSON_COMPACT) <= METADATA_MAX;
}

/* One line, merged with an earlier one of the same item. False: *member is what is wrong with it,
 * "" for the line itself. */
static bool read_line(struct op *op, const json_t *object, const char **member)
{
    struct op_line line = {0};
    const json_t *sku = json_object_get(object, "sku");
    *member = "";
    if (!json_is_object(object))
        return false;
    *member = "sku";
    if (!json_is_string(sku) ||
        !read_sku(json_string_value(sku), json_string_length(sku), line.sku))
        return false;
    *member = "quantity";
    if (!read_int(json_object_get(object, "quantity"), 1, QUANTITY_MAX, &line.quantity))
        return false;
    *member = "";
    if (json_object_size(object) != 2)
        return false;
    unsigned i = 0;
    while (i < op->line_count && strcmp(op->line[i].sku, line.sku) != 0)
        i++;
    if (i == op->line_count)
        op->line[op->line_count++] = line;
    else
        op->line[i].quantity += line.quantity;
    *member = "quantity";
    return op->line[i].quantity <= QUANTITY_MAX;
}

static bool read_lines(struct op *op, const json_t *value)
{
    size_t count = json_array_size(value);
    op->has_lines = true;
    if (!json_is_array(value) || count < 1 || count > HOLD_LINES_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *member = NULL;
        if (!read_line(op, json_array_get(value, i), &member)) {
            snprintf(op->field, sizeof(op->field), "lines[%zu]%s%s", i, *member ? "." : "", member);
            return false;
        }
    }
    return true;
}

/* Which members there are, whose they are and who must have them. */
static const struct member {
    const char *name;
    unsigned allowed, required; /* IN(...) of the kinds */
    bool (*read)(struct op *op, const json_t *value);
} members[] = {
    {"on_hand", IN(PUT), 0, read_on_hand},
    {"max_per_customer", IN(PUT), 0, read_max},
    {"delta", IN(ADJUST), IN(ADJUST), read_delta},
    {"reason", IN(ADJUST) | IN(TRANSFER), 0, read_reason},
    {"to", IN(TRANSFER), IN(TRANSFER), read_to},
    {"reference", IN(ADJUST) | IN(RESERVE), 0, read_reference},
    {"customer", IN(DECREMENT) | IN(RESERVE), 0, read_customer},
    {"metadata", IN(RESERVE), 0, read_metadata},
    {"ttl_seconds", IN(RESERVE) | IN(EXTEND), 0, read_ttl},
    {"lines", TAKES_LINES, 0, read_lines},
    {"if_expired", IN(CONFIRM), 0, read_if_expired},
    {"sku", IN(RESERVE), 0, read_top_sku},
    {"quantity", IN(DECREMENT) | IN(RESERVE) | IN(TRANSFER), IN(DECREMENT) | IN(TRANSFER),
     read_quantity},
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static bool refuse(struct op *op, const char *field)
{
    if (op->field[0] == '\0')
        snprintf(op->field, sizeof(op->field), "%s", field);
    return false;
}

static const struct member *member_find(const char *name)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

static bool read_members(struct op *op, const json_t *body)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)body, name, value)
    {
        const struct member *member = member_find(name);
        if (!member || !(member->allowed & 1u << op->kind) || !member->read(op, value))
            return refuse(op, name);
    }
    for (size_t i = 0; i < MEMBERS; i++)
        if (members[i].required & 1u << op->kind && !json_object_get(body, members[i].name))
            return refuse(op, members[i].name);
    return true;
}

/* What concerns several members. */
static bool check_together(struct op *op, const json_t *body)
{
    if (op->kind != OP_RESERVE)
        return true;
    if (op->has_lines ? op->has_short : !op->has_short)
        return refuse(op, "lines");
    if (op->has_short && !json_object_get(body, "sku"))
        return refuse(op, "sku");
    if (op->has_short && !json_object_get(body, "quantity"))
        return refuse(op, "quantity");
    return true;
}

static uint64_t fingerprint(const struct op *op, const json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
    uint64_t hash = str_hash(str_of(text ? text : "")) * 31 + str_hash(str_of(op->target));
    free(text);
    return hash * 31 + op->kind;
}

bool op_read(struct op *op, enum op_kind kind, const char *target, const json_t *body)
{
    assert(kind < OP_KINDS && json_is_object(body));
    *op = (struct op){.kind = kind, .target = target, .ttl_ms = TTL_DEFAULT_MS};
    if (!read_members(op, body) || !check_together(op, body))
        return false;
    if (op_is_of_item(kind)) {
        op->line_count = kind == OP_TRANSFER ? 2 : 1;
        if (!read_sku(target, strlen(target), op->line[0].sku))
            return refuse(op, "sku");
    }
    op->fingerprint = fingerprint(op, body);
    return true;
}

/* --- header fields ---------------------------------------------------------------------------- */

bool op_set_key(struct op *op, const char *text)
{
    if (!text)
        return true;
    size_t bytes = strlen(text);
    if (bytes >= 2 && text[0] == '"' && text[bytes - 1] == '"') {
        text++;
        bytes -= 2;
    }
    for (size_t i = 0; i < bytes; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return refuse(op, "Idempotency-Key");
    if (bytes < 1 || bytes > KEY_MAX)
        return refuse(op, "Idempotency-Key");
    memcpy(op->key, text, bytes);
    op->key[bytes] = '\0';
    return true;
}

void op_set_conditions(struct op *op, const char *if_match, const char *if_none_match)
{
    if (if_match && strcmp(if_match, "*") == 0)
        op->if_match = CONDITION_ANY;
    else if (if_match)
        op->if_match = sscanf(if_match, "\"%" SCNu64 "\"", &op->if_match_version) == 1
                           ? CONDITION_VERSION
                           : CONDITION_OTHER;
    if (if_none_match)
        op->if_none_match = strcmp(if_none_match, "*") == 0 ? CONDITION_ANY : CONDITION_OTHER;
}
