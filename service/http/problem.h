/* problem.h -- every error that a client can see, in one table.
 *
 * Layer: http. A problem (RFC 9457) has a name, which is the end of its `type` and the address of
 * its page, one status and one title; the detail says what happened this time.
 */
#pragma once

#include "core/op.h"
#include "str.h"

enum problem_id {
    PROBLEM_MALFORMED_JSON,
    PROBLEM_MALFORMED_REQUEST,
    PROBLEM_MALFORMED_HEADER,
    PROBLEM_UNAUTHENTICATED,
    PROBLEM_FORBIDDEN,
    PROBLEM_ROUTE_NOT_FOUND,
    PROBLEM_ITEM_NOT_FOUND,
    PROBLEM_RESERVATION_NOT_FOUND,
    PROBLEM_OPERATION_NOT_FOUND,
    PROBLEM_LEDGER_MISSING,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_INSUFFICIENT_STOCK,
    PROBLEM_LIMIT_EXCEEDED,
    PROBLEM_BELOW_HELD,
    PROBLEM_ITEM_IN_USE,
    PROBLEM_RESERVATION_EXPIRED,
    PROBLEM_RESERVATION_RELEASED,
    PROBLEM_RESERVATION_CONFIRMED,
    PROBLEM_PRECONDITION_FAILED,
    PROBLEM_BODY_TOO_LARGE,
    PROBLEM_UNSUPPORTED_MEDIA_TYPE,
    PROBLEM_INVALID_FIELD,
    PROBLEM_KEY_REUSED,
    PROBLEM_CROSS_PARTITION,
    PROBLEM_PRECONDITION_REQUIRED,
    PROBLEM_RATE_LIMITED,
    PROBLEM_HEADERS_TOO_LARGE,
    PROBLEM_INTERNAL_ERROR,
    PROBLEM_REDIS_UNAVAILABLE,
    PROBLEM_LEDGER_UNAVAILABLE,
    PROBLEM_OVERLOADED,
    PROBLEM_CONTENTION,
    PROBLEM_STATE_LOST,
    PROBLEM_PARTITION_CLOSED,
    PROBLEM_OUTCOME_UNKNOWN,
    PROBLEMS
};

struct problem {
    const char *name;
    unsigned status;
    const char *title;
    const char *description; /* for GET /problems/<name> */
    unsigned retry_after_s;  /* 0: no Retry-After */
};

const struct problem *problem_get(enum problem_id id);

/* The problem of that name, or NULL. */
const struct problem *problem_find(struct str name);

/* What a refusal is called; the outcome must not be a success. */
enum problem_id problem_of_outcome(enum outcome_code code);

/* Why a request is not taken. field and detail are static, or in the request's arena. */
struct refusal {
    enum problem_id problem;
    const char *field;  /* NULL: none */
    const char *detail; /* NULL: the problem's title says it all */
};

/* Fills it and says "not taken": `return refuse(why, ...)`. */
static inline bool refuse(struct refusal *why, enum problem_id problem, const char *field,
                          const char *detail)
{
    *why = (struct refusal){problem, field, detail};
    return false;
}
