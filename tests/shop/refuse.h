/* refuse.h -- refusals without a ground.
 *
 * Layer: tests. What is refused so is not done, and nothing is changed: the lie is in the answer
 * alone.
 */
#ifndef SHOP_REFUSE_H
#define SHOP_REFUSE_H

#include "shop/store.h"

/* True: the operation was refused, because the fault that is planted wants it. */
bool refuse_falsely(struct store *s, const struct op *op, struct answer *a);

#endif
