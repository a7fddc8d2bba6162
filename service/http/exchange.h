/* exchange.h -- one request and its answer, and the server that both belong to.
 *
 * Layer: http, private to the server.
 *
 *   READING --(all of it is here)--> WAITING --(the store is done)--> ANSWERED --(sent)--> over
 *       '------------(no store needed, or refused)-----------------------^
 *
 * A client may leave at any of these steps, and a WAITING exchange that is polled and not suspended
 * is then over before the store is done: it becomes an orphan, on no list, which lives until the
 * store has given back all that is pending. Questions to the ledger do not need their exchange:
 * see history.h and subscriber.h.
 *
 * Invariants: a WAITING exchange is on the server's list of those, and is either polled and counted
 * as that, or its connection is suspended. A stream of events is suspended besides, while it is
 * ANSWERED and has nothing to send (subscriber.h), and so is one of samples (live/feed.h). What is
 * over is on no list (exchange_end()).
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "core/route.h"
#include "core/tenant.h"
#include "http/access_caller.h"
#include "http/answer/render.h"
#include "http/conn/acceptor.h"
#include "http/conn/client_conn.h"
#include "http/conn/handshakes.h"
#include "http/conn/host.h"
#include "http/conn/proxies.h"
#include "http/headers.h"
#include "http/kept.h"
#include "http/problem.h"
#include "http/rate.h"
#include "http/request/request.h"
#include "http/request/request_times.h"
#include "http/server_limits.h"
#include "store/store.h"

#include <microhttpd.h>
#include <uv.h>

struct access_log;
struct batch_job;
struct events;
struct http_about;
struct http_audits;
struct events_text;
struct failed_logins;
struct subscriber;
struct history_job;
struct hot;
struct http_health;
struct key_ring;
struct live_feed;
struct live_watcher;

/* What works on an exchange besides the store: a batch, a question to the ledger, a subscriber of
 * events, who watches samples. */
struct exchange_work {
    void (*gone)(struct exchange *x); /* it is over: nobody waits for that work any more */
    /* Of a stream: its bytes, for the library to ask for, with the exchange as `cls`. NULL: the
     * body is there. */
    MHD_ContentReaderCallback stream;
};

enum exchange_state { EXCHANGE_NEW, EXCHANGE_READING, EXCHANGE_WAITING, EXCHANGE_ANSWERED };

struct exchange {
    struct http_server *server;
    struct MHD_Connection *conn;
    struct client_conn *client;
    struct exchange *prev, *next; /* of the waiting, or the free ones */
    enum exchange_state state;
    bool polled;      /* waits without being suspended: see server_limits.h */
    bool orphan;      /* the connection is gone, the store has not answered yet */
    bool mute;        /* there is no memory to say what happened: its connection ends instead */
    unsigned pending; /* operations and reads that the store has */
    struct arena arena;
    struct str target; /* raw, in the arena */
    struct route_match match;
    struct headers headers;
    struct ip from;              /* who asks, by what trusted proxies say */
    enum role role;              /* of who asks */
    struct requester by;         /* in the arena; but its trace, which is spent's */
    struct access_caller caller; /* for the access log */
    struct rate rate;            /* of who asks */
    struct kept kept;            /* by who asks */
    struct buf body;             /* as received; given back once it was read */
    size_t body_max, received;
    size_t held_bytes; /* of the worker's budget, see exchange_memory.c */
    bool refused;      /* refusal stands; the body is read only to get behind it */
    struct refusal refusal;
    struct answer answer;
    struct buf out;   /* the answer's body, unless it is `fixed` */
    struct str fixed; /* a static body; absent: none */
    int64_t started_us;
    struct request_times spent; /* since then */
    struct store_op op;
    struct store_read read;
    struct op_condition if_none_match;
    const struct exchange_work *work; /* NULL: the store's alone */
    struct batch_job *batch;          /* in the arena, until it is answered */
    struct history_job *asked;        /* of the ledger, while it waits for that */
    struct subscriber *subscriber;    /* of events: until a poll is answered or a stream is over */
    struct live_watcher *watcher;     /* of samples: until its stream is over */
    struct events_text *text;         /* the answer to a poll, which `fixed` lies in; NULL: none */
};

