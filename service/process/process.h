/* process.h -- what the processes of a service share, and how each of them begins.
 *
 * A parent (master.c, apart.c) makes a struct shared_state before its first fork; each
 * child gets it with a struct process_args of its own, as the `arg` of its run function. Those
 * return the exit status: POOL_EXIT_FATAL if Redis, the database or the store is not for this
 * service.
 */
#pragma once

#include "config.h"
#include "http/builtin/about.h"
#include "http/problem.h"
#include "keys/key_ring.h"
#include "pool/pool.h"
#include "process/confine.h"
#include "process/hooks_look.h"
#include "process/ledger/ledger_look.h"
#include "process/listen.h"
#include "process/roster.h"
#include "stats.h"

#include <signal.h>

/* What a parent tells a child to end with. SIGTERM and SIGINT are for the parent, which ends its
 * children in turn: they may go to all processes of a service at once, from a terminal or from
 * whoever keeps it, so children take no notice of them. */
#define PROCESS_STOP SIGUSR1

struct audit_desk;
struct http_config;
struct http_server;

/* What every child gets. Never changed after the first fork. */
struct shared_state {
    const struct config *config;
    struct store_config store_config;
    struct store_shared *store_shared;
    struct stats *stats;
    struct relay_shared *relay;          /* NULL: each worker commits by itself */
    struct ledger_look *ledger_look;     /* NULL: there is a keeper, and nobody asks for this */
    struct hooks_look *hooks_look;       /* NULL: this is not about hooks */
    struct key_use *key_use;             /* of all processes; NULL: there are no API keys */
    struct quota_use *quota_use;         /* the same */
    struct live_board *live;             /* NULL: there is no worker */
    struct hot *hot;                     /* one a worker; NULL: as above */
    struct failed_logins *failed_logins; /* of all processes; NULL: nobody counts them */
    struct key_ring *keys;      /* of this process, as it was forked with it; NULL: as above */
    struct listener *listeners; /* one a worker; a child closes those that are not its own */
    unsigned workers;
    bool confines;                 /* children, too */
    struct roster *roster;         /* NULL: nobody asks */
    struct audit_desk *audit_desk; /* NULL: no ledger, or nobody asks */
    struct http_about about;       /* what a port tells of all of them */
    int access_fd;                 /* of an access log that is not opened by its path; -1: none */
};

/* For /readyz of a port: PROBLEMS, with members of a JSON object in out, each behind a comma; or
 * why not, with a static text in *why. */
typedef enum problem_id port_look_fn(const struct shared_state *shared, struct buf *out,
                                     const char **why);

struct process_args {
    struct shared_state *shared;
    unsigned stats_slot; /* of a worker: its number */
    int64_t patience_ms; /* to wait for Redis and SQL at start before saying ready all the same */
    port_look_fn *look;  /* of a port */
};

/* --- in the parent ---------------------------------------------------------------------------- */

/* For config and so many workers, with counters in so many slots. False: out of memory. */
bool shared_state_make(struct shared_state *shared, const struct config *config, unsigned workers,
                       unsigned stats_slots) MUST_CHECK;
void shared_state_free(struct shared_state *shared);

/* A pool that watches SIGTERM, SIGINT and SIGHUP. 0 or -errno. */
int process_pool(struct pool **pool, size_t slots, const struct pool_events *events) MUST_CHECK;

/* A child that says when it is ready and is started again whenever it ends; -1: its only one. */
struct pool_slot_options process_slot(const char *name, int index,
                                      int (*run)(struct pool_child *child, void *arg),
                                      struct process_args *args);

/* The parent, and whatever it forks, may not make calls from now on that none of them needs. A
 * kernel that can not keep them from it is told of once. */
void process_confine_parent(struct shared_state *shared);

/* In the log, unless it was told to end. */
void process_log_end(const char *child, const struct pool_exit *gone);

/* --- in a child ------------------------------------------------------------------------------- */

/* First of all; index: -1 for the only one of its name. */
void process_begin(const struct process_args *args, enum confine_kind kind, const char *name,
                   int index);

/* Of one that looks for its signals itself: PROCESS_STOP and SIGHUP, which wait from now on. */
sigset_t process_hold_signals(void);

/* Listens and serves with what every port has from the options, and with what else stands in
 * `http`. store: as of http_server_new(). NULL: the log says why not. */
struct http_server *process_serve(const struct shared_state *shared, uv_loop_t *loop,
                                  const struct listener *listener, struct http_config *http,
                                  struct store *store);

/* A worker: HTTP in, Redis out, one event loop, nothing shared but counters. */
int worker_run(struct pool_child *child, void *args);

/* libuv makes its threads at the first work that is handed to them, and ends the process if it
 * cannot, as when memory is short just then. So a worker makes them at its begin, where nobody
 * waits for an answer. 0 or -errno. */
int worker_start_threads(void) MUST_CHECK;

/* The keeper: expires due holds, drops what is old and, without a ledger, opens epochs. */
int keeper_run(struct pool_child *child, void *args);

/* The ledger process: ledger_process.c. */
int ledger_process_run(struct pool_child *child, void *args);

/* `stockd hooks run`: hooks_process.c. */
int hooks_process_run(struct pool_child *child, void *args);

/* The port of either: port.c. */
int port_run(struct pool_child *child, void *args);

/* An audit that was asked for: audit_process.c. */
int audit_process_run(struct pool_child *child, void *args);
