/* feed.h -- the feed of events as its parts share it: followers, sheets, and what is known.
 *
 * Layer: http, private to events*.c. Only what things are; subscriber.h says how a subscriber
 * goes through its states, sheet.h what becomes of a sheet, and who owns them.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "core/tenant.h"
#include "http/events/render.h"
#include "http/events/request.h"
#include "ledger/query/query_pool.h"
#include "ledger/query/tail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#define EVENTS_WATCH_MS    100
#define EVENTS_BEAT_MS     10000 /* a stream that is silent says that it lives */
#define EVENTS_STREAM_PAGE 100
#define EVENTS_STREAMS_MAX 1000 /* of a worker */
#define EVENTS_ANSWERS_MAX 32   /* at a time, and then not before EVENTS_TURN_MS have passed */
#define EVENTS_TURN_MS     1

#define EVENTS_ASKING_MAX 4 /* others have questions to the query pool as well */
#define EVENTS_KEPT_MAX   8
#define EVENTS_BUCKETS    1024
#define EVENTS_PAGE_BLOCK 16384
#define EVENTS_PAGE_MAX   (256u << 20)
#define EVENTS_TEXT_MAX   (64u << 20)

struct events;
struct events_sheet;
struct exchange;
struct subscriber;
struct http_server;

enum subscriber_state {
    SUBSCRIBER_NONE,
    SUBSCRIBER_PARKED,
    SUBSCRIBER_WANTING,
    SUBSCRIBER_READY,
    SUBSCRIBER_SENDING,
    SUBSCRIBER_STATES
};

/* What a subscriber that is READY is told. */
enum subscriber_news { NEWS_PAGE, NEWS_NOTHING, NEWS_NO_MEMORY, NEWS_UNAVAILABLE };

struct subscriber {
    struct events *events;
    struct exchange *x;
    TAILQ_ENTRY(subscriber) link; /* in the queue of its state, or of its sheet */
    enum subscriber_state state;
    enum subscriber_news news;
    struct events_sheet *sheet; /* while WANTING, and while READY with a page */
    struct events_request request;
    struct str tenant;         /* whose events: in the arena of the exchange */
    int64_t until_ms;          /* loop time: a poll waits until then, a stream says something */
    bool started;              /* the head of the stream is with the library */
    bool suspended;            /* the stream */
    bool ended;                /* the stream sends what it has and no more */
    size_t sent;               /* bytes of x->out that the library has */
    struct tail_position at[]; /* what request.at is */
};

/* What was found behind a position. Lives in the arena that it was read into. */
struct events_page {
    struct tail_position *from, *to, *ends;
    struct tail_event *events;
    size_t count;
    int64_t as_of_ms; /* of the ledger */
    bool ahead;       /* the position is not one that the ledger has reached */
};

/* The answer to a poll. */
struct events_text {
    struct http_server *server;
    size_t held_bytes; /* of its budget */
    unsigned refs;
    struct buf body;
};

struct subscriber_queue {
    TAILQ_HEAD(, subscriber) list;
    unsigned count;
};

enum sheet_state { SHEET_WANTED, SHEET_ASKED, SHEET_READ };

struct events_sheet {
    struct events *events;
    TAILQ_ENTRY(events_sheet) link; /* of those in its state */
    struct events_sheet *beside;    /* in its bucket */
    enum sheet_state state;
    unsigned refs;
    bool listed;
    bool fresh, latest;
    unsigned limit;
    char tenant[TENANT_MAX_BYTES + 1];
    uint64_t hash;
    struct subscriber_queue followers; /* that want it */
    struct query question;
    struct arena arena;
    struct events_page page;
    struct events_text *text;    /* NULL: nobody needed it yet */
    struct tail_position *bound; /* not fresh: no further than this */
    struct tail_position at[];
};

struct sheet_list {
    TAILQ_HEAD(, events_sheet) list;
    unsigned count;
};

struct events_sheets {
    struct sheet_list lists[SHEET_READ + 1];
    struct events_sheet *buckets[EVENTS_BUCKETS];
};

struct events {
    struct http_server *server;
    unsigned partitions;
    uv_timer_t timer;
    struct subscriber_queue queues[SUBSCRIBER_STATES]; /* none in that of WANTING */
    struct events_sheets sheets;
    unsigned streams;
    struct tail_position *ends;  /* the furthest that is known of each partition */
    struct tail_position *walk;  /* for whoever writes cursors */
    struct tail_position *found; /* by the question for the checkpoints */
    bool ends_known;
    int64_t as_of_ms, found_as_of_ms;
    bool watching; /* the query pool has that question */
    int64_t watched_ms, looked_ms;
    int64_t turn_ms;   /* when answers were given last, */
    unsigned answered; /* and how many */
    struct query watch;
    /* A sheet was read, or could not be: takes over the caller's reference. */
    void (*on_sheet)(struct events_sheet *sheet, enum subscriber_news news);
};

static inline int64_t events_now_ms(const struct events *events)
{
    return (int64_t)uv_now(events->timer.loop);
}

static inline size_t events_positions_bytes(const struct events *events)
{
    return events->partitions * sizeof(struct tail_position);
}

/* A page as the renderers want it. */
static inline struct events_list events_list_of(const struct events *events,
                                                const struct events_page *page)
{
    return (struct events_list){page->from,  page->to,           page->events,
                                page->count, events->partitions, events->walk};
}
