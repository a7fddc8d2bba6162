/* events.h -- the feed of events: GET /v1/events, as a page, a long poll or a stream.
 *
 * Layer: http, private to the server. All is read from the ledger's database through the query
 * pool; the feed of a server lives until the query pool owes it no answer any more.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

struct events;
struct exchange;
struct http_server;

/* NULL: out of memory. */
struct events *events_new(struct http_server *server, unsigned partitions);

/* Takes up a request that is here as a whole. */
void events_begin(struct exchange *x);

/* Answers who waits and ends the streams. */
void events_drain(struct events *events);

/* The same at once, whatever the database still owes: nothing is suspended afterwards. */
void events_stop(struct events *events);

/* For the server to open, with itself as `data`, and to close. */
uv_timer_t *events_timer(struct events *events);

/* True when the query pool has no question of ours. */
bool events_idle(const struct events *events);

/* NULL is fine; must be idle, its handle closed. */
void events_free(struct events *events);
