/* feed_id.h -- the id of an entry in a partition's stream: <epoch>-<seq>, dense in an epoch.
 *
 * Layer: store, pure.
 */
#ifndef STORE_FEED_ID_H
#define STORE_FEED_ID_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#define FEED_ID_SIZE 48 /* as text, with a sign before it and the NUL */

struct feed_id {
    int64_t epoch, seq; /* epoch 0: before the first entry */
};

/* -1, 0, 1 as strcmp. */
int feed_id_compare(struct feed_id a, struct feed_id b);

/* False if the reply is no such id. */
bool feed_id_take(const redisReply *reply, struct feed_id *id) __attribute__((warn_unused_result));

/* Writes `before` and the id. */
void feed_id_put(char out[FEED_ID_SIZE], const char *before, struct feed_id id);

#endif
