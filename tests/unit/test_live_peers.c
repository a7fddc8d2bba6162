/* test_live_peers.c -- which of the services that have left a sample live, and count. */
#include "process/keeper/live_peers.h"
#include "support/suite.h"

#include <stdlib.h>

static struct live_peers *peers;
static struct buf bytes;

static int begin(void **state)
{
    peers = calloc(1, sizeof(*peers));
    buf_init(&bytes, LIVE_SAMPLE_BYTES);
    return peers ? 0 : -1;
}

static int end(void **state)
{
    free(peers);
    buf_free(&bytes);
    return 0;
}

EACH_BETWEEN(begin, end)

/* A look that finds what each of them said at at_ms of its own clock; -1: nothing of that one. */
#define NAMES 3
static const char *const names[NAMES] = {"0000000000000001", "0000000000000002",
                                         "0000000000000003"};

static void look(int64_t now_ms, int64_t one, int64_t two, int64_t three)
{
    const int64_t at[NAMES] = {one, two, three};
    live_peers_begin(peers);
    for (int i = 0; i < NAMES; i++) {
        struct live_sample s = {.at_ms = at[i], .interval_ms = 1000, .ledger_lag_ms = -1};
        s.ledger_lag_events = -1;
        s.counts[LIVE_SOLD] = 10 << i;
        if (at[i] < 0)
            continue;
        buf_reset(&bytes);
        live_encode(&s, &bytes);
        live_peers_note(peers, str_of(names[i]), buf_str(&bytes), now_ms);
    }
    live_peers_end(peers);
}

/* What those sell who count, as their bits; and how many they are. */
static int sold(int64_t now_ms)
{
    struct live_view view = {.services = 0};
    live_peers_add(peers, now_ms, &view);
    assert_int_equal(view.services, __builtin_popcount((unsigned)view.rates[LIVE_SOLD] / 10));
    return (int)view.rates[LIVE_SOLD] / 10;
}

TEST(who_says_something_new_lives)
{
    look(1000, 5, 5, -1);
    assert_int_equal(sold(1000), 0); /* each may be of one that died */
    look(2000, 6, 5, -1);
    assert_int_equal(sold(2000), 1);
    look(3000, 7, 6, 5);
    assert_int_equal(sold(3000), 3);
}

TEST(who_is_silent_counts_no_more_and_is_dropped_at_last)
{
    look(1000, 5, 5, 5);
    look(2000, 6, 6, 5);
    look(2000 + LIVE_DEAD_MS - 1, 6, 7, 5);
    assert_int_equal(sold(2000 + LIVE_DEAD_MS - 1), 3);
    look(2000 + LIVE_DEAD_MS, 6, 8, 5);
    assert_int_equal(sold(2000 + LIVE_DEAD_MS), 2);
    assert_null(live_peers_gone(peers, 999 + LIVE_GONE_MS));
    assert_string_equal(live_peers_gone(peers, 1000 + LIVE_GONE_MS), names[2]);
    look(2000 + LIVE_GONE_MS, 6, 9, -1);
    assert_string_equal(live_peers_gone(peers, 2000 + LIVE_GONE_MS), names[0]);
    look(2000 + LIVE_GONE_MS, -1, 10, -1);
    assert_null(live_peers_gone(peers, 2000 + LIVE_GONE_MS));
    assert_int_equal(sold(2000 + LIVE_GONE_MS), 2);
}

/* Whatever the clocks of their hosts say. */
TEST(a_clock_that_is_set_back_is_something_new)
{
    look(1000, 500, 5, -1);
    look(2000, 3, 0, -1);
    assert_int_equal(sold(2000), 3);
}

TEST(who_takes_its_field_away_is_gone_at_once)
{
    look(1000, 1, 1, 1);
    look(2000, 2, 2, 2);
    assert_int_equal(sold(2000), 7);
    look(3000, 3, -1, 3);
    assert_int_equal(sold(3000), 5);
    look(4000, 4, 4, 4); /* it may be that of one that died, again */
    assert_int_equal(sold(4000), 5);
}

/* What two of them say of audits that they were asked for: 0: none. */
static void look_at_audits(int64_t now_ms, int64_t one, int64_t two)
{
    const int64_t requested[] = {one, two};
    live_peers_begin(peers);
    for (int i = 0; i < 2; i++) {
        const struct live_sample s = {
            .at_ms = now_ms, .interval_ms = 1000, .audit = {requested[i], 1, 2, requested[i]}};
        buf_reset(&bytes);
        live_encode(&s, &bytes);
        live_peers_note(peers, str_of(names[i]), buf_str(&bytes), now_ms);
    }
    live_peers_end(peers);
}

/* When the one was asked for that is seen to be under way. */
static int64_t audit_seen(int64_t now_ms)
{
    struct live_view view = {.services = 0};
    live_peers_add(peers, now_ms, &view);
    assert_int_equal(view.elsewhere.shares, view.elsewhere.requested_ms);
    return view.elsewhere.requested_ms;
}

TEST(of_audits_of_others_the_one_asked_for_first_is_seen_while_they_live)
{
    static const int64_t table[][3] = {
        {0, 0, 0}, {700, 0, 700}, {0, 900, 900}, {700, 900, 700}, {900, 700, 700}};
    int64_t now_ms = 1000;
    look_at_audits(now_ms, 1, 1);
    assert_int_equal(audit_seen(now_ms), 0); /* of one that died, for all that is known */
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        now_ms += 1000;
        look_at_audits(now_ms, table[i][0], table[i][1]);
        assert_int_equal(audit_seen(now_ms), table[i][2]);
    }
    assert_int_equal(audit_seen(now_ms + LIVE_DEAD_MS), 0);
}

TEST(what_no_sample_is_does_not_count_and_comes_back_when_it_is_one)
{
    look(1000, 1, 1, -1);
    look(2000, 2, 2, -1);
    live_peers_begin(peers);
    live_peers_note(peers, str_of(names[0]), STR("rubbish"), 3000);
    live_peers_note(peers, str_of(names[1]), STR(""), 3000);
    live_peers_end(peers);
    assert_int_equal(sold(3000), 0);
    look(4000, 4, 4, -1);
    assert_int_equal(sold(4000), 3);
}

TEST(of_too_many_the_first_are_known)
{
    live_peers_begin(peers);
    for (int i = 0; i < 2 * SHARE_FIELDS_MAX; i++) {
        char name[SHARE_NAME_CHARS + 1];
        snprintf(name, sizeof(name), "%016x", i);
        live_peers_note(peers, str_of(name), STR("x"), 1000);
    }
    live_peers_note(peers, STR("a name that is longer than any"), STR("x"), 1000);
    live_peers_end(peers);
    assert_int_equal(peers->count, SHARE_FIELDS_MAX);
}
