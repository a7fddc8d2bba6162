/* shop_clients.c -- what the clients of shop_world.h do, and what becomes of their requests. */
#include "history/reader.h"
#include "support/shop_world.h"

#include <string.h>

#define REQUEST_NS 2000000u /* at most so long before its effect a request begins */

/* What becomes of a request on its way, besides what the server decides. */
enum fate {
    FATE_PLAIN,
    FATE_ASKED_AGAIN,         /* answered, sent again, answered as a replay */
    FATE_ANSWER_LOST,         /* took effect; only the look-up tells */
    FATE_ANSWER_LOST_RESENT,  /* took effect; the second attempt gets the replay */
    FATE_REQUEST_LOST,        /* never took effect; the look-up tells */
    FATE_REQUEST_LOST_RESENT, /* took effect at the second attempt */
    FATE_BUSY,                /* 503 */
};

static void lose_answer(struct shop_row *row)
{
    shop_answer(row, OUTCOME_UNKNOWN, 0, DETAIL_TIMEOUT);
}

/* Sends the request again; it gets the answer that the attempt `done` got, or should have got. */
static void replay(struct shop_world *w, size_t first, size_t done)
{
    size_t at = shop_next_attempt(w, first);
    if (at == SHOP_NONE)
        return;
    struct shop_row *row = &w->rows[at];
    const struct shop_row *was = &w->rows[done];
    memcpy(row->line, was->line, sizeof(row->line));
    memcpy(row->told, was->told, sizeof(row->told));
    row->flags |= FLAG_REPLAYED | (was->flags & FLAG_TOOK_AGAIN);
    shop_answer(row, OUTCOME_OK, was->kind == KIND_RESERVE ? 201 : 200,
                was->kind == KIND_RESERVE ? DETAIL_HELD : was->detail);
}

static enum fate draw_fate(struct shop_world *w)
{
    static const unsigned percent[] = {
        [FATE_PLAIN] = 70,       [FATE_ASKED_AGAIN] = 8,
        [FATE_ANSWER_LOST] = 5,  [FATE_ANSWER_LOST_RESENT] = 5,
        [FATE_REQUEST_LOST] = 4, [FATE_REQUEST_LOST_RESENT] = 4,
        [FATE_BUSY] = 4,
    };
    uint64_t drawn = rng_below(&w->rng, 100);
    unsigned fate = FATE_PLAIN;
    if (w->batch != SHOP_NONE)
        return FATE_PLAIN; /* what befalls a batch befalls all of it */
    for (unsigned sum = percent[0]; drawn >= sum; sum += percent[fate])
        fate++;
    return (enum fate)fate;
}

/* The same key takes effect once more: a second sale. */
static void take_effect_again(struct shop_world *w, size_t first)
{
    size_t at = shop_next_attempt(w, first);
    if (at == SHOP_NONE)
        return;
    shop_change(w, w->rows[at].client, &w->rows[at].line[0],
                move_sell(w->rows[at].line[0].quantity));
    shop_answer(&w->rows[at], OUTCOME_OK, 200, DETAIL_NONE);
    w->planted = true;
}

static void after_effect(struct shop_world *w, size_t first, size_t done, enum fate fate)
{
    bool succeeded = w->rows[done].outcome == OUTCOME_OK;
    bool sale = succeeded && w->rows[done].kind == KIND_DECREMENT;
    if (sale && done == first &&
        (shop_strikes(w, SHOP_BEHIND_REFUSAL) || shop_strikes(w, SHOP_FOUND_AFTER_ALL))) {
        shop_answer(&w->rows[done], OUTCOME_FAIL, 503, DETAIL_UNAVAILABLE);
        return;
    }
    if (sale && done == first && shop_world_armed(w, SHOP_KEY_TWICE)) {
        take_effect_again(w, first);
        return;
    }
    if (fate == FATE_ASKED_AGAIN && succeeded) {
        replay(w, first, done);
    } else if (fate == FATE_ANSWER_LOST) {
        lose_answer(&w->rows[done]);
    } else if (fate == FATE_ANSWER_LOST_RESENT && succeeded) {
        replay(w, first, done);
        lose_answer(&w->rows[done]);
    }
}

