/* test_probe.c -- how often a service says that it was restored, and how often that was during the
 * run; what its answers wait for; which service counts, and what. */
#include "run/probe.h"
#include "support/suite.h"

#include <stdio.h>

TEST(a_service_that_counts_is_believed)
{
    assert_int_equal(probe_ready_said(STR("{\"status\":\"ready\",\"restores\":3}")).restores, 3);
    assert_int_equal(probe_ready_said(STR("{\"restores\":1,\"status\":{\"restores\":9}}")).restores,
                     1);
    assert_int_equal(probe_ready_said(STR("{\"restores\":0}")).restores, 0);
}

TEST(one_that_does_not_was_never_restored)
{
    assert_int_equal(probe_ready_said(STR("{\"status\":\"ok\"}")).restores, 0);
    assert_int_equal(probe_ready_said(STR("{\"restores\":null,\"status\":\"ok\"}")).restores, 0);
    assert_int_equal(probe_ready_said(STR("{}")).restores, 0);
    assert_int_equal(probe_ready_said(STR("OK")).restores, 0);
    assert_int_equal(probe_ready_said(STR("")).restores, 0);
    assert_int_equal(probe_ready_said((struct str){NULL, 0}).restores, 0);
}

TEST(what_makes_no_sense_counts_for_nothing)
{
    assert_int_equal(probe_ready_said(STR("{\"restores\":-1}")).restores, 0);
    assert_int_equal(probe_ready_said(STR("{\"restores\":\"3\"}")).restores, 0);
    assert_int_equal(probe_ready_said(STR("{\"restores\":1.5}")).restores, 0);
    assert_int_equal(probe_ready_said(STR("{\"restores\":99999999999999999999}")).restores, 0);
    assert_int_equal(probe_ready_said(STR("{\"restores\":3")).restores, 0);
}

TEST(it_says_whether_successes_wait)
{
    assert_true(probe_ready_said(STR("{\"restores\":0,\"durability\":\"ledger\"}")).waits);
    assert_true(probe_ready_said(STR("{\"durability\":\"replicated\"}")).waits);
    assert_false(probe_ready_said(STR("{\"durability\":\"always\"}")).waits);
    assert_false(probe_ready_said(STR("{\"restores\":0}")).waits);
    assert_false(probe_ready_said(STR("{\"durability\":3}")).waits);
    assert_false(probe_ready_said(STR("{\"durability\":\"ledger\"")).waits);
}

TEST(it_counts_what_may_be_failovers)
{
    assert_int_equal(probe_ready_said(STR("{\"restores\":1,\"failovers\":7}")).failovers, 7);
    assert_int_equal(probe_ready_said(STR("{\"restores\":1}")).failovers, 0);
    assert_int_equal(probe_ready_said(STR("{\"failovers\":\"7\"}")).failovers, 0);
}

TEST(only_what_came_between_counts)
{
    assert_int_equal(probe_between(0, 0), 0);
    assert_int_equal(probe_between(2, 3), 1);
    assert_int_equal(probe_between(3, 2), 0); /* another store */
    assert_int_equal(probe_between(PROBE_UNKNOWN, 3), 0);
    assert_int_equal(probe_between(0, PROBE_UNKNOWN), 0);
    assert_int_equal(probe_between(0, INT64_MAX), UINT32_MAX);
}

/* --- counters --------------------------------------------------------------------------------- */

#define SERVICE(name) "stockd_service_start_time_seconds{service=\"" name "\"} 17.5\n"
#define COUNTERS                                                                                   \
    "# TYPE stockd_conflicts_total counter\nstockd_conflicts_total 3\nstockd_batches_total 7\n"    \
    "stockd_batch_operations_total 9\n"

TEST(counters_are_those_of_a_service_with_a_name)
{
    struct history_sample one, other;
    assert_true(probe_counters_said(STR(SERVICE("a") COUNTERS), &one));
    assert_int_equal(one.conflicts, 3);
    assert_int_equal(one.batches, 7);
    assert_int_equal(one.batch_ops, 9);
    assert_int_equal(one.requests, 0);
    assert_true(probe_counters_said(STR(COUNTERS SERVICE("b")), &other));
    assert_int_not_equal(one.service, other.service);
    assert_true(probe_counters_said(STR(COUNTERS SERVICE("a")), &other));
    assert_int_equal(one.service, other.service);
    assert_false(probe_counters_said(STR(COUNTERS), &one));
    assert_false(probe_counters_said(STR(SERVICE("a") "stockd_batches_total 7\n"), &one));
    assert_false(probe_counters_said(STR(""), &one));
}

TEST(questions_after_its_health_are_no_requests_served)
{
    struct history_sample sample;
    assert_true(probe_counters_said(
        STR(SERVICE("a") COUNTERS
            "stockd_http_requests_total{route=\"reservations\",status=\"201\"} 5\n"
            "stockd_http_requests_total{route=\"metrics\",status=\"200\"} 100\n"
            "stockd_http_requests_total{route=\"readyz\",status=\"200\"} 200\n"
            "stockd_http_requests_total{route=\"item\",status=\"200\"} 2\n"),
        &sample));
    assert_int_equal(sample.requests, 7);
}
