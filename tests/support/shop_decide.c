/* shop_decide.c -- what the server of shop_world.h decides about a request, now. */
#include "history/reader.h"
#include "support/shop_world.h"

/* Refuses if one of its items is gone. */
static bool not_there(struct shop_world *w, struct shop_row *row)
{
    bool gone = false;
    for (unsigned n = 0; n < row->lines; n++)
        gone |= w->items[row->line[n].item].now.removed;
    if (gone)
        shop_answer(row, OUTCOME_FAIL, 404, DETAIL_NO_ITEM);
    return gone;
}

static void apply_delete(struct shop_world *w, struct shop_row *row)
{
    struct shop_item *item = &w->items[row->line[0].item];
    if (not_there(w, row))
        return;
    if (item->now.held > 0) {
        shop_answer(row, OUTCOME_FAIL, 409, DETAIL_IN_USE);
        return;
    }
    *item = (struct shop_item){.now = item->now};
    stock_remove(&item->now);
    shop_answer(row, OUTCOME_OK, 204, DETAIL_NONE);
}

static void apply_creation(struct shop_world *w, struct shop_row *row)
{
    struct shop_item *item = &w->items[row->line[0].item];
    if (!item->now.removed) {
        shop_answer(row, OUTCOME_FAIL, 412, DETAIL_EXISTS);
        return;
    }
    stock_create(&item->now, row->line[0].quantity);
    shop_quote(w, &row->line[0]);
    shop_answer(row, OUTCOME_OK, 201, DETAIL_NONE);
}

/* Whether the limits are forgotten this time, where it makes a difference. */
static bool ignores_limits(struct shop_world *w, const struct shop_row *row,
                           const struct rules_line *line)
{
    return row->lines == 1 && !history_confirms(row->kind) && rules_exceeds(line) &&
           shop_strikes(w, rules_lacks(line) ? SHOP_STOCK_FIRST : SHOP_LIMIT_IGNORED);
}

/* What the rules are asked about, of each line. */
static void ask(struct shop_world *w, const struct shop_row *row, uint32_t client,
                struct rules_line *line)
{
    for (unsigned n = 0; n < row->lines; n++) {
        uint32_t item = row->line[n].item;
        int64_t quantity = row->line[n].quantity;
        bool adjusts = row->kind == KIND_ADJUST || row->kind == KIND_TRANSFER;
        line[n] = (struct rules_line){.quantity = adjusts ? -quantity : quantity,
                                      .available = w->items[item].now.available,
                                      .limit = adjusts ? 0 : shop_limit(w, item),
                                      .used = *shop_used(w, client, item)};
    }
    if (ignores_limits(w, row, line))
        line[0].limit = 0;
}

/* The verdict of the rules, or a refusal of what may be done. */
static enum rules_verdict judge(struct shop_world *w, const struct shop_row *row,
                                const struct rules_line *line, bool *wrongly)
{
    enum rules_verdict verdict = rules_take(line, row->lines);
    bool within = false;
    for (unsigned n = 0; n < row->lines; n++)
        within |= line[n].limit > 0 && !rules_exceeds(&line[n]);
    *wrongly = true;
    if (within && shop_strikes(w, SHOP_LIMITED_WRONGLY))
        return RULES_LIMIT;
    if (verdict == RULES_MAY && row->kind == KIND_DECREMENT &&
        shop_strikes(w, SHOP_REFUSED_WRONGLY))
        return RULES_STOCK;
    *wrongly = false;
    return verdict;
}

/* Refuses with all lines that fail; false when the units may be taken. */
static bool refused(struct shop_world *w, struct shop_row *row, uint32_t client)
{
    struct rules_line line[SHOP_LINES_MAX];
    bool wrongly;
    ask(w, row, client, line);
    enum rules_verdict verdict = judge(w, row, line, &wrongly);
    bool limit = verdict == RULES_LIMIT;
    for (unsigned n = 0; verdict != RULES_MAY && n < row->lines; n++) {
        bool fails = limit ? rules_exceeds(&line[n]) : rules_lacks(&line[n]);
        if (!fails && (!wrongly || (limit && line[n].limit == 0)))
            continue;
        shop_quote(w, &row->line[n]);
        if (!limit)
            continue;
        row->line[n].remaining = line[n].used + (fails && shop_strikes(w, SHOP_WRONG_USE));
        w->planted |= w->items[row->line[n].item].off[client % SHOP_CUSTOMERS];
    }
    if (verdict != RULES_MAY)
        shop_answer(row, OUTCOME_FAIL, 409, limit ? DETAIL_LIMIT : DETAIL_NO_STOCK);
    return verdict != RULES_MAY;
}

