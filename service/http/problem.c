#include "http/problem.h"

#include <assert.h>

/* clang-format off */
static const struct problem problems[PROBLEMS] = {
    [PROBLEM_MALFORMED_JSON] = {"malformed-json", 400, "The body is not a JSON object",
        "The body does not parse as JSON, names a field twice, or is not an object. Nothing was changed.", 0},
    [PROBLEM_MALFORMED_REQUEST] = {"malformed-request", 400, "The request is ambiguous or broken",
        "Two HTTP parsers could read this request in two ways, or its target is no path. Where the framing of the request is in doubt the connection is closed as well. Nothing was changed.", 0},
    [PROBLEM_MALFORMED_HEADER] = {"malformed-header", 400, "A header field cannot be read",
        "If-Match and If-None-Match take * or a list of quoted versions, as in If-Match: \"17\". Nothing was changed.", 0},
    [PROBLEM_UNAUTHENTICATED] = {"unauthenticated", 401, "A valid API key is needed",
        "Send Authorization: Bearer followed by a key that this service knows.", 0},
    [PROBLEM_FORBIDDEN] = {"forbidden", 403, "This may not be asked from here",
        "Pages of other sites may not change anything here (Origin, Sec-Fetch-Site), and a service on a loopback address answers to names of its machine only, and to those in --allowed-hosts. Nothing was changed.", 0},
    [PROBLEM_ROUTE_NOT_FOUND] = {"route-not-found", 404, "There is nothing at this address",
        "The path names no resource of this service. /openapi.json lists all of them.", 0},
    [PROBLEM_ITEM_NOT_FOUND] = {"item-not-found", 404, "There is no such item",
        "The item was never created, or it was deleted. The member sku says which one.", 0},
    [PROBLEM_RESERVATION_NOT_FOUND] = {"reservation-not-found", 404, "There is no such reservation",
        "The id names no reservation, or one that finished longer ago than records are kept.", 0},
    [PROBLEM_OPERATION_NOT_FOUND] = {"operation-not-found", 404, "No such operation is recorded",
        "No successful operation is recorded under this idempotency key. Rejections are not recorded, and records are dropped after the retention time.", 0},
    [PROBLEM_LEDGER_MISSING] = {"ledger-missing", 404, "This service keeps no ledger",
        "Lists of reservations, movements, items as they were and events are read from the SQL ledger, and this service runs with --ledger none.", 0},
    [PROBLEM_METHOD_NOT_ALLOWED] = {"method-not-allowed", 405, "The resource does not take this method",
        "The header field Allow lists the methods that it takes.", 0},
    [PROBLEM_INSUFFICIENT_STOCK] = {"insufficient-stock", 409, "There is not enough stock",
        "The member lines lists each item that falls short, with the units asked for, the units available and the item's version at the decision. earliest_release_at is there when held units could still come back. Nothing was changed.", 0},
    [PROBLEM_LIMIT_EXCEEDED] = {"limit-exceeded", 409, "The customer's limit does not allow it",
        "The member lines lists each item whose max_per_customer would be passed, with the limit and the units that the customer holds or bought.", 0},
    [PROBLEM_BELOW_HELD] = {"below-held", 409, "Fewer units than are held",
        "on_hand cannot be set below the units that reservations hold. Release or confirm some of them first.", 0},
    [PROBLEM_ITEM_IN_USE] = {"item-in-use", 409, "Reservations hold units of the item",
        "An item cannot be deleted while units of it are held.", 0},
    [PROBLEM_RESERVATION_EXPIRED] = {"reservation-expired", 409, "The reservation has expired",
        "The deadline has passed and the units were given back. Confirm with if_expired: rereserve takes them again if they are there.", 0},
    [PROBLEM_RESERVATION_RELEASED] = {"reservation-released", 409, "The reservation was released",
        "The units were given back on request.", 0},
    [PROBLEM_RESERVATION_CONFIRMED] = {"reservation-confirmed", 409, "The reservation was confirmed",
        "The units are sold, or were sold with other lines than these.", 0},
    [PROBLEM_PRECONDITION_FAILED] = {"precondition-failed", 412, "The item is at another version",
        "If-Match named another version than the item has, or If-None-Match: * met an item that exists. Read the item again and decide again.", 0},
    [PROBLEM_BODY_TOO_LARGE] = {"body-too-large", 413, "The body is too large",
        "A body has at most 64 KiB, that of /v1/batch at most 1 MiB.", 0},
    [PROBLEM_UNSUPPORTED_MEDIA_TYPE] = {"unsupported-media-type", 415, "The body must be JSON",
        "A request with a body says Content-Type: application/json. Types that an HTML form can send are refused without a body as well.", 0},
    [PROBLEM_INVALID_FIELD] = {"invalid-field", 422, "A field is not valid",
        "The member field names a field, parameter or header field that is missing, unknown, of the wrong type or out of range. Nothing was changed.", 0},
    [PROBLEM_KEY_REUSED] = {"idempotency-key-reused", 422, "The idempotency key belongs to another request",
        "The key was used with another method, path or body. Repeat the request as it was, or take a new key.", 0},
    [PROBLEM_CROSS_PARTITION] = {"cross-partition", 422, "The items cannot be taken together",
        "The items lie in different partitions of the store, and a reservation cannot span two. Reserve them one by one.", 0},
    [PROBLEM_PRECONDITION_REQUIRED] = {"precondition-required", 428, "If-Match is needed",
        "An item that exists is only set with If-Match: \"<version>\", or with * to overwrite whatever is there.", 0},
    [PROBLEM_RATE_LIMITED] = {"rate-limited", 429, "Too many requests",
        "This API key has used up its share. Wait as long as Retry-After says.", 1},
    [PROBLEM_HEADERS_TOO_LARGE] = {"headers-too-large", 431, "The header fields are too large",
        "The request line and header fields together have at most about 3 KiB.", 0},
    [PROBLEM_INTERNAL_ERROR] = {"internal-error", 500, "Something broke in the service",
        "Whether the request took effect is not known. Repeat it with the same idempotency key, or look at what it should have changed.", 0},
    [PROBLEM_REDIS_UNAVAILABLE] = {"redis-unavailable", 503, "The store cannot be reached",
        "Nothing was changed. Try again after Retry-After seconds.", 1},
    [PROBLEM_LEDGER_UNAVAILABLE] = {"ledger-unavailable", 503, "The ledger cannot be read now",
        "The SQL database of the ledger cannot be reached or does not answer in time. Reservations go on meanwhile, and what happens is brought into it later. Try again after Retry-After seconds.", 2},
    [PROBLEM_OVERLOADED] = {"overloaded", 503, "Too much work is waiting",
        "Nothing was changed. Try again after Retry-After seconds.", 1},
    [PROBLEM_CONTENTION] = {"contention", 503, "Too many others changed the same items",
        "The request lost its turn too often. Nothing was changed. Try again after Retry-After seconds.", 1},
    [PROBLEM_STATE_LOST] = {"state-lost", 503, "The store has lost state",
        "The store came back without a part of what it had acknowledged. Nothing is changed until an operator has restored it.", 30},
    [PROBLEM_PARTITION_CLOSED] = {"partition-closed", 503, "The partition is closed",
        "An operator or the service itself has closed this part of the store. Nothing was changed.", 10},
    [PROBLEM_OUTCOME_UNKNOWN] = {"outcome-unknown", 504, "Whether it took effect is not known",
        "The store did not answer in time. The request may still take effect. Repeat it with the same idempotency key (the member operation), or read /v1/operations/<key>.", 0},
};
/* clang-format on */

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
