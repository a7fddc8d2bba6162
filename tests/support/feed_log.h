/* feed_log.h -- what a client of the feed of events has seen, page by page or in a stream.
 *
 * Layer: tests, for suites with a fixture, whose service it asks. The test owns the log; a zeroed
 * one is at the beginning.
 */
#pragma once

#include "support/sse.h"

#include <stdint.h>

struct feed_event {
    char cursor[SSE_ID_MAX], type[16], sku[32];
    int64_t version, numbers[7]; /* three deltas, four counters */
};

struct feed_log {
    struct feed_event *events;
    size_t count, room;
    char cursor[SSE_ID_MAX]; /* behind all of them */
};

/* Events of items that SQL has. Each change of an item is a row: SQL has all when it has as many as
 * there are versions. */
int64_t feed_log_rows(void);
void feed_log_await_rows(int64_t count);

void feed_log_add(struct feed_log *log, json_t *event);
void feed_log_free(struct feed_log *log);

/* Asks for what is behind log->cursor and adds it. Returns the number of events. */
size_t feed_log_page(struct feed_log *log, unsigned limit, unsigned wait_s);

/* Asks until there are so many, which must be all. */
void feed_log_pages_to(struct feed_log *log, int64_t count);

/* Adds events of the stream until there are so many. */
void feed_log_stream_to(struct sse *s, struct feed_log *log, size_t count);

/* Every event once; those of an item came in the order of its versions, none left out. */
void feed_log_check_whole(struct feed_log *log);