static void apply_sale(struct shop_world *w, struct shop_row *row)
{
    if (not_there(w, row) || refused(w, row, row->client))
        return;
    int64_t quantity = row->line[0].quantity;
    struct shop_item before = w->items[row->line[0].item];
    shop_change(w, row->client, &row->line[0],
                row->kind == KIND_ADJUST ? move_adjust(quantity) : move_sell(quantity));
    if (row->kind == KIND_DECREMENT && shop_strikes(w, SHOP_VERSION_TWICE))
        w->items[row->line[0].item] = before;
    shop_answer(row, OUTCOME_OK, 200, DETAIL_NONE);
}

static void apply_transfer(struct shop_world *w, struct shop_row *row)
{
    if (not_there(w, row) || refused(w, row, row->client))
        return;
    struct stock *to = &w->items[row->line[1].item].now;
    for (unsigned n = 0; n < row->lines; n++)
        shop_change(w, row->client, &row->line[n], move_adjust(row->line[n].quantity));
    if (shop_strikes(w, SHOP_TRANSFER_LOST))
        to->available -= row->line[1].quantity;
    if (shop_strikes(w, SHOP_TRANSFER_TWICE))
        to->available += row->line[1].quantity;
    shop_answer(row, OUTCOME_OK, 200, DETAIL_NONE);
}

static void apply_reserve(struct shop_world *w, struct shop_row *row)
{
    if (not_there(w, row) || refused(w, row, row->client))
        return;
    bool nothing = row->lines == 1 && shop_strikes(w, SHOP_NOT_STORED);
    bool partial = row->lines > 1 && shop_strikes(w, SHOP_PARTIAL_BASKET);
    for (unsigned n = 0; n < row->lines; n++) {
        struct shop_item before = w->items[row->line[n].item];
        shop_change(w, row->client, &row->line[n], move_hold(row->line[n].quantity));
        if (nothing || (partial && n > 0))
            w->items[row->line[n].item] = before;
    }
    shop_answer(row, OUTCOME_OK, 201, DETAIL_HELD);
    size_t first = row->flags & FLAG_RESENT ? row->of : (size_t)(row - w->rows);
    struct shop_hold *hold = shop_new_hold(w, first);
    if (!hold)
        return;
    hold->last = (size_t)(row - w->rows);
    hold->lost = nothing;
}

static void apply_end(struct shop_world *w, struct shop_row *row, struct shop_hold *hold)
{
    const struct shop_row *reserve = &w->rows[hold->row];
    for (unsigned n = 0; n < row->lines; n++) {
        int64_t held = reserve->line[n].quantity;
        int64_t sold = history_confirms(row->kind) ? row->line[n].quantity : 0;
        shop_change(w, hold->client, &row->line[n], move_end(held, sold));
    }
    hold->state = history_confirms(row->kind) ? DETAIL_CONFIRMED : DETAIL_RELEASED;
    hold->last = hold->end = (size_t)(row - w->rows);
    bool wrong = row->kind == KIND_RELEASE && shop_strikes(w, SHOP_WRONG_STATE);
    shop_answer(row, OUTCOME_OK, 200, wrong ? DETAIL_CONFIRMED : hold->state);
}

/* Takes the units of an expired hold once more, and sells them. */
static void take_again(struct shop_world *w, struct shop_row *row, struct shop_hold *hold)
{
    if (not_there(w, row) || refused(w, row, hold->client))
        return;
    bool nothing = shop_strikes(w, SHOP_NOT_TAKEN);
    for (unsigned n = 0; n < row->lines; n++) {
        struct stock_move move = move_sell(row->line[n].quantity);
        move.available = nothing ? 0 : move.available;
        shop_change(w, hold->client, &row->line[n], move);
    }
    hold->expired[0].version += shop_strikes(w, SHOP_TOLD_WRONGLY);
    hold->state = DETAIL_CONFIRMED;
    hold->last = hold->end = (size_t)(row - w->rows);
    hold->again = true;
    shop_tell_expiry(row, hold);
    shop_answer(row, OUTCOME_OK, 200, DETAIL_CONFIRMED);
}

static void repeat_end(struct shop_world *w, struct shop_row *row, const struct shop_hold *hold)
{
    for (unsigned n = 0; n < row->lines; n++) {
        row->line[n].version = w->rows[hold->end].line[n].version;
        row->line[n].remaining = w->rows[hold->end].line[n].remaining;
    }
    row->flags |= FLAG_REPLAYED;
    shop_tell_expiry(row, hold);
    shop_answer(row, OUTCOME_OK, 200, hold->state);
}

