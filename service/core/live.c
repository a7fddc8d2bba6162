#include "core/live.h"
#include "core/pack.h"
#include "core/tenant.h"

#include <stdatomic.h>
#include <stdlib.h>

#define FORMAT 2

/* Rates of items, as whole numbers. */
#define RATE_SCALE 1000
#define RATE_MAX   9e12 /* as one of those within UNITS_MAX */

/* --- bytes ------------------------------------------------------------------------------------ */

static int64_t bounded(int64_t value)
{
    return value < 0 ? 0 : value > UNITS_MAX ? UNITS_MAX : value;
}

static void pack_bounded(struct buf *out, int64_t value)
{
    pack_number(out, bounded(value));
}

/* -1 is none. */
static void put_maybe(struct buf *out, int64_t value)
{
    pack_bounded(out, value < 0 ? 0 : bounded(value) + (value < UNITS_MAX));
}

static int64_t unpack_count(struct unpack *in)
{
    return unpack_bounded(in, UNITS_MAX);
}

static int64_t take_maybe(struct unpack *in)
{
    return unpack_count(in) - 1;
}

static void pack_item(struct buf *out, const struct live_item *item)
{
    double rate = item->rate < RATE_MAX ? item->rate : RATE_MAX;
    pack_text(out, (struct str){item->name, item->n});
    pack_bounded(out, (int64_t)(rate * RATE_SCALE));
    pack_bounded(out, item->available);
    pack_bounded(out, item->held);
    pack_bounded(out, item->sold);
    pack_bounded(out, item->version);
}

static void unpack_item(struct unpack *in, struct live_item *item)
{
    struct str name = unpack_text(in, SKU_STORED_MAX_BYTES);
    if (!in->bad && !item_name_valid(name))
        in->bad = true;
    if (in->bad)
        return;
    item->n = (uint8_t)name.n;
    memcpy(item->name, name.p, name.n);
    item->rate = (double)unpack_count(in) / RATE_SCALE;
    item->available = unpack_count(in);
    item->held = unpack_count(in);
    item->sold = unpack_count(in);
    item->version = unpack_count(in);
}

void live_encode(const struct live_sample *sample, struct buf *out)
{
    pack_bounded(out, FORMAT);
    pack_bounded(out, sample->at_ms);
    pack_bounded(out, sample->interval_ms);
    pack_bounded(out, LIVE_COUNTS);
    for (unsigned i = 0; i < LIVE_COUNTS; i++)
        pack_bounded(out, sample->counts[i]);
    pack_bounded(out, STATS_TIME_BUCKETS);
    for (unsigned i = 0; i < STATS_TIME_BUCKETS; i++)
        pack_bounded(out, sample->took[i]);
    pack_bounded(out, sample->queue_depth);
    pack_bounded(out, sample->expiry_lag_ms);
    put_maybe(out, sample->ledger_lag_ms);
    put_maybe(out, sample->ledger_lag_events);
    pack_bounded(out, sample->audit.requested_ms);
    pack_bounded(out, sample->audit.items);
    pack_bounded(out, sample->audit.reservations);
    pack_bounded(out, sample->audit.shares);
    pack_bounded(out, sample->item_count);
    for (unsigned i = 0; i < sample->item_count; i++)
        pack_item(out, &sample->items[i]);
}

/* A number that can only be this one. */
static void take_word(struct unpack *in, int64_t word)
{
    if (unpack_count(in) != word)
        in->bad = true;
}

bool live_decode(struct str bytes, struct live_sample *sample)
{
    struct unpack in = unpack_begin(bytes);
    *sample = (struct live_sample){.interval_ms = 0};
    if (bytes.n > LIVE_SAMPLE_BYTES)
        return false;
    take_word(&in, FORMAT);
    sample->at_ms = unpack_count(&in);
    sample->interval_ms = unpack_bounded(&in, LIVE_INTERVAL_MAX_MS);
    take_word(&in, LIVE_COUNTS);
    for (unsigned i = 0; i < LIVE_COUNTS; i++)
        sample->counts[i] = unpack_count(&in);
    take_word(&in, STATS_TIME_BUCKETS);
    for (unsigned i = 0; i < STATS_TIME_BUCKETS; i++)
        sample->took[i] = unpack_count(&in);
    sample->queue_depth = unpack_count(&in);
    sample->expiry_lag_ms = unpack_count(&in);
    sample->ledger_lag_ms = take_maybe(&in);
    sample->ledger_lag_events = take_maybe(&in);
    sample->audit.requested_ms = unpack_count(&in);
    sample->audit.items = unpack_count(&in);
    sample->audit.reservations = unpack_count(&in);
    sample->audit.shares = unpack_count(&in);
    sample->item_count = (unsigned)unpack_bounded(&in, LIVE_SAMPLE_ITEMS);
    for (unsigned i = 0; i < sample->item_count && !in.bad; i++)
        unpack_item(&in, &sample->items[i]);
    return unpack_done(&in) && sample->interval_ms > 0;
}

