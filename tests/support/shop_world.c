/* shop_world.c -- see shop_world.h: time, rows, items and holds. */
#include "support/shop_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MS         1000000u
#define TTL_MS     400u
#define SOON_NS    (20u * MS)
#define SETTLED_IN 60 /* rows after a restore: what is told then is of no time before it */

uint64_t shop_world_ttl_ns(const struct shop_world *w)
{
    return (w->options->ttl_ms ? w->options->ttl_ms : TTL_MS) * MS;
}

bool shop_chance(struct shop_world *w, unsigned percent)
{
    return rng_below(&w->rng, 100) < percent;
}

uint64_t shop_time(struct shop_world *w)
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
    unsigned steps = w->options->steps;
    if (w->options->restore && (!w->restored || w->row_count < w->restored + SETTLED_IN))
        return false;
    return w->options->fault == fault && !w->planted && w->row_count > steps / 3 &&
           w->row_count < steps * 4 / 5;
}

bool shop_strikes(struct shop_world *w, enum shop_fault fault)
{
    bool strikes = shop_world_armed(w, fault);
    w->planted |= strikes;
    return strikes;
}

size_t shop_attempt(struct shop_world *w, uint32_t client, enum history_kind kind)
{
    struct shop_row *row = shop_world_row(w);
    if (!row)
        return SHOP_NONE;
    row->kind = kind;
    row->client = client;
    row->seq = ++w->seq[client];
    row->begin_ns = w->now_ns - shop_time(w) / 2;
    if (row->begin_ns <= w->free_ns[client])
        row->begin_ns = w->free_ns[client] + 1;
    row->end_ns = w->now_ns + shop_time(w) / 2 + 1;
    w->free_ns[client] = row->end_ns;
    return (size_t)(row - w->rows);
}

size_t shop_next_attempt(struct shop_world *w, size_t first)
{
    uint32_t client = w->rows[first].client;
    w->now_ns = w->free_ns[client] + shop_time(w);
    size_t at = shop_attempt(w, client, w->rows[first].kind);
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

int64_t *shop_used(struct shop_world *w, uint32_t client, uint32_t item)
{
    return &w->items[item].used[client % SHOP_CUSTOMERS];
}

int64_t shop_limit(const struct shop_world *w, uint32_t item)
{
    return item % SHOP_LIMITED == 0 ? w->options->limit : 0;
}

/* Whether what comes back goes on counting: planted once somebody is told so. */
static bool counts_on(struct shop_world *w, uint32_t client, uint32_t item, int64_t units)
{
    bool on = units < 0 && shop_limit(w, item) > 0 && shop_world_armed(w, SHOP_COUNTS_ON);
    w->items[item].off[client % SHOP_CUSTOMERS] |= on;
    return on;
}

void shop_quote(const struct shop_world *w, struct history_line *line)
{
    line->version = w->items[line->item].now.version;
    line->remaining = w->items[line->item].now.available;
}

void shop_change(struct shop_world *w, uint32_t client, struct history_line *line,
                 struct stock_move move)
{
    if (!counts_on(w, client, line->item, move_counts(move)))
        *shop_used(w, client, line->item) += move_counts(move);
    stock_change(&w->items[line->item].now, move);
    shop_quote(w, line);
}

struct shop_hold *shop_new_hold(struct shop_world *w, size_t row)
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
    hold->deadline_ns = w->now_ns + shop_world_ttl_ns(w);
    return hold;
}

void shop_expire(struct shop_world *w, struct shop_hold *hold)
{
    const struct shop_row *reserve = &w->rows[hold->row];
    hold->state = DETAIL_EXPIRED;
    hold->last = SHOP_NONE;
    for (unsigned n = 0; n < reserve->lines; n++) {
        hold->expired[n] = (struct history_line){reserve->line[n].item, 0, 0, 0};
        shop_change(w, hold->client, &hold->expired[n], move_end(reserve->line[n].quantity, 0));
    }
}

void shop_tell_expiry(struct shop_row *row, const struct shop_hold *hold)
{
    if (!hold->again)
        return;
    row->flags |= FLAG_TOOK_AGAIN;
    memcpy(row->told, hold->expired, sizeof(row->told));
}

