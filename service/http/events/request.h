/* request.h -- what a reader of the feed of events asks for.
 *
 * Layer: http, pure.
 */
#pragma once

#include "arena.h"
#include "http/problem.h"
#include "ledger/query/tail.h"

#define EVENTS_LIMIT_MAX     1000
#define EVENTS_LIMIT_DEFAULT 100
#define EVENTS_WAIT_MAX_S    30

/* What the Accept fields of a request say about our two forms, in thousandths; all zeros is a
 * request that has none yet. */
struct events_accept {
    int stream;            /* text/event-stream, by name */
    int json;              /* application/json, by the closest name */
    unsigned char by_name; /* how close that name was */
};

/* Notes one Accept field. Ranges that cannot be read do not count. */
void events_accept_add(struct events_accept *accept, struct str value);

/* Whether the stream was named, and is as welcome as JSON. */
bool events_accept_stream(const struct events_accept *accept);

struct events_request {
    bool stream;
    bool latest;       /* only what comes from now on; `at` is not known yet */
    const char *field; /* that said where to begin */
    unsigned limit, wait_s;
    struct tail_position *at; /* the caller's, one a partition */
};

/* Reads the query, and last_event_id (absent: not sent) for a stream; r->stream and r->at are set.
 */
bool events_request_read(struct events_request *r, struct arena *arena, unsigned partitions,
                         struct str query, struct str last_event_id,
                         struct refusal *why) MUST_CHECK;