struct http_server {
    uv_loop_t *loop;
    struct MHD_Daemon *daemon;
    struct acceptor acceptors[SERVER_SOCKETS]; /* of what the library does not accept itself */
    unsigned acceptor_count;
    const struct proxies *proxies;
    bool tls, proxy_protocol;
    struct handshakes handshakes; /* empty without either */
    struct store *store;          /* NULL: a port that tells this instead: */
    const struct http_health *health;
    struct stats *stats;
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_idle_t spin;
    uv_timer_t wake;
    unsigned handles_open;
    bool progress;      /* since the last MHD_run a callback had something to do */
    unsigned polled;    /* requests that wait without being suspended */
    bool resumed;       /* since the last MHD_run: it must run again */
    bool woken;         /* since the last turn of the loop: by a client, or by time */
    int64_t run_due_ms; /* of the loop: when the library wants to run in any case; -1: never */
    bool leaving;       /* /readyz says no; the rest goes on */
    bool draining;
    bool stopped;
    int64_t request_ms;
    size_t memory_bytes, memory_max_bytes; /* of the exchanges under way */
    size_t memory_peak_bytes;              /* since memory was given back last */
    bool guards_host;                      /* only names of this machine are served, and these: */
    struct str allowed_hosts;
    struct str host_seen; /* the last Host that was served */
    char host_text[HOST_MAX_BYTES];
    struct exchange *waiting, *spare;
    unsigned spare_count;
    unsigned orphans;
    struct client_conns clients;
    struct batch_job *later;             /* batches whose next operations are to be handed over */
    struct query_pool *queries;          /* NULL: no ledger */
    TAILQ_HEAD(, history_job) asked;     /* in the order of their beginning */
    struct events *events;               /* NULL: no ledger */
    struct live_feed *live;              /* NULL: nobody takes samples */
    struct hot *hot;                     /* of this worker; NULL: as above */
    struct key_ring *keys;               /* NULL: everybody may everything */
    bool own_items;                      /* tenants have items of their own */
    struct failed_logins *failed_logins; /* NULL: nobody counts them */
    struct kept_host host;               /* what it gives of quotas */
    unsigned partitions;                 /* of the store */
    const struct http_audits *audits;    /* NULL: no ledger to compare with */
    const struct http_about *about;      /* of the service; NULL: a port without a store */
    struct access_log *access;           /* NULL: none is kept */
    bool traces_events;                  /* events name the traces of requests */
    int64_t slow_us;                     /* a request that takes as long is logged; 0: none is */
    struct buf scratch;
};

/* For libmicrohttpd. */
void *exchange_begin(void *server, const char *uri, struct MHD_Connection *conn);
void exchange_completed(void *server, struct MHD_Connection *conn, void **x,
                        enum MHD_RequestTerminationCode why);
enum MHD_Result exchange_handle(void *server, struct MHD_Connection *conn, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *data_size, void **x);
void exchange_notify(void *server, struct MHD_Connection *conn, void **client,
                     enum MHD_ConnectionNotificationCode what);

/* Suspends the connection: to be called before anything is handed to the store. */
void exchange_wait(struct exchange *x);

/* The answer is in x->answer and x->out: resumes the connection, or frees an orphan. */
void exchange_answered(struct exchange *x);

/* Whether it says that nothing was changed: so does a 503 that is given in its place. */
bool answer_is_refusal(const struct answer *answer);

/* Sends the answer, or ends the connection: MHD_NO. */
enum MHD_Result exchange_send(struct exchange *x);

/* The same for what may take long: the worker sleeps meanwhile if there is nothing else. */
void exchange_wait_long(struct exchange *x);

/* --- memory: exchange_memory.c --- */

#define EXCHANGE_NO_ROOM "the bodies and answers under way take all of --memory-max"

/* Counts what the exchange has allocated and `more` bytes besides that it is about to. False: the
 * budget has no room for that; nothing is counted that was not before. */
bool exchange_hold(struct exchange *x, size_t more) MUST_CHECK;

/* How much exchange_hold would grant besides what the exchange has. */
size_t exchange_room(const struct exchange *x);

/* Counts what it has allocated, no more and no less; for what cannot be refused. */
void exchange_recount(struct exchange *x);

/* It is over. */
void exchange_let_go(struct exchange *x);

/* Adds to the body. False: no room, or no memory. */
bool exchange_put_body(struct exchange *x, const char *data, size_t n) MUST_CHECK;
void exchange_drop_body(struct exchange *x);

/* The same for what several exchanges share. False: no room, and it is not counted. */
bool server_hold(struct http_server *server, size_t bytes) MUST_CHECK;
void server_let_go(struct http_server *server, size_t bytes);

/* So much was taken besides for a moment, and is free again. */
void server_had(struct http_server *server, size_t bytes);

/* Gives memory back to the system after a peak. */
void server_give_back(struct http_server *server);

/* --- answers --- */

/* Writes a refusal into the answer. */
void exchange_refuse(struct exchange *x, enum problem_id problem, const char *detail);

void exchange_refuse_with(struct exchange *x, const struct refusal *why);

/* Answers with a refusal. */
void exchange_answer_refusal(struct exchange *x, const struct refusal *why);

/* What is answered whatever the load: for operators and balancers. */
bool exchange_is_vital(const struct exchange *x);

/* Answers at once, or hands the request to the store and waits. */
void exchange_dispatch(struct exchange *x);

/* Its request is over, whatever it was waiting for: takes it off every list that it can be on, and
 * puts it aside once the store does not need it any more. The one way out. */
void exchange_end(struct exchange *x);

void exchange_free(struct exchange *x);

/* Frees a stopped server once neither a handle nor an orphan needs it any more. */
void server_release(struct http_server *server);

/* Whose request it is, by its key, and whether that one may ask for it, and may ask now. False,
 * with why: 401, 403, 429. */
bool exchange_admit(struct exchange *x, struct refusal *why) MUST_CHECK;

/* Whether who asked may still, as keys are now: for an answer that lasts. */
bool exchange_may_go_on(const struct exchange *x) MUST_CHECK;

/* Whose request it is, as keys are now; only of a server with keys. False, with why: they are not
 * good any more. */
bool exchange_key(const struct exchange *x, const struct key_entry **key,
                  struct refusal *why) MUST_CHECK;

/* It is over, answered or not: logs it if it was slow. */
void exchange_note_slow(const struct exchange *x);

/* Answers that need no store. */
void builtin_answer(struct exchange *x);
