/* render.h -- outcomes to answers.
 *
 * Layer: http, pure. The body is appended to `body`, so that a batch can put many behind one
 * another; whether it fitted is in body->failed.
 */
#ifndef HTTP_RENDER_H
#define HTTP_RENDER_H

#include "buf.h"
#include "http/answer.h"
#include "http/refusal.h"
#include "store/store.h"

/* What the store said about an operation. */
void render_op(const struct op *op, struct answer *answer, struct buf *body);

/* The bytes that the answer to an operation takes at the most, whatever the store says. */
size_t render_op_room(const struct op *op);

/* What the store said about a read; if_none_match counts for an item. */
void render_read(const struct store_read *read, const struct op_condition *if_none_match,
                 struct answer *answer, struct buf *body);

/* A request that never came to the store. */
void render_refusal(const struct refusal *why, struct answer *answer, struct buf *body);

#endif
