/* service.h -- the stockd under test, as a process to talk to, signal and kill.
 *
 * Layer: tests. The program is the one that the environment variable STOCKD names; with TEST_TLS it
 * serves HTTPS (tls_client.h). Its standard error goes to a file in a temporary directory.
 * tservice_stop looks into that file for what a sanitizer or an assert left there: a worker that
 * crashed and was replaced must not go unnoticed.
 */
#pragma once

#include "support/hosts.h"
#include "support/proc.h"

#include <signal.h>

#define TSERVICE_WORKER       "stockd-worker" /* the names that the processes give themselves */
#define TSERVICE_KEEPER       "stockd-keeper"
#define TSERVICE_LEDGER       "stockd-ledger"
#define TSERVICE_CHILDREN_MAX 32
#define TSERVICE_LEAVE        SIGUSR1 /* what the master tells a worker to leave with */

/* What a request has, unless extra says otherwise: on a machine that stands still for some seconds
 * the default would be answered with a 503 or 504, honestly, where a test is of something else. */
#define TSERVICE_REQUEST_TIMEOUT "20s"

/* What a start has, for the same reason. */
#define TSERVICE_STARTUP_TIMEOUT "170s"

struct tservice_opts {
    const char *redis_url;
    int workers;              /* 0: TEST_WORKERS of the environment, or 1 */
    const char *const *extra; /* NULL, or more arguments, ended by NULL: "--lanes", "1" */
    const char *preload;      /* NULL, or a library that is loaded before its C library */
    const struct thost *on;   /* NULL, or where it runs, and listens for the test */
};

struct tservice {
    struct tproc proc;
    int port;
    char dir[TEST_PATH_MAX];
    char err_path[TEST_PATH_MAX + 16]; /* its log */
};

/* Starts it on a free port and waits for its line "listening on". On failure it prints the end of
 * the log. */
int tservice_start(struct tservice *s, const struct tservice_opts *opts) MUST_CHECK;

/* Its two halves, for one that is not to come so far at once. After a failure it is gone. */
int tservice_launch(struct tservice *s, const struct tservice_opts *opts) MUST_CHECK;
int tservice_await_listening(struct tservice *s) MUST_CHECK;

/* How many lines of its log have both; either may be NULL. */
int tservice_log_count(const struct tservice *s, const char *word, const char *other);

/* SIGTERM, and waits. False if it did not exit 0 in time or if the log shows a crash. Removes its
 * directory. Fine on one that is zeroed, killed or stopped. */
bool tservice_stop(struct tservice *s);

/* SIGKILL for the master alone, as a crash would do. */
void tservice_kill9(struct tservice *s);

/* The ids of its descendants of one role, or of all with role NULL; returns how many. */
int tservice_pids(const struct tservice *s, const char *role, pid_t *pids, int max);

/* True if the log has none of the words that a crash leaves there. Prints it otherwise. */
bool tservice_log_clean(const struct tservice *s);

/* True under a sanitizer build of the service: time limits may be stretched. */
bool tservice_is_slow(void);
