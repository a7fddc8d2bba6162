/* server.h -- the HTTP server of one worker process.
 *
 * Layer: http. libmicrohttpd on the worker's libuv loop: it runs once per loop turn, before the
 * loop polls, and the store gets what that turn collected as one batch. A request waits suspended
 * while the store works on it, or the ledger. No threads but those of the query pool
 * (ledger/query/query_pool.h), which know nothing of connections.
 */
#pragma once

#include "http/conn/proxies.h"
#include "http/problem.h"
#include "keys/key_ring.h"
#include "ledger/query/query_pool.h"
#include "stats.h"
#include "store/store.h"

#include <uv.h>

/* What a port tells that serves no store, but how a process is: /healthz, /readyz and /metrics. */
struct http_health {
    /* For /readyz. PROBLEMS: it is, and members of a JSON object, each behind a comma, are in out.
     * Else why not, with a static text in *why. */
    enum problem_id (*look)(void *user, struct buf *out, const char **why);
    void *user;
};

struct access_log;
struct http_about;
struct http_audits;
struct failed_logins;
struct hot;
struct live_board;

struct http_config {
    int listen_fd;              /* bound and listening, made by the master; the server owns it */
    int second_fd;              /* the same of another address; 0 or -1: there is none */
    bool tls;                   /* as https_load() has read it; else HTTP as it is */
    unsigned connections_max;   /* 0: 20,000; bounded by RLIMIT_NOFILE */
    unsigned idle_timeout_s;    /* of a silent connection; 0: 60 */
    int64_t read_timeout_ms;    /* a request has this and request_timeout_ms to arrive; 0: 30 s */
    int64_t request_timeout_ms; /* 0: 5 s */
    int64_t write_timeout_ms;   /* for an answer to be taken by its client; 0: 30 s */
    size_t memory_max_bytes;    /* for the bodies and answers under way; 0: 256 MiB */
    bool guards_host;           /* serves nobody whose Host is neither this machine nor allowed */
    const char *allowed_hosts;  /* names, separated by commas; NULL: none. The caller's */
    const struct proxies *proxies;    /* whom it believes, the caller's; NULL: nobody */
    bool proxy_protocol;              /* those begin with a header of it */
    struct query_pool *queries;       /* of the ledger, the caller's; NULL: there is none */
    unsigned partitions;              /* of the store */
    const struct http_audits *audits; /* the caller's; NULL: no ledger to compare with */
    const struct http_about *about;   /* the caller's; NULL only with a health */
    struct key_ring *keys; /* who may ask, the caller's; NULL: everybody, for everything */
    bool own_items;        /* of tenants; else all have the store's */
    struct failed_logins *failed_logins; /* the caller's; NULL: nobody counts them */
    double quota_share;                  /* of each quota, that this host gives; 0: all of it */
    struct quota_use *quotas;            /* the caller's; NULL as the keys are */
    unsigned worker;                     /* its number */
    struct access_log *access; /* the caller's, which outlives the server; NULL: none is kept */
    bool trace_events;         /* what a request changes names its trace */
    int64_t slow_request_ms;   /* what takes as long is logged; 0: nothing is */
    const struct live_board
        *live;       /* the caller's, where a keeper puts samples; NULL: nobody does */
    struct hot *hot; /* the caller's, of this worker alone; NULL: as above */
    const struct http_health *health; /* the caller's; NULL: there is a store */
};

struct http_server;

/* Begins to accept. NULL: said in err; the sockets are still the caller's then. stats (for
 * /metrics) may be NULL, and the store is if the config has a health. */
struct http_server *http_server_new(uv_loop_t *loop, const struct http_config *config,
                                    struct store *store, struct stats *stats, char *err,
                                    size_t err_size);

/* /readyz says from now on that this one is being stopped; everything else goes on. */
void http_server_leave(struct http_server *server);

/* Takes no new connections; what was accepted or queued by the kernel is answered, with
 * Connection: close, and connections that stay silent for a second are closed. */
void http_server_drain(struct http_server *server);

/* True once no connection is left. Only after http_server_drain. */
bool http_server_drained(const struct http_server *server);

/* Stops at once: requests that wait are answered 504 as far as their sockets take it. Operations
 * that the store still has stay valid until it has called their `done`, questions that the query
 * pool still has free themselves. The memory is freed when the loop has closed the handles. */
void http_server_free(struct http_server *server);
