/* shop_rules.h -- what an operation does to items and reservations: the rules of a simulated shop.
 *
 * Both shops of the tests decide by them: the server in memory (tests/shop) and the world that
 * histories are made of (shop_world.h). Names, keys, time, answers and planted faults are their
 * own. Pure, and told in the plainest way; core's tests have another model (model.h), so that no
 * mistake is in both.
 *
 * Invariant: each change raises the version by one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* An item. */
struct stock {
    int64_t available, held, sold;
    uint64_t version; /* 0: not created yet */
    bool removed;     /* by a delete: a later creation goes on from its version */
};

/* What one operation does to one item. */
struct stock_move {
    int64_t available, held, sold;
};

static inline struct stock_move move_adjust(int64_t delta)
{
    return (struct stock_move){.available = delta};
}

static inline struct stock_move move_sell(int64_t quantity)
{
    return (struct stock_move){.available = -quantity, .sold = quantity};
}

static inline struct stock_move move_hold(int64_t quantity)
{
    return (struct stock_move){.available = -quantity, .held = quantity};
}

/* A reservation ends: what is not sold comes back. A transfer is an adjustment of two items. */
static inline struct stock_move move_end(int64_t held, int64_t sold)
{
    return (struct stock_move){.available = held - sold, .held = -held, .sold = sold};
}

/* How many units more count against the customer's limit. */
static inline int64_t move_counts(struct stock_move move)
{
    return move.held + move.sold;
}

void stock_change(struct stock *stock, struct stock_move move);
void stock_create(struct stock *stock, int64_t on_hand);
void stock_remove(struct stock *stock);

/* A line of what takes units. */
struct rules_line {
    int64_t quantity, available;
    int64_t limit, used; /* of the customer; limit 0: there is none */
};

static inline bool rules_exceeds(const struct rules_line *line)
{
    return line->limit > 0 && line->used + line->quantity > line->limit;
}

static inline bool rules_lacks(const struct rules_line *line)
{
    return line->available < line->quantity;
}

enum rules_verdict { RULES_MAY, RULES_LIMIT, RULES_STOCK };

/* Who is beyond a limit is told that, whatever there is of the item. */
enum rules_verdict rules_take(const struct rules_line *line, unsigned lines);

enum hold_state { HOLD_HELD, HOLD_CONFIRMED, HOLD_RELEASED, HOLD_EXPIRED, HOLD_STATES };
enum hold_ask { ASK_CONFIRM, ASK_RERESERVE, ASK_RELEASE, ASK_EXTEND, HOLD_ASKS };
enum hold_step {
    HOLD_REFUSES, /* by the name of its state */
    HOLD_MOVES,
    HOLD_TAKES_AGAIN, /* what had expired, and sells it */
    HOLD_REPEATS,     /* the answer that ended it; nothing moves */
};

/* What a reservation in that state does when it is asked; same: for what it ended with. */
enum hold_step rules_step(enum hold_state state, enum hold_ask ask, bool same);
