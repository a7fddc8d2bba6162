/* test_pool_talk.c -- messages between a pool and its children: sizes, bounds, last words, rubbish.
 */
#include "support/pool_seen.h"
#include "support/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int echo(struct pool_child *child, void *arg)
{
    static char message[POOL_MESSAGE_MAX];
    if (pool_ready(child) != 0)
        return 1;
    ssize_t n;
    while ((n = pool_child_receive(child, message, sizeof message, -1)) >= 0)
        if (pool_child_send(child, message, (size_t)n) != 0)
            return 1;
    return 1;
}

TEST(messages_of_any_allowed_size_go_both_ways)
{
    static char text[POOL_MESSAGE_MAX + 1];
    static const size_t sizes[] = {0, 1, 4096, POOL_MESSAGE_MAX};
    memset(text, 'x', sizeof text);
    struct pool *pool = pool_seen_new(1);
    int slot = pool_seen_add(pool, echo, true, POOL_NEVER);
    assert_int_equal(pool_send(pool, slot, text, 1), -EPIPE);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        seen.message_count = 0;
        assert_int_equal(pool_send(pool, slot, text, sizes[i]), 0);
        STEP_UNTIL(pool, seen.message_count == 1);
        assert_int_equal(seen.message_n, sizes[i]);
        assert_memory_equal(seen.message, text, sizes[i]);
    }
    assert_int_equal(pool_send(pool, slot, text, sizeof text), -EMSGSIZE);
    pool_free(pool);
}

TEST(a_child_that_does_not_read_makes_send_say_again)
{
    static char text[POOL_MESSAGE_MAX];
    struct pool *pool = pool_seen_new(1);
    int slot = pool_seen_add(pool, pool_seen_refuse_to_stop, true, POOL_NEVER);
    assert_int_equal(pool_start(pool), 0);
    int rc = 0;
    for (int i = 0; rc == 0 && i < 1000; i++)
        rc = pool_send(pool, slot, text, sizeof text);
    assert_int_equal(rc, -EAGAIN);
    pool_free(pool);
}

/* Says more than fits into one turn of the parent, and ends as arg says. */
static int say_and_end(struct pool_child *child, void *arg)
{
    for (int i = 0; i < 100; i++)
        if (pool_child_send(child, "word", 4) != 0)
            return 1;
    raise(*(const int *)arg);
    return 0;
}

TEST(the_last_words_of_a_child_come_before_its_end)
{
    for (int signo = 0; signo <= SIGKILL; signo += SIGKILL) {
        memset(&seen, 0, sizeof seen);
        struct pool *pool = pool_seen_new(1);
        struct pool_slot_options options = {.name = "test", .run = say_and_end, .arg = &signo};
        assert_int_equal(pool_add(pool, &options), 0);
        assert_int_equal(pool_start(pool), 0);
        STEP_UNTIL(pool, seen.exit_count == 1);
        assert_int_equal(seen.message_count, 100);
        assert_int_equal(seen.exits[0].signal, signo);
        pool_free(pool);
    }
}

/* --- rubbish ---------------------------------------------------------------------------------- */

/* A child that is ready, sends this packet, then says "end" and waits for its end. */
struct packet {
    const char *bytes;
    size_t n;
    bool cut_off; /* no packet at all: after it nobody listens any more */
};

static int send_rubbish(struct pool_child *child, void *arg)
{
    static char huge[POOL_MESSAGE_MAX + 2];
    const struct packet *p = arg;
    if (pool_ready(child) != 0)
        return 1;
    if (send(child->fd, p->bytes ? p->bytes : huge, p->n, MSG_NOSIGNAL) != (ssize_t)p->n)
        return 1;
    if (pool_child_send(child, "end", 3) != 0 && !p->cut_off)
        return 1;
    char message[8];
    return pool_child_receive(child, message, sizeof message, -1) == -EPIPE ? 0 : 1;
}