/* Sends what the row asks for. hold: number of the reservation that it is about. */
static void request(struct shop_world *w, size_t first, size_t hold)
{
    enum fate fate = draw_fate(w);
    size_t holds = w->hold_count, done = first;
    if (fate == FATE_BUSY) {
        shop_answer(&w->rows[first], OUTCOME_FAIL, 503, DETAIL_UNAVAILABLE);
        return;
    }
    if (fate == FATE_REQUEST_LOST || fate == FATE_REQUEST_LOST_RESENT)
        lose_answer(&w->rows[first]);
    if (fate == FATE_REQUEST_LOST_RESENT)
        done = shop_next_attempt(w, first);
    if (done == SHOP_NONE)
        return;
    if (fate != FATE_REQUEST_LOST) {
        bool planted = w->planted;
        shop_decide(w, done, hold);
        if (w->planted != planted)
            fate = FATE_PLAIN; /* what went wrong is to be seen */
        after_effect(w, first, done, fate);
    }
    bool silent = fate == FATE_ANSWER_LOST || fate == FATE_REQUEST_LOST;
    if (w->hold_count > holds)
        hold = holds;
    else if (w->rows[first].kind == KIND_RESERVE)
        return;
    if (hold == SHOP_NONE)
        return;
    struct shop_hold *about = &w->holds[hold];
    uint64_t over_ns = w->free_ns[w->rows[first].client];
    if (w->hold_count > holds && !silent) {
        about->known = true;
        about->known_ns = over_ns;
    }
    about->unsure |= silent;
    about->free_ns = over_ns > about->free_ns ? over_ns : about->free_ns;
}

static int32_t quantity(struct shop_world *w)
{
    return 1 + (int32_t)rng_below(&w->rng, 3);
}

static void draw_lines(struct shop_world *w, struct shop_row *row, unsigned lines)
{
    unsigned items = w->options->items;
    uint32_t item = (uint32_t)rng_below(&w->rng, items);
    row->lines = lines < items ? lines : items;
    for (unsigned n = 0; n < row->lines; n++)
        row->line[n] = (struct history_line){(item + n) % items, quantity(w), 0, 0};
}

static void look_at_item(struct shop_world *w, struct shop_row *row)
{
    draw_lines(w, row, 1);
    row->line[0].quantity = 0;
    if (w->items[row->line[0].item].now.removed) {
        shop_answer(row, OUTCOME_FAIL, 404, DETAIL_NO_ITEM);
        return;
    }
    shop_quote(w, &row->line[0]);
    shop_answer(row, OUTCOME_OK, 200, DETAIL_NONE);
    if (!shop_world_armed(w, SHOP_STALE_READ))
        return;
    for (size_t i = 0; i < w->row_count / 2; i++) {
        const struct shop_row *old = &w->rows[i];
        if (old->kind != KIND_DECREMENT || old->line[0].item != row->line[0].item ||
            old->outcome != OUTCOME_OK || old->line[0].version + 20 > row->line[0].version)
            continue;
        row->line[0] = old->line[0];
        row->line[0].quantity = 0;
        w->planted = true;
        return;
    }
}

void shop_show(struct shop_world *w, struct shop_row *row, const struct shop_hold *hold,
               size_t pairs, enum history_detail state)
{
    const struct shop_row *reserve = &w->rows[hold->row];
    row->of = hold->row;
    row->lines = reserve->lines;
    memcpy(row->line, pairs == SHOP_NONE ? hold->expired : w->rows[pairs].line, sizeof(row->line));
    for (unsigned n = 0; n < row->lines && state != DETAIL_CONFIRMED; n++)
        row->line[n].quantity = reserve->line[n].quantity; /* of a confirmed one: what was sold */
    if (state == DETAIL_CONFIRMED)
        shop_tell_expiry(row, hold);
    shop_answer(row, OUTCOME_OK, 200, state);
}

