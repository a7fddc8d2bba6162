#include "support/pool_seen.h"
#include "support/suite.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

struct seen seen;

static void note_ready(void *ctx, int slot)
{
    seen.ready_count++;
}

static void note_exit(void *ctx, int slot, const struct pool_exit *end)
{
    assert_true(seen.exit_count < SEEN_MAX);
    seen.exit_slots[seen.exit_count] = slot;
    seen.exits[seen.exit_count++] = *end;
}

static void note_message(void *ctx, int slot, const void *bytes, size_t n)
{
    seen.message_count++;
    seen.message_n = n;
    memcpy(seen.message, bytes, n);
}

static void note_signal(void *ctx, int signo)
{
    seen.last_signal = signo;
}

int pool_seen_before(void **state)
{
    memset(&seen, 0, sizeof seen);
    return leftover_before(state);
}

struct pool *pool_seen_new(size_t slots)
{
    static const struct pool_events events = {NULL, note_ready, note_exit, note_message,
                                              note_signal};
    struct pool *pool;
    assert_int_equal(pool_new(&pool, slots, &events), 0);
    return pool;
}

int pool_seen_add(struct pool *pool, int (*run)(struct pool_child *, void *), bool handshake,
                  enum pool_restart restart)
{
    struct pool_slot_options options = {
        .name = "test", .index = -1, .run = run, .handshake = handshake, .restart = restart};
    int slot = pool_add(pool, &options);
    assert_true(slot >= 0);
    return slot;
}

struct pool *pool_seen_one(int (*run)(struct pool_child *, void *), enum pool_restart restart,
                           bool ready)
{
    struct pool *pool = pool_seen_new(1);
    pool_seen_add(pool, run, true, restart);
    assert_int_equal(pool_start(pool), 0);
    if (ready)
        assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    return pool;
}

int pool_seen_serve(struct pool_child *child, void *arg)
{
    char message[64];
    if (pool_ready(child) != 0)
        return 1;
    while (pool_child_receive(child, message, sizeof message, -1) >= 0)
        ;
    return 9; /* the parent is gone, or has closed its end */
}

int pool_seen_refuse_to_stop(struct pool_child *child, void *arg)
{
    signal(SIGTERM, SIG_IGN);
    if (pool_ready(child) != 0)
        return 1;
    for (;;)
        pause();
}

int pool_seen_exit_5(struct pool_child *child, void *arg)
{
    return 5;
}
