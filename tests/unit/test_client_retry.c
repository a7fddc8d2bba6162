/* test_client_retry.c -- when a command sends its request again, and what it knows in the end. */
#include "command/client/retry.h"
#include "support/suite.h"

#define SILENT                                                                                     \
    {                                                                                              \
        .end = RETRY_END_SILENT                                                                    \
    }
#define UNSENT                                                                                     \
    {                                                                                              \
        .end = RETRY_END_UNSENT                                                                    \
    }
#define SAYS(code)                                                                                 \
    {                                                                                              \
        .end = RETRY_END_ANSWERED, .status = (code)                                                \
    }
#define OURS(code)                                                                                 \
    {                                                                                              \
        .end = RETRY_END_ANSWERED, .status = (code), .usable = true                                \
    }

/* What comes of attempts, one after the other, when there is time for all of them, until one ends
 * it; the last one has no time left. */
struct course {
    struct attempt attempts[4];
    unsigned count;
    bool changes;
    enum retry_step end;
};

/* clang-format off */
static const struct course courses[] = {
    {{OURS(200)}, 1, true, RETRY_DONE},
    {{OURS(201)}, 1, true, RETRY_DONE},
    {{SAYS(404)}, 1, true, RETRY_REFUSED},
    {{SAYS(409)}, 1, false, RETRY_REFUSED},
    {{SAYS(503)}, 1, true, RETRY_REFUSED},
    {{SAYS(429)}, 1, true, RETRY_REFUSED},
    {{SAYS(504)}, 1, true, RETRY_UNKNOWN},
    {{SAYS(500)}, 1, true, RETRY_UNKNOWN},
    {{SAYS(504)}, 1, false, RETRY_FAILED},
    {{SILENT}, 1, true, RETRY_UNKNOWN},
    {{SILENT}, 1, false, RETRY_FAILED},
    {{UNSENT}, 1, true, RETRY_FAILED},
    {{SAYS(200)}, 1, true, RETRY_UNKNOWN}, /* it was done, says somebody who is no stockd */
    {{SAYS(200)}, 1, false, RETRY_FAILED},
    {{SAYS(301)}, 1, true, RETRY_FAILED},
    {{SILENT, OURS(200)}, 2, true, RETRY_DONE},
    {{SILENT, SAYS(409)}, 2, true, RETRY_UNKNOWN}, /* decided afresh: says nothing of the first */
    {{SILENT, SAYS(503)}, 2, true, RETRY_UNKNOWN},
    {{SILENT, UNSENT}, 2, true, RETRY_UNKNOWN},
    {{SILENT, SAYS(409)}, 2, false, RETRY_REFUSED},
    {{SAYS(503), SAYS(409)}, 2, true, RETRY_REFUSED},
    {{SAYS(503), UNSENT}, 2, true, RETRY_FAILED},
    {{SAYS(504), SAYS(503), UNSENT, OURS(201)}, 4, true, RETRY_DONE},
    {{SAYS(504), SAYS(503), UNSENT, SAYS(412)}, 4, true, RETRY_UNKNOWN},
};
/* clang-format on */

TEST(the_end_says_what_is_known)
{
    for (size_t i = 0; i < sizeof(courses) / sizeof(courses[0]); i++) {
        const struct course *course = &courses[i];
        struct retry retry = {.until_ms = 100000, .changes = course->changes};
        enum retry_step step = RETRY_AGAIN;
        int64_t pause_ms;
        for (unsigned a = 0; a < course->count; a++) {
            bool last = a + 1 == course->count;
            if (step != RETRY_AGAIN)
                fail_msg("course %zu ended with attempt %u", i, a);
            step = retry_after(&retry, &course->attempts[a], last ? 100000 : 1000, 7, &pause_ms);
        }
        if (step != course->end)
            fail_msg("course %zu: %d, and not %d", i, (int)step, (int)course->end);
    }
}

TEST(nobody_who_listens_is_told_at_once)
{
    struct retry retry = {.until_ms = 100000, .changes = true};
    int64_t pause_ms;
    assert_int_equal(retry_after(&retry, &(struct attempt)UNSENT, 0, 0, &pause_ms), RETRY_FAILED);
}

TEST(pauses_grow_to_a_bound_and_never_pass_the_end)
{
    struct retry retry = {.until_ms = INT64_MAX / 2, .changes = true};
    int64_t pause_ms, least = 50;
    for (int i = 0; i < 20; i++) {
        for (uint64_t dice = 0; dice < 3; dice++) {
            struct retry copy = retry;
            enum retry_step step =
                retry_after(&copy, &(struct attempt)SILENT, 0, dice * 1000003, &pause_ms);
            assert_int_equal(step, RETRY_AGAIN);
            assert_in_range(pause_ms, least, 2 * least);
        }
        assert_int_equal(retry_after(&retry, &(struct attempt)SILENT, 0, 0, &pause_ms),
                         RETRY_AGAIN);
        least = i < 5 ? 2 * least : least;
    }
    retry.until_ms = pause_ms;
    assert_int_equal(retry_after(&retry, &(struct attempt)SILENT, 0, 0, &pause_ms), RETRY_UNKNOWN);
}

TEST(retry_after_is_kept_if_there_is_time_and_else_ends_it)
{
    struct attempt busy = SAYS(503);
    struct retry retry = {.until_ms = 10000, .changes = true};
    int64_t pause_ms;
    busy.retry_after_s = 3;
    assert_int_equal(retry_after(&retry, &busy, 0, 0, &pause_ms), RETRY_AGAIN);
    assert_int_equal(pause_ms, 3000);
    assert_int_equal(retry_after(&retry, &busy, 8000, 0, &pause_ms), RETRY_REFUSED);
}