static void look_at_hold(struct shop_world *w, struct shop_row *row, const struct shop_hold *hold)
{
    if (hold->end != SHOP_NONE && w->rows[hold->row].outcome == OUTCOME_OK &&
        w->rows[hold->end].outcome == OUTCOME_OK && w->rows[hold->end].end_ns < row->begin_ns &&
        shop_strikes(w, SHOP_STALE_RESERVATION))
        shop_show(w, row, hold, hold->row, DETAIL_HELD);
    else
        shop_show(w, row, hold, hold->last, hold->state);
    if (row->flags & FLAG_TOOK_AGAIN && shop_strikes(w, SHOP_NOT_TOLD))
        row->flags &= (uint8_t)~FLAG_TOOK_AGAIN;
}

/* Whether the client may want something of it: it is its own, or, now and then, another one's whose
 * name was known before the request begins. A rival does not know what its owner is unsure of. */
static bool may_touch(struct shop_world *w, const struct shop_hold *hold, uint32_t client)
{
    if (!hold->known || hold->lost || (w->batch != SHOP_NONE && hold->row >= w->batch))
        return false; /* nobody can name what its own request makes */
    if (hold->client == client)
        return !hold->unsure;
    return hold->known_ns + REQUEST_NS < w->now_ns && shop_chance(w, 10);
}

/* A hold that the client may touch; SHOP_NONE if the first few tried are not. */
static size_t find_hold(struct shop_world *w, uint32_t client)
{
    for (int tries = 0; tries < 12 && w->hold_count > 0; tries++) {
        size_t back = rng_below(&w->rng, w->hold_count < 60 ? w->hold_count : 60);
        const struct shop_hold *hold = &w->holds[w->hold_count - 1 - back];
        if (may_touch(w, hold, client))
            return (size_t)(hold - w->holds);
    }
    return SHOP_NONE;
}

/* One that has expired, or that was taken again after it had; else as above. */
static size_t find_expired(struct shop_world *w, uint32_t client, bool again)
{
    size_t from = w->hold_count > 0 ? rng_below(&w->rng, w->hold_count) : 0;
    for (size_t i = 0; i < w->hold_count; i++) {
        const struct shop_hold *hold = &w->holds[(from + i) % w->hold_count];
        bool fits = again ? hold->again : hold->state == DETAIL_EXPIRED;
        if (fits && may_touch(w, hold, client))
            return (size_t)(hold - w->holds);
    }
    return find_hold(w, client);
}

/* A hold for a request of that kind. */
static size_t find_for(struct shop_world *w, uint32_t client, enum history_kind kind)
{
    bool looks = kind == KIND_GET_RESERVATION;
    if (looks && (shop_world_armed(w, SHOP_NOT_TOLD) || shop_chance(w, 10)))
        return find_expired(w, client, true);
    if ((kind == KIND_RERESERVE && shop_chance(w, 50)) ||
        (kind == KIND_CONFIRM && shop_world_armed(w, SHOP_TAKEN_UNASKED)))
        return find_expired(w, client, false);
    return find_hold(w, client);
}

static void act_on_hold(struct shop_world *w, uint32_t client)
{
    static const enum history_kind kinds[] = {KIND_CONFIRM,         KIND_RELEASE, KIND_EXTEND,
                                              KIND_GET_RESERVATION, KIND_RELEASE, KIND_RERESERVE};
    enum history_kind kind = kinds[rng_below(&w->rng, 6)];
    size_t hold = find_for(w, client, kind);
    if (hold == SHOP_NONE)
        return;
    size_t at = shop_attempt(w, client, kind);
    if (at == SHOP_NONE)
        return;
    struct shop_row *row = &w->rows[at];
    const struct shop_row *reserve = &w->rows[w->holds[hold].row];
    if (row->kind == KIND_GET_RESERVATION) {
        look_at_hold(w, row, &w->holds[hold]);
        return;
    }
    row->of = w->holds[hold].row;
    row->lines = reserve->lines;
    for (unsigned n = 0; n < row->lines; n++) {
        int32_t sold = reserve->line[n].quantity;
        if (history_confirms(row->kind) && shop_chance(w, 30) && sold > 1)
            sold--;
        row->line[n] = (struct history_line){reserve->line[n].item, sold, 0, 0};
    }
    size_t end = w->holds[hold].end;
    if (end != SHOP_NONE)
        row->flags |= FLAG_AGAIN;
    for (unsigned n = 0; end != SHOP_NONE && shop_chance(w, 90) && n < row->lines; n++)
        row->line[n].quantity = w->rows[end].line[n].quantity; /* other ones are refused */
    request(w, at, hold);
}

