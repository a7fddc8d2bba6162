/* feed.h -- who watches, as live.c and the checks of a server know it.
 *
 * Layer: http, private to live.c and check.c. A sample is rendered once for all who see the same: a
 * tenant each, where tenants have items of their own. A watcher is given the newest one when it has
 * taken the one before, so who is slow misses some, and costs no more than who is not. They are
 * woken a few at each look, as hundreds of answers at once would stand before those to who buys.
 *
 *   SENDING --(the library has taken all of it)--> suspended --(a newer one is there)--> SENDING
 *
 * Ownership: a watcher belongs to its exchange, and ends with it. A text belongs to those who send
 * it, and the newest of each tenant to the feed as well.
 *
 * Invariant: a watcher is in the list of its feed for as long as its exchange lasts; it is
 * suspended if and only if it has nothing to send and has not ended. Who was given something
 * longest ago stands first in the list.
 */
#pragma once

#include "buf.h"
#include "core/live.h"
#include "core/tenant.h"

#include <sys/queue.h>
#include <uv.h>

#define LIVE_LOOK_MS     100
#define LIVE_SPREAD_MS   500 /* in which all that watch are given a sample */
#define LIVE_WAKE_MIN    16  /* at a look, however few would do */
#define LIVE_JUDGE_MS    1000
#define LIVE_BEAT_MS     5000 /* of a stream that has nothing new to say */
#define LIVE_STREAMS_MAX 1000 /* of a worker */
#define LIVE_TEXT_BYTES  65536

/* A frame of a stream, or a comment. */
struct live_text {
    SLIST_ENTRY(live_text) link;
    unsigned refs;
    uint64_t turn;     /* of the board; 0: it is a sign of life */
    size_t held_bytes; /* of the server's budget */
    char tenant[TENANT_MAX_BYTES + 1];
    struct buf body;
};

struct live_watcher {
    TAILQ_ENTRY(live_watcher) link;
    struct live_feed *feed;
    struct exchange *x;
    struct live_text *text; /* that it sends; NULL: none */
    size_t sent;            /* bytes of it that the library has */
    uint64_t turn;          /* the last that it was given */
    int64_t given_ms;       /* of the loop: when it was given anything */
    bool suspended, ended;
};

struct live_feed {
    struct http_server *server;
    const struct live_board *board;
    uv_timer_t timer;
    TAILQ_HEAD(, live_watcher) watchers;
    unsigned streams;
    int64_t judged_ms;             /* of the loop: when it was asked whether they may go on */
    SLIST_HEAD(, live_text) texts; /* of `view` */
    struct live_text *beat;
    uint64_t turn; /* of `view` */
    struct live_view view;
};
