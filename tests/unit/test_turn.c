/* test_turn.c -- when a lane asks for a turn, for how long, and which turns it passes on. */
#include "store/commit/turn.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ME    UINT64_C(0xa)
#define OTHER UINT64_C(0xb)
#define S     INT64_C(1000000)
#define HOUR  (3600 * S)

static struct buf out;

static int setup(void **state)
{
    buf_init(&out, 4096);
    return 0;
}

static int teardown(void **state)
{
    buf_free(&out);
    return 0;
}

static struct turn turn_of(enum store_turns when)
{
    struct turn turn;
    turn_init(&turn, when, 3, ME);
    return turn;
}

/* What Redis would pop: made at that time by that lane, and passed on by another or the same. */
static redisReply *popped(uint64_t at_ms, uint64_t by, uint64_t from)
{
    static char text[64];
    static redisReply element[2], *elements[2] = {&element[0], &element[1]}, reply;
    snprintf(text, sizeof(text), "%016llx%016llx%016llx", (unsigned long long)at_ms,
             (unsigned long long)by, (unsigned long long)from);
    element[1] = (redisReply){.type = REDIS_REPLY_STRING, .str = text, .len = strlen(text)};
    reply = (redisReply){.type = REDIS_REPLY_ARRAY, .elements = 2, .element = elements};
    return &reply;
}

static redisReply nothing = {.type = REDIS_REPLY_NIL};

/* Asks, and takes that reply so much later. */
static bool ask(struct turn *turn, int64_t now_us, int64_t wait_us, const redisReply *reply)
{
    buf_reset(&out);
    turn_ask(turn, &out, now_us, HOUR);
    return turn_take(turn, reply, now_us + wait_us);
}

/* The time of the BLPOP that was written last. */
static int64_t asked_us(void)
{
    const char *at = memmem(out.p, out.n, "turn\r\n$", 7);
    const char *end = at ? memchr(at + 6, '\n', 10) : NULL;
    assert_non_null(end);
    return (int64_t)(atof(end + 1) * 1e6 + 0.5);
}

static const char *written(struct turn *turn, int64_t now_ms)
{
    buf_reset(&out);
    turn_write(turn, &out, now_ms);
    turn_passed(turn);
    const char *at = memmem(out.p, out.n, "$48\r\n", 5);
    assert_non_null(at);
    assert_non_null(memmem(out.p, out.n, "PEXPIRE", 7));
    return at + 5;
}

#define assert_written(turn, now_ms, hex)                                                          \
    assert_memory_equal(written((turn), (now_ms)), (hex), strlen(hex))

TEST(nobody_is_asked_until_others_are_met)
{
    struct turn turn = turn_of(TURNS_AUTO);
    assert_false(turn_wanted(&turn, S));
    turn_won(&turn, S);
    assert_false(turn_wanted(&turn, S));
    turn_lost(&turn, 5 * S);
    assert_true(turn_wanted(&turn, 5 * S + S / 2));
    assert_false(turn_wanted(&turn, 6 * S));
}

TEST(always_and_off_are_meant)
{
    struct turn always = turn_of(TURNS_ALWAYS), off = turn_of(TURNS_OFF);
    assert_true(turn_wanted(&always, 0));
    turn_lost(&off, S);
    assert_false(turn_wanted(&off, S));
    assert_false(turn_is_due(&off)); /* it makes none either */
}

TEST(turns_of_others_keep_it_asking_and_its_own_do_not)
{
    struct turn turn = turn_of(TURNS_AUTO);
    turn_lost(&turn, S);
    for (int64_t now_us = S; now_us < 10 * S; now_us += S / 2) {
        assert_true(turn_wanted(&turn, now_us));
        (void)ask(&turn, now_us, 100, popped(7, OTHER, OTHER));
        turn_passed(&turn);
        turn_won(&turn, now_us + 200);
    }
    int64_t now_us = 10 * S;
    for (; now_us < 10 * S + S / 2; now_us += S / 10) {
        (void)ask(&turn, now_us, 100, popped(7, OTHER, ME));
        turn_passed(&turn);
        turn_won(&turn, now_us + 200);
    }
    assert_false(turn_wanted(&turn, 11 * S));
}