/* --- adding up -------------------------------------------------------------------------------- */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Where the item is, or would go: at the end, or in the place of the least that has a lower rate.
 * NULL: nowhere. */
static struct live_item *place_for_item(struct live_view *view, const struct live_item *item)
{
    struct live_item *least = &view->items[0];
    for (unsigned i = 0; i < view->item_count; i++) {
        struct live_item *one = &view->items[i];
        if (one->n == item->n && memcmp(one->name, item->name, item->n) == 0)
            return one;
        if (one->rate < least->rate)
            least = one;
    }
    if (view->item_count < LIVE_VIEW_ITEMS)
        least = &view->items[view->item_count++];
    else if (least->rate >= item->rate)
        return NULL;
    *least = (struct live_item){.n = 0};
    return least;
}

/* Of its counters those of the higher version are the newer ones. */
static void merge_item(struct live_view *view, const struct live_item *item)
{
    struct live_item *to = place_for_item(view, item);
    if (!to)
        return;
    double rate = to->rate + item->rate;
    if (to->n == 0 || item->version > to->version)
        *to = *item;
    to->rate = rate;
}

void live_add(struct live_view *view, const struct live_sample *sample)
{
    double a_second = 1000.0 / (double)sample->interval_ms;
    view->services++;
    for (unsigned i = 0; i < LIVE_COUNTS; i++)
        view->rates[i] += (double)sample->counts[i] * a_second;
    for (unsigned i = 0; i < STATS_TIME_BUCKETS; i++)
        view->took[i] += (uint64_t)sample->took[i];
    view->queue_depth += sample->queue_depth;
    view->expiry_lag_ms = larger(view->expiry_lag_ms, sample->expiry_lag_ms);
    view->ledger_lag_ms = larger(view->ledger_lag_ms, sample->ledger_lag_ms);
    view->ledger_lag_events = larger(view->ledger_lag_events, sample->ledger_lag_events);
    for (unsigned i = 0; i < sample->item_count; i++)
        merge_item(view, &sample->items[i]);
}

static int by_rate(const void *a, const void *b)
{
    const struct live_item *x = a, *y = b;
    if (x->rate != y->rate)
        return x->rate > y->rate ? -1 : 1;
    int order = memcmp(x->name, y->name, x->n < y->n ? x->n : y->n);
    return order != 0 ? order : x->n - y->n;
}

void live_sort(struct live_view *view)
{
    qsort(view->items, view->item_count, sizeof(view->items[0]), by_rate);
}

double live_quantile(const uint64_t took[STATS_TIME_BUCKETS], double part)
{
    const uint64_t *bounds = stats_time_bounds();
    double all = 0, below = 0;
    for (unsigned i = 0; i < STATS_TIME_BUCKETS; i++)
        all += (double)took[i];
    if (all <= 0)
        return -1;
    for (unsigned i = 0; i + 1 < STATS_TIME_BUCKETS; i++) {
        double here = (double)took[i], from = i > 0 ? (double)bounds[i - 1] : 0;
        if (here > 0 && below + here >= part * all)
            return from + ((double)bounds[i] - from) * ((part * all - below) / here);
        below += here;
    }
    return (double)bounds[STATS_TIME_BUCKETS - 2];
}

/* --- the board -------------------------------------------------------------------------------- */

void live_board_put(struct live_board *board, const struct live_view *view)
{
    uint64_t next = atomic_load_explicit(&board->turn, memory_order_relaxed) + 1;
    /* Who still reads what lies there is to see that its turn is over. */
    atomic_thread_fence(memory_order_release);
    board->views[next % LIVE_BOARD_VIEWS] = *view;
    atomic_store_explicit(&board->turn, next, memory_order_release);
}

uint64_t live_board_turn(const struct live_board *board)
{
    return atomic_load_explicit(&board->turn, memory_order_acquire);
}

uint64_t live_board_get(const struct live_board *board, struct live_view *view)
{
    for (;;) {
        uint64_t turn = live_board_turn(board);
        if (turn == 0)
            return 0;
        *view = board->views[turn % LIVE_BOARD_VIEWS];
        atomic_thread_fence(memory_order_acquire);
        uint64_t now = atomic_load_explicit(&board->turn, memory_order_relaxed);
        /* The next but two is written where this one is, from when the one before it is there. */
        if (now - turn < LIVE_BOARD_VIEWS - 1)
            return turn;
    }
}
