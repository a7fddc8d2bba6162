/* test_check_transfers.c -- units that change the item: what of it is right, and what not.
 *
 * Two items of 100 units each. Three go from item 0 to item 1, at 100 us, and make version 2 of
 * both; then both are sold one unit of, so that what a transfer left is seen.
 */
#include "support/check_case.h"
#include "support/suite.h"

#include <string.h>

static uint32_t seq;

static uint32_t add(struct history_attempt a, uint64_t at_us)
{
    a.phase = a.phase ? a.phase : PHASE_LOAD;
    a.seq = a.seq ? a.seq : ++seq;
    a.begin_us = at_us;
    a.end_us = at_us + 20;
    return history_sample_add(&sample, &a);
}

static void begin(void)
{
    struct history_facts facts = history_sample_facts();
    facts.contended = 0;
    seq = facts.items;
    case_begin(&facts, 100);
}

static struct history_attempt transfer(uint64_t from_version, int64_t from_left,
                                       uint64_t to_version, int64_t to_left)
{
    return (struct history_attempt){
        .kind = KIND_TRANSFER,
        .outcome = OUTCOME_OK,
        .status = 200,
        .lines = 2,
        .line = {LINE(0, -3, from_version, from_left), LINE(1, 3, to_version, to_left)}};
}

static void sell(uint32_t item, uint64_t version, int64_t left, uint64_t at_us)
{
    add((struct history_attempt){.kind = KIND_DECREMENT,
                                 .outcome = OUTCOME_OK,
                                 .status = 200,
                                 .line = {LINE(item, 1, version, left)}},
        at_us);
}

static void sell_both(void)
{
    sell(0, 3, 96, 300);
    sell(1, 3, 102, 300);
}

static void expect_violation(enum property property, const char *text)
{
    const struct verdict *v = case_verdict();
    assert_true(v->property[property].violations > 0);
    for (unsigned i = 0; i < v->witnesses; i++)
        if (strstr(v->witness[i].text, text))
            return;
    fail_msg("nothing says \"%s\", but: %s", text, v->witness[0].text);
}

TEST(what_one_gives_the_other_takes)
{
    begin();
    add(transfer(2, 97, 2, 103), 100);
    sell_both();
    assert_int_not_equal(case_verdict()->word, VERDICT_VIOLATION);
}

TEST(each_item_must_have_its_numbers)
{
    static const struct {
        uint64_t from_version;
        int64_t from_left;
        uint64_t to_version;
        int64_t to_left;
        enum property property;
        const char *says;
    } rows[] = {
        {2, 97, 2, 100, PROPERTY_ANSWERS, "it-1: the transfer"},  /* lost on the way */
        {2, 97, 2, 106, PROPERTY_ANSWERS, "it-1: the transfer"},  /* given twice */
        {2, 100, 2, 103, PROPERTY_ANSWERS, "it-0: the transfer"}, /* not taken */
        {2, 97, 1, 103, PROPERTY_VERSIONS, "was given twice"},    /* the taker's is not raised */
        {1, 97, 2, 103, PROPERTY_VERSIONS, "was given twice"},    /* the giver's */
        {2, -1, 2, 103, PROPERTY_SUMS, "Nothing may fall below"}, /* more than there was */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        add(transfer(rows[i].from_version, rows[i].from_left, rows[i].to_version, rows[i].to_left),
            100);
        expect_violation(rows[i].property, rows[i].says);
    }
}

static void refused(struct history_attempt a, enum history_detail detail, uint16_t status,
                    uint64_t at_us)
{
    a.outcome = OUTCOME_FAIL;
    a.status = status;
    a.detail = detail;
    add(a, at_us);
}

TEST(who_is_refused_lacked_units)
{
    for (int64_t left = 2; left <= 3; left++) {
        begin();
        add((struct history_attempt){.kind = KIND_DECREMENT,
                                     .outcome = OUTCOME_OK,
                                     .status = 200,
                                     .line = {LINE(0, 100 - (int32_t)left, 2, left)}},
            50);
        refused(transfer(2, left, 0, 0), DETAIL_NO_STOCK, 409, 100);
        if (left == 3)
            expect_violation(PROPERTY_ANSWERS, "although there was enough");
        else
            assert_int_not_equal(case_verdict()->word, VERDICT_VIOLATION);
    }
}

