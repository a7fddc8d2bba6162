/* events_follow.h -- who follows the events, and what for.
 *
 * Layer: http, private to events*.c. A follower is a request, or a stream that it became:
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
 * what is behind one position share a sheet (events_sheet.h), which asks once. And those who are
 * READY are answered a few a turn, first come first served: thousands who wait for one event are
 * in nobody's way.
 *
 * Ownership: a follower belongs to its exchange, and is freed with the answer of a poll or the end
 * of a stream. It is in one queue: that of its state, or of its sheet while it is WANTING.
 *
 * Invariant: a stream has at most one page in memory, and asks for the next when that one is with
 * the library. A stream is suspended if and only if it has nothing to send and has not ended.
 */
#ifndef HTTP_EVENTS_FOLLOW_H
#define HTTP_EVENTS_FOLLOW_H

#include "http/events.h"
#include "http/events_request.h"
#include "http/events_sheet.h"
#include "http/exchange.h"

#define EVENTS_WATCH_MS    100
#define EVENTS_BEAT_MS     10000 /* a stream that is silent says that it lives */
#define EVENTS_STREAM_PAGE 100
#define EVENTS_STREAMS_MAX 1000 /* of a worker */
#define EVENTS_ANSWERS_MAX 32   /* at a time, and then not before EVENTS_TURN_MS have passed */
#define EVENTS_TURN_MS     1

enum follower_state {
    FOLLOWER_NONE,
    FOLLOWER_PARKED,
    FOLLOWER_WANTING,
    FOLLOWER_READY,
    FOLLOWER_SENDING,
    FOLLOWER_STATES
};

/* What a follower that is READY is told. */
enum follower_news { NEWS_PAGE, NEWS_NOTHING, NEWS_NO_MEMORY, NEWS_UNAVAILABLE };

struct follower {
    struct events *events;
    struct exchange *x;
    struct follower *prev, *next;
    enum follower_state state;
    enum follower_news news;
    struct events_sheet *sheet; /* while WANTING, and while READY with a page */
    struct events_request request;
    int64_t until_ms;          /* loop time: a poll waits until then, a stream says something */
    bool started;              /* the head of the stream is with the library */
    bool suspended;            /* the stream */
    bool ended;                /* the stream sends what it has and no more */
    size_t sent;               /* bytes of x->out that the library has */
    struct tail_position at[]; /* what request.at is */
};

struct events {
    struct http_server *server;
    unsigned partitions;
    uv_timer_t timer;
    struct follower_queue queues[FOLLOWER_STATES]; /* none in that of WANTING */
    struct events_sheets sheets;
    unsigned streams;
    struct tail_position *ends;  /* the furthest that is known of each partition */
    struct tail_position *walk;  /* for whoever writes cursors */
    struct tail_position *found; /* by the question for the checkpoints */
    bool ends_known;
    int64_t as_of_ms, found_as_of_ms;
    bool watching; /* the desk has that question */
    int64_t watched_ms, looked_ms;
    int64_t turn_ms;   /* when answers were given last, */
    unsigned answered; /* and how many */
    struct desk_question watch;
};

/* The places where a follower changes its state: to PARKED, SENDING or NONE; to wanting a page; to
 * being told something. `sheet` is for NEWS_PAGE. */
void follower_move(struct follower *f, enum follower_state state);
void follower_want(struct follower *f);
void follower_tell(struct follower *f, enum follower_news news, struct events_sheet *sheet);
void follower_free(struct follower *f);

/* Lets it wait, or want, as its position demands. */
void follower_next(struct follower *f);

/* Calls it for each, whatever becomes of that one meanwhile. */
void events_each(struct events *events, void (*call)(struct follower *));

/* Answers those that are READY and hands questions to the desk, as far as that is allowed, and
 * looks after the timer: to be called after followers were moved. From within a callback of the
 * library, which must not be told to resume the connection that it is working on, events_arm():
 * that answers nobody before the next turn of the loop. */
void events_serve(struct events *events);
void events_arm(struct events *events);

/* What becomes of a page, of a question that failed, and of a wait that is over. Each of them may
 * free the follower. */
void events_deliver(struct follower *f, struct events_sheet *sheet);
void events_fail(struct follower *f, enum problem_id problem, const char *detail);
void events_expire(struct follower *f);

/* Sends a page, or a sign of life. */
void stream_put_page(struct follower *f, const struct events_page *page);
void stream_beat(struct follower *f);

/* Begins with where it is, if that is known; else that comes later. */
void stream_start(struct follower *f);
void stream_put_position(struct follower *f);

/* What it has is sent, and no more. */
void stream_end(struct follower *f);

/* True if it has nothing left to send. */
bool stream_is_silent(const struct follower *f);

#endif
