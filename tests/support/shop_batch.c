/* shop_batch.c -- a client of shop_world.h that asks for several things in one request. */
#include "support/shop_world.h"

#define PARTS_MAX   4
#define LOST_CHANCE 10 /* of a hundred batches nobody hears the answers of so many */

static bool has_effect(const struct shop_row *row)
{
    return row->kind != KIND_GET_RESERVATION && row->kind != KIND_GET_ITEM;
}

/* The hold that the row made, or is about; NULL: none. */
static struct shop_hold *hold_of(struct shop_world *w, size_t at)
{
    size_t reserve = w->rows[at].kind == KIND_RESERVE ? at : w->rows[at].of;
    for (size_t i = 0; i < w->hold_count; i++)
        if (w->holds[i].row == reserve)
            return &w->holds[i];
    return NULL;
}

/* All rows become parts of one request. */
static void join(struct shop_world *w, size_t first)
{
    uint32_t client = w->rows[first].client;
    uint64_t end_ns = 0;
    for (size_t i = first; i < w->row_count; i++)
        end_ns = w->rows[i].end_ns > end_ns ? w->rows[i].end_ns : end_ns;
    for (size_t i = first; i < w->row_count; i++) {
        struct shop_hold *hold = hold_of(w, i);
        w->rows[i].begin_ns = w->rows[first].begin_ns;
        w->rows[i].end_ns = end_ns;
        if (i > first)
            w->rows[i].flags |= FLAG_BATCHED;
        if (hold && hold->row >= first)
            hold->known_ns = end_ns;
        if (hold && hold->free_ns < end_ns)
            hold->free_ns = end_ns;
    }
    w->free_ns[client] = end_ns;
}

static void lose_answers(struct shop_world *w, size_t first)
{
    for (size_t i = first; i < w->row_count; i++) {
        struct shop_hold *hold = hold_of(w, i);
        shop_answer(&w->rows[i], OUTCOME_UNKNOWN, 0, DETAIL_TIMEOUT);
        if (hold && hold->row >= first)
            hold->known = false;
        if (hold && has_effect(&w->rows[i]))
            hold->unsure = true;
    }
}

/* Whether it is no more than one transition of one item. */
static bool is_simple(const struct shop_row *row)
{
    bool simple =
        row->kind == KIND_DECREMENT || row->kind == KIND_ADJUST || row->kind == KIND_RESERVE;
    return simple && row->outcome == OUTCOME_OK && row->lines == 1;
}

static int64_t change_of(const struct shop_row *row)
{
    int64_t quantity = row->line[0].quantity;
    return row->kind == KIND_ADJUST ? quantity : -quantity;
}

/* As if the second one, which is the next transition of the item, had been applied first. */
static bool turn_round(struct shop_row *first, struct shop_row *second)
{
    struct history_line *a = &first->line[0], *b = &second->line[0];
    int64_t between = a->remaining - change_of(first) + change_of(second);
    if (a->item != b->item || b->version != a->version + 1 || between < 0)
        return false;
    a->remaining = b->remaining;
    b->remaining = between;
    b->version = a->version++;
    return true;
}

/* Two that stand behind each other: what is between might have seen what the first one left. */
static void turn_some_round(struct shop_world *w, size_t first)
{
    for (size_t i = first; i + 1 < w->row_count && !w->planted; i++)
        w->planted = is_simple(&w->rows[i]) && is_simple(&w->rows[i + 1]) &&
                     turn_round(&w->rows[i], &w->rows[i + 1]);
}

void shop_act_together(struct shop_world *w, uint32_t client)
{
    if (w->options->fault != SHOP_RIGHT && w->options->fault != SHOP_BATCH_REVERSED)
        return; /* those are planted elsewhere */
    size_t first = w->row_count;
    uint64_t parts = 2 + rng_below(&w->rng, PARTS_MAX - 1);
    w->batch = first;
    for (uint64_t n = 0; n < parts && !w->no_memory; n++)
        shop_act(w, client);
    w->batch = SHOP_NONE;
    if (w->row_count == first)
        return;
    join(w, first);
    if (shop_world_armed(w, SHOP_BATCH_REVERSED))
        turn_some_round(w, first);
    else if (shop_chance(w, LOST_CHANCE))
        lose_answers(w, first);
}
