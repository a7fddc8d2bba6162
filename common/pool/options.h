/* options.h -- the words of a pool: the states of a slot, what a slot is asked to be, how a
 * child ended, and what the parent hears.
 *
 * Layer: common, the lowest part of pool.h, which draws the states. Values only: who fills them in
 * owns what they point to, and keeps it until the pool is freed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define POOL_EXIT_FATAL 2 /* do not start me again: it would fail the same way */
#define POOL_EXIT_AGAIN 3 /* I leave as planned; start me again at once */

#define POOL_BACKOFF_FIRST_MS 100
#define POOL_BACKOFF_MAX_MS   5000
#define POOL_LIVED_MS         10000 /* a life this long starts the back-off anew */

struct pool_child; /* child.h */

enum pool_restart { POOL_NEVER, POOL_ALWAYS };

enum pool_state {
    POOL_IDLE,
    POOL_STARTING,
    POOL_READY,
    POOL_STOPPING,
    POOL_WAITING,
    POOL_ENDED,
    POOL_FAILED,
    POOL_STATES
};

struct pool_slot_options {
    const char *name; /* for the log, in the child and out; must outlive the pool */
    int index;        /* "worker/2"; -1 for none */
    enum pool_restart restart;
    bool never_fatal; /* POOL_EXIT_FATAL is a status like any other: it is started again */
    bool handshake;   /* ready when it says pool_ready; otherwise as soon as it is forked */
    int death_signal; /* what it gets when the parent dies; 0 for SIGKILL */
    int stop_signal;  /* what pool_stop and pool_stop_slot send first; 0 for SIGTERM */

    /* Runs first in every new child. An answer other than 0, best an -errno, or death fails the
     * whole pool. NULL for none. */
    int (*init)(struct pool_child *child, void *arg);
    /* The child's life; its answer is the exit status. May exec. Signal handlers are the default
     * ones, SIGPIPE included, and no signal is blocked that was not when the pool was made. */
    int (*run)(struct pool_child *child, void *arg);
    void *arg;

    /* Descriptors that survive exec, for a run that execs: all of the pool's own are closed by it.
     * The array must outlive the pool. */
    const int *keep_fds;
    size_t keep_count;
};

/* How a child ended, and what follows. */
struct pool_exit {
    pid_t pid;
    int status;            /* 0..255, or -1 when a signal ended it, or nobody knows how it ended:
                            * the program itself waited for it */
    int signal;            /* or 0 */
    bool stopped;          /* because of pool_stop or pool_stop_slot */
    bool fatal;            /* POOL_EXIT_FATAL: the slot stays down */
    bool init_failed;      /* the pool stays down */
    int init_err;          /* the -errno that the initializer answered, or 0 */
    int64_t restart_in_ms; /* -1 when it is not started again */
};

/* What the parent wants to hear. Any may be NULL. */
struct pool_events {
    void *ctx;
    void (*on_ready)(void *ctx, int slot);
    void (*on_exit)(void *ctx, int slot, const struct pool_exit *exit);
    void (*on_message)(void *ctx, int slot, const void *bytes, size_t n); /* only during the call */
    void (*on_signal)(void *ctx, int signo);
};
