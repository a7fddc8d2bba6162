/* test_curve.c -- the counters of one service, of several, of one that nobody had seen. */
#include "report/curve.h"
#include "support/suite.h"

#include <string.h>

#define GO   1000
#define STOP 2000

static struct curve curve;

static int end(void **state)
{
    curve_free(&curve);
    return 0;
}

/* A service has answered ten requests for each conflict. */
static void add(uint64_t service, uint64_t at_ns, uint64_t conflicts)
{
    const struct history_sample sample = {.service = service,
                                          .at_ns = at_ns,
                                          .conflicts = conflicts,
                                          .batches = 2 * conflicts,
                                          .requests = 10 * conflicts};
    assert_int_equal(curve_add(&curve, &sample), 0);
}

static const char *doubt(uint64_t answers)
{
    const char *why = curve_doubt(&curve, GO, STOP, answers);
    return why ? why : "";
}

static void assert_doubt(const char *words)
{
    if (!strstr(doubt(0), words))
        fail_msg("\"%s\" is not about \"%s\"", doubt(0), words);
}

TEST(one_service_is_the_whole)
{
    add(7, GO - 1, 100);
    add(7, 1500, 110);
    add(7, STOP, 140);
    assert_string_equal(doubt(400), "");
    assert_int_equal(curve_grown(&curve, CURVE_CONFLICTS), 40);
    curve_settle(&curve, GO, STOP);
    assert_int_equal(curve_at(&curve, CURVE_CONFLICTS, GO), 100);
    assert_int_equal(curve_at(&curve, CURVE_CONFLICTS, 1250), 105);
    assert_int_equal(curve_at(&curve, CURVE_BATCHES, STOP), 280);
}

/* As a balancer lets them answer: of one a counter near 0, of the other one far from it. */
TEST(services_that_answer_in_turns_are_added_up)
{
    add(1, 900, 5);
    add(2, 910, 70000);
    add(1, 1100, 10);
    add(2, 1200, 70100);
    add(1, 1300, 15);
    add(2, STOP + 1, 71000);
    add(1, STOP + 2, 559);
    assert_string_equal(doubt(15540), "");
    assert_int_equal(curve_grown(&curve, CURVE_CONFLICTS), 1554);
    curve_settle(&curve, GO, STOP);
    assert_int_equal(
        curve_at(&curve, CURVE_CONFLICTS, STOP) - curve_at(&curve, CURVE_CONFLICTS, GO), 1554);
    uint64_t before = curve_at(&curve, CURVE_CONFLICTS, GO);
    for (uint64_t at = GO; at <= STOP; at += 50) {
        uint64_t now = curve_at(&curve, CURVE_CONFLICTS, at);
        assert_true(now >= before && now - before < 200);
        before = now;
    }
}

TEST(what_was_counted_before_a_service_was_seen_is_not_known)
{
    add(1, 900, 5);
    add(2, GO + 1, 70000);
    add(1, STOP, 6);
    add(2, STOP, 70001);
    assert_doubt("after the load had begun");
}

TEST(what_a_service_counted_after_its_last_answer_is_not_known)
{
    add(1, 900, 5);
    add(2, 900, 6);
    add(1, STOP, 6);
    add(2, STOP - 1, 70001);
    assert_doubt("not seen any more");
}

/* Another start has another name. */
TEST(a_service_that_was_started_again_is_not_known)
{
    add(1, 900, 500);
    add(1, 1100, 600);
    add(2, 1500, 3);
    add(2, STOP, 90);
    assert_doubt("not seen any more");
}

TEST(a_counter_that_went_back_makes_it_not_known)
{
    add(0, 900, 500);
    add(0, 1400, 510);
    add(0, 1500, 499);
    add(0, STOP, 600);
    assert_doubt("went back");
    assert_int_equal(curve_grown(&curve, CURVE_CONFLICTS), 10);
}

TEST(time_that_went_back_does_no_harm)
{
    add(1, STOP, 5);
    add(1, 900, 6);
    assert_doubt("went back");
    curve_settle(&curve, GO, STOP);
    assert_int_equal(curve_at(&curve, CURVE_CONFLICTS, 1500), 5);
}

/* It answered clients, and never who asked for counters: the others have not answered so many. */
TEST(a_service_that_was_never_seen_shows_in_the_number_of_answers)
{
    add(1, 900, 10);
    add(1, STOP, 20);
    assert_string_equal(doubt(100), "");
    assert_non_null(strstr(doubt(101), "never seen"));
}

TEST(services_without_a_name_are_one_and_their_requests_are_not_known)
{
    add(0, 900, 10);
    add(0, STOP, 20);
    assert_string_equal(doubt(UINT64_MAX), "");
}

TEST(without_samples_nothing_is_known)
{
    assert_doubt("did not show");
    assert_int_equal(curve_at(&curve, CURVE_CONFLICTS, GO), 0);
    add(1, 900, 10);
    assert_doubt("not seen any more");
}

TEST(more_services_than_there_can_be_are_not_believed)
{
    for (uint64_t i = 0; i < 2 * CURVE_SERVICES_MAX; i++)
        add(i, 900, i);
    for (uint64_t i = 0; i < 2 * CURVE_SERVICES_MAX; i++)
        add(i, STOP, i);
    assert_doubt("went back");
}

EACH_BETWEEN(NULL, end)
