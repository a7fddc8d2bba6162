/* subscriber.h -- who follows the events, and what for.
 *
 * Layer: http, private to events*.c. A subscriber is a request, or a stream that it became:
 *
 *             nothing new                    something new, or not known
 *   PARKED <---------------- (position) ------------------------> WANTING --(a sheet is read)--.
 *     |  '-----------(a checkpoint moved)---------------------------^                          |
 *     |                                                                                        |
 *     '--(its time is over)--> READY <---------------------------------------------------------'
 *                                '-> a poll is answered, or PARKED again if there was nothing;
 *                                    a stream is SENDING until the page is sent
 *
 * Nobody who is PARKED asks anything: one question for the checkpoints of all partitions is asked
 * for all of them, every EVENTS_WATCH_MS. Nobody who is WANTING asks anything either: all who want
 * what is behind one position share a sheet (sheet.h), which asks once. And those who are
 * READY are answered a few a turn, first come first served: thousands who wait for one event are
 * in nobody's way.
 *
 * Ownership: a subscriber belongs to its exchange, and is freed with the answer of a poll or the
 * end of a stream. It is in one queue: that of its state, or of its sheet while it is WANTING.
 *
 * Invariant: a stream has at most one page in memory, and asks for the next when that one is with
 * the library. A stream is suspended if and only if it has nothing to send and has not ended.
 */
#pragma once

#include "http/events/feed.h"
#include "http/problem.h"

/* The places where a subscriber changes its state: to PARKED, SENDING or NONE; to wanting a page;
 * to being told something. `sheet` is for NEWS_PAGE. */
void subscriber_move(struct subscriber *f, enum subscriber_state state);
void subscriber_want(struct subscriber *f);
void subscriber_tell(struct subscriber *f, enum subscriber_news news, struct events_sheet *sheet);
void subscriber_free(struct subscriber *f);

/* Tells all who want it, and serves them; as struct events' on_sheet. */
void subscribers_tell_sheet(struct events_sheet *sheet, enum subscriber_news news);

/* Lets it wait, or want, as its position demands. */
void subscriber_next(struct subscriber *f);

/* Calls it for each, whatever becomes of that one meanwhile. */
void events_each(struct events *events, void (*call)(struct subscriber *));

/* Answers those that are READY and hands questions to the query pool, as far as that is allowed,
 * and looks after the timer: to be called after followers were moved. From within a callback of the
 * library, which must not be told to resume the connection that it is working on, events_arm():
 * that answers nobody before the next turn of the loop. */
void events_serve(struct events *events);
void events_arm(struct events *events);

/* What becomes of a page, of a question that failed, and of a wait that is over. Each of them may
 * free the subscriber. */
void events_deliver(struct subscriber *f, struct events_sheet *sheet);
void events_fail(struct subscriber *f, enum problem_id problem, const char *detail);
void events_expire(struct subscriber *f);

/* Sends a page, or a sign of life. */
void stream_put_page(struct subscriber *f, const struct events_page *page);
void stream_beat(struct subscriber *f);

/* Begins with where it is, if that is known; else that comes later. */
void stream_start(struct subscriber *f);
void stream_put_position(struct subscriber *f);

/* What it has is sent, and no more. */
void stream_end(struct subscriber *f);

/* True if it has nothing left to send. */
bool stream_is_silent(const struct subscriber *f);

/* Its bytes: see struct exchange_work. */
ssize_t stream_feed(void *x, uint64_t position, char *to, size_t max);
