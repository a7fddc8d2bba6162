/* revive.h -- a confirm of what has expired: its units are taken again, and sold.
 *
 * Layer: tests.
 */
#ifndef SHOP_REVIVE_H
#define SHOP_REVIVE_H

#include "shop/store.h"

/* Line i sells sold[i] units, or the answer says of which there are too few. */
void revive(struct store *s, struct hold *h, const int64_t *sold, struct answer *a);

#endif
