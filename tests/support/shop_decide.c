/* shop_decide.c -- what the server of shop_world.h decides about a request, now. */
#include "history/reader.h"
#include "support/shop_world.h"

/* Refuses with all lines for which there is not enough; false when there is enough of all. */
static bool sold_out(struct shop_world *w, struct shop_row *row)
{
    bool enough = true;
    for (unsigned n = 0; n < row->lines; n++) {
        struct history_line *line = &row->line[n];
        int64_t wanted = row->kind == KIND_ADJUST ? -line->quantity : line->quantity;
        bool wrongly = shop_world_armed(w, SHOP_REFUSED_WRONGLY) && row->kind == KIND_DECREMENT;
        if (w->items[line->item].available >= wanted && !wrongly)
            continue;
        w->planted |= wrongly && w->items[line->item].available >= wanted;
        enough = false;
        line->version = w->items[line->item].version;
        line->remaining = w->items[line->item].available;
    }
    if (!enough)
        shop_answer(row, OUTCOME_FAIL, 409, DETAIL_NO_STOCK);
    return !enough;
}

/* Refuses if one of its items is gone. */
static bool not_there(struct shop_world *w, struct shop_row *row)
{
    bool gone = false;
    for (unsigned n = 0; n < row->lines; n++)
        gone |= w->items[row->line[n].item].gone;
    if (gone)
        shop_answer(row, OUTCOME_FAIL, 404, DETAIL_NO_ITEM);
    return gone;
}

static void apply_delete(struct shop_world *w, struct shop_row *row)
{
    struct shop_item *item = &w->items[row->line[0].item];
    if (not_there(w, row))
        return;
    if (item->held > 0) {
        shop_answer(row, OUTCOME_FAIL, 409, DETAIL_IN_USE);
        return;
    }
    *item = (struct shop_item){.version = item->version + 1, .gone = true};
    shop_answer(row, OUTCOME_OK, 204, DETAIL_NONE);
}

static void apply_creation(struct shop_world *w, struct shop_row *row)
{
    struct shop_item *item = &w->items[row->line[0].item];
    if (!item->gone) {
        shop_answer(row, OUTCOME_FAIL, 412, DETAIL_EXISTS);
        return;
    }
    item->gone = false;
    shop_change(w, row->client, &row->line[0], row->line[0].quantity, 0, 0);
    shop_answer(row, OUTCOME_OK, 201, DETAIL_NONE);
}

/* Refuses with all lines of which the customer has enough; false when it may have more of all. */
static bool has_enough(struct shop_world *w, struct shop_row *row, uint32_t client)
{
    bool over = false;
    for (unsigned n = 0; n < row->lines; n++) {
        struct history_line *line = &row->line[n];
        int64_t limit = shop_limit(w, line->item), used = *shop_used(w, client, line->item);
        bool within = limit == 0 || used + line->quantity <= limit;
        bool wrongly = within && limit > 0 && shop_world_armed(w, SHOP_LIMITED_WRONGLY);
        if (within && !wrongly)
            continue;
        over = true;
        bool wrong = !within && shop_world_armed(w, SHOP_WRONG_USE);
        w->planted |= wrongly || wrong || w->items[line->item].off[client % SHOP_CUSTOMERS];
        line->version = w->items[line->item].version;
        line->remaining = used + wrong;
    }
    if (over)
        shop_answer(row, OUTCOME_FAIL, 409, DETAIL_LIMIT);
    return over;
}

/* Whether the limits are forgotten this time, where it makes a difference. */
static bool ignores_limits(struct shop_world *w, const struct shop_row *row)
{
    const struct history_line *line = &row->line[0];
    int64_t limit = shop_limit(w, line->item), left = w->items[line->item].available;
    if (row->lines > 1 || limit == 0 ||
        *shop_used(w, row->client, line->item) + line->quantity <= limit)
        return false;
    enum shop_fault fault = left < line->quantity ? SHOP_STOCK_FIRST : SHOP_LIMIT_IGNORED;
    bool ignores = shop_world_armed(w, fault);
    w->planted |= ignores;
    return ignores;
}

/* First the limits, then the stock. */
static bool refused(struct shop_world *w, struct shop_row *row)
{
    bool counts = row->kind != KIND_ADJUST && !ignores_limits(w, row);
    return (counts && has_enough(w, row, row->client)) || sold_out(w, row);
}

static void apply_sale(struct shop_world *w, struct shop_row *row)
{
    if (not_there(w, row) || refused(w, row))
        return;
    int64_t quantity = row->line[0].quantity;
    struct shop_item before = w->items[row->line[0].item];
    if (row->kind == KIND_ADJUST)
        shop_change(w, row->client, &row->line[0], quantity, 0, 0);
    else
        shop_change(w, row->client, &row->line[0], -quantity, 0, quantity);
    if (row->kind == KIND_DECREMENT && shop_world_armed(w, SHOP_VERSION_TWICE)) {
        w->planted = true;
        w->items[row->line[0].item] = before;
    }
    shop_answer(row, OUTCOME_OK, 200, DETAIL_NONE);
}