TEST(no_limit_counts_for_a_transfer)
{
    begin();
    refused(transfer(1, 0, 0, 0), DETAIL_LIMIT, 409, 100);
    expect_violation(PROPERTY_ANSWERS, "it counts against none");
}

/* A transfer joins what it moves between, as a basket does. */
TEST(what_was_moved_between_is_not_apart)
{
    begin();
    add(transfer(2, 97, 2, 103), 100);
    refused(transfer(0, 0, 0, 0), DETAIL_APART, 422, 200);
    expect_violation(PROPERTY_ANSWERS, "lie in different partitions");
    begin();
    refused(transfer(0, 0, 0, 0), DETAIL_APART, 422, 200);
    assert_int_not_equal(case_verdict()->word, VERDICT_VIOLATION);
}

TEST(a_repetition_is_the_first_answer_again)
{
    for (int twice = 0; twice < 2; twice++) {
        begin();
        uint32_t first = add(transfer(2, 97, 2, 103), 100);
        struct history_attempt again = twice ? transfer(3, 94, 3, 106) : transfer(2, 97, 2, 103);
        again.seq = seq;
        again.of = first;
        again.flags = FLAG_RESENT | (twice ? 0 : FLAG_REPLAYED);
        add(again, 200);
        if (twice)
            expect_violation(PROPERTY_VERSIONS, "One key took effect twice");
        else
            assert_int_not_equal(case_verdict()->word, VERDICT_VIOLATION);
    }
}

/* Nobody answered, or a 504: it happened to both items or to none, and the look-up knows. */
TEST(what_was_not_answered_is_all_or_nothing)
{
    static const struct {
        bool found;      /* by its key, after the load */
        bool from, into; /* what was sold of the items afterwards shows it */
        bool right;
    } rows[] = {
        {true, true, true, true},    {false, false, false, true}, {true, false, false, false},
        {true, true, false, false},  {true, false, true, false},  {false, true, true, false},
        {false, true, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        struct history_attempt asked = transfer(0, 0, 0, 0);
        asked.outcome = OUTCOME_UNKNOWN;
        asked.status = i % 2 ? 504 : 0;
        asked.detail = i % 2 ? DETAIL_OTHER : DETAIL_TIMEOUT;
        uint32_t first = add(asked, 100);
        uint32_t asked_seq = seq;
        sell(0, rows[i].from ? 3 : 2, rows[i].from ? 96 : 99, 300);
        sell(1, rows[i].into ? 3 : 2, rows[i].into ? 102 : 99, 300);
        struct history_attempt settled =
            rows[i].found ? transfer(2, 97, 2, 103) : transfer(0, 0, 0, 0);
        settled.worker = HISTORY_SAMPLE_PARENT;
        settled.phase = PHASE_SETTLE;
        settled.seq = asked_seq;
        settled.of = first;
        if (rows[i].found)
            add(settled, 500);
        else
            refused(settled, DETAIL_NO_OPERATION, 404, 500);
        bool violated = case_verdict()->word == VERDICT_VIOLATION;
        if (violated == rows[i].right)
            fail_msg("row %zu is %s", i, violated ? "a violation" : "none");
    }
}

/* Such a line is in no file that stockload wrote: it is left out, and the history is not whole. */
TEST(what_is_no_transfer_is_left_out)
{
    struct history_attempt rows[] = {transfer(2, 97, 2, 103), transfer(2, 97, 2, 103),
                                     transfer(2, 97, 2, 103), transfer(2, 97, 2, 103)};
    rows[0].line[1].item = 0;
    rows[1].line[1].quantity = 4;
    rows[2].line[0].quantity = 3;
    rows[3].lines = 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        add(rows[i], 100);
        assert_int_equal(case_verdict()->word, VERDICT_UNKNOWN);
    }
}