TEST(rubbish_from_a_child_hurts_nobody_else)
{
    static const struct packet rows[] = {
        {"\0", 1, false},       {"\377what", 5, false},
        {"\001", 1, false},     {"\001\5\0\0\0", 5, false},
        {"\002\002", 2, false}, {"\001lots of text", 13, false},
        {"", 0, true},          {NULL, POOL_MESSAGE_MAX + 2, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(&seen, 0, sizeof seen);
        struct pool *pool = pool_seen_new(2);
        struct pool_slot_options options = {.name = "rubbish",
                                            .run = send_rubbish,
                                            .arg = (void *)(uintptr_t)&rows[i],
                                            .handshake = true};
        assert_int_equal(pool_add(pool, &options), 0);
        pool_seen_add(pool, echo, true, POOL_NEVER);
        assert_int_equal(pool_start(pool), 0);
        assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
        if (rows[i].cut_off)
            STEP_UNTIL(pool, seen.exit_count == 1 && seen.exits[0].status == 0)
        else
            STEP_UNTIL(pool, seen.message_count == 1);
        seen.message_count = 0;
        assert_int_equal(pool_send(pool, 1, "still here", 10), 0);
        STEP_UNTIL(pool, seen.message_count == 1 && seen.message_n == 10);
        assert_true(pool_slot_alive(pool, 1));
        assert_int_equal(seen.ready_count, 2);
        pool_free(pool);
    }
}

/* --- waiting in the child --------------------------------------------------------------------- */

static void look_away(int signo)
{
}

/* Waits 60 ms for a message while a signal comes each millisecond; the status says how it went. */
static int wait_in_a_storm(struct pool_child *child, void *arg)
{
    struct sigaction action = {.sa_handler = look_away};
    struct itimerval each_ms = {{0, 1000}, {0, 1000}};
    char message[8];
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &each_ms, NULL);
    int64_t start_ms = clock_mono_ms();
    if (pool_child_receive(child, message, sizeof message, 60) != -ETIMEDOUT)
        return 1;
    if (clock_mono_ms() - start_ms < 60)
        return 2;
    if (pool_child_receive(child, message, sizeof message, 0) != -ETIMEDOUT)
        return 3;
    if (pool_child_send(child, "now", 3) != 0)
        return 4;
    return pool_child_receive(child, message, sizeof message, -1) == 2 ? 0 : 5;
}

TEST(a_child_waits_its_time_whatever_interrupts_it)
{
    struct pool *pool = pool_seen_new(1);
    pool_seen_add(pool, wait_in_a_storm, false, POOL_NEVER);
    assert_int_equal(pool_start(pool), 0);
    STEP_UNTIL(pool, seen.message_count == 1 || seen.exit_count == 1);
    if (seen.exit_count == 0)
        for (int64_t end_ms = clock_mono_ms() + 50; clock_mono_ms() < end_ms;)
            assert_int_equal(pool_step(pool, 10), 0); /* meanwhile it waits without a limit */
    if (seen.exit_count == 0)
        assert_int_equal(pool_send(pool, 0, "ok", 2), 0);
    STEP_UNTIL(pool, seen.exit_count == 1);
    assert_int_equal(seen.exits[0].status, 0);
    pool_free(pool);
}

static int want_short_messages(struct pool_child *child, void *arg)
{
    char message[4];
    if (pool_ready(child) != 0)
        return 1;
    if (pool_child_receive(child, message, sizeof message, -1) != -EMSGSIZE)
        return 2;
    return pool_child_receive(child, message, sizeof message, -1) == 4 ? 0 : 3;
}

TEST(a_message_larger_than_its_room_is_lost_and_no_other)
{
    struct pool *pool = pool_seen_one(want_short_messages, POOL_NEVER, true);
    assert_int_equal(pool_send(pool, 0, "too long", 8), 0);
    assert_int_equal(pool_send(pool, 0, "four", 4), 0);
    STEP_UNTIL(pool, seen.exit_count == 1);
    assert_int_equal(seen.exits[0].status, 0);
    assert_int_equal(pool_send(pool, 0, "gone", 4), -EPIPE);
    pool_free(pool);
}

EACH_BETWEEN(pool_seen_before, leftover_after)
