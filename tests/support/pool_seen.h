/* pool_seen.h -- pools for tests: every callback is written down, and some children to put in.
 *
 * One record for the whole program, emptied by pool_seen_before, a cmocka setup that goes with
 * leftover_after.
 */
#pragma once

#include "clock.h"
#include "pool/pool.h"
#include "support/leftover.h"

#define SEEN_MAX 64

/* What the callbacks saw, in order. */
struct seen {
    struct pool_exit exits[SEEN_MAX];
    int exit_slots[SEEN_MAX];
    int exit_count, ready_count, message_count, last_signal;
    char message[POOL_MESSAGE_MAX]; /* the last one */
    size_t message_n;
};

extern struct seen seen;

int pool_seen_before(void **state);

/* A pool whose events go to `seen`. Fails the test when there is none. */
struct pool *pool_seen_new(size_t slots);

/* Adds a slot called "test", and gives its number. */
int pool_seen_add(struct pool *pool, int (*run)(struct pool_child *, void *), bool handshake,
                  enum pool_restart restart);

/* One slot that asks for a handshake, started; with `ready` also waited for. */
struct pool *pool_seen_one(int (*run)(struct pool_child *, void *), enum pool_restart restart,
                           bool ready);

/* Children: one that waits for messages until its end; one that does not heed SIGTERM; one that
 * exits with 5 at once. */
int pool_seen_serve(struct pool_child *child, void *arg);
int pool_seen_refuse_to_stop(struct pool_child *child, void *arg);
int pool_seen_exit_5(struct pool_child *child, void *arg);

#define STEP_UNTIL(pool, condition)                                                                \
    for (int64_t end_ms = clock_mono_ms() + LEFTOVER_BOUND_MS; !(condition);) {                    \
        if (clock_mono_ms() > end_ms)                                                              \
            fail_msg("never came: %s", #condition);                                                \
        assert_int_equal(pool_step(pool, 100), 0);                                                 \
    }
