/* list.h -- a page of the items there are.
 *
 * Layer: tests. Sorted by sku, of one moment. A cursor is the last sku of the page before.
 */
#pragma once

#include "shop/store.h"

#define LIST_MAX 500

/* prefix and cursor may be NULL. */
void list_items(struct store *s, const char *prefix, const char *cursor, unsigned limit,
                struct answer *a);
