/* shop_world.c -- see shop_world.h. */
#include "support/shop_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MS     1000000u
#define TTL_MS 400u

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

uint64_t shop_world_ttl_ns(void)
{
    return (uint64_t)TTL_MS * MS;
}

static bool chance(struct shop_world *w, unsigned percent)
{
    return rng_below(&w->rng, 100) < percent;
}

static uint64_t some_time(struct shop_world *w)
{
    return 1 + rng_below(&w->rng, 4 * MS);
}

struct shop_row *shop_world_row(struct shop_world *w)
{
    if (w->row_count == w->row_cap) {
        size_t cap = w->row_cap ? w->row_cap * 2 : 256;
        struct shop_row *rows = realloc(w->rows, cap * sizeof(*rows));
        if (!rows) {
            w->no_memory = true;
            return NULL;
        }
        w->rows = rows;
        w->row_cap = cap;
    }
    struct shop_row *row = &w->rows[w->row_count++];
    *row = (struct shop_row){.of = SHOP_NONE, .phase = PHASE_LOAD};
    return row;
}

bool shop_world_armed(const struct shop_world *w, enum shop_fault fault)
{
    return w->options->fault == fault && !w->planted && w->row_count > w->options->steps / 3;
}

/* The row of an attempt that takes effect now, by a client that has nothing else to do. */
static size_t new_attempt(struct shop_world *w, uint32_t client, enum history_kind kind)
{
    struct shop_row *row = shop_world_row(w);
    if (!row)
        return SHOP_NONE;
    row->kind = kind;
    row->client = client;
    row->seq = ++w->seq[client];
    row->begin_ns = w->now_ns - some_time(w) / 2;
    if (row->begin_ns <= w->free_ns[client])
        row->begin_ns = w->free_ns[client] + 1;
    row->end_ns = w->now_ns + some_time(w) / 2 + 1;
    w->free_ns[client] = row->end_ns;
    return (size_t)(row - w->rows);
}

/* The same request once more, taking effect, if at all, after the attempt before it. */
static size_t next_attempt(struct shop_world *w, size_t first)
{
    uint32_t client = w->rows[first].client;
    w->now_ns = w->free_ns[client] + some_time(w);
    size_t at = new_attempt(w, client, w->rows[first].kind);
    if (at == SHOP_NONE)
        return at;
    struct shop_row *row = &w->rows[at], *root = &w->rows[first];
    row->seq = root->seq;
    w->seq[client]--;
    row->flags = FLAG_RESENT;
    row->of = first;
    row->lines = root->lines;
    for (unsigned n = 0; n < root->lines; n++)
        row->line[n] = (struct history_line){root->line[n].item, root->line[n].quantity, 0, 0};
    return at;
}

/* One transition of one item, quoted in the line. */
static void change(struct shop_world *w, struct history_line *line, int64_t available, int64_t held,
                   int64_t sold)
{
    struct shop_item *item = &w->items[line->item];
    item->version++;
    item->available += available;
    item->held += held;
    item->sold += sold;
    item->on_hand = item->available + item->held;
    line->version = item->version;
    line->remaining = item->available;
}

static struct shop_hold *new_hold(struct shop_world *w, size_t row)
{
    if (w->hold_count == w->hold_cap) {
        size_t cap = w->hold_cap ? w->hold_cap * 2 : 64;
        struct shop_hold *holds = realloc(w->holds, cap * sizeof(*holds));
        if (!holds) {
            w->no_memory = true;
            return NULL;
        }
        w->holds = holds;
        w->hold_cap = cap;
    }
    struct shop_hold *hold = &w->holds[w->hold_count++];
    *hold = (struct shop_hold){.row = row, .end = SHOP_NONE, .last = row};
    hold->state = DETAIL_HELD;
    hold->client = w->rows[row].client;
    hold->deadline_ns = w->now_ns + shop_world_ttl_ns();
    return hold;
}

static void expire(struct shop_world *w, struct shop_hold *hold)
{
    const struct shop_row *reserve = &w->rows[hold->row];
    hold->state = DETAIL_EXPIRED;
    hold->last = SHOP_NONE;
    for (unsigned n = 0; n < reserve->lines; n++) {
        hold->expired[n] = (struct history_line){reserve->line[n].item, 0, 0, 0};
        change(w, &hold->expired[n], reserve->line[n].quantity, -reserve->line[n].quantity, 0);
    }
}

