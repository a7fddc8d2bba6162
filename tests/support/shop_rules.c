/* shop_rules.c -- see shop_rules.h. */
#include "support/shop_rules.h"

void stock_change(struct stock *stock, struct stock_move move)
{
    stock->available += move.available;
    stock->held += move.held;
    stock->sold += move.sold;
    stock->version++;
}

void stock_create(struct stock *stock, int64_t on_hand)
{
    *stock = (struct stock){.available = on_hand, .version = stock->version + 1};
}

void stock_remove(struct stock *stock)
{
    *stock = (struct stock){.version = stock->version + 1, .removed = true};
}

enum rules_verdict rules_take(const struct rules_line *line, unsigned lines)
{
    enum rules_verdict verdict = RULES_MAY;
    for (unsigned i = 0; i < lines; i++) {
        if (rules_exceeds(&line[i]))
            return RULES_LIMIT;
        if (rules_lacks(&line[i]))
            verdict = RULES_STOCK;
    }
    return verdict;
}

enum hold_step rules_step(enum hold_state state, enum hold_ask ask, bool same)
{
    static const enum hold_step steps[HOLD_STATES][HOLD_ASKS] = {
        [HOLD_HELD] = {HOLD_MOVES, HOLD_MOVES, HOLD_MOVES, HOLD_MOVES},
        [HOLD_CONFIRMED] = {[ASK_CONFIRM] = HOLD_REPEATS, [ASK_RERESERVE] = HOLD_REPEATS},
        [HOLD_RELEASED] = {[ASK_RELEASE] = HOLD_REPEATS},
        [HOLD_EXPIRED] = {[ASK_RERESERVE] = HOLD_TAKES_AGAIN},
    };
    enum hold_step step = steps[state][ask];
    return step == HOLD_REPEATS && !same ? HOLD_REFUSES : step;
}
