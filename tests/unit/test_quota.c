/* test_quota.c -- what a file of keys may say that a client may ask, and the bucket that it makes.
 */
#include "core/access/quota.h"
#include "support/suite.h"

static const struct {
    const char *text;
    int64_t limits[QUOTA_LIMITS];
    const char *written; /* NULL: as it was */
} good[] = {
    {"none", {0}, NULL},
    {"rps=50", {50}, NULL},
    {"rps=50,burst=100", {50, 100}, NULL},
    {"burst=100,rps=50", {50, 100}, "rps=50,burst=100"},
    {"rps=1000000,burst=1000000", {1000000, 1000000}, NULL},
    {"rps=007", {7}, "rps=7"},
    {"holds=100", {[QUOTA_HOLDS] = 100}, NULL},
    {"units=5000", {[QUOTA_UNITS] = 5000}, NULL},
    {"operations=4,metadata=3,units=2,holds=1",
     {0, 0, 1, 2, 3, 4},
     "holds=1,units=2,metadata=3,operations=4"},
    {"rps=1000000,burst=1000000,holds=1000000000000,units=1000000000000,metadata=1000000000000,"
     "operations=1000000000000",
     {1000000, 1000000, 1000000000000, 1000000000000, 1000000000000, 1000000000000},
     NULL},
};

TEST(a_quota_is_read_and_written)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct quota quota;
        struct buf text;
        const char *why, *written = good[i].written ? good[i].written : good[i].text;
        assert_true(quota_parse(&quota, str_of(good[i].text), &why));
        assert_memory_equal(quota.limits, good[i].limits, sizeof(quota.limits));
        buf_init(&text, QUOTA_TEXT_SIZE);
        quota_write(&quota, &text);
        assert_true(str_equal(buf_str(&text), str_of(written)));
        buf_free(&text);
    }
}

TEST(what_is_none_is_told_what_would_be_right)
{
    static const struct {
        const char *text, *why; /* a part of it */
    } wrong[] = {
        {"", "as in rps=50"},
        {"10/s", "as in rps=50"},
        {"rps", "as in rps=50"},
        {"None", "as in rps=50"},
        {"rps=50,", "as in rps=50"},
        {",rps=50", "as in rps=50"},
        {"rps=50,,", "as in rps=50"},
        {"none,rps=50", "as in rps=50"},
        {"bytes=5", "as in rps=50"},
        {"RPS=50", "as in rps=50"},
        {"rps=", "a number"},
        {"rps=0", "a number"},
        {"rps=-1", "a number"},
        {"rps=1.5", "a number"},
        {"rps=1000001", "a number"},
        {"rps=18446744073709551617", "a number"},
        {"rps=1 ", "a number"},
        {"rps=1,rps=2", "twice"},
        {"burst=5", "burst without rps"},
        {"burst=5,holds=1", "burst without rps"},
        {"holds=", "a number from 1 to 1000000000000"},
        {"units=0", "a number from 1 to 1000000000000"},
        {"metadata=-1", "a number from 1 to 1000000000000"},
        {"operations=1000000000001", "a number from 1 to 1000000000000"},
        {"holds=1,units=2,holds=1", "twice"},
        {"hold=1", "holds, units, metadata and operations"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct quota quota;
        const char *why;
        assert_false(quota_parse(&quota, str_of(wrong[i].text), &why));
        if (!strstr(why, wrong[i].why))
            fail_msg("\"%s\": \"%s\" has no \"%s\"", wrong[i].text, why, wrong[i].why);
    }
}

TEST(what_is_kept_is_told_from_what_is_asked)
{
    for (int i = 0; i < QUOTA_LIMITS; i++) {
        struct quota quota = {.limits = {[QUOTA_RPS] = 1}};
        quota.limits[i] = 1;
        assert_int_equal(quota_keeps(&quota), i >= QUOTA_HOLDS);
    }
}

TEST(a_host_gives_its_share_and_never_more)
{
    static const struct {
        int64_t rps, burst;
        double share;
        int64_t step_ns, tokens;
    } rows[] = {
        {0, 0, 1, 0, 0},
        {50, 100, 1, 20000000, 100},
        {50, 0, 1, 20000000, 50},
        {3, 0, 1, 333333334, 3},
        {50, 100, 0.25, 80000000, 25},
        {50, 10, 0.25, 80000000, 2},
        {1, 1, 0.25, 4000000000, 1}, /* the one without which nothing would go */
        {1000000, 1000000, 0.001, 1000000, 1000},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct quota quota = {
            .limits = {[QUOTA_RPS] = rows[i].rps, [QUOTA_BURST] = rows[i].burst}};
        struct bucket_limit limit = quota_rate(&quota, rows[i].share);
        assert_int_equal(limit.step_ns, rows[i].step_ns);
        assert_int_equal(limit.burst, rows[i].tokens);
    }
}
