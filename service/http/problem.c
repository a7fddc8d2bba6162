#include "http/problem.h"

#include <assert.h>

#define PROBLEM_ROW(id, ...) [id] = {__VA_ARGS__},
static const struct problem problems[PROBLEMS] = {PROBLEM_EACH(PROBLEM_ROW)};

const struct problem *problem_get(enum problem_id id)
{
    assert(id < PROBLEMS);
    return &problems[id];
}

const struct problem *problem_find(struct str name)
{
    for (int i = 0; i < PROBLEMS; i++)
        if (str_equal(name, str_of(problems[i].name)))
            return &problems[i];
    return NULL;
}

enum problem_id problem_of_outcome(enum outcome_code code)
{
    switch (code) {
    case OUT_ITEM_NOT_FOUND: return PROBLEM_ITEM_NOT_FOUND;
    case OUT_RESERVATION_NOT_FOUND: return PROBLEM_RESERVATION_NOT_FOUND;
    case OUT_INSUFFICIENT_STOCK: return PROBLEM_INSUFFICIENT_STOCK;
    case OUT_LIMIT_EXCEEDED: return PROBLEM_LIMIT_EXCEEDED;
    case OUT_BELOW_HELD: return PROBLEM_BELOW_HELD;
    case OUT_ITEM_IN_USE: return PROBLEM_ITEM_IN_USE;
    case OUT_RESERVATION_EXPIRED: return PROBLEM_RESERVATION_EXPIRED;
    case OUT_RESERVATION_RELEASED: return PROBLEM_RESERVATION_RELEASED;
    case OUT_RESERVATION_CONFIRMED: return PROBLEM_RESERVATION_CONFIRMED;
    case OUT_QUOTA_USED: return PROBLEM_RATE_LIMITED;
    case OUT_PRECONDITION_REQUIRED: return PROBLEM_PRECONDITION_REQUIRED;
    case OUT_PRECONDITION_FAILED: return PROBLEM_PRECONDITION_FAILED;
    case OUT_KEY_REUSED: return PROBLEM_KEY_REUSED;
    case OUT_INVALID: return PROBLEM_INVALID_FIELD;
    case OUT_CROSS_PARTITION: return PROBLEM_CROSS_PARTITION;
    case OUT_REDIS_UNAVAILABLE: return PROBLEM_REDIS_UNAVAILABLE;
    case OUT_OVERLOADED: return PROBLEM_OVERLOADED;
    case OUT_CONTENTION: return PROBLEM_CONTENTION;
    case OUT_STATE_LOST: return PROBLEM_STATE_LOST;
    case OUT_PARTITION_CLOSED: return PROBLEM_PARTITION_CLOSED;
    case OUT_UNKNOWN: return PROBLEM_OUTCOME_UNKNOWN;
    case OUT_BROKEN: return PROBLEM_INTERNAL_ERROR;
    case OUT_NONE:
    case OUT_OK:
    case OUT_CREATED:
    case OUT_NO_CONTENT:
    case OUT_CODES: break;
    }
    /* A success, or no decision at all: the caller is broken, the client gets a 500. */
    return PROBLEM_INTERNAL_ERROR;
}