/* Time goes on; holds run out on the way, each at its own moment. */
static void tick(struct shop_world *w, uint64_t until_ns)
{
    w->now_ns = until_ns;
    for (size_t i = 0; i < w->hold_count; i++) {
        struct shop_hold *hold = &w->holds[i];
        if (hold->state != DETAIL_HELD || hold->lost)
            continue;
        if (shop_world_armed(w, SHOP_EARLY_EXPIRY) && hold->known && hold->free_ns < w->now_ns) {
            w->planted = true;
            expire(w, hold);
        } else if (hold->deadline_ns < w->now_ns && chance(w, 50)) {
            expire(w, hold);
        }
    }
}

/* --- what the server decides, now --- */

static void answer(struct shop_row *row, enum history_outcome outcome, unsigned status,
                   enum history_detail detail)
{
    row->outcome = outcome;
    row->status = (uint16_t)status;
    row->detail = detail;
}

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
        answer(row, OUTCOME_FAIL, 409, DETAIL_NO_STOCK);
    return !enough;
}

static void apply_sale(struct shop_world *w, struct shop_row *row)
{
    if (sold_out(w, row))
        return;
    int64_t quantity = row->line[0].quantity;
    struct shop_item before = w->items[row->line[0].item];
    if (row->kind == KIND_ADJUST)
        change(w, &row->line[0], quantity, 0, 0);
    else
        change(w, &row->line[0], -quantity, 0, quantity);
    if (row->kind == KIND_DECREMENT && shop_world_armed(w, SHOP_VERSION_TWICE)) {
        w->planted = true;
        w->items[row->line[0].item] = before;
    }
    answer(row, OUTCOME_OK, 200, DETAIL_NONE);
}

static void apply_reserve(struct shop_world *w, struct shop_row *row)
{
    if (sold_out(w, row))
        return;
    bool nothing = row->lines == 1 && shop_world_armed(w, SHOP_NOT_STORED);
    bool partial = row->lines > 1 && shop_world_armed(w, SHOP_PARTIAL_BASKET);
    for (unsigned n = 0; n < row->lines; n++) {
        struct shop_item before = w->items[row->line[n].item];
        change(w, &row->line[n], -row->line[n].quantity, row->line[n].quantity, 0);
        if (nothing || (partial && n > 0))
            w->items[row->line[n].item] = before;
    }
    w->planted |= nothing || partial;
    answer(row, OUTCOME_OK, 201, DETAIL_HELD);
    size_t first = row->flags & FLAG_RESENT ? row->of : (size_t)(row - w->rows);
    struct shop_hold *hold = new_hold(w, first);
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
        int64_t sold = row->kind == KIND_CONFIRM ? row->line[n].quantity : 0;
        change(w, &row->line[n], held - sold, -held, sold);
    }
    hold->state = row->kind == KIND_CONFIRM ? DETAIL_CONFIRMED : DETAIL_RELEASED;
    hold->last = hold->end = (size_t)(row - w->rows);
    answer(row, OUTCOME_OK, 200, hold->state);
}

static void repeat_end(struct shop_world *w, struct shop_row *row, const struct shop_hold *hold)
{
    for (unsigned n = 0; n < row->lines; n++) {
        row->line[n].version = w->rows[hold->end].line[n].version;
        row->line[n].remaining = w->rows[hold->end].line[n].remaining;
    }
    row->flags |= FLAG_REPLAYED;
    answer(row, OUTCOME_OK, 200, hold->state);
}

