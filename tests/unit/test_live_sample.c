/* test_live_sample.c -- samples of services: as bytes, added up, and handed to other processes. */
#include "core/live.h"
#include "random.h"
#include "shared.h"
#include "support/suite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct live_item item_of(const char *name, double rate, int64_t version)
{
    struct live_item item = {.rate = rate,
                             .available = 3,
                             .held = 2,
                             .sold = 5,
                             .version = version,
                             .n = (uint8_t)strlen(name)};
    memcpy(item.name, name, item.n);
    return item;
}

static struct live_sample plain(void)
{
    struct live_sample s = {.interval_ms = 1000, .ledger_lag_ms = -1, .ledger_lag_events = -1};
    return s;
}

static struct live_sample full(void)
{
    struct live_sample s = {.at_ms = 1795231293500,
                            .interval_ms = 1234,
                            .queue_depth = 17,
                            .expiry_lag_ms = 250,
                            .ledger_lag_ms = 1500,
                            .ledger_lag_events = 0,
                            .audit = {1795231290000, 1, 20, 300},
                            .item_count = LIVE_SAMPLE_ITEMS};
    for (int i = 0; i < LIVE_COUNTS; i++)
        s.counts[i] = UNITS_MAX - i;
    for (int i = 0; i < STATS_TIME_BUCKETS; i++)
        s.took[i] = 1000 * i;
    for (unsigned i = 0; i < s.item_count; i++) {
        char name[SKU_STORED_MAX_BYTES + 1];
        snprintf(name, sizeof(name), "%032d/%062d%02u", 1, 0, i);
        s.items[i] = item_of(name, 12345.678, UNITS_MAX);
        s.items[i].available = s.items[i].held = s.items[i].sold = UNITS_MAX;
    }
    return s;
}

