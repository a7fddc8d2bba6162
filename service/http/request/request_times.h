/* request_times.h -- where the time of a request went.
 *
 * Layer: http, pure: moments come in. They are of the monotonic clock, in us; 0: it has not come to
 * that, or it was not needed. Each exchange has one, which lies as long as what is asked of the
 * store for it.
 *
 *   started -> arrived -> taken -> kept -> answered -> ended
 *          body       queue    redis   durability  write
 *                     '------- sql -------'
 *
 * Invariant: the parts of a request add up to its total, whatever moments are missing or out of
 * their order.
 */
#pragma once

#include "core/tenant.h"
#include "core/traceparent.h"

struct request_times {
    int64_t arrived_us;  /* all of it is here */
    int64_t taken_us;    /* the first of its operations was taken into a transaction */
    int64_t kept_us;     /* its last success was in Redis, and waited for --durability from then */
    int64_t answered_us; /* the answer was handed over to be sent */
    bool queues;         /* it has operations, which wait for a transaction */
    bool asks_sql;       /* the ledger answers, not Redis */
    bool lasts;          /* it waits for what is to come: nothing is slow about that */
    uint8_t client_n;
    bool traced;
    char client[OWNER_MAX_BYTES + 1]; /* whose it is, `tenant/client`; of client_n bytes */
    char trace[TRACEPARENT_BYTES];    /* if traced */
};

/* What of the total went where, in us. */
struct request_parts {
    int64_t total, body, queue, redis, sql, durability, write;
};

/* Before a request: there is nothing yet. */
void request_times_begin(struct request_times *times);

/* An operation of it is decided: when it was taken, and since when it waited; 0: it did not. */
void request_times_op(struct request_times *times, int64_t taken_us, int64_t kept_us);

/* Absent: there is none. */
struct str request_times_trace(const struct request_times *times);

struct request_parts request_times_parts(const struct request_times *times, int64_t started_us,
                                         int64_t ended_us);
