/* rebuild_link.h -- transactions under a watched meta, for rebuild*.c. Private to them. */
#pragma once

#include "store/admin/admin_link.h"
#include "store/admin/rebuild.h"

enum rebuild_result rebuild_fail(struct rebuild *rebuild, enum rebuild_result result,
                                 const char *why);

/* Sends what is in `out` and takes so many replies, *replies to be freed with rebuild_drop. */
enum rebuild_result rebuild_exchange(struct rebuild *rebuild, struct buf *out, size_t count,
                                     redisReply ***replies) MUST_CHECK;
void rebuild_drop(redisReply **replies, size_t count);

/* Meta is watched, and ours. */
enum rebuild_result rebuild_guard(struct rebuild *rebuild) MUST_CHECK;

/* The page, for one more command. */
struct buf *rebuild_next(struct rebuild *rebuild);

/* Sends the page if it is large enough. */
enum rebuild_result rebuild_queued(struct rebuild *rebuild) MUST_CHECK;
