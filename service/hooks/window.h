/* window.h -- the events that a hook has read and not got rid of: which one is next, and how far
 * the hook has come.
 *
 * Layer: hooks, pure; time is an argument (monotonic, ms). An event that is given to a window is
 * its own from then on; window_free() and window_kept() free it.
 *
 *   WAITS  -next-> FLIES -delivered-> DONE -kept-> gone
 *     ^              |-----dead-----> DEAD -kept-> gone
 *     `---failed-----'  not before its time
 *
 * Events of an item form a chain, in the order in which they came, of which only the first flies:
 * the next one may when that was delivered, or SQL has it as dead. Other items do not wait for it.
 *
 * A letter is a row of SQL for an event that a position may pass although it is not delivered. An
 * event gets one when it has failed, and those behind it in its chain do when they would keep the
 * position from going on. So an endpoint that refuses one item's events does not stop the others,
 * and a process that is killed sends little twice.
 *
 * Invariant: what is in front of the position of window_advance() is delivered, dead, or has a
 * letter, once what window_unsaved() gives out is saved in one transaction with it.
 */
#pragma once

#include "ledger/query/tail.h"

#include <sys/queue.h>

#define WINDOW_MAX     4096 /* events */
#define WINDOW_BUCKETS 1024

enum window_state { WINDOW_WAITS, WINDOW_FLIES, WINDOW_DONE, WINDOW_DEAD };

struct window_chain;

struct window_event {
    unsigned partition;
    struct tail_position at;
    int64_t at_ms;                  /* when it happened, by the wall clock */
    struct str id, type, sku, body; /* in this block; sku: its inner name */
    unsigned attempts;              /* that failed */
    int64_t due_ms;                 /* not before; 0: any time */
    int64_t tried_ms;               /* the last attempt, by the wall clock; 0: none */
    int status;                     /* of the last answer; 0: none came */
    const char *why;                /* the last attempt failed, static; NULL: it did not */
    enum window_state state;
    bool lettered; /* SQL has, or gets with the next transaction, a letter */

    bool ordered, unsaved; /* on those lists */
    struct window_chain *chain;
    TAILQ_ENTRY(window_event) in_order, in_chain, in_turn, in_unsaved;
};

TAILQ_HEAD(window_list, window_event);

/* Of an item that is in the window. */
struct window_chain {
    struct window_list events;
    struct window_chain *next; /* in its bucket */
};

struct window {
    struct window_list ordered; /* that have no letter, as they were read */
    struct window_list ready;   /* first of their chains, which may fly */
    struct window_list delayed; /* first of their chains, whose time may not have come */
    struct window_list unsaved; /* of which SQL is to be told */
    struct window_chain *chains[WINDOW_BUCKETS];
    size_t count, flying;
};

/* An event with copies of the texts. NULL: out of memory. */
struct window_event *window_event_new(struct str id, struct str type, struct str sku,
                                      struct str body);

void window_init(struct window *w);
void window_free(struct window *w);

static inline size_t window_room(const struct window *w)
{
    return WINDOW_MAX - w->count;
}

/* Puts an event behind the others; there is room. lettered: it comes from SQL, and may have a
 * due_ms. False: out of memory, and it is still the caller's. */
bool window_add(struct window *w, struct window_event *event) MUST_CHECK;

/* Whether it has that event of an item. */
bool window_has(const struct window *w, struct str sku, unsigned partition,
                const struct tail_position *at);

/* The next event to send, which flies from now on; NULL: there is none just now. */
struct window_event *window_next(struct window *w, int64_t now_ms);

/* When window_next() may have one although it has none now; INT64_MAX: not before something ends.
 */
int64_t window_due_ms(const struct window *w);

/* What became of an event that flies. */
void window_delivered(struct window *w, struct window_event *event);
void window_failed(struct window *w, struct window_event *event, int64_t due_ms);
void window_dead(struct window *w, struct window_event *event);

/* It was not tried, or that does not count: it is as it was, and not due before then. */
void window_put_back(struct window *w, struct window_event *event, int64_t due_ms);

/* Moves a position over what need not be seen again, and gives letters to those that wait behind a
 * letter. True: all that was read is in front of it. */
bool window_advance(struct window *w, struct tail_position *at) MUST_CHECK;

/* SQL is to be told of that one. */
void window_tell(struct window *w, struct window_event *event);

/* What SQL is to be told of, one by one from NULL on. Its state says what. */
struct window_event *window_unsaved(const struct window *w, const struct window_event *after);

/* SQL has it all: events that are done or dead are gone, and those behind the dead may fly. */
void window_kept(struct window *w);

/* The time of the oldest event; 0: there is none. */
int64_t window_oldest_ms(const struct window *w);