static void apply_change(struct shop_world *w, struct shop_row *row, struct shop_hold *hold)
{
    if (hold->state == DETAIL_HELD && hold->deadline_ns < w->now_ns)
        expire(w, hold);
    if (hold->state == DETAIL_HELD && row->kind == KIND_EXTEND) {
        for (unsigned n = 0; n < row->lines; n++)
            change(w, &row->line[n], 0, 0, 0);
        hold->deadline_ns = w->now_ns + shop_world_ttl_ns();
        hold->last = (size_t)(row - w->rows);
        answer(row, OUTCOME_OK, 200, DETAIL_HELD);
    } else if (hold->state == DETAIL_HELD) {
        apply_end(w, row, hold);
    } else if (row->kind == KIND_RELEASE && hold->state == DETAIL_RELEASED &&
               shop_world_armed(w, SHOP_RELEASED_TWICE)) {
        w->planted = true;
        for (unsigned n = 0; n < row->lines; n++)
            change(w, &row->line[n], w->rows[hold->row].line[n].quantity, 0, 0);
        answer(row, OUTCOME_OK, 200, DETAIL_RELEASED);
    } else if ((row->kind == KIND_CONFIRM && hold->state == DETAIL_CONFIRMED) ||
               (row->kind == KIND_RELEASE && hold->state == DETAIL_RELEASED)) {
        repeat_end(w, row, hold);
    } else {
        bool differ = hold->state == DETAIL_RELEASED && shop_world_armed(w, SHOP_ENDS_DIFFER);
        w->planted |= differ;
        answer(row, OUTCOME_FAIL, 409, differ ? DETAIL_CONFIRMED : hold->state);
    }
}

static void apply(struct shop_world *w, size_t at, size_t hold)
{
    struct shop_row *row = &w->rows[at];
    if (row->kind == KIND_RESERVE)
        apply_reserve(w, row);
    else if (row->kind == KIND_DECREMENT || row->kind == KIND_ADJUST)
        apply_sale(w, row);
    else
        apply_change(w, row, &w->holds[hold]);
}

/* --- what becomes of requests --- */

static void lose_answer(struct shop_row *row)
{
    answer(row, OUTCOME_UNKNOWN, 0, DETAIL_TIMEOUT);
}

/* Sends the request again; it gets the answer that the attempt `done` got, or should have got. */
static void replay(struct shop_world *w, size_t first, size_t done)
{
    size_t at = next_attempt(w, first);
    if (at == SHOP_NONE)
        return;
    struct shop_row *row = &w->rows[at];
    const struct shop_row *was = &w->rows[done];
    memcpy(row->line, was->line, sizeof(row->line));
    row->flags |= FLAG_REPLAYED;
    answer(row, OUTCOME_OK, was->kind == KIND_RESERVE ? 201 : 200,
           was->kind == KIND_RESERVE ? DETAIL_HELD : was->detail);
}

static enum fate draw_fate(struct shop_world *w)
{
    static const unsigned percent[] = {
        [FATE_PLAIN] = 70,       [FATE_ASKED_AGAIN] = 8,         [FATE_ANSWER_LOST] = 5,
        [FATE_ANSWER_LOST_RESENT] = 5, [FATE_REQUEST_LOST] = 4,
        [FATE_REQUEST_LOST_RESENT] = 4, [FATE_BUSY] = 4,
    };
    uint64_t drawn = rng_below(&w->rng, 100);
    unsigned fate = FATE_PLAIN;
    for (unsigned sum = percent[0]; drawn >= sum; sum += percent[fate])
        fate++;
    return (enum fate)fate;
}

/* The same key takes effect once more: a second sale. */
static void take_effect_again(struct shop_world *w, size_t first)
{
    size_t at = next_attempt(w, first);
    if (at == SHOP_NONE)
        return;
    change(w, &w->rows[at].line[0], -w->rows[at].line[0].quantity, 0,
           w->rows[at].line[0].quantity);
    answer(&w->rows[at], OUTCOME_OK, 200, DETAIL_NONE);
    w->planted = true;
}

