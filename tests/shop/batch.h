/* batch.h -- POST /v1/batch: many operations in one request, each answered as if it came alone.
 *
 * Layer: tests. Not atomic: the operations are decided one after the other.
 */
#pragma once

#include "shop/store.h"

/* key: the Idempotency-Key of the request, or NULL. */
void batch_run(struct store *s, json_t *body, const char *key, struct answer *a);
