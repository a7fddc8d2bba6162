/* render_body.h -- the objects of the contract as JSON.
 *
 * Layer: http, pure.
 */
#ifndef HTTP_RENDER_BODY_H
#define HTTP_RENDER_BODY_H

#include "buf.h"
#include "core/op.h"

/* Without the closing brace: the caller adds members of its own. */
void body_open_item(struct buf *b, struct str sku, const struct item *item);
void body_put_item(struct buf *b, struct str sku, const struct item *item);
void body_put_reservation(struct buf *b, const struct reservation *r, int64_t now_ms);

/* The body of a successful operation; null when it has none. */
void body_put_success(struct buf *b, enum op_kind kind, const struct outcome *out);

#endif
