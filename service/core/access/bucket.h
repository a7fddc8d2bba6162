/* bucket.h -- a token bucket that is one number: the time at which it is full again.
 *
 * Layer: core, pure: time is an argument. What is known as GCRA: a token comes back each step, the
 * bucket holds `burst` of them, so it lacks as many as there are steps until it is full. One number
 * can be changed by several processes at once with a compare-and-swap, and a bucket that nobody has
 * touched for a while needs nobody to fill it.
 *
 * Invariant: what a bucket says was taken, in any stretch of time, is at most the burst and what
 * came back in that time, whoever took it; and a bucket is never emptier than empty, so a limit
 * that was changed is in force at once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bucket_limit {
    int64_t step_ns; /* for a token to come back */
    int64_t burst;   /* tokens of a full bucket; 0: there is no limit */
};

struct bucket_verdict {
    bool taken;
    int64_t left;    /* tokens that are there now */
    int64_t wait_ns; /* not taken: until they are, or until it is full if it never holds so many */
    int64_t full_ns; /* until it is full */
};

/* Takes so many tokens, or none, at a time of any clock that never goes back. *full_at_ns is the
 * bucket, 0 a full one. The limit is one (burst > 0). */
struct bucket_verdict bucket_take(int64_t *full_at_ns, const struct bucket_limit *limit,
                                  int64_t now_ns, int64_t tokens) MUST_CHECK;
