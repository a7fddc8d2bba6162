/* test_summary_items.c -- what a summary says of single items: asked for, taken, left, sold out. */
#include "support/suite.h"
#include "support/summary_sample.h"

TEST(what_is_left_is_carried_forward_and_ordered_by_version)
{
    add((struct history_attempt){.kind = KIND_PUT,
                                 .outcome = OUTCOME_OK,
                                 .status = 201,
                                 .begin_us = 10,
                                 .end_us = 20,
                                 .line = {{0, 100, 1, 100}}});
    add(reserve(START + 25 * MS, 2 * MS, 4, 97));
    add(reserve(START + 27 * MS, 1 * MS, 2, 99));  /* older, told later */
    add(reserve(START + 21 * MS, 30 * MS, 3, 98)); /* and later still */
    struct history_attempt other = reserve(START + 60 * MS, 1 * MS, 9, 5);
    other.line[0].item = 1;
    add(other);
    sum_up();
    assert_int_equal(summary.hot, 2);
    assert_int_equal(summary.hot_item[0], 0);
    assert_int_equal(summary.hot_item[1], 1);
    assert_int_equal(summary.interval[0].left[0], 100);
    assert_int_equal(summary.interval[2].left[0], 97);
    assert_int_equal(summary.interval[5].left[0], 97);
    assert_int_equal(summary.interval[99].left[0], 97);
    assert_int_equal(summary.interval[5].left[1], -1);
    assert_int_equal(summary.interval[6].left[1], 5);
    assert_int_equal(summary.top_item[0].remaining, 97);
}

TEST(an_effect_counts_once_however_often_its_key_was_sent)
{
    uint32_t slot = add(unknown(reserve(START, 1 * MS, 0, 0), DETAIL_RESET));
    struct history_attempt again = reserve(START + 2 * MS, 1 * MS, 2, 99);
    again.flags = FLAG_RESENT | FLAG_REPLAYED;
    again.of = slot;
    add(again);
    add(again);
    struct history_attempt confirm = reserve(START + 4 * MS, 1 * MS, 3, 99);
    confirm.kind = KIND_CONFIRM;
    confirm.of = slot;
    add(confirm);
    confirm.flags = FLAG_AGAIN; /* a server that does not mark its replays */
    add(confirm);
    confirm.flags = FLAG_REPLAYED;
    add(confirm);
    struct history_attempt get = reserve(START + 5 * MS, 1 * MS, 3, 99);
    get.kind = KIND_GET_ITEM;
    add(get);
    sum_up();
    assert_int_equal(summary.successes, 2);
    assert_int_equal(summary.top_item[0].requests, 7);
    assert_int_equal(summary.top_item[0].demand, 1);
    assert_int_equal(summary.top_item[0].taken, 1);
}

TEST(an_item_is_sold_out_at_the_first_answer_that_says_so)
{
    struct history_attempt no =
        refused(reserve(START + 30 * MS, 1 * MS, 50, 3), 409, DETAIL_NO_STOCK);
    no.lines = 2;
    no.line[1] = (struct history_line){.item = 1, .quantity = 2}; /* had enough: nothing said */
    add(no);
    add(reserve(START + 20 * MS, 1 * MS, 49, 0));
    sum_up();
    assert_int_equal(summary.top_item[0].sold_out_ns, 1021 * MS_NS);
    assert_int_equal(summary.top_item[0].sold_out_answers, 1);
    assert_int_equal(summary.top_item[0].demand, 2);
    assert_int_equal(summary.top_item[0].taken, 1);
    assert_int_equal(summary.top_item[1].sold_out_ns, 0);
    assert_int_equal(summary.top_item[1].sold_out_answers, 0);
    assert_int_equal(summary.top_item[1].demand, 2);
    assert_int_equal(summary.top_item[1].remaining, -1);
}

/* It says how many units the customer has, which may well be none. */
TEST(a_refusal_because_of_a_limit_is_not_about_stock)
{
    add(reserve(START + 20 * MS, 1 * MS, 49, 7));
    add(refused(reserve(START + 30 * MS, 1 * MS, 50, 0), 409, DETAIL_LIMIT));
    sum_up();
    assert_int_equal(summary.top_item[0].sold_out_ns, 0);
    assert_int_equal(summary.top_item[0].sold_out_answers, 0);
    assert_int_equal(summary.top_item[0].remaining, 7);
    assert_int_equal(summary.interval[summary.intervals - 1].left[0], 7);
    assert_int_equal(summary.count[CLASS_REFUSED], 1);
    assert_int_equal(summary.detail[DETAIL_LIMIT], 1);
}

TEST(the_busiest_items_come_first)
{
    facts.items = 60;
    for (uint32_t item = 0; item < 60; item++)
        for (uint32_t n = 0; n <= item % 30; n++) {
            struct history_attempt a = reserve(START + n, 1 * MS, 2 + n, 50);
            a.line[0].item = item;
            add(a);
        }
    struct history_attempt foreign = reserve(START, 1 * MS, 2, 50);
    foreign.line[0].item = 4000000000; /* no item of this run */
    add(foreign);
    sum_up();
    assert_int_equal(summary.top, SUMMARY_TOP);
    assert_int_equal(summary.hot, SUMMARY_HOT);
    for (uint32_t i = 0; i < SUMMARY_TOP; i++) {
        assert_int_equal(summary.top_item[i].requests, 30 - i / 2);
        assert_int_equal(summary.top_item[i].item, (i % 2 ? 59 : 29) - i / 2);
    }
    assert_int_equal(summary.hot_item[1], 59);
}

TEST(the_reading_after_the_load_is_the_last_word_on_stock)
{
    add(reserve(START, 1 * MS, 2, 99));
    struct history_counters counters = {
        .found = 1, .item = 0, .available = 100, .version = 3, .on_hand = 100};
    assert_int_equal(history_put_counters(&summary_file.writer[HISTORY_SAMPLE_PARENT], &counters),
                     0);
    sum_up();
    assert_int_equal(summary.top_item[0].remaining, 100);
    assert_int_equal(summary.interval[99].left[0], 99);
}

EACH_BETWEEN(summary_sample_setup, summary_sample_teardown)
