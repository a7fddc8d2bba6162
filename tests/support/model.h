/* model.h -- a naive stockd: what the contract says, op by op, with arrays and linear search.
 *
 * Layer: tests. Written from docs of the contract, not from service/core: it shares the request
 * half of struct op and the enums with it, nothing else. Items are "i0".."i7", customers
 * "c0".."c4"; op keys are any text. An operation that takes units, sets or deletes first expires
 * what is due on its items: item by item in the order of its lines, on each by deadline and then by
 * id, and at most VIEW_DUE_MAX of those that a batch found at its begin. An operation that would be
 * refused although more is due may be deferred instead.
 */
#pragma once

#include "core/event.h"
#include "core/plan.h"

#define MODEL_ITEMS     8
#define MODEL_CUSTOMERS 5
#define MODEL_LINES     4
#define MODEL_KEYS      256
#define MODEL_EVENTS    65536 /* a batch */

struct model_item {
    bool exists;
    int64_t available, held, sold, version, max;
    int64_t received; /* since its creation */
    int64_t used[MODEL_CUSTOMERS];
    bool settled;  /* in this batch */
    unsigned dues; /* holds that were due on it at the begin of the batch, once settled */
};

struct model_line {
    int item;
    int64_t quantity, reserved, remaining, version, expired_remaining, expired_version;
};

struct model_resv {
    struct rid id;
    enum reservation_state state;
    bool rereserved;
    int64_t created_ms, expires_ms, ended_ms;
    unsigned unheld_batch; /* the batch in which it left HELD; 0: none */
    int customer;          /* -1: none */
    unsigned line_count;
    struct model_line lines[MODEL_LINES];
};

struct model_short {
    int item;
    int64_t requested, available, limit, used, version;
};

/* What the operation must answer. */
struct model_answer {
    enum outcome_code code;
    bool replayed;
    int item; /* of PUT, ADJUST, DECREMENT, 404; that a TRANSFER takes from; -1: none */
    struct model_item counters;
    struct model_resv resv;
    int64_t quantity, remaining, version;
    int to; /* that a TRANSFER gives to */
    int64_t to_remaining, to_version;
    unsigned short_count;
    struct model_short shorts[MODEL_LINES];
    int64_t earliest_ms;
    const char *field;
    char id[32];       /* of a decrement, a transfer */
    const char *wrong; /* not NULL: the operation must not have been deferred, or must have been */
};

struct model_event {
    enum event_type type;
    bool has_rid;
    struct rid id;
    int64_t expires_ms;
    unsigned line_count;
    struct model_line lines[MODEL_LINES]; /* item, quantity, version */
    int64_t available[MODEL_LINES], held[MODEL_LINES], sold[MODEL_LINES];
};

/* Of the part that a store of format 2 has new reservations in, whatever their deadline. */
#define MODEL_SERIAL "\x0a\x0b\x0c"

struct model_key {
    char key[32];
    uint8_t fingerprint;
    struct model_answer answer;
};

struct model {
    struct plan_limits limits;
    int64_t now_ms;
    unsigned batch;
    struct model_item items[MODEL_ITEMS];
    struct model_resv *resvs;
    uint64_t *tags; /* the last 8 bytes of each id: quick to search */
    size_t resv_count, resv_cap;
    struct model_key keys[MODEL_KEYS];
    unsigned key_count;
    struct model_event *events; /* of this batch */
    unsigned event_count;
};

void model_init(struct model *m, const struct plan_limits *limits);
void model_free(struct model *m);

/* The next batch begins, at this time. */
void model_batch(struct model *m, int64_t now_ms);

/* Decides op; `deferred` says that the code has deferred it, and so the model must find a reason.
 */
void model_apply(struct model *m, const struct op *op, bool deferred, struct model_answer *answer);

int model_item_of(struct str sku);          /* -1: none of ours */
int model_customer_of(struct str customer); /* -1: absent */
struct model_resv *model_find(struct model *m, const struct rid *id);

/* Drops what ended before this time; calls gone for each. */
void model_drop(struct model *m, int64_t before_ms, void (*gone)(void *user, const struct rid *id),
                void *user);
/* Drops the key that was recorded first. */
void model_drop_oldest_key(struct model *m);