static void after_effect(struct shop_world *w, size_t first, size_t done, enum fate fate)
{
    bool succeeded = w->rows[done].outcome == OUTCOME_OK;
    bool sale = succeeded && w->rows[done].kind == KIND_DECREMENT;
    if (sale && done == first &&
        (shop_world_armed(w, SHOP_BEHIND_REFUSAL) || shop_world_armed(w, SHOP_FOUND_AFTER_ALL))) {
        w->planted = true;
        answer(&w->rows[done], OUTCOME_FAIL, 503, DETAIL_UNAVAILABLE);
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
        answer(&w->rows[first], OUTCOME_FAIL, 503, DETAIL_UNAVAILABLE);
        return;
    }
    if (fate == FATE_REQUEST_LOST || fate == FATE_REQUEST_LOST_RESENT)
        lose_answer(&w->rows[first]);
    if (fate == FATE_REQUEST_LOST_RESENT)
        done = next_attempt(w, first);
    if (done == SHOP_NONE)
        return;
    if (fate != FATE_REQUEST_LOST) {
        apply(w, done, hold);
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
    about->known |= w->hold_count > holds && !silent;
    about->unsure |= silent;
    about->free_ns = w->free_ns[about->client];
}

/* --- what clients do --- */

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
    const struct shop_item *item = &w->items[row->line[0].item];
    row->line[0].version = item->version;
    row->line[0].remaining = item->available;
    answer(row, OUTCOME_OK, 200, DETAIL_NONE);
    if (!shop_world_armed(w, SHOP_STALE_READ))
        return;
    for (size_t i = 0; i < w->row_count / 2; i++) {
        const struct shop_row *old = &w->rows[i];
        if (old->kind != KIND_DECREMENT || old->line[0].item != row->line[0].item ||
            old->outcome != OUTCOME_OK || old->line[0].version + 20 > item->version)
            continue;
        row->line[0] = old->line[0];
        row->line[0].quantity = 0;
        w->planted = true;
        return;
    }
}

/* Shows the hold as the row `pairs` left it, or as it expired. */
static void show_hold(struct shop_world *w, struct shop_row *row, const struct shop_hold *hold,
                      size_t pairs, enum history_detail state)
{
    const struct shop_row *reserve = &w->rows[hold->row];
    row->of = hold->row;
    row->lines = reserve->lines;
    memcpy(row->line, pairs == SHOP_NONE ? hold->expired : w->rows[pairs].line,
           sizeof(row->line));
    for (unsigned n = 0; n < row->lines; n++)
        row->line[n].quantity = reserve->line[n].quantity;
    answer(row, OUTCOME_OK, 200, state);
}

static void look_at_hold(struct shop_world *w, struct shop_row *row, const struct shop_hold *hold)
{
    bool stale = hold->end != SHOP_NONE && shop_world_armed(w, SHOP_STALE_RESERVATION) &&
                 w->rows[hold->row].outcome == OUTCOME_OK &&
                 w->rows[hold->end].outcome == OUTCOME_OK &&
                 w->rows[hold->end].end_ns < row->begin_ns;
    w->planted |= stale;
    if (stale)
        show_hold(w, row, hold, hold->row, DETAIL_HELD);
    else
        show_hold(w, row, hold, hold->last, hold->state);
}

/* A hold of this client that it knows; SHOP_NONE if the first few tried are not. */
static size_t find_hold(struct shop_world *w, uint32_t client)
{
    for (int tries = 0; tries < 12 && w->hold_count > 0; tries++) {
        size_t back = rng_below(&w->rng, w->hold_count < 60 ? w->hold_count : 60);
        const struct shop_hold *hold = &w->holds[w->hold_count - 1 - back];
        if (hold->client == client && hold->known && !hold->unsure && !hold->lost)
            return (size_t)(hold - w->holds);
    }
    return SHOP_NONE;
}

static void act_on_hold(struct shop_world *w, uint32_t client)
{
    static const enum history_kind kinds[] = {KIND_CONFIRM, KIND_RELEASE, KIND_EXTEND,
                                              KIND_GET_RESERVATION, KIND_RELEASE};
    size_t hold = find_hold(w, client);
    if (hold == SHOP_NONE)
        return;
    size_t at = new_attempt(w, client, kinds[rng_below(&w->rng, 5)]);
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
        if (row->kind == KIND_CONFIRM && chance(w, 30) && sold > 1)
            sold--;
        row->line[n] = (struct history_line){reserve->line[n].item, sold, 0, 0};
    }
    size_t end = w->holds[hold].end;
    if (end != SHOP_NONE) {
        row->flags |= FLAG_AGAIN;
        for (unsigned n = 0; n < row->lines; n++) /* other lines would be refused */
            row->line[n].quantity = w->rows[end].line[n].quantity;
    }
    request(w, at, hold);
}

