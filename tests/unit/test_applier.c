/* test_applier.c -- how long the ledger process gathers entries between two commits. */
#include "process/ledger/applier_partition.h"
#include "support/suite.h"

TEST(a_pass_that_took_long_is_followed_by_a_longer_rest)
{
    assert_int_equal(carry_gather_ms(0), 10);
    assert_int_equal(carry_gather_ms(2), 10);
    assert_int_equal(carry_gather_ms(5), 20);
    assert_int_equal(carry_gather_ms(20), 80);
}

/* Who follows the events asks SQL every 100 ms: it may not become much more than that. */
TEST(no_rest_is_longer_than_readers_wait)
{
    assert_int_equal(carry_gather_ms(25), 100);
    assert_int_equal(carry_gather_ms(26), 100);
    assert_int_equal(carry_gather_ms(30000), 100);
}