static struct live_view empty_view(void)
{
    struct live_view view = {.ledger_lag_ms = -1, .ledger_lag_events = -1};
    return view;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void check_same(const struct live_sample *a, const struct live_sample *b)
{
    assert_int_equal(a->at_ms, b->at_ms);
    assert_int_equal(a->interval_ms, b->interval_ms);
    assert_memory_equal(a->counts, b->counts, sizeof(a->counts));
    assert_memory_equal(a->took, b->took, sizeof(a->took));
    assert_int_equal(a->queue_depth, b->queue_depth);
    assert_int_equal(a->expiry_lag_ms, b->expiry_lag_ms);
    assert_int_equal(a->ledger_lag_ms, b->ledger_lag_ms);
    assert_int_equal(a->ledger_lag_events, b->ledger_lag_events);
    assert_memory_equal(&a->audit, &b->audit, sizeof(a->audit));
    assert_int_equal(a->item_count, b->item_count);
    for (unsigned i = 0; i < a->item_count; i++) {
        const struct live_item *x = &a->items[i], *y = &b->items[i];
        assert_int_equal(x->n, y->n);
        assert_memory_equal(x->name, y->name, x->n);
        assert_true(x->rate - y->rate < 0.002 && y->rate - x->rate < 0.002);
        assert_true(x->available == y->available && x->held == y->held && x->sold == y->sold &&
                    x->version == y->version);
    }
}

static void check_round_trip(const struct live_sample *sample)
{
    struct live_sample read;
    struct buf bytes;
    buf_init(&bytes, LIVE_SAMPLE_BYTES);
    live_encode(sample, &bytes);
    assert_false(bytes.failed);
    assert_true(live_decode(buf_str(&bytes), &read));
    check_same(sample, &read);
    buf_free(&bytes);
}

TEST(what_is_written_is_read)
{
    const struct live_sample none = plain(), most = full();
    check_round_trip(&none);
    check_round_trip(&most);
}

TEST(counts_out_of_range_are_written_as_the_nearest_that_is_in_it)
{
    struct live_sample read, s = plain();
    struct buf bytes;
    s.counts[0] = INT64_MAX;
    s.counts[1] = -5;
    s.ledger_lag_ms = INT64_MAX;
    s.item_count = 1;
    s.items[0] = item_of("a", 1e300, 1);
    buf_init(&bytes, LIVE_SAMPLE_BYTES);
    live_encode(&s, &bytes);
    assert_true(live_decode(buf_str(&bytes), &read));
    assert_int_equal(read.counts[0], UNITS_MAX);
    assert_int_equal(read.counts[1], 0);
    assert_int_equal(read.ledger_lag_ms, UNITS_MAX - 1);
    assert_true(read.items[0].rate > 1e12);
    buf_free(&bytes);
}

/* A sample with one thing that none has. */
static bool is_read(void (*spoil)(struct live_sample *s))
{
    struct live_sample read, s = full();
    struct buf bytes;
    spoil(&s);
    buf_init(&bytes, LIVE_SAMPLE_BYTES);
    live_encode(&s, &bytes);
    bool good = live_decode(buf_str(&bytes), &read);
    buf_free(&bytes);
    return good;
}

static void nothing(struct live_sample *s)
{
    (void)s;
}
static void no_interval(struct live_sample *s)
{
    s->interval_ms = 0;
}
static void long_interval(struct live_sample *s)
{
    s->interval_ms = LIVE_INTERVAL_MAX_MS + 1;
}
static void no_name(struct live_sample *s)
{
    s->items[3].n = 0;
}
static void bad_name(struct live_sample *s)
{
    s->items[3].name[40] = '<';
}

TEST(what_no_service_writes_is_not_read)
{
    assert_true(is_read(nothing));
    assert_false(is_read(no_interval));
    assert_false(is_read(long_interval));
    assert_false(is_read(no_name));
    assert_false(is_read(bad_name));
}

/* Cut anywhere, with a byte more, or with any bytes: it is refused, or it is a sample. */
TEST(rubbish_is_refused_and_never_read_past_its_end)
{
    const struct live_sample most = full();
    struct live_sample read;
    struct buf bytes;
    struct rng rng;
    rng_seed(&rng, 3);
    buf_init(&bytes, LIVE_SAMPLE_BYTES + 1);
    live_encode(&most, &bytes);
    for (size_t n = 0; n < bytes.n; n++) {
        char *copy = malloc(n + 1); /* of its length, for the sanitizer */
        memcpy(copy, bytes.p, n);
        assert_false(live_decode((struct str){copy, n}, &read));
        free(copy);
    }
    assert_false(live_decode((struct str){NULL, 0}, &read));
    for (int round = 0; round < 20000; round++) {
        size_t at = rng_below(&rng, bytes.n);
        char before = bytes.p[at];
        bytes.p[at] = (char)rng_next(&rng);
        if (live_decode(buf_str(&bytes), &read))
            check_round_trip(&read);
        bytes.p[at] = before;
    }
    buf_putc(&bytes, 0);
    assert_false(live_decode(buf_str(&bytes), &read));
    buf_free(&bytes);
}

TEST(a_text_that_is_longer_than_any_sample_is_refused)
{
    struct live_sample read;
    char *text = calloc(1, 1 << 20);
    assert_false(live_decode((struct str){text, 1 << 20}, &read));
    free(text);
}

/* --- adding up -------------------------------------------------------------------------------- */

TEST(rates_add_and_lags_are_the_largest)
{
    struct live_view view = empty_view();
    struct live_sample a = plain(), b = plain();
    a.counts[LIVE_SOLD] = 100;
    a.queue_depth = 3;
    a.expiry_lag_ms = 700;
    b.interval_ms = 2000;
    b.counts[LIVE_SOLD] = 100;
    b.queue_depth = 4;
    b.ledger_lag_ms = 20;
    b.ledger_lag_events = 0;
    live_add(&view, &a);
    assert_int_equal(view.ledger_lag_ms, -1);
    live_add(&view, &b);
    assert_int_equal(view.services, 2);
    assert_true(view.rates[LIVE_SOLD] == 150);
    assert_int_equal(view.queue_depth, 7);
    assert_int_equal(view.expiry_lag_ms, 700);
    assert_int_equal(view.ledger_lag_ms, 20);
    assert_int_equal(view.ledger_lag_events, 0);
}

TEST(the_hottest_items_of_all_with_the_newest_counters)
{
    struct live_view view = empty_view();
    struct live_sample a = plain(), b = plain();
    a.item_count = b.item_count = 2;
    a.items[0] = item_of("shared", 5, 8);
    a.items[0].available = 100;
    a.items[1] = item_of("of-a", 6, 1);
    b.items[0] = item_of("shared", 4, 9);
    b.items[0].available = 99;
    b.items[1] = item_of("of-b", 1, 1);
    live_add(&view, &a);
    live_add(&view, &b);
    live_sort(&view);
    assert_int_equal(view.item_count, 3);
    assert_memory_equal(view.items[0].name, "shared", 6);
    assert_true(view.items[0].rate == 9);
    assert_int_equal(view.items[0].available, 99);
    assert_memory_equal(view.items[1].name, "of-a", 4);
    assert_memory_equal(view.items[2].name, "of-b", 4);
}

/* Of more than there is room for the hottest stay, in whatever order they come. */
TEST(of_too_many_items_the_hottest_stay)
{
    struct live_view view = empty_view();
    for (int service = 0; service < 5; service++) {
        struct live_sample s = plain();
        s.item_count = LIVE_SAMPLE_ITEMS;
        for (int i = 0; i < LIVE_SAMPLE_ITEMS; i++) {
            char name[16];
            int number = (service * LIVE_SAMPLE_ITEMS + i) * 37 % (5 * LIVE_SAMPLE_ITEMS);
            snprintf(name, sizeof(name), "i%03d", number);
            s.items[i] = item_of(name, number + 1, 1);
        }
        live_add(&view, &s);
    }
    live_sort(&view);
    assert_int_equal(view.item_count, LIVE_VIEW_ITEMS);
    for (int i = 0; i < LIVE_VIEW_ITEMS; i++)
        assert_true(view.items[i].rate == 5 * LIVE_SAMPLE_ITEMS - i);
}

TEST(quantiles_of_buckets)
{
    static const struct {
        uint64_t took[STATS_TIME_BUCKETS];
        double part, us;
    } rows[] = {
        {{0}, 0.5, -1},
        {{100}, 0.5, 25}, /* of 0 to 50 us, the middle */
        {{100}, 1, 50},
        {{50, 50}, 0.5, 50},            /* at the bound */
        {{50, 50}, 0.75, 75},           /* of 50 to 100 */
        {{0, 0, 0, 10}, 0.1, 275},      /* of 250 to 500 */
        {{99, 0, 0, 0, 1}, 0.99, 50},   /* nothing lies between */
        {{99, 0, 0, 0, 1}, 0.995, 750}, /* of 500 to 1,000 */
        {{1, [STATS_TIME_BUCKETS - 1] = 99}, 0.99, 10000000},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double us = live_quantile(rows[i].took, rows[i].part);
        if (us < rows[i].us - 0.001 || us > rows[i].us + 0.001)
            fail_msg("row %zu: %g", i, us);
    }
}

/* --- the board -------------------------------------------------------------------------------- */

/* All of it says which one it is. */
static void fill(struct live_view *view, int64_t number)
{
    view->at_ms = view->audit_at_ms = number;
    for (unsigned i = 0; i < LIVE_COUNTS; i++)
        view->rates[i] = (double)number;
    for (unsigned i = 0; i < LIVE_VIEW_ITEMS; i++)
        view->items[i].version = number;
}

static bool is_whole(const struct live_view *view)
{
    bool whole = view->audit_at_ms == view->at_ms;
    for (unsigned i = 0; i < LIVE_COUNTS; i++)
        whole = whole && view->rates[i] == (double)view->at_ms;
    for (unsigned i = 0; i < LIVE_VIEW_ITEMS; i++)
        whole = whole && view->items[i].version == view->at_ms;
    return whole;
}

static void write_for_ever(struct live_board *board, struct live_view *view)
{
    for (int64_t i = 1;; i++) {
        fill(view, i);
        live_board_put(board, view);
    }
}

TEST(readers_see_whole_views_in_their_order)
{
    struct live_board *board = shared_alloc(sizeof(*board));
    static struct live_view view;
    assert_non_null(board);
    assert_int_equal(live_board_get(board, &view), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) /* should the test fail */
        write_for_ever(board, &view);
    uint64_t last = 0;
    for (int reads = 0; reads < 50000 || last < 50; reads++) {
        uint64_t turn = live_board_get(board, &view);
        assert_true(turn >= last);
        last = turn;
        if (turn > 0 && (!is_whole(&view) || (uint64_t)view.at_ms != turn))
            fail_msg("a view that is none, at turn %d", (int)turn);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_true(live_board_get(board, &view) >= last); /* of a writer that died */
    assert_true(is_whole(&view));
    shared_free(board, sizeof(*board));
}
