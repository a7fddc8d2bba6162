/* faultproxy.h -- a proxy between service and Redis that breaks the connection on purpose.
 *
 * Layer: tests. A process of its own listens on a free loopback port and forwards each connection
 * to one upstream, a unix socket or a loopback port, in the order of arrival: the connections are
 * numbered 1, 2, 3, ... A test gives it orders over a control socket; when a call returns, the
 * order is in force, so nothing is left to timing.
 *
 *     service  == UP ==>  proxy  == UP ==>  Redis
 *              <= DOWN =         <= DOWN =
 *
 * One rule at a time may be armed. It waits for its connection and its anchor, counts bytes in its
 * direction from there, and strikes exactly after `after` of them: byte `after` is forwarded, the
 * next one is not. Then:
 *
 *     FAULT_COUNT      nothing; the counters from the anchor on can be read (a dry run)
 *     FAULT_CUT_RST    both sides are closed, the service gets a reset. What was forwarded before
 *     FAULT_CUT_FIN    ... the service gets an orderly end.  reaches the other side; the rest is
 *                      lost, and so is what the other side still answers
 *     FAULT_HOLD       the direction stands still: bytes are kept, sockets stay open. The rest is
 *                      kept even after the service has closed its side, until fault_proxy_release
 *                      delivers it (late delivery) or fault_proxy_drop throws it away
 *     FAULT_BLACK_HOLE the direction swallows everything, sockets stay open
 *     FAULT_DRIP       the direction goes on one byte per write
 *     FAULT_SHRED      the direction goes on in pieces of 1 to 16 bytes, drawn from the seed
 *
 * A struck rule is no longer armed; the connection stays as it was left (held, swallowed, ...),
 * and all other connections, also later ones, are untouched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FAULT_PATTERN_MAX 96
#define FAULT_TAIL_BYTES  64

enum fault_direction { FAULT_UP, FAULT_DOWN };

enum fault_action {
    FAULT_COUNT,
    FAULT_CUT_RST,
    FAULT_CUT_FIN,
    FAULT_HOLD,
    FAULT_BLACK_HOLE,
    FAULT_DRIP,
    FAULT_SHRED,
};

enum fault_anchor {
    FAULT_AT_ARMING,      /* at once */
    FAULT_AT_CHUNK,       /* the start of the read in which the pattern begins, or went on */
    FAULT_AT_PATTERN,     /* the first byte of the pattern */
    FAULT_BEHIND_PATTERN, /* the byte behind it */
};

struct fault_rule {
    enum fault_action action;
    enum fault_direction direction;
    uint64_t after; /* bytes that still pass, counted from the anchor */
    int connection; /* its number, or 0: the first one that meets the anchor */
    enum fault_anchor anchor;
    char pattern[FAULT_PATTERN_MAX]; /* looked for in what the service sends; not with AT_ARMING */
    int skip;                        /* occurrences of the pattern to let pass first */
};

struct fault_status {
    bool known;          /* there is a connection of that number, open or not */
    bool open_service;   /* the service's side is open */
    bool open_redis;     /* Redis' side is open */
    bool anchored;       /* the rule has found its connection and anchor there */
    bool struck;         /* ... and has struck there */
    uint64_t bytes[2];   /* forwarded since the start, by direction */
    uint64_t counted[2]; /* forwarded since the anchor, by direction; held bytes not included */
    size_t held[2];      /* bytes kept back, by direction */
    char tail[FAULT_TAIL_BYTES + 1]; /* the last bytes that came from Redis, forwarded or not */
};

struct fault_proxy {
    pid_t pid;
    int control; /* the control socket */
    int port;    /* where it listens */
    char url[48];
};

/* upstream: "unix:/path" or "redis://127.0.0.1:port". seed: for FAULT_SHRED. Start it from the main
 * thread, before there are others; afterwards one thread at a time may use it. */
int fault_proxy_start(struct fault_proxy *p, const char *upstream, uint64_t seed) MUST_CHECK;
void fault_proxy_stop(struct fault_proxy *p);

/* What the service sends for a lane and for nobody else: the name of its marker. An item's name is
 * also sent by whoever samples the hottest items, once a second. */
#define FAULT_SIGN_OF_LANE ":lane:"

/* Arms the rule in place of the one that was armed before. */
void fault_proxy_arm(struct fault_proxy *p, const struct fault_rule *rule);

/* No rule any more. Connections that were struck stay as they are. */
void fault_proxy_disarm(struct fault_proxy *p);

/* The number of the last connection on which the service has sent this text (since it was last
 * told to look for it), or 0. fault_proxy_watch says what to look for. */
void fault_proxy_watch(struct fault_proxy *p, const char *text);
int fault_proxy_seen_on(struct fault_proxy *p);

/* The connection on which the armed rule has found its anchor, and the one that it has struck;
 * 0 = not yet. */
int fault_proxy_anchored_on(struct fault_proxy *p);
int fault_proxy_struck_on(struct fault_proxy *p);

/* What is known of a connection; all zero for a number that was never given. */
struct fault_status fault_proxy_status(struct fault_proxy *p, int connection);

/* Delivers what is held in both directions and forwards again, or gives it up and closes. */
void fault_proxy_release(struct fault_proxy *p, int connection);
void fault_proxy_drop(struct fault_proxy *p, int connection);

/* While true, new connections are accepted and reset at once. */
void fault_proxy_refuse(struct fault_proxy *p, bool refuse);

/* Connections that come from now on lead there; those that are open stay where they are. */
int fault_proxy_aim(struct fault_proxy *p, const char *upstream) MUST_CHECK;

/* Cuts every connection that is open, with a reset. */
void fault_proxy_cut_all(struct fault_proxy *p);
