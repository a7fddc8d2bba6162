/* shm.h -- what the workers of one race did, where a kill can not take it from them.
 *
 * Layer: loadgen. Shared memory, made before the fork; each worker writes its own page of it, the
 * parent reads. The judgement is pure.
 *
 * Invariant, at any moment and whoever was killed: the units that a worker took out of Redis are at
 * least `sold` and at most `sold + pending`, if nothing of it is still on its way.
 */
#pragma once

#include "histogram.h"
#include "race/link.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct race_page {
    _Atomic int64_t sold;      /* units whose answer has arrived */
    _Atomic int64_t pending;   /* units asked for, answer not booked yet */
    _Atomic int64_t conflicts; /* transactions lost */
    _Atomic int64_t client_id; /* of its connection; 0: not known */
    _Atomic int64_t ended_us;  /* monotonic; 0: runs, or was killed */
    char err[RACE_ERR_SIZE];   /* "", or why it gave up; written before it exits */
    struct histogram wait;     /* nanoseconds from wanting a unit to having it */
};

struct race_books {
    _Atomic bool stop; /* the workers finish what they do and leave */
    unsigned workers;
    struct race_page page[];
};

/* What came out of one strategy. */
struct race_result {
    int64_t stock, left, sold, pending, conflicts; /* pending: of dead workers */
    int64_t elapsed_us;
    double p50_ms, p99_ms; /* of the wait; < 0 without a unit */
    unsigned dead;         /* workers ended by a signal */
    bool timed_out;        /* units were left when the time was over */
    bool interrupted;
};

/* -ENOMEM; NULL is fine for free. */
int race_books_new(struct race_books **books, unsigned workers) MUST_CHECK;
void race_books_free(struct race_books *books);

/* Sums the pages up; fills sold, pending, conflicts and the waits. -ENOMEM. */
int race_books_sum(const struct race_books *books, struct race_result *result) MUST_CHECK;

/* Units sold beyond those that left the stock, or beyond those that were in it. */
int64_t race_oversold(const struct race_result *result);

/* Units that left the stock, and nobody living knows of them. */
int64_t race_unclaimed(const struct race_result *result);

/* Whether every unit is accounted for: sold + left = stock, give or take what dead workers had
 * pending. */
bool race_balanced(const struct race_result *result);
