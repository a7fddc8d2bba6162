/* events_follow.h -- who follows the events, and what for.
 *
 * Layer: http, private to events*.c. A follower is a request, or a stream that it became:
 *
 *             nothing new                    something new, or not known
 *   PARKED <---------------- (position) ------------------------> WANTING --> ASKING
 *     |  '-----------(a checkpoint moved)---------------------------^           |
 *     |                                                                         |
 *     |<----- no events ------------------------------------------------- page -+
 *     '-> a poll is answered when its time is over          a poll is answered, a stream is
 *                                                           SENDING until the page is sent
 *
 * Nobody who is PARKED asks anything: one question for the checkpoints of all partitions is asked
 * for all of them, every EVENTS_WATCH_MS. A page that was read for one is given to all who want the
 * same.
 *
 * Ownership: a follower belongs to its exchange, and is freed with the answer of a poll or the end
 * of a stream. While it is ASKING the desk has its question: if its exchange goes then, `x` is
 * NULL and it is freed when the desk answers.
 *
 * Invariant: a stream has at most one page in memory, and asks for the next when that one is with
 * the library. A stream is suspended if and only if it has nothing to send and has not ended.
 */
#ifndef HTTP_EVENTS_FOLLOW_H
#define HTTP_EVENTS_FOLLOW_H

#include "http/events.h"
#include "http/events_request.h"
#include "http/exchange.h"
#include "ledger/desk.h"

#define EVENTS_WATCH_MS    100
#define EVENTS_BEAT_MS     10000 /* a stream that is silent says that it lives */
#define EVENTS_STREAM_PAGE 100
#define EVENTS_STREAMS_MAX 1000 /* of a worker */
#define EVENTS_WANTING_MAX 1000 /* polls that wait for their turn to ask */
#define EVENTS_ASKING_MAX  4    /* others have questions to the desk as well */
#define EVENTS_PAGE_BLOCK  16384
#define EVENTS_PAGE_MAX    (256u << 20)

/* What was found behind a position. Lives in the arena that it was read into. */
struct events_page {
    struct tail_position *from, *to, *ends;
    struct tail_event *events;
    size_t count;
    int64_t as_of_ms; /* of the ledger */
    bool ahead;       /* the position is not one that the ledger has reached */
};

enum follower_state {
    FOLLOWER_NONE,
    FOLLOWER_PARKED,
    FOLLOWER_WANTING,
    FOLLOWER_ASKING,
    FOLLOWER_SENDING,
    FOLLOWER_STATES
};

struct follower {
    struct events *events;
    struct exchange *x; /* NULL: gone while the desk had the question */
    struct follower *prev, *next;
    enum follower_state state;
    struct events_request request;
    int64_t until_ms; /* loop time: a poll waits until then, a stream says something */
    bool started;     /* the head of the stream is with the library */
    bool suspended;   /* the stream */
    bool ended;       /* the stream sends what it has and no more */
    size_t sent;      /* bytes of x->out that the library has */
    struct desk_question question;
    struct arena arena; /* of the page that is being read */
    struct events_page page;
    struct tail_position at[]; /* what request.at is */
};

struct follower_queue {
    struct follower *first, *last;
    unsigned count;
};

struct events {
    struct http_server *server;
    unsigned partitions;
    uv_timer_t timer;
    struct follower_queue queues[FOLLOWER_STATES];
    unsigned streams;
    struct tail_position *ends;  /* the furthest that is known of each partition */
    struct tail_position *walk;  /* for whoever writes cursors */
    struct tail_position *found; /* by the question for the checkpoints */
    bool ends_known;
    int64_t as_of_ms, found_as_of_ms;
    bool watching; /* the desk has that question */
    int64_t watched_ms;
    struct desk_question watch;
};

/* The one place where a follower changes its state. */
void follower_move(struct follower *f, enum follower_state state);
void follower_free(struct follower *f);

/* Lets it wait, or ask, as its position demands. */
void follower_next(struct follower *f);

/* Hands questions to the desk as far as that is allowed, and looks after the timer: to be called
 * after followers were moved. */
void events_serve(struct events *events);

/* What becomes of a page, of a question that failed, and of a wait that is over. Each of them may
 * free the follower. */
void events_deliver(struct follower *f, const struct events_page *page);
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
