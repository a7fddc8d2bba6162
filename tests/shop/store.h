/* store.h -- everything the test server knows, and how an operation is decided.
 *
 * Layer: tests. One store a process, used by one thread. Operations are decided one after the
 * other, each in one step, so the order of the calls of decide() is the total order that the
 * contract promises; only a planted fault makes it look otherwise.
 */
#pragma once

#include "shop/answer.h"
#include "shop/fault.h"
#include "shop/hold.h"
#include "shop/op.h"
#include "shop/table.h"

struct store {
    struct table items, holds, records;
    struct deadlines deadlines;
    struct fault_plan faults;
    int64_t now_ms; /* wall clock; set by the caller before each call */
    uint64_t made;  /* ids given out */
    uint64_t decided, expired;
    uint64_t restores;           /* that are told of */
    bool in_batch;               /* what is decided is one of several in a request */
    const struct record *recent; /* the one recorded last; FAULT_SWAPPED_KEY shows it for others */
};

/* Returns the units of all holds that are due. */
void store_expire(struct store *s);

/* Decides one operation and fills the answer. */
void decide(struct store *s, const struct op *op, struct answer *a);

/* GET of an item, of the stored state. */
void store_get_item(struct store *s, const char *sku, struct answer *a);

/* GET of an operation's record. */
void store_get_operation(struct store *s, const char *key, struct answer *a);

/* --- between the files of decide() ------------------------------------------------------------ */

/* The item of that name, NULL when it was never created, was deleted or is gone. */
struct item *store_item(const struct store *s, const char *sku);

/* The items of all lines into items, or 404. */
bool store_items(const struct store *s, const struct op *op, struct item **items,
                 struct answer *a) MUST_CHECK;

/* Whether the units of all lines may be taken; otherwise the answer is a refusal. */
bool store_may_take(struct store *s, const struct op *op, struct item *const *items,
                    struct answer *a) MUST_CHECK;

/* How many lines ask for more than there is, and the refusal that names them. */
unsigned store_shorts(const struct op *op, struct item *const *items);
void store_refuse_short(const struct op *op, struct item *const *items, struct answer *a);

/* One transition of an item. */
void store_change(struct store *s, struct item *item, struct stock_move move);

/* Refuses without a ground, if the fault that is planted wants it: nothing is done, and the lie is
 * in the answer alone. */
bool refuse_falsely(struct store *s, const struct op *op, struct answer *a);

/* To be called before each operation: the store lost its memory and was rebuilt from what its
 * ledger had. That raises every item's version, so that none is given twice, and is counted for
 * whoever asks whether the store is ready. Planted faults: one that is no lie (everything is kept,
 * and told), one whose ledger was some operations behind, and one that tells nobody. */
void restore_when_due(struct store *s);

void decide_put(struct store *s, const struct op *op, struct answer *a);
void decide_adjust(struct store *s, const struct op *op, struct answer *a);
void decide_delete(struct store *s, const struct op *op, struct answer *a);
void decide_decrement(struct store *s, const struct op *op, struct answer *a);
void decide_transfer(struct store *s, const struct op *op, struct answer *a);
void decide_reserve(struct store *s, const struct op *op, struct answer *a);
void decide_confirm(struct store *s, const struct op *op, struct answer *a);
void decide_release(struct store *s, const struct op *op, struct answer *a);
void decide_extend(struct store *s, const struct op *op, struct answer *a);
void decide_get(struct store *s, const struct op *op, struct answer *a);
