/* feed_id.h -- ids of entries as text in Redis: <epoch>-<seq>.
 *
 * Layer: store, pure. Lists of where epochs ended have a blank between.
 */
#pragma once

#include "core/event_id.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>

#define FEED_ID_SIZE   48 /* as text, with a sign before it and the NUL */
#define FEED_ENDS_SIZE ((size_t)EVENT_ENDS_MAX * FEED_ID_SIZE)

/* False if the reply is no such id. */
bool feed_id_take(const redisReply *reply, struct event_id *id) MUST_CHECK;

/* Writes `before` and the id. */
void feed_id_put(char out[FEED_ID_SIZE], const char *before, struct event_id id);

void feed_ends_put(char out[FEED_ENDS_SIZE], const struct event_ends *ends);

/* The end of that epoch; false if the reply is no list with it. */
bool feed_ends_find(const redisReply *reply, int64_t epoch, struct event_id *end) MUST_CHECK;
