/* shop_record.c -- see shop_world.h: faults of the record. */
#include "support/shop_world.h"

/* An acknowledged decrement that was sent once, well before the end. */
static bool plain_sale(const struct shop_world *w, size_t at)
{
    const struct shop_row *row = &w->rows[at];
    if (row->kind != KIND_DECREMENT || row->outcome != OUTCOME_OK || row->of != SHOP_NONE ||
        at > w->row_count / 2)
        return false;
    for (size_t i = at + 1; i < w->row_count; i++) {
        if (w->rows[i].of == at)
            return false;
    }
    return true;
}

static size_t find_sale(const struct shop_world *w)
{
    for (size_t i = w->row_count / 4; i < w->row_count; i++) {
        if (plain_sale(w, i))
            return i;
    }
    return SHOP_NONE;
}

/* An acknowledged decrement and its replay. */
static size_t find_replay(const struct shop_world *w)
{
    for (size_t i = 0; i < w->row_count; i++) {
        const struct shop_row *row = &w->rows[i];
        if (row->kind == KIND_DECREMENT && row->outcome == OUTCOME_OK &&
            (row->flags & FLAG_REPLAYED) && w->rows[row->of].outcome == OUTCOME_OK)
            return i;
    }
    return SHOP_NONE;
}

/* Begins after everything, and everything else was over. */
static bool shift(struct shop_world *w)
{
    size_t at = find_sale(w);
    if (at == SHOP_NONE)
        return false;
    w->rows[at].begin_ns = w->now_ns + 1;
    w->rows[at].end_ns = w->now_ns + 2;
    w->now_ns += 3;
    return true;
}

static bool swap_versions(struct shop_world *w)
{
    for (size_t i = 0; i < w->row_count; i++) {
        for (size_t j = i + 60; j < w->row_count && plain_sale(w, i); j++) {
            struct history_line *a = &w->rows[i].line[0], *b = &w->rows[j].line[0];
            if (!plain_sale(w, j) || a->item != b->item || a->quantity != b->quantity)
                continue;
            struct history_line was = *a;
            *a = *b;
            *b = was;
            return true;
        }
    }
    return false;
}

static bool drop(struct shop_world *w)
{
    size_t at = find_sale(w);
    if (at != SHOP_NONE)
        w->rows[at].dropped = true;
    return at != SHOP_NONE;
}

static bool sell_twice(struct shop_world *w)
{
    size_t at = find_sale(w);
    struct shop_row *row = at == SHOP_NONE ? NULL : shop_world_row(w);
    if (!row)
        return false;
    *row = w->rows[at];
    row->client++;
    row->seq = 1000000;
    return true;
}

static bool quote_wrongly(struct shop_world *w)
{
    size_t at = find_sale(w);
    if (at != SHOP_NONE)
        w->rows[at].line[0].remaining++;
    return at != SHOP_NONE;
}

static bool replay_another(struct shop_world *w)
{
    size_t at = find_replay(w);
    if (at == SHOP_NONE)
        return false;
    w->rows[at].line[0].version++;
    w->rows[at].line[0].remaining++;
    return true;
}

static bool replay_nothing(struct shop_world *w)
{
    size_t at = find_replay(w);
    if (at != SHOP_NONE)
        shop_answer(&w->rows[w->rows[at].of], OUTCOME_FAIL, 503, DETAIL_UNAVAILABLE);
    return at != SHOP_NONE;
}

static bool count_wrongly(struct shop_world *w)
{
    w->items[0].now.sold++;
    return true;
}

static bool lose_item(struct shop_world *w)
{
    w->items[0] = (struct shop_item){0};
    return true;
}

/* The last transition of an item, if it was acknowledged. */
static bool lose_last(struct shop_world *w)
{
    for (size_t i = 0; i < w->row_count; i++) {
        struct shop_row *row = &w->rows[i];
        struct stock *item = &w->items[row->line[0].item].now;
        if (row->kind != KIND_DECREMENT || row->outcome != OUTCOME_OK ||
            row->line[0].version != item->version)
            continue;
        item->version--;
        item->available += row->line[0].quantity;
        item->sold -= row->line[0].quantity;
        return true;
    }
    return false;
}

static bool forget_key(struct shop_world *w)
{
    size_t at = find_sale(w);
    struct shop_row *row = at == SHOP_NONE ? NULL : shop_world_row(w);
    if (!row)
        return false;
    *row = w->rows[at];
    row->phase = PHASE_SETTLE;
    row->of = at;
    row->begin_ns = ++w->now_ns;
    row->end_ns = ++w->now_ns;
    row->line[0].version = 0;
    shop_answer(row, OUTCOME_FAIL, 404, DETAIL_NO_OPERATION);
    return true;
}

static bool miss_item(struct shop_world *w)
{
    for (size_t i = w->row_count / 2; i < w->row_count; i++) {
        if (w->rows[i].kind != KIND_GET_ITEM)
            continue;
        shop_answer(&w->rows[i], OUTCOME_FAIL, 404, DETAIL_NO_ITEM);
        w->rows[i].line[0].version = 0;
        return true;
    }
    return false;
}

void shop_record_plant(struct shop_world *w)
{
    static bool (*const faults[SHOP_FAULTS])(struct shop_world *) = {
        [SHOP_STAMP_SHIFTED] = shift,
        [SHOP_VERSIONS_SWAPPED] = swap_versions,
        [SHOP_ROW_DROPPED] = drop,
        [SHOP_SOLD_TWICE] = sell_twice,
        [SHOP_WRONG_NUMBER] = quote_wrongly,
        [SHOP_REPLAY_DIFFERS] = replay_another,
        [SHOP_REPLAY_OF_NOTHING] = replay_nothing,
        [SHOP_WRONG_COUNTER] = count_wrongly,
        [SHOP_ITEM_LOST] = lose_item,
        [SHOP_LAST_LOST] = lose_last,
        [SHOP_KEY_FORGOTTEN] = forget_key,
        [SHOP_NO_ITEM] = miss_item,
    };
    if (faults[w->options->fault])
        w->planted = faults[w->options->fault](w);
}
