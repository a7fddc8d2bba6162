/* events_sheet.h -- one question for a page of events, and its answer, for all who want the same.
 *
 * Layer: http, private to events*.c. Those who want the same are behind the same position and take
 * pages of the same length. To keep them together, a page ends where the watch saw the ledger end
 * last: so there are as many positions as looks of the watch, and not as many as questions. Only
 * who is not to wait at all, or is ahead of what the watch saw, asks for a FRESH page, which ends
 * where the ledger ends now, and shares it with those who came before it was asked.
 *
 *   WANTED --(its turn)--> ASKED --(the desk has answered)--> READ: kept while it is the newest
 *
 * Ownership: references: one of the list that it is on, one of each follower that is to be told of
 * it. Followers that still want it are in its queue; when the last one leaves, it is not asked.
 * The text of a page is shared as well, and lives until the last answer with it is sent.
 */
#ifndef HTTP_EVENTS_SHEET_H
#define HTTP_EVENTS_SHEET_H

#include "arena.h"
#include "buf.h"
#include "ledger/desk.h"
#include "ledger/tail.h"

#include <stdbool.h>

#define EVENTS_ASKING_MAX 4 /* others have questions to the desk as well */
#define EVENTS_KEPT_MAX   8
#define EVENTS_BUCKETS    1024
#define EVENTS_PAGE_BLOCK 16384
#define EVENTS_PAGE_MAX   (256u << 20)
#define EVENTS_TEXT_MAX   (64u << 20)

struct events;
struct exchange;
struct follower;
struct http_server;

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

struct follower_queue {
    struct follower *first, *last;
    unsigned count;
};

enum sheet_state { SHEET_WANTED, SHEET_ASKED, SHEET_READ };

struct events_sheet {
    struct events *events;
    struct events_sheet *prev, *next; /* of those in its state */
    struct events_sheet *beside;      /* in its bucket */
    enum sheet_state state;
    unsigned refs;
    bool listed;
    bool fresh, latest;
    unsigned limit;
    uint64_t hash;
    struct follower_queue followers; /* that want it */
    struct desk_question question;
    struct arena arena;
    struct events_page page;
    struct events_text *text;    /* NULL: nobody needed it yet */
    struct tail_position *bound; /* not fresh: no further than this */
    struct tail_position at[];
};

struct sheet_list {
    struct events_sheet *first, *last;
    unsigned count;
};

struct events_sheets {
    struct sheet_list lists[SHEET_READ + 1];
    struct events_sheet *buckets[EVENTS_BUCKETS];
};

/* The sheet for this follower, to be joined or, if it is READ, told of. NULL: out of memory. */
struct events_sheet *sheet_find(struct follower *f);

/* A follower that wanted it does no more. */
void sheet_left(struct events_sheet *sheet);

void sheet_hold(struct events_sheet *sheet);
void sheet_let_go(struct events_sheet *sheet);

/* Hands sheets to the desk, in their order, as far as that is allowed. */
void sheets_ask(struct events *events);

/* Forgets those that are kept. */
void sheets_forget(struct events *events);

/* The answer to a poll as text, made when it is first needed. NULL: there is no memory
 * for it. */
struct events_text *sheet_text(struct events_sheet *sheet);

/* An exchange sends a text, or has sent it. NULL is fine. */
void text_let_go(struct events_text *text);

#endif
