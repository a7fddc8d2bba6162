/* live.h -- how services are now: GET /v1/live, once or as a stream of samples.
 *
 * Layer: http, private to the server. The samples are the keeper's; workers find them on a board in
 * shared memory (core/live.h) and ask nobody.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

struct exchange;
struct http_server;
struct live_board;
struct live_feed;

/* board is the caller's. NULL: out of memory. */
struct live_feed *live_feed_new(struct http_server *server, const struct live_board *board);

/* Takes up a request that is here as a whole. */
void live_begin(struct exchange *x);

/* Ends the streams: as soon as their clients have taken what there is, or, of a server that is
 * stopped, at once. Nothing is suspended afterwards. */
void live_end_streams(struct live_feed *feed);

/* For the server to open, with itself as `data`, and to close. */
uv_timer_t *live_timer(struct live_feed *feed);

/* NULL is fine; its handle is closed, no stream is left. */
void live_feed_free(struct live_feed *feed);
