/* request.h -- from what a client sent to what the store takes.
 *
 * Layer: http. Everything that an operation or a read points to is in the arena afterwards; the
 * path, the headers and the body may go.
 */
#pragma once

#include "arena.h"
#include "core/route.h"
#include "core/tenant.h"
#include "http/problem.h"
#include "http/request/json_body.h"
#include "store/store.h"

struct request_head {
    const struct route_match *match;
    struct str key, if_match, if_none_match; /* of the header fields; absent: not sent */
    enum role role;                          /* of who asks */
    struct requester by;
};

/* True if the route and the method ask for an operation, by itself. */
bool request_is_op(const struct route_match *match);

/* What kind of operation that is; NULL: none. */
const struct op_trait *request_trait(const struct route_match *match);

/* The operation that a POST, PUT or DELETE on a single resource asks for. body may be changed. */
bool request_op(struct op *op, struct arena *arena, const struct request_head *head, char *body,
                size_t body_n, struct refusal *why) MUST_CHECK;

/* Decodes the parameters behind the `?`; params has room for max. Texts are in the arena. -1:
 * refused, a repeated one included. An absent query has none. */
int request_params(struct query_param *params, unsigned max, struct arena *arena, struct str query,
                   struct refusal *why) MUST_CHECK;

/* A decimal number of 1 to so many digits (at most 18), from min to max. */
bool request_number(struct str text, size_t digits, int64_t min, int64_t max,
                    int64_t *number) MUST_CHECK;

/* `limit`: one from 1 to LIST_MAX. */
bool request_limit(struct str text, unsigned *limit, struct refusal *why) MUST_CHECK;

/* Refuses a parameter that the resource does not have. */
bool request_unknown_param(struct arena *arena, struct str name, struct refusal *why) MUST_CHECK;

/* The read that a GET of an item, the items, a reservation or an operation asks for.
 * if_none_match is filled for an item. */
bool request_read(struct store_read *read, struct op_condition *if_none_match, struct arena *arena,
                  const struct request_head *head, struct refusal *why) MUST_CHECK;

struct request_batch {
    struct json_body body;
    const json_t *operations;
    unsigned count; /* 1..BATCH_OPS_MAX */
    struct str key; /* of the header; absent: none */
    enum role role;
    struct requester by;
};

/* The body of /v1/batch. False: the whole is refused, and there is nothing to close. */
bool request_batch_open(struct request_batch *batch, struct arena *arena,
                        const struct request_head *head, char *body, size_t body_n,
                        struct refusal *why) MUST_CHECK;

/* Its operation i. False: that one is refused; if its key was read it is in op->id, else op->id is
 * absent. */
bool request_batch_op(struct op *op, struct arena *arena, struct request_batch *batch, unsigned i,
                      struct refusal *why) MUST_CHECK;

void request_batch_close(struct request_batch *batch);
