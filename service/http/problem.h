/* problem.h -- every error that a client can see, in one table.
 *
 * Layer: http. A problem (RFC 9457) has a name, which is the end of its `type` and the address of
 * its page, one status and one title; the detail says what happened this time.
 */
#pragma once

#include "core/op.h"
#include "str.h"

/* clang-format off */
/* X(id, the members of struct problem) */
#define PROBLEM_EACH(X) \
    X(PROBLEM_MALFORMED_JSON, "malformed-json", 400, "The body is not a JSON object", \
      "The body does not parse as JSON, names a field twice, or is not an object. Nothing was changed.", 0) \
    X(PROBLEM_MALFORMED_REQUEST, "malformed-request", 400, "The request is ambiguous or broken", \
      "Two HTTP parsers could read this request in two ways, or its target is no path. Where the framing of the request is in doubt the connection is closed as well. Nothing was changed.", 0) \
    X(PROBLEM_MALFORMED_HEADER, "malformed-header", 400, "A header field cannot be read", \
      "If-Match and If-None-Match take * or a list of quoted versions, as in If-Match: \"17\". Nothing was changed.", 0) \
    X(PROBLEM_UNAUTHENTICATED, "unauthenticated", 401, "A valid API key is needed", \
      "Send Authorization: Bearer followed by a key that this service knows.", 0) \
    X(PROBLEM_FORBIDDEN, "forbidden", 403, "This may not be asked from here", \
      "Pages of other sites may not change anything here (Origin, Sec-Fetch-Site), and a service on a loopback address answers to names of its machine only, and to those in --allowed-hosts. With API keys, the role of the key does not allow it. Nothing was changed.", 0) \
    X(PROBLEM_ROUTE_NOT_FOUND, "route-not-found", 404, "There is nothing at this address", \
      "The path names no resource of this service. /openapi.json lists all of them.", 0) \
    X(PROBLEM_ITEM_NOT_FOUND, "item-not-found", 404, "There is no such item", \
      "The item was never created, or it was deleted. The member sku says which one.", 0) \
    X(PROBLEM_RESERVATION_NOT_FOUND, "reservation-not-found", 404, "There is no such reservation", \
      "The id names no reservation, or one that finished longer ago than records are kept.", 0) \
    X(PROBLEM_OPERATION_NOT_FOUND, "operation-not-found", 404, "No such operation is recorded", \
      "No successful operation is recorded under this idempotency key. Rejections are not recorded, and records are dropped after the retention time.", 0) \
    X(PROBLEM_LEDGER_MISSING, "ledger-missing", 404, "This service keeps no ledger", \
      "Lists of reservations, movements, items as they were and events are read from the SQL ledger, and this service runs with --ledger none.", 0) \
    X(PROBLEM_METHOD_NOT_ALLOWED, "method-not-allowed", 405, "The resource does not take this method", \
      "The header field Allow lists the methods that it takes.", 0) \
    X(PROBLEM_INSUFFICIENT_STOCK, "insufficient-stock", 409, "There is not enough stock", \
      "The member lines lists each item that falls short, with the units asked for, the units available and the item's version at the decision. earliest_release_at is there when held units could still come back. Nothing was changed.", 0) \
    X(PROBLEM_LIMIT_EXCEEDED, "limit-exceeded", 409, "The customer's limit does not allow it", \
      "The member lines lists each item whose max_per_customer would be passed, with the limit and the units that the customer holds or bought.", 0) \
    X(PROBLEM_BELOW_HELD, "below-held", 409, "Fewer units than are held", \
      "on_hand cannot be set below the units that reservations hold. Release or confirm some of them first.", 0) \
    X(PROBLEM_ITEM_IN_USE, "item-in-use", 409, "Reservations hold units of the item", \
      "An item cannot be deleted while units of it are held.", 0) \
    X(PROBLEM_RESERVATION_EXPIRED, "reservation-expired", 409, "The reservation has expired", \
      "The deadline has passed and the units were given back. Confirm with if_expired: rereserve takes them again if they are there.", 0) \
    X(PROBLEM_RESERVATION_RELEASED, "reservation-released", 409, "The reservation was released", \
      "The units were given back on request.", 0) \
    X(PROBLEM_RESERVATION_CONFIRMED, "reservation-confirmed", 409, "The reservation was confirmed", \
      "The units are sold, or were sold with other lines than these.", 0) \
    X(PROBLEM_PRECONDITION_FAILED, "precondition-failed", 412, "The item is at another version", \
      "If-Match named another version than the item has, or If-None-Match: * met an item that exists. Read the item again and decide again.", 0) \
    X(PROBLEM_BODY_TOO_LARGE, "body-too-large", 413, "The body is too large", \
      "A body has at most 64 KiB, that of /v1/batch at most 1 MiB.", 0) \
    X(PROBLEM_UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", 415, "The body must be JSON", \
      "A request with a body says Content-Type: application/json. Types that an HTML form can send are refused without a body as well.", 0) \
    X(PROBLEM_INVALID_FIELD, "invalid-field", 422, "A field is not valid", \
      "The member field names a field, parameter or header field that is missing, unknown, of the wrong type or out of range. Nothing was changed.", 0) \
    X(PROBLEM_KEY_REUSED, "idempotency-key-reused", 422, "The idempotency key belongs to another request", \
      "The key was used with another method, path or body. Repeat the request as it was, or take a new key.", 0) \
    X(PROBLEM_CROSS_PARTITION, "cross-partition", 422, "The items cannot be taken together", \
      "The items lie in different partitions of the store, and a reservation cannot span two. Reserve them one by one.", 0) \
    X(PROBLEM_PRECONDITION_REQUIRED, "precondition-required", 428, "If-Match is needed", \
      "An item that exists is only set with If-Match: \"<version>\", or with * to overwrite whatever is there.", 0) \
    X(PROBLEM_RATE_LIMITED, "rate-limited", 429, "Too many requests", \
      "The client that the API key belongs to has used up its quota of requests, of which a batch takes as many as it has operations; RateLimit says what is left. Or it would keep more in the store than its quota allows: the members limit, quota and used say of what, and repeats, confirms and releases go on. Or too many keys that are no good came from this address. Wait as long as Retry-After says. Nothing was changed.", 1) \
    X(PROBLEM_HEADERS_TOO_LARGE, "headers-too-large", 431, "The header fields are too large", \
      "The request line and header fields together have at most about 3 KiB.", 0) \
    X(PROBLEM_INTERNAL_ERROR, "internal-error", 500, "Something broke in the service", \
      "Whether the request took effect is not known. Repeat it with the same idempotency key, or look at what it should have changed.", 0) \
    X(PROBLEM_REDIS_UNAVAILABLE, "redis-unavailable", 503, "The store cannot be reached", \
      "Nothing was changed. Try again after Retry-After seconds.", 1) \
    X(PROBLEM_LEDGER_UNAVAILABLE, "ledger-unavailable", 503, "The ledger cannot be read now", \
      "The SQL database of the ledger cannot be reached or does not answer in time. Reservations go on meanwhile, and what happens is brought into it later. Try again after Retry-After seconds.", 2) \
    X(PROBLEM_LIVE_UNAVAILABLE, "live-unavailable", 503, "There are no live numbers now", \
      "The service has just begun, or the process of it that takes a sample every second stands still. Try again after Retry-After seconds.", 1) \
    X(PROBLEM_OVERLOADED, "overloaded", 503, "Too much work is waiting", \
      "Nothing was changed. Try again after Retry-After seconds.", 1) \
    X(PROBLEM_CONTENTION, "contention", 503, "Too many others changed the same items", \
      "The request lost its turn too often. Nothing was changed. Try again after Retry-After seconds.", 1) \
    X(PROBLEM_STATE_LOST, "state-lost", 503, "The store has lost state", \
      "The store came back without a part of what it had acknowledged. Nothing is changed until an operator has restored it.", 30) \
    X(PROBLEM_PARTITION_CLOSED, "partition-closed", 503, "The partition is closed", \
      "An operator or the service itself has closed this part of the store. Nothing was changed.", 10) \
    X(PROBLEM_STOPPING, "stopping", 503, "The service is being stopped", \
      "Nothing was changed. It takes requests for a moment more, but a load balancer should send them to another one.", 1) \
    X(PROBLEM_OUTCOME_UNKNOWN, "outcome-unknown", 504, "Whether it took effect is not known", \
      "The store did not answer in time. The request may still take effect. Repeat it with the same idempotency key (the member operation), or read /v1/operations/<key>.", 0)
/* clang-format on */

#define PROBLEM_ID(id, ...) id,
enum problem_id { PROBLEM_EACH(PROBLEM_ID) PROBLEMS };
#undef PROBLEM_ID

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
    const char *field;      /* NULL: none */
    const char *detail;     /* NULL: the problem's title says it all */
    unsigned retry_after_s; /* 0: as the problem says */
    const char *limit;      /* NULL: none is passed; else its name, */
    int64_t quota, used;    /*   what it allows, and how much of that is used */
};

/* Fills it and says "not taken": `return refuse(why, ...)`. */
static inline bool refuse(struct refusal *why, enum problem_id problem, const char *field,
                          const char *detail)
{
    *why = (struct refusal){.problem = problem, .field = field, .detail = detail};
    return false;
}

static inline bool refuse_no_memory(struct refusal *why)
{
    return refuse(why, PROBLEM_OVERLOADED, NULL, "out of memory");
}