TEST(who_only_reads_has_met_nobody)
{
    struct turn turn = turn_of(TURNS_AUTO);
    turn_lost(&turn, S);
    (void)ask(&turn, S + S / 2, 100, popped(7, OTHER, OTHER)); /* and nothing is written */
    turn_passed(&turn);
    assert_false(turn_wanted(&turn, 2 * S + 1));
}

TEST(a_turn_is_held_until_it_is_passed_on)
{
    struct turn turn = turn_of(TURNS_AUTO);
    assert_false(turn_is_due(&turn));
    (void)ask(&turn, S, 100, popped(7, OTHER, OTHER));
    assert_true(turn.held);
    assert_true(turn_is_due(&turn));
    turn_lost(&turn, S + 200);
    assert_true(turn.held);
    assert_true(turn_wanted(&turn, HOUR)); /* it has one, though it has met nobody for long */
    assert_written(&turn, 99, "0000000000000007000000000000000b000000000000000a");
    assert_false(turn.held);
    assert_false(turn_is_due(&turn));
}

/* Without asking: nobody may be in the queue yet. The second time it asks. */
TEST(who_first_notices_others_makes_the_turn)
{
    struct turn turn = turn_of(TURNS_AUTO);
    turn_lost(&turn, S);
    assert_true(turn_wanted(&turn, S));
    assert_false(turn_to_ask(&turn, S));
    assert_true(turn_is_due(&turn));
    turn_lost(&turn, S + 200);
    assert_true(turn_to_ask(&turn, S + 200));
    assert_false(turn_is_due(&turn));
}

TEST(who_waits_in_vain_makes_a_turn)
{
    struct turn turn = turn_of(TURNS_AUTO);
    (void)ask(&turn, S, 5000, &nothing);
    assert_false(turn.held);
    assert_true(turn_is_due(&turn));
    assert_written(&turn, 0x99, "0000000000000099000000000000000a000000000000000a");
    assert_false(turn_is_due(&turn));
}

TEST(a_turn_that_is_made_is_newer_than_all_that_were_seen)
{
    struct turn turn = turn_of(TURNS_AUTO);
    (void)ask(&turn, S, 100, popped(0x1000, OTHER, OTHER));
    turn_passed(&turn);
    (void)ask(&turn, 2 * S, 5000, &nothing);
    /* The clock of Redis went back. */
    assert_written(&turn, 0x99, "0000000000001001000000000000000a");
}

TEST(of_two_turns_the_older_goes_no_further)
{
    static const struct {
        uint64_t at_ms, by;
        bool held;
    } rows[] = {
        {100, ME, true},     {100, OTHER, true}, {100, ME, false},
        {99, OTHER, false},  {100, OTHER, true}, {101, ME, true},
        {100, OTHER, false}, {101, ME, true},    {101, OTHER, true},
    };
    struct turn turn = turn_of(TURNS_AUTO);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool good = ask(&turn, S, 100, popped(rows[i].at_ms, rows[i].by, OTHER));
        if (good != rows[i].held || turn.held != rows[i].held || turn_is_due(&turn) != rows[i].held)
            fail_msg("row %zu: held is %d", i, turn.held);
        turn_passed(&turn);
    }
}

TEST(what_is_no_turn_is_not_passed_on)
{
    static const char *const texts[] = {"", "t", "000000000000000700000000000000zz000000000000000b",
                                        "0000000000000007000000000000000b000000000000000b0"};
    struct turn turn = turn_of(TURNS_AUTO);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        redisReply *reply = popped(0, 0, 0);
        strcpy(reply->element[1]->str, texts[i]);
        reply->element[1]->len = strlen(texts[i]);
        assert_false(ask(&turn, S, 100, reply));
        assert_false(turn_is_due(&turn));
    }
}