/* Two baskets at one time that take two items in different orders. */
void shop_cross_baskets(struct shop_world *w)
{
    size_t at[2];
    uint64_t now_ns = w->now_ns;
    for (uint32_t i = 0; i < 2; i++) {
        w->now_ns = now_ns > w->free_ns[i] ? now_ns : w->free_ns[i] + 2;
        now_ns = w->now_ns;
        at[i] = shop_attempt(w, i, KIND_RESERVE);
        if (at[i] == SHOP_NONE)
            return;
        draw_lines(w, &w->rows[at[i]], 2);
        for (unsigned n = 0; n < 2; n++)
            w->rows[at[i]].line[n] = (struct history_line){n, 1, 0, 0};
    }
    for (int i = 0; i < 2; i++) {
        w->rows[at[i]].begin_ns = now_ns - 1;
        w->rows[at[i]].end_ns = w->free_ns[0] > w->free_ns[1] ? w->free_ns[0] : w->free_ns[1];
        shop_answer(&w->rows[at[i]], OUTCOME_OK, 201, DETAIL_HELD);
    }
    w->free_ns[0] = w->free_ns[1] = w->rows[at[0]].end_ns;
    for (unsigned n = 0; n < 2; n++) {
        for (unsigned i = 0; i < 2; i++)
            shop_change(w, (i + n) % 2, &w->rows[at[(i + n) % 2]].line[n], move_hold(1));
    }
    w->planted = shop_new_hold(w, at[0]) && shop_new_hold(w, at[1]);
}

/* Mostly what can be done: a delete, or the creation of what is gone. */
static void act_on_item(struct shop_world *w, uint32_t client)
{
    uint32_t item = (uint32_t)rng_below(&w->rng, w->options->items);
    bool creates = w->items[item].now.removed != shop_chance(w, 15);
    size_t at = shop_attempt(w, client, creates ? KIND_PUT : KIND_DELETE);
    if (at == SHOP_NONE)
        return;
    w->rows[at].lines = 1;
    w->rows[at].line[0] = (struct history_line){.item = item, .quantity = creates ? 6 : 0};
    request(w, at, SHOP_NONE);
}

void shop_act(struct shop_world *w, uint32_t client)
{
    if (w->options->removes && shop_chance(w, 30)) {
        act_on_item(w, client);
        return;
    }
    uint64_t drawn = rng_below(&w->rng, 100);
    if (drawn >= 62) {
        act_on_hold(w, client);
        return;
    }
    if (w->batch != SHOP_NONE && drawn >= 48)
        drawn = 0; /* no batch gets an item */
    bool transfers = drawn >= 44 && drawn < 48 && w->options->items > 1;
    size_t at = shop_attempt(w, client,
                             transfers    ? KIND_TRANSFER
                             : drawn < 14 ? KIND_DECREMENT
                             : drawn < 18 ? KIND_ADJUST
                             : drawn < 48 ? KIND_RESERVE
                                          : KIND_GET_ITEM);
    if (at == SHOP_NONE)
        return;
    struct shop_row *row = &w->rows[at];
    if (row->kind == KIND_GET_ITEM) {
        look_at_item(w, row);
        return;
    }
    bool basket = row->kind == KIND_RESERVE && shop_chance(w, 40);
    draw_lines(w, row, basket ? SHOP_LINES_MAX - shop_chance(w, 50) : transfers ? 2 : 1);
    if (row->kind == KIND_ADJUST)
        row->line[0].quantity = (int32_t)rng_below(&w->rng, 9) - 4;
    if (row->line[0].quantity == 0)
        row->line[0].quantity = 5;
    if (transfers)
        row->line[0].quantity = -row->line[1].quantity;
    request(w, at, SHOP_NONE);
}