static void apply_reserve(struct shop_world *w, struct shop_row *row)
{
    if (not_there(w, row) || refused(w, row))
        return;
    bool nothing = row->lines == 1 && shop_world_armed(w, SHOP_NOT_STORED);
    bool partial = row->lines > 1 && shop_world_armed(w, SHOP_PARTIAL_BASKET);
    for (unsigned n = 0; n < row->lines; n++) {
        struct shop_item before = w->items[row->line[n].item];
        shop_change(w, row->client, &row->line[n], -row->line[n].quantity, row->line[n].quantity,
                    0);
        if (nothing || (partial && n > 0))
            w->items[row->line[n].item] = before;
    }
    w->planted |= nothing || partial;
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
        shop_change(w, hold->client, &row->line[n], held - sold, -held, sold);
    }
    hold->state = history_confirms(row->kind) ? DETAIL_CONFIRMED : DETAIL_RELEASED;
    hold->last = hold->end = (size_t)(row - w->rows);
    bool wrong = row->kind == KIND_RELEASE && shop_world_armed(w, SHOP_WRONG_STATE);
    w->planted |= wrong;
    shop_answer(row, OUTCOME_OK, 200, wrong ? DETAIL_CONFIRMED : hold->state);
}

/* Takes the units of an expired hold once more, and sells them. */
static void take_again(struct shop_world *w, struct shop_row *row, struct shop_hold *hold)
{
    if (not_there(w, row) || has_enough(w, row, hold->client) || sold_out(w, row))
        return;
    bool nothing = shop_world_armed(w, SHOP_NOT_TAKEN);
    for (unsigned n = 0; n < row->lines; n++) {
        int64_t sold = row->line[n].quantity;
        shop_change(w, hold->client, &row->line[n], nothing ? 0 : -sold, 0, sold);
    }
    bool wrong = shop_world_armed(w, SHOP_TOLD_WRONGLY);
    hold->expired[0].version += wrong;
    hold->state = DETAIL_CONFIRMED;
    hold->last = hold->end = (size_t)(row - w->rows);
    hold->again = true;
    w->planted |= nothing || wrong;
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
    if (row->kind == KIND_RELEASE)
        return hold->state == DETAIL_RELEASED;
    bool same = history_confirms(row->kind) && hold->state == DETAIL_CONFIRMED;
    for (unsigned n = 0; same && n < row->lines; n++)
        same = row->line[n].quantity == w->rows[hold->end].line[n].quantity;
    return same;
}

static void apply_change(struct shop_world *w, struct shop_row *row, struct shop_hold *hold)
{
    if (hold->state == DETAIL_HELD && hold->deadline_ns < w->now_ns)
        shop_expire(w, hold);
    if (hold->state == DETAIL_HELD && row->kind == KIND_EXTEND) {
        for (unsigned n = 0; n < row->lines; n++)
            shop_change(w, hold->client, &row->line[n], 0, 0, 0);
        hold->deadline_ns = w->now_ns + shop_world_ttl_ns(w);
        hold->last = (size_t)(row - w->rows);
        shop_answer(row, OUTCOME_OK, 200, DETAIL_HELD);
    } else if (hold->state == DETAIL_HELD) {
        apply_end(w, row, hold);
    } else if (hold->state == DETAIL_EXPIRED && row->kind == KIND_RERESERVE) {
        take_again(w, row, hold);
    } else if (hold->state == DETAIL_EXPIRED && row->kind == KIND_CONFIRM &&
               shop_world_armed(w, SHOP_TAKEN_UNASKED)) {
        take_again(w, row, hold);
        w->planted = row->outcome == OUTCOME_OK;
    } else if (row->kind == KIND_RELEASE && hold->state == DETAIL_RELEASED &&
               shop_world_armed(w, SHOP_RELEASED_TWICE)) {
        w->planted = true;
        for (unsigned n = 0; n < row->lines; n++)
            shop_change(w, hold->client, &row->line[n], w->rows[hold->row].line[n].quantity, 0, 0);
        shop_answer(row, OUTCOME_OK, 200, DETAIL_RELEASED);
    } else if (row->kind == KIND_RELEASE && hold->state == DETAIL_RELEASED &&
               shop_world_armed(w, SHOP_REFUSED_AGAIN)) {
        w->planted = true;
        shop_answer(row, OUTCOME_FAIL, 409, DETAIL_RELEASED);
    } else if (row->kind == KIND_EXTEND && hold->state == DETAIL_RELEASED &&
               w->rows[hold->end].outcome == OUTCOME_OK && shop_world_armed(w, SHOP_REVIVED)) {
        w->planted = true;
        for (unsigned n = 0; n < row->lines; n++)
            shop_change(w, hold->client, &row->line[n], 0, 0, 0);
        shop_answer(row, OUTCOME_OK, 200, DETAIL_HELD);
    } else if (asks_for_its_end(w, row, hold)) {
        repeat_end(w, row, hold);
    } else {
        bool differ = hold->state == DETAIL_RELEASED && shop_world_armed(w, SHOP_ENDS_DIFFER);
        w->planted |= differ;
        shop_answer(row, OUTCOME_FAIL, 409, differ ? DETAIL_CONFIRMED : hold->state);
    }
}

void shop_decide(struct shop_world *w, size_t at, size_t hold)
{
    struct shop_row *row = &w->rows[at];
    if (row->kind == KIND_RESERVE)
        apply_reserve(w, row);
    else if (row->kind == KIND_DECREMENT || row->kind == KIND_ADJUST)
        apply_sale(w, row);
    else if (row->kind == KIND_DELETE)
        apply_delete(w, row);
    else if (row->kind == KIND_PUT)
        apply_creation(w, row);
    else
        apply_change(w, row, &w->holds[hold]);
}