/* Time goes on; holds run out on the way, each at its own moment. */
static void tick(struct shop_world *w, uint64_t until_ns)
{
    w->now_ns = until_ns;
    for (size_t i = 0; i < w->hold_count; i++) {
        struct shop_hold *hold = &w->holds[i];
        if (hold->state != DETAIL_HELD || hold->lost)
            continue;
        bool early = hold->deadline_ns > w->now_ns + shop_world_ttl_ns(w) / 4;
        if ((hold->known && early && hold->free_ns < w->now_ns &&
             shop_strikes(w, SHOP_EARLY_EXPIRY)) ||
            (hold->deadline_ns < w->now_ns && shop_chance(w, 50)))
            shop_expire(w, hold);
    }
}

void shop_answer(struct shop_row *row, enum history_outcome outcome, unsigned status,
                 enum history_detail detail)
{
    row->outcome = outcome;
    row->status = (uint16_t)status;
    row->detail = detail;
    row->happened |= outcome == OUTCOME_OK;
}

static void create_items(struct shop_world *w)
{
    for (uint32_t i = 0; i < w->options->items; i++) {
        w->now_ns += MS;
        size_t at = shop_attempt(w, 0, KIND_PUT);
        if (at == SHOP_NONE)
            return;
        struct shop_row *row = &w->rows[at];
        row->phase = PHASE_SETUP;
        row->lines = 1;
        row->line[0] = (struct history_line){i, (int32_t)w->options->stock, 0, 0};
        shop_change(w, 0, &row->line[0], move_adjust(w->options->stock));
        shop_answer(row, OUTCOME_OK, 201, DETAIL_NONE);
        w->now_ns = w->free_ns[0] + 1;
    }
}

/* Whether a hold may have run out by now, or may soon, by the clock of whoever looks. */
static bool something_due(const struct shop_world *w)
{
    for (size_t i = 0; i < w->hold_count; i++)
        if (w->holds[i].state == DETAIL_HELD && !w->holds[i].lost &&
            w->holds[i].deadline_ns < w->now_ns + SOON_NS)
            return true;
    return false;
}

/* Whoever settles waits for what is about to run out. Where something is to be found, for all that
 * could be an excuse. */
static void wait_for_holds(struct shop_world *w)
{
    for (int i = 0; i < 30; i++)
        tick(w, w->now_ns + MS / 10);
    while (w->options->fault != SHOP_RIGHT && something_due(w))
        tick(w, w->now_ns + MS);
}

/* Whether clients 0 and 1 may each have one unit of items 0 and 1. */
static bool may_cross(struct shop_world *w)
{
    bool may = true;
    for (uint32_t item = 0; item < 2; item++) {
        int64_t limit = shop_limit(w, item);
        may &= w->items[item].now.available > 1;
        for (uint32_t client = 0; client < 2; client++)
            may &= limit == 0 || *shop_used(w, client, item) < limit;
    }
    return may;
}

void shop_world_run(struct shop_world *w)
{
    create_items(w);
    if (w->options->fault == SHOP_NOBODY_THERE)
        return;
    while (w->row_count < w->options->steps && !w->no_memory) {
        tick(w, w->now_ns + shop_time(w) / 2);
        if (shop_world_armed(w, SHOP_CROSSED_BASKETS) && may_cross(w))
            shop_cross_baskets(w);
        shop_restore_in_time(w);
        uint32_t client = (uint32_t)rng_below(&w->rng, w->options->clients);
        if (w->free_ns[client] >= w->now_ns)
            continue;
        if (shop_chance(w, w->options->fault == SHOP_BATCH_REVERSED ? 40 : 8))
            shop_act_together(w, client);
        else
            shop_act(w, client);
    }
    for (uint32_t i = 0; i < w->options->clients; i++)
        w->now_ns = w->free_ns[i] >= w->now_ns ? w->free_ns[i] + 1 : w->now_ns;
    wait_for_holds(w);
}

int shop_world_make(struct shop_world *w, const struct shop_options *options)
{
    *w = (struct shop_world){.options = options, .now_ns = 10 * MS, .batch = SHOP_NONE};
    rng_seed(&w->rng, options->seed);
    w->items = calloc(options->items, sizeof(*w->items));
    return w->items ? 0 : -ENOMEM;
}

void shop_world_free(struct shop_world *w)
{
    shop_restore_free(w);
    free(w->items);
    free(w->rows);
    free(w->holds);
    *w = (struct shop_world){0};
}
