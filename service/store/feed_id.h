/* feed_id.h -- the id of an entry in a partition's stream: <epoch>-<seq>, dense in an epoch.
 *
 * Layer: store, pure. What an epoch ended at is an id as well; lists of those go through Redis as
 * text, newest first, with a blank between.
 */
#ifndef STORE_FEED_ID_H
#define STORE_FEED_ID_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#define FEED_ID_SIZE   48 /* as text, with a sign before it and the NUL */
#define FEED_ENDS_MAX  8
#define FEED_ENDS_SIZE ((size_t)FEED_ENDS_MAX * FEED_ID_SIZE)

struct feed_id {
    int64_t epoch, seq; /* epoch 0: before the first entry */
};

/* Where epochs ended, newest first. */
struct feed_ends {
    size_t count;
    struct feed_id ends[FEED_ENDS_MAX];
};

/* -1, 0, 1 as strcmp. */
int feed_id_compare(struct feed_id a, struct feed_id b);

/* False if the reply is no such id. */
bool feed_id_take(const redisReply *reply, struct feed_id *id) __attribute__((warn_unused_result));

/* Writes `before` and the id. */
void feed_id_put(char out[FEED_ID_SIZE], const char *before, struct feed_id id);

void feed_ends_put(char out[FEED_ENDS_SIZE], const struct feed_ends *ends);

/* The end of that epoch; false if the reply is no list with it. */
bool feed_ends_find(const redisReply *reply, int64_t epoch, struct feed_id *end)
    __attribute__((warn_unused_result));

#endif