TEST(the_time_follows_the_wait_that_is_seen)
{
    struct turn turn = turn_of(TURNS_AUTO);
    (void)ask(&turn, S, 100, popped(7, OTHER, OTHER));
    assert_int_equal(asked_us(), 20000); /* the least */
    turn_passed(&turn);
    (void)ask(&turn, S, 50000, popped(7, OTHER, OTHER));
    turn_passed(&turn);
    (void)ask(&turn, 2 * S, 50000, popped(7, OTHER, OTHER));
    assert_int_equal(asked_us(), 200000);
    for (int i = 0; i < 100; i++) {
        turn_passed(&turn);
        (void)ask(&turn, 3 * S, 100, popped(7, OTHER, OTHER));
    }
    assert_int_equal(asked_us(), 20000);
}

TEST(a_wait_in_vain_that_lost_doubles_the_time)
{
    struct turn turn = turn_of(TURNS_AUTO);
    int64_t last_us = 10000;
    for (int i = 0; i < 8; i++) {
        (void)ask(&turn, S, 7000, &nothing);
        assert_int_equal(asked_us(), 2 * last_us);
        last_us = asked_us();
        turn_passed(&turn);
        turn_lost(&turn, S);
    }
}

/* The turn was lost, not late. */
TEST(a_wait_in_vain_that_won_does_not)
{
    struct turn turn = turn_of(TURNS_AUTO);
    for (int i = 0; i < 8; i++) {
        (void)ask(&turn, S, 7000, &nothing);
        assert_int_equal(asked_us(), 20000);
        turn_passed(&turn);
        turn_won(&turn, S);
        turn_lost(&turn, S);
    }
}

TEST(the_time_leaves_some_for_the_transaction)
{
    struct turn turn = turn_of(TURNS_AUTO);
    turn.wait_us = HOUR;
    turn_ask(&turn, &out, S, 2 * S);
    assert_int_equal(asked_us(), 1500000);
    assert_true(turn_take(&turn, &nothing, 3 * S));
    turn_passed(&turn);
    buf_reset(&out);
    turn_ask(&turn, &out, S, -5 * S); /* late, and never 0: that would be for ever */
    assert_int_equal(asked_us(), 1000);
}

TEST(a_refusal_ends_the_asking_until_the_next_connection)
{
    static const struct {
        const char *error;
        bool refused;
    } rows[] = {
        {"NOPERM this user has no permissions to run the 'blpop' command", true},
        {"WRONGTYPE Operation against a key holding the wrong kind of value", true},
        {"ERR unknown command 'BLPOP'", true},
        {"OOM command not allowed when used memory > 'maxmemory'.", false},
        {"LOADING Redis is loading the dataset in memory", false},
        {"UNBLOCKED force unblock from blocking operation", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct turn turn = turn_of(TURNS_ALWAYS);
        char text[128];
        snprintf(text, sizeof(text), "%s", rows[i].error);
        redisReply error = {.type = REDIS_REPLY_ERROR, .str = text, .len = strlen(text)};
        (void)ask(&turn, S, 100, &error);
        assert_false(turn_is_due(&turn));
        if (turn_wanted(&turn, 2 * S) != !rows[i].refused)
            fail_msg("after %s", rows[i].error);
        turn_forget(&turn);
        assert_true(turn_wanted(&turn, 2 * S));
    }
}

TEST(a_lost_connection_takes_the_turn_with_it)
{
    struct turn turn = turn_of(TURNS_AUTO);
    (void)ask(&turn, S, 100, popped(7, OTHER, OTHER));
    turn_forget(&turn);
    assert_false(turn_is_due(&turn));
    turn_ask(&turn, &out, S, HOUR);
    turn_forget(&turn);
    turn_ask(&turn, &out, S, HOUR);
}

EACH_BETWEEN(setup, teardown)
