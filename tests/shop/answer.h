/* answer.h -- what one operation or request is answered with, and how states become JSON.
 *
 * Layer: tests. answer_init .. answer_free, owned by the caller; reused after answer_reset. A
 * reservation's body is left open before its last member, because ttl_ms runs on while the rest is
 * recorded: answer_close writes it.
 */
#pragma once

#include "buf.h"
#include "shop/hold.h"
#include "shop/item.h"

#include <stdbool.h>
#include <stdint.h>

#define ANSWER_BODY_MAX (4u << 20)

/* clang-format off */
/* What stands in a problem's type, though in capitals; its status; its title. */
#define EACH_PROBLEM(X) \
    X(MALFORMED_JSON, 400, "The body is not a JSON object") \
    X(ROUTE_NOT_FOUND, 404, "There is nothing at this address") \
    X(ITEM_NOT_FOUND, 404, "There is no such item") \
    X(RESERVATION_NOT_FOUND, 404, "There is no such reservation") \
    X(OPERATION_NOT_FOUND, 404, "No such operation is recorded") \
    X(METHOD_NOT_ALLOWED, 405, "The resource does not take this method") \
    X(FORBIDDEN, 403, "This key may not do that") \
    X(INSUFFICIENT_STOCK, 409, "There is not enough stock") \
    X(LIMIT_EXCEEDED, 409, "The customer may not have so many") \
    X(BELOW_HELD, 409, "Fewer units than are held") \
    X(ITEM_IN_USE, 409, "Units of the item are held") \
    X(RESERVATION_EXPIRED, 409, "The reservation has expired") \
    X(RESERVATION_RELEASED, 409, "The reservation was released") \
    X(RESERVATION_CONFIRMED, 409, "The reservation was confirmed") \
    X(PRECONDITION_FAILED, 412, "The item is at another version") \
    X(BODY_TOO_LARGE, 413, "The body is too large") \
    X(UNSUPPORTED_MEDIA_TYPE, 415, "The body must be JSON") \
    X(CROSS_PARTITION, 422, "The items cannot be taken together") \
    X(INVALID_FIELD, 422, "A field is not valid") \
    X(IDEMPOTENCY_KEY_REUSED, 422, "The idempotency key belongs to another request") \
    X(PRECONDITION_REQUIRED, 428, "If-Match is needed") \
    X(INTERNAL_ERROR, 500, "Something broke in the service") \
    X(REDIS_UNAVAILABLE, 503, "The store cannot be reached")
/* clang-format on */

#define PROBLEM_VALUE(name, status, title) PROBLEM_##name,
enum problem { EACH_PROBLEM(PROBLEM_VALUE) PROBLEMS };

struct answer {
    unsigned status;
    struct buf body;
    bool replayed;
    bool unrecorded;    /* a success that leaves no record of its key: a lie */
    bool open;          /* the body is a reservation's, without its ttl_ms and the closing brace */
    int64_t expires_ms; /* of that reservation while it is held; 0: ttl_ms is 0 */
    uint64_t etag;      /* 0: none */
    char location[64];  /* "": none */
    const char *content_type; /* NULL: as the contract says; "": none */
};

void answer_init(struct answer *a);
void answer_reset(struct answer *a);
void answer_free(struct answer *a);

/* A problem document. field or sku may be NULL. */
void answer_problem(struct answer *a, enum problem problem);
void answer_invalid(struct answer *a, const char *field);
void answer_no_item(struct answer *a, const char *sku);

/* 409 insufficient-stock, line by line: begin, at least one short, end. */
void answer_shorts_begin(struct answer *a);
void answer_short(struct answer *a, const char *sku, int64_t requested, const struct stock *state);
void answer_shorts_end(struct answer *a);

/* The same for 409 limit-exceeded. */
void answer_overs_begin(struct answer *a);
void answer_over(struct answer *a, const struct item *item, int64_t requested, int64_t used);

/* An item as JSON, also within a list. */
void answer_put_item(struct buf *b, const struct item *item, const struct stock *state);

void answer_item(struct answer *a, unsigned status, const struct item *item,
                 const struct stock *state);
void answer_hold(struct answer *a, unsigned status, const struct hold *hold);

/* Finishes the body. Fine on one that is not open. */
void answer_close(struct answer *a, int64_t now_ms);

/* Lies that are only told (twist.c): what was done and recorded is right. To be called when the
 * answer is ready to be sent; twists it if it is the planted fault's turn and there is what it
 * twists. */
void twist_answer(struct fault_plan *plan, struct answer *a);

/* Appends a literal. */
#define PUT(b, literal) buf_puts((b), STR(literal))

/* Appends text as a JSON string. */
void answer_put_string(struct buf *b, const char *text);