/* Two baskets at one time that take two items in different orders. */
static void cross_baskets(struct shop_world *w)
{
    size_t at[2];
    uint64_t now_ns = w->now_ns;
    for (uint32_t i = 0; i < 2; i++) {
        w->now_ns = now_ns > w->free_ns[i] ? now_ns : w->free_ns[i] + 2;
        now_ns = w->now_ns;
        at[i] = new_attempt(w, i, KIND_RESERVE);
        if (at[i] == SHOP_NONE)
            return;
        draw_lines(w, &w->rows[at[i]], 2);
        for (unsigned n = 0; n < 2; n++)
            w->rows[at[i]].line[n] = (struct history_line){n, 1, 0, 0};
    }
    for (int i = 0; i < 2; i++) {
        w->rows[at[i]].begin_ns = now_ns - 1;
        w->rows[at[i]].end_ns = w->free_ns[0] > w->free_ns[1] ? w->free_ns[0] : w->free_ns[1];
        answer(&w->rows[at[i]], OUTCOME_OK, 201, DETAIL_HELD);
    }
    w->free_ns[0] = w->free_ns[1] = w->rows[at[0]].end_ns;
    for (unsigned n = 0; n < 2; n++) {
        for (unsigned i = 0; i < 2; i++)
            change(w, &w->rows[at[(i + n) % 2]].line[n], -1, 1, 0);
    }
    w->planted = new_hold(w, at[0]) && new_hold(w, at[1]);
}

static void act(struct shop_world *w, uint32_t client)
{
    uint64_t drawn = rng_below(&w->rng, 100);
    if (drawn >= 62) {
        act_on_hold(w, client);
        return;
    }
    size_t at = new_attempt(w, client, drawn < 14   ? KIND_DECREMENT
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
    draw_lines(w, row, row->kind == KIND_RESERVE && chance(w, 40) ? SHOP_LINES_MAX - chance(w, 50)
                                                                  : 1);
    if (row->kind == KIND_ADJUST)
        row->line[0].quantity = (int32_t)rng_below(&w->rng, 9) - 4;
    if (row->line[0].quantity == 0)
        row->line[0].quantity = 5;
    request(w, at, SHOP_NONE);
}

static void create_items(struct shop_world *w)
{
    for (uint32_t i = 0; i < w->options->items; i++) {
        w->now_ns += MS;
        size_t at = new_attempt(w, 0, KIND_PUT);
        if (at == SHOP_NONE)
            return;
        struct shop_row *row = &w->rows[at];
        row->phase = PHASE_SETUP;
        row->lines = 1;
        row->line[0] = (struct history_line){i, (int32_t)w->options->stock, 0, 0};
        change(w, &row->line[0], w->options->stock, 0, 0);
        answer(row, OUTCOME_OK, 201, DETAIL_NONE);
        w->now_ns = w->free_ns[0] + 1;
    }
}

void shop_world_run(struct shop_world *w)
{
    create_items(w);
    if (w->options->fault == SHOP_NOBODY_THERE)
        return;
    while (w->row_count < w->options->steps && !w->no_memory) {
        tick(w, w->now_ns + some_time(w) / 2);
        if (shop_world_armed(w, SHOP_CROSSED_BASKETS) && w->items[0].available > 1 &&
            w->items[1].available > 1)
            cross_baskets(w);
        uint32_t client = (uint32_t)rng_below(&w->rng, w->options->clients);
        if (w->free_ns[client] < w->now_ns)
            act(w, client);
    }
    for (uint32_t i = 0; i < w->options->clients; i++)
        w->now_ns = w->free_ns[i] >= w->now_ns ? w->free_ns[i] + 1 : w->now_ns;
    tick(w, w->now_ns + MS);
}

int shop_world_make(struct shop_world *w, const struct shop_options *options)
{
    *w = (struct shop_world){.options = options, .now_ns = 10 * MS};
    rng_seed(&w->rng, options->seed);
    w->items = calloc(options->items, sizeof(*w->items));
    return w->items ? 0 : -ENOMEM;
}

void shop_world_free(struct shop_world *w)
{
    free(w->items);
    free(w->rows);
    free(w->holds);
    *w = (struct shop_world){0};
}
