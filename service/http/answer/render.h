/* render.h -- outcomes to answers: status, header fields, a body in JSON.
 *
 * Layer: http, pure. The body is appended to `body`, so that a batch can put many behind one
 * another; whether it fitted is in body->failed.
 */
#pragma once

#include "buf.h"
#include "core/tenant.h"
#include "http/answer/json_write.h"
#include "http/problem.h"
#include "store/store.h"

enum content {
    CONTENT_NONE,
    CONTENT_JSON,
    CONTENT_PROBLEM,
    CONTENT_HTML,
    CONTENT_METRICS,
    CONTENT_EVENTS,
    CONTENT_CSS,
    CONTENT_SCRIPT,
    CONTENT_SVG,
    CONTENTS
};

/* A sku as a member: the outer name. */
#define JSON_SKU(b, literal, sku) JSON_STRING((b), (literal), tenant_outer((sku), TENANT_MARK_ITEM))

#define RENDER_CHALLENGE "Bearer realm=\"stockd\"" /* WWW-Authenticate, with each 401 */

struct answer {
    unsigned status;
    enum content content;
    bool replayed;          /* Idempotent-Replayed: true */
    bool page;              /* a file of the dashboard: told how careful a browser is to be */
    unsigned retry_after_s; /* 0: none */
    int64_t etag;           /* the item's version, or the file's tag; 0: none */
    unsigned allow;         /* enum route_method, or'ed; 0: none */
    char location[64];      /* empty: none */
};

/* What the store said about an operation. */
void render_op(const struct op *op, struct answer *answer, struct buf *body);

/* The bytes that the answer to an operation takes at the most, whatever the store says. */
size_t render_op_room(const struct op *op);

/* What the store said about a read; if_none_match counts for an item. */
void render_read(const struct store_read *read, const struct op_condition *if_none_match,
                 struct answer *answer, struct buf *body);

/* A request that never came to the store. */
void render_refusal(const struct refusal *why, struct answer *answer, struct buf *body);

/* --- the objects of the contract: render_body.c ------------------------------------------------
 */

/* Without the closing brace: the caller adds members of its own. */
void body_open_item(struct buf *b, struct str sku, const struct item *item);
void body_put_item(struct buf *b, struct str sku, const struct item *item);
void body_put_reservation(struct buf *b, const struct reservation *r, int64_t now_ms);

/* The body of a successful operation; null when it has none. */
void body_put_success(struct buf *b, enum op_kind kind, const struct outcome *out);
