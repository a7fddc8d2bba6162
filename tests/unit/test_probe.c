/* test_restores.c -- how often a service says that it was restored, and how often that was during
 * the run. */
#include "run/probe.h"
#include "support/suite.h"

TEST(a_service_that_counts_is_believed)
{
    assert_int_equal(probe_restores_said(STR("{\"status\":\"ready\",\"restores\":3}")), 3);
    assert_int_equal(probe_restores_said(STR("{\"restores\":1,\"status\":{\"restores\":9}}")), 1);
    assert_int_equal(probe_restores_said(STR("{\"restores\":0}")), 0);
}

TEST(one_that_does_not_was_never_restored)
{
    assert_int_equal(probe_restores_said(STR("{\"status\":\"ok\"}")), 0);
    assert_int_equal(probe_restores_said(STR("{\"restores\":null,\"status\":\"ok\"}")), 0);
    assert_int_equal(probe_restores_said(STR("{}")), 0);
    assert_int_equal(probe_restores_said(STR("OK")), 0);
    assert_int_equal(probe_restores_said(STR("")), 0);
    assert_int_equal(probe_restores_said((struct str){NULL, 0}), 0);
}

TEST(what_makes_no_sense_counts_for_nothing)
{
    assert_int_equal(probe_restores_said(STR("{\"restores\":-1}")), 0);
    assert_int_equal(probe_restores_said(STR("{\"restores\":\"3\"}")), 0);
    assert_int_equal(probe_restores_said(STR("{\"restores\":1.5}")), 0);
    assert_int_equal(probe_restores_said(STR("{\"restores\":99999999999999999999}")), 0);
    assert_int_equal(probe_restores_said(STR("{\"restores\":3")), 0);
}

TEST(only_what_came_between_counts)
{
    assert_int_equal(probe_restores_between(0, 0), 0);
    assert_int_equal(probe_restores_between(2, 3), 1);
    assert_int_equal(probe_restores_between(3, 2), 0); /* another store */
    assert_int_equal(probe_restores_between(RESTORES_UNKNOWN, 3), 0);
    assert_int_equal(probe_restores_between(0, RESTORES_UNKNOWN), 0);
    assert_int_equal(probe_restores_between(0, INT64_MAX), UINT32_MAX);
}
