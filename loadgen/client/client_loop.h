/* client_loop.h -- one client process: a loop with many clients, from the first connect to the last
 * answer.
 *
 * Layer: client. Runs in a child of common/pool. It connects all of its clients, says that it is
 * ready, waits for load.shared->go_ns, and then works until the time or the requests are over, or
 * load.shared->stop is set; each message from the parent makes it look at both. Then it waits for
 * what is in flight, `grace` at the most.
 *
 *   client_loop.c   life of the process      attempt.c   one attempt, from send to answer
 *   scheduler.c     who starts when          record.c    its records
 *
 * Invariant: a client that is BUSY is in the list of deadlines, and `busy` counts these; one that
 * is FREE while the load runs is in the ring of those that rest; the others wait for a connection.
 */
#pragma once

#include "client/client.h"
#include "pool/child.h"

struct client_loop {
    const struct load *load;
    struct history_facts *facts;
    struct counters *counters;
    struct pool_child *child;
    uint32_t index;
    uv_loop_t loop;
    uv_poll_t messages;
    uv_timer_t tick;
    uv_poll_t alarm; /* a timerfd: the next start, to the nanosecond */
    int alarm_fd;
    struct history_writer history;
    struct client *client;
    size_t count;
    struct call *calls; /* of all attempts, workload_calls each */

    bool ready, begun, over;
    uint64_t zero_ns;                   /* of the history */
    uint64_t go_ns, end_ns, give_up_ns; /* end 0: only requests count */
    uint64_t quota;                     /* requests of all its lives together; 0: no limit */
    uint64_t begun_here;                /* attempts of this life, none of them again */
    size_t busy;
    int exit_status;
    struct client *first_due, *last_due; /* in flight, by deadline */

    struct arrival arrival; /* open loop */
    bool arrivals_over;
    uint64_t arrival_ns; /* the next one */
    uint64_t *backlog;   /* ring of planned times */
    size_t backlog_first, backlog_count;
    struct client **rest; /* ring of clients that wait for an arrival, or think */
    size_t rest_first, rest_count;
};

/* The run of a pool slot; arg is a const struct load *. 0, POOL_EXIT_AGAIN when it has done its
 * max_tasks, POOL_EXIT_FATAL when counters.failure says why. */
int client_loop_run(struct pool_child *child, void *arg);

/* --- between the files of the loop --- */

/* The process cannot go on: the error is left in the counters. */
void client_loop_fail(struct client_loop *w, int err);

/* True once nothing new may be started. */
bool client_loop_over(struct client_loop *w, uint64_t now_ns);

/* Starts an operation of a FREE client that was planned for then. */
void attempt_start(struct client *c, uint64_t planned_ns);

/* Ends what has been in flight for too long. */
void attempt_check(struct client_loop *w, uint64_t now_ns);

/* Gives up everything in flight. */
void attempt_give_up_all(struct client_loop *w);

extern const struct wire_events attempt_events;

/* Begins a connect, or notes when to try again. */
void attempt_connect(struct client *c);

/* One that has taken too long ends, and counts as one that failed. */
void attempt_give_up_connect(struct client *c);

/* --- the records of an attempt: written before it is sent, completed when it is over. Each call
 * has one of its own in the history, those of a batch directly behind each other, in its order ---
 */

/* Writes all calls of the attempt as unknown. 0 or -errno: then nothing was written. */
int record_attempt(struct client *c) MUST_CHECK;

/* From here on it may have happened. */
void record_begin(struct client *c, uint64_t now_ns);

/* Of all calls the same is known: that there was no answer, and why. */
void record_silence(struct client *c, enum history_outcome outcome, enum history_detail detail,
                    uint64_t now_ns);

/* What the answer says of each call. *garbled is set when a part makes no sense. 0 or -errno. */
int record_answer(struct client *c, const struct response *response, bool *garbled,
                  uint64_t now_ns) MUST_CHECK;

/* --- who starts when --- */

/* Begins the load: every client that has a connection is FREE. */
int scheduler_open(struct client_loop *w) MUST_CHECK;
void scheduler_close(struct client_loop *w);

/* A client became FREE: starts its next operation, now or when it is due. */
void scheduler_free(struct client *c, uint64_t now_ns);

/* Starts what is due and sets the alarm for the next. */
void scheduler_due(struct client_loop *w);

/* No more starts: what was planned and not started is counted as dropped. */
void scheduler_end(struct client_loop *w);
