/* client.h -- one simulated client: its connection, its reservations, and the attempt in flight.
 *
 * Layer: client. A client sends one request after the other on one connection. The loop owns
 * all clients of its process, tells each when to start, and hears when it is free again.
 *
 *   AWAY       no connection, or one that is being made
 *   FREE       may start an attempt
 *   BUSY       an attempt is in flight: its operations are in the history as unknown
 *   RESENDING  waits for a connection to send the same request again
 */
#pragma once

#include "client/http_conn.h"
#include "client/intent.h"

#define CLIENT_HELD 8 /* reservations it remembers; the oldest one more is left to expire */
#define CLIENT_LATE 8 /* and that it keeps until about their deadline, at the most */

/* What goes out in one request: one operation, or several as a batch. A call is one of them, with a
 * record, a key and an outcome of its own. In a batch each stands where its record stands among
 * those of the attempt, and so does its result. */
struct call {
    struct intent intent;
    struct history_op *op;   /* its record in this attempt */
    uint32_t slot;           /* of op */
    struct history_op *root; /* its record in the first attempt of the same operation */
    uint32_t root_slot;
};

struct attempt {
    unsigned calls;    /* 1 or more; 1 when it is no batch */
    bool batch;        /* sent to /v1/batch */
    bool resent;       /* the same request once more */
    struct call *call; /* room for workload_calls of them */
};

struct client_loop;

/* What a GET of an item said. */
struct seen_item {
    uint32_t item;
    uint64_t version; /* 0: none was read yet */
    int64_t on_hand, held;
};

enum client_state { CLIENT_AWAY, CLIENT_FREE, CLIENT_BUSY, CLIENT_RESENDING };

struct client {
    struct wire wire;
    struct client_loop *loop;
    struct load_client *shared;
    uint32_t number;
    enum client_state state;
    bool connected; /* counted in the counters */
    bool resting;   /* in the loop's ring of those that rest */

    struct attempt attempt; /* the one in flight, or the last one */
    uint64_t planned_ns;    /* CLOCK_MONOTONIC */
    uint64_t deadline_ns;
    struct client *earlier, *later; /* in flight, by deadline */

    uint64_t retry_ns;   /* when to connect again */
    uint32_t backoff_ms; /* 0: the last connect worked */
    uint64_t ready_ns;   /* end of thinking */

    unsigned helds;
    struct held held[CLIENT_HELD]; /* oldest first */
    unsigned lates;
    struct held late[CLIENT_LATE]; /* kept until about their deadline, in any order */
    struct held ended;             /* the reservation it ended last */
    struct held forgotten;         /* the one that it left to expire last */
    struct answered done;          /* its last mutation that was answered with an effect */
    struct answered counted;       /* the same of decrements and adjustments */
    struct seen_item seen;         /* the item that it read last */
    bool sets_next;                /* and wants to set */
    struct listing further;        /* the page that it may turn to; cursor_bytes 0: none */
    uint32_t gone;                 /* the item that it knows to be gone, if it knows one */
    bool knows_gone;
};

/* --- its attempt: attempt.c --- */

/* The request, to be sent as it is. out->failed when it does not fit, or for want of memory. */
void attempt_request(const struct attempt *a, const struct load *load, struct buf *out);

/* Whether the answer 2xx to a batch has a result for each of its operations; `mismatch` says how it
 * does not, unless that may be damage on its way. */
bool attempt_results(const struct attempt *a, const struct response *answer,
                     struct mismatch *mismatch) MUST_CHECK;

/* The next of those results, as if that operation had been sent alone; *at is the place, at first
 * 0. False when there is none, or it has no status or no body: then *one is not written. */
bool attempt_result(const struct response *answer, size_t *at, struct response *one) MUST_CHECK;

/* --- its will and its memory: choose.c, remember.c --- */

/* What the client wishes to do next, from its dice: the calls of its attempt. others are the
 * clients of the same process. */
void client_choose(struct client *c, const struct workload *w, struct client *others, size_t count,
                   uint64_t now_ns);

/* Whether any of its work would end a reservation that is kept until about its deadline. */
bool client_ends_late(const struct workload *w);

/* The id of the reservation that a call of the attempt in flight is about, or that an earlier
 * attempt of the same operation made; absent when none is known. Valid until the client's next
 * attempt. */
struct str client_reservation(const struct client *c, const struct call *call);

/* Takes what the answer to a call means for the client's reservations. */
void client_remember(struct client *c, const struct call *call, const struct workload *w,
                     const struct lesson *lesson, uint64_t now_ns);
