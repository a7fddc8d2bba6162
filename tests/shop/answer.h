/* answer.h -- what one operation or request is answered with, and how states become JSON.
 *
 * Layer: tests. answer_init .. answer_free, owned by the caller; reused after answer_reset. A
 * reservation's body is left open before its last member, because ttl_ms runs on while the rest is
 * recorded: answer_close writes it.
 */
#ifndef SHOP_ANSWER_H
#define SHOP_ANSWER_H

#include "buf.h"
#include "shop/hold.h"
#include "shop/item.h"

#include <stdbool.h>
#include <stdint.h>

#define ANSWER_BODY_MAX (4u << 20)

enum problem {
    PROBLEM_MALFORMED_JSON,
    PROBLEM_ROUTE_NOT_FOUND,
    PROBLEM_ITEM_NOT_FOUND,
    PROBLEM_RESERVATION_NOT_FOUND,
    PROBLEM_OPERATION_NOT_FOUND,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_FORBIDDEN,
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
    PROBLEM_CROSS_PARTITION,
    PROBLEM_INVALID_FIELD,
    PROBLEM_KEY_REUSED,
    PROBLEM_PRECONDITION_REQUIRED,
    PROBLEM_INTERNAL_ERROR,
    PROBLEM_REDIS_UNAVAILABLE,
    PROBLEMS
};

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
void answer_short(struct answer *a, const char *sku, int64_t requested,
                  const struct item_state *state);
void answer_shorts_end(struct answer *a);

/* The same for 409 limit-exceeded. */
void answer_overs_begin(struct answer *a);
void answer_over(struct answer *a, const struct item *item, int64_t requested, int64_t used);

/* An item as JSON, also within a list. */
void answer_put_item(struct buf *b, const struct item *item, const struct item_state *state);

void answer_item(struct answer *a, unsigned status, const struct item *item,
                 const struct item_state *state);
void answer_hold(struct answer *a, unsigned status, const struct hold *hold);

/* Finishes the body. Fine on one that is not open. */
void answer_close(struct answer *a, int64_t now_ms);

/* Appends a literal. */
#define PUT(b, literal) buf_puts((b), STR(literal))

/* Appends text as a JSON string. */
void answer_put_string(struct buf *b, const char *text);

#endif