/* A confirm must ask for what the first one asked for. */
static bool asks_for_its_end(const struct shop_world *w, const struct shop_row *row,
                             const struct shop_hold *hold)
{
    bool same = hold->end != SHOP_NONE;
    for (unsigned n = 0; same && history_confirms(row->kind) && n < row->lines; n++)
        same = row->line[n].quantity == w->rows[hold->end].line[n].quantity;
    return same;
}

/* Nothing moves but what comes back, if it does, which nobody may do but for a lie. */
static void touch(struct shop_world *w, struct shop_row *row, const struct shop_hold *hold,
                  bool comes_back)
{
    const struct shop_row *reserve = &w->rows[hold->row];
    for (unsigned n = 0; n < row->lines; n++)
        shop_change(w, hold->client, &row->line[n],
                    move_adjust(comes_back ? reserve->line[n].quantity : 0));
    shop_answer(row, OUTCOME_OK, 200, comes_back ? DETAIL_RELEASED : DETAIL_HELD);
}

/* A lie about a reservation that was released; false when none is to be told. */
static bool lie_about_released(struct shop_world *w, struct shop_row *row,
                               const struct shop_hold *hold)
{
    bool known = w->rows[hold->end].outcome == OUTCOME_OK;
    if (row->kind == KIND_RELEASE && shop_strikes(w, SHOP_RELEASED_TWICE))
        touch(w, row, hold, true);
    else if (row->kind == KIND_EXTEND && known && shop_strikes(w, SHOP_REVIVED))
        touch(w, row, hold, false);
    else if (row->kind == KIND_RELEASE && shop_strikes(w, SHOP_REFUSED_AGAIN))
        shop_answer(row, OUTCOME_FAIL, 409, DETAIL_RELEASED);
    else if (row->kind != KIND_RELEASE && shop_strikes(w, SHOP_ENDS_DIFFER))
        shop_answer(row, OUTCOME_FAIL, 409, DETAIL_CONFIRMED);
    else
        return false;
    return true;
}

static void move_hold_on(struct shop_world *w, struct shop_row *row, struct shop_hold *hold)
{
    if (row->kind != KIND_EXTEND) {
        apply_end(w, row, hold);
        return;
    }
    touch(w, row, hold, false);
    hold->deadline_ns = w->now_ns + shop_world_ttl_ns(w);
    hold->last = (size_t)(row - w->rows);
}

static void apply_change(struct shop_world *w, struct shop_row *row, struct shop_hold *hold)
{
    static const enum hold_ask asks[KINDS] = {[KIND_CONFIRM] = ASK_CONFIRM,
                                              [KIND_RERESERVE] = ASK_RERESERVE,
                                              [KIND_RELEASE] = ASK_RELEASE,
                                              [KIND_EXTEND] = ASK_EXTEND};
    if (hold->state == DETAIL_HELD && hold->deadline_ns < w->now_ns)
        shop_expire(w, hold);
    if (hold->state == DETAIL_RELEASED && lie_about_released(w, row, hold))
        return;
    bool unasked = row->kind == KIND_CONFIRM && hold->state == DETAIL_EXPIRED &&
                   shop_world_armed(w, SHOP_TAKEN_UNASKED);
    switch (rules_step((enum hold_state)(hold->state - DETAIL_HELD),
                       unasked ? ASK_RERESERVE : asks[row->kind], asks_for_its_end(w, row, hold))) {
    case HOLD_MOVES: move_hold_on(w, row, hold); break;
    case HOLD_TAKES_AGAIN: take_again(w, row, hold); break;
    case HOLD_REPEATS: repeat_end(w, row, hold); break;
    case HOLD_REFUSES: shop_answer(row, OUTCOME_FAIL, 409, hold->state); break;
    }
    w->planted |= unasked && row->outcome == OUTCOME_OK;
}

void shop_decide(struct shop_world *w, size_t at, size_t hold)
{
    struct shop_row *row = &w->rows[at];
    if (row->kind == KIND_RESERVE)
        apply_reserve(w, row);
    else if (row->kind == KIND_DECREMENT || row->kind == KIND_ADJUST)
        apply_sale(w, row);
    else if (row->kind == KIND_TRANSFER)
        apply_transfer(w, row);
    else if (row->kind == KIND_DELETE)
        apply_delete(w, row);
    else if (row->kind == KIND_PUT)
        apply_creation(w, row);
    else
        apply_change(w, row, &w->holds[hold]);
}
