#include "http/problem.h"
#include "support/suite.h"

#include <stdio.h>

TEST(every_problem_is_told_in_full)
{
    for (int i = 0; i < PROBLEMS; i++) {
        const struct problem *problem = problem_get((enum problem_id)i);
        assert_non_null(problem->name);
        assert_in_range(problem->status, 400, 599);
        assert_true(strlen(problem->title) > 5);
        assert_true(strlen(problem->description) > 20);
        /* A title is written into JSON and HTML as it is. */
        assert_null(strpbrk(problem->title, "\"\\<&"));
        assert_ptr_equal(problem_find(str_of(problem->name)), problem);
        for (const char *c = problem->name; *c; c++)
            assert_true((*c >= 'a' && *c <= 'z') || *c == '-');
    }
    assert_null(problem_find(STR("nope")));
    assert_null(problem_find(STR("")));
}

TEST(a_503_says_when_to_come_back)
{
    for (int i = 0; i < PROBLEMS; i++) {
        const struct problem *problem = problem_get((enum problem_id)i);
        bool again = problem->status == 503 || problem->status == 429;
        assert_true((problem->retry_after_s > 0) == again);
    }
}

TEST(every_refusal_has_its_status)
{
    static const struct {
        enum outcome_code code;
        const char *name;
        unsigned status;
    } rows[] = {
        {OUT_ITEM_NOT_FOUND, "item-not-found", 404},
        {OUT_RESERVATION_NOT_FOUND, "reservation-not-found", 404},
        {OUT_INSUFFICIENT_STOCK, "insufficient-stock", 409},
        {OUT_LIMIT_EXCEEDED, "limit-exceeded", 409},
        {OUT_BELOW_HELD, "below-held", 409},
        {OUT_ITEM_IN_USE, "item-in-use", 409},
        {OUT_RESERVATION_EXPIRED, "reservation-expired", 409},
        {OUT_RESERVATION_RELEASED, "reservation-released", 409},
        {OUT_RESERVATION_CONFIRMED, "reservation-confirmed", 409},
        {OUT_PRECONDITION_REQUIRED, "precondition-required", 428},
        {OUT_PRECONDITION_FAILED, "precondition-failed", 412},
        {OUT_KEY_REUSED, "idempotency-key-reused", 422},
        {OUT_INVALID, "invalid-field", 422},
        {OUT_CROSS_PARTITION, "cross-partition", 422},
        {OUT_QUOTA_USED, "rate-limited", 429},
        {OUT_REDIS_UNAVAILABLE, "redis-unavailable", 503},
        {OUT_OVERLOADED, "overloaded", 503},
        {OUT_CONTENTION, "contention", 503},
        {OUT_STATE_LOST, "state-lost", 503},
        {OUT_PARTITION_CLOSED, "partition-closed", 503},
        {OUT_UNKNOWN, "outcome-unknown", 504},
        {OUT_BROKEN, "internal-error", 500},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct problem *problem = problem_get(problem_of_outcome(rows[i].code));
        assert_string_equal(problem->name, rows[i].name);
        assert_int_equal(problem->status, rows[i].status);
    }
    /* All codes but NONE and the three successes are above. */
    assert_int_equal(sizeof(rows) / sizeof(rows[0]), OUT_CODES - 4);
}
