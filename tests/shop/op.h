/* op.h -- one operation, read from a JSON object.
 *
 * Layer: tests. A request of its own and an entry of a batch become the same struct op. It borrows
 * from the JSON that it was read from, which must outlive it.
 *
 * Invariant: after op_read said true, every field is within the contract's limits and the lines
 * name different items.
 */
#pragma once

#include "shop/hold.h"
#include "shop/item.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define OP_KEY_MAX   300 /* bytes; a batch makes "K/i" of a key of 255 */
#define OP_FIELD_MAX 48

enum op_kind {
    OP_PUT,
    OP_ADJUST,
    OP_DECREMENT,
    OP_RESERVE,
    OP_CONFIRM,
    OP_RELEASE,
    OP_EXTEND,
    OP_GET,
    OP_DELETE,   /* no batch knows it */
    OP_TRANSFER, /* line[0] is the target, line[1] where it goes */
    OP_KINDS
};

enum op_condition { CONDITION_NONE, CONDITION_ANY, CONDITION_VERSION, CONDITION_OTHER };

struct op_line {
    char sku[ITEM_SKU_MAX + 1];
    int64_t quantity;
};

struct op {
    enum op_kind kind;
    char key[OP_KEY_MAX + 1]; /* "": none */
    uint64_t fingerprint;     /* of kind, target and body */
    const char *target;       /* a sku or the id of a reservation; "" for reserve */
    enum op_condition if_match, if_none_match;
    uint64_t if_match_version;
    bool has_on_hand, has_lines, has_short; /* short: sku and quantity at the top */
    bool has_max;
    bool rereserve;                                   /* "if_expired" says so */
    int64_t on_hand, max_per_customer, delta, ttl_ms; /* max_per_customer: 0 for null */
    const json_t *customer, *reference, *metadata;    /* or NULL */
    unsigned line_count;
    struct op_line line[HOLD_LINES_MAX]; /* of item operations: the first is the target */
    char field[OP_FIELD_MAX];            /* when it was refused: which field */
};

/* The kind that a batch calls by this name, or OP_KINDS. */
enum op_kind op_kind_named(const char *name);

/* Whether the target is an item's sku. */
bool op_is_of_item(enum op_kind kind);

/* Reads everything but the key and the conditions, which op_set_key and op_set_conditions read from
 * header fields. False: op->field says what is wrong. */
bool op_read(struct op *op, enum op_kind kind, const char *target, const json_t *body) MUST_CHECK;

/* The text of the header fields, NULL when absent. */
bool op_set_key(struct op *op, const char *text) MUST_CHECK;
void op_set_conditions(struct op *op, const char *if_match, const char *if_none_match);
