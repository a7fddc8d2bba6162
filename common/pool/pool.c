/* pool.c -- the pool as its owner sees it: made, waited for, stopped, looked at. */
#include "pool/pool.h"
#include "clock.h"
#include "pool/slot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGES_PER_TURN 64 /* of one child, so that it starves no other */

int pool_new(struct pool **out, size_t max_slots, const struct pool_events *events)
{
    assert(max_slots > 0);
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return -ENOMEM;
    pool->slots = calloc(max_slots, sizeof *pool->slots);
    pool->polls = calloc(1 + 2 * max_slots, sizeof *pool->polls);
    pool->polled = calloc(1 + 2 * max_slots, sizeof *pool->polled);
    pool->message = malloc(POOL_MESSAGE_MAX);
    pool->signal_fd = -1;
    pool->max_slots = max_slots;
    if (events)
        pool->events = *events;
    sigprocmask(SIG_SETMASK, NULL, &pool->mask);
    if (!pool->slots || !pool->polls || !pool->polled || !pool->message) {
        pool_free(pool);
        return -ENOMEM;
    }
    *out = pool;
    return 0;
}

/* Of a slot whose process, if any, was killed. */
static void forget_process(struct pool_slot *s)
{
    siginfo_t info;
    while (s->pidfd >= 0 && waitid(P_PIDFD, (id_t)s->pidfd, &info, WEXITED) < 0 && errno == EINTR)
        ;
    poolslot_close(&s->pidfd);
    poolslot_close(&s->fd);
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    assert(!pool->in_turn);
    for (size_t i = 0; pool->slots && i < pool->slots_count; i++)
        if (poolslot_has_process(&pool->slots[i]))
            pidfd_send_signal(pool->slots[i].pidfd, SIGKILL, NULL, 0);
    for (size_t i = 0; pool->slots && i < pool->slots_count; i++)
        forget_process(&pool->slots[i]);
    if (pool->signal_fd >= 0)
        sigprocmask(SIG_SETMASK, &pool->mask, NULL);
    poolslot_close(&pool->signal_fd);
    free(pool->slots);
    free(pool->polls);
    free(pool->polled);
    free(pool->message);
    free(pool);
}

int pool_watch_signals(struct pool *pool, const int *signals)
{
    sigset_t set;
    assert(pool->signal_fd < 0);
    sigemptyset(&set);
    while (*signals)
        sigaddset(&set, *signals++);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    pool->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (pool->signal_fd >= 0)
        return 0;
    int err = errno;
    sigprocmask(SIG_SETMASK, &pool->mask, NULL);
    return -err;
}

int pool_add(struct pool *pool, const struct pool_slot_options *options)
{
    assert(options->run && options->name);
    if (pool->slots_count == pool->max_slots)
        return -ENOSPC;
    struct pool_slot *s = &pool->slots[pool->slots_count++];
    *s = (struct pool_slot){.options = *options, .state = POOL_IDLE, .pidfd = -1, .fd = -1};
    return poolslot_number(pool, s);
}

/* --- starting --------------------------------------------------------------------------------- */

int pool_start_slot(struct pool *pool, int slot)
{
    struct pool_slot *s = poolslot_at(pool, slot);
    if (s->state != POOL_IDLE && s->state != POOL_ENDED)
        return -EBUSY;
    if (pool->failed)
        return -ECANCELED;
    return poolslot_start(pool, s, clock_mono_ms());
}

int pool_start(struct pool *pool)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < pool->slots_count; i++)
        if (pool->slots[i].state == POOL_IDLE)
            rc = pool_start_slot(pool, (int)i);
    return rc;
}

/* --- the loop --------------------------------------------------------------------------------- */

static void read_signals(struct pool *pool)
{
    struct signalfd_siginfo info;
    while (read(pool->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        pool->signals_seen++;
        if (pool->events.on_signal)
            pool->events.on_signal(pool->events.ctx, (int)info.ssi_signo);
    }
}

/* How long poll may sleep: the caller's wish, cut at the first timer. */
static int sleep_ms(const struct pool *pool, int64_t timeout_ms, int64_t now_ms)
{
    int64_t sleep = timeout_ms < 0 || timeout_ms > INT32_MAX ? INT32_MAX : timeout_ms;
    bool limited = timeout_ms >= 0;
    for (const struct pool_slot *s = pool->slots; s < pool->slots + pool->slots_count; s++) {
        if (!poolwatch_has_timer(s))
            continue;
        int64_t left = s->due_ms > now_ms ? s->due_ms - now_ms : 0;
        sleep = left < sleep ? left : sleep;
        limited = true;
    }
    return limited ? (int)sleep : -1;
}

static void poll_fd(struct pool *pool, size_t *count, int fd, int slot)
{
    if (fd < 0)
        return;
    pool->polls[*count] = (struct pollfd){.fd = fd, .events = POLLIN};
    pool->polled[(*count)++] = slot;
}

/* What is open, and no more: poll refuses more entries than the process may have descriptors, even
 * if most of them are -1. */
static size_t gather_polls(struct pool *pool)
{
    size_t count = 0;
    poll_fd(pool, &count, pool->signal_fd, -1);
    for (size_t i = 0; i < pool->slots_count; i++) {
        poll_fd(pool, &count, pool->slots[i].fd, (int)i);
        poll_fd(pool, &count, pool->slots[i].pidfd, (int)i);
    }
    return count;
}

/* Descriptors may change hands while callbacks run, so each is compared with what was polled; one
 * reused meanwhile is read without blocking, which is harmless. */
static void handle_polls(struct pool *pool, size_t count, int64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        const struct pollfd *p = &pool->polls[i];
        if (!p->revents)
            continue;
        struct pool_slot *s = pool->polled[i] < 0 ? NULL : poolslot_at(pool, pool->polled[i]);
        if (!s)
            read_signals(pool);
        else if (p->fd == s->fd)
            poolwatch_messages(pool, s, MESSAGES_PER_TURN);
        else if (p->fd == s->pidfd)
            poolwatch_end(pool, s, now_ms);
    }
}

/* One wait and everything it brought. */
static int poll_once(struct pool *pool, int64_t timeout_ms)
{
    assert(!pool->in_turn);
    size_t count = gather_polls(pool);
    int rc = poll(pool->polls, count, sleep_ms(pool, timeout_ms, clock_mono_ms()));
    if (rc < 0 && errno != EINTR)
        return -errno;

    int64_t now_ms = clock_mono_ms();
    pool->in_turn = true;
    if (rc > 0)
        handle_polls(pool, count, now_ms);
    poolwatch_timers(pool, now_ms);
    pool->in_turn = false;
    return 0;
}

int pool_step(struct pool *pool, int64_t timeout_ms)
{
    if (pool->failed)
        timeout_ms = 0;
    int rc = poll_once(pool, timeout_ms);
    return pool->failed ? -ECANCELED : rc;
}

/* 0 when all are ready, -ECHILD when one will never be, -EAGAIN when it takes longer. */
static int all_ready(const struct pool *pool)
{
    int rc = 0;
    for (const struct pool_slot *s = pool->slots; s < pool->slots + pool->slots_count; s++) {
        bool down = s->state == POOL_ENDED || s->state == POOL_FAILED;
        if (s->state == POOL_IDLE || s->state == POOL_READY || (down && s->was_ready))
            continue;
        if (down)
            return -ECHILD;
        rc = -EAGAIN;
    }
    return rc;
}

int pool_wait_ready(struct pool *pool, int64_t timeout_ms)
{
    int64_t deadline_ms = clock_mono_ms() + timeout_ms;
    uint64_t signals_before = pool->signals_seen;
    for (;;) {
        int rc = pool->failed ? -ECANCELED : all_ready(pool);
        if (rc != -EAGAIN)
            return rc;
        if (pool->signals_seen != signals_before)
            return -EINTR;
        int64_t left_ms = deadline_ms - clock_mono_ms();
        if (left_ms <= 0)
            return -ETIMEDOUT;
        rc = poll_once(pool, left_ms);
        if (rc < 0)
            return rc;
    }
}

/* --- stopping --------------------------------------------------------------------------------- */

/* Fails only when it is gone already. */
static void send_stop(const struct pool_slot *s)
{
    int signo = s->options.stop_signal ? s->options.stop_signal : SIGTERM;
    pidfd_send_signal(s->pidfd, signo, NULL, 0);
}

void pool_stop_slot(struct pool *pool, int slot, int64_t grace_ms)
{
    struct pool_slot *s = poolslot_at(pool, slot);
    int64_t kill_ms = clock_mono_ms() + (grace_ms > 0 ? grace_ms : 0);
    switch (s->state) {
    case POOL_STARTING:
    case POOL_READY:
        send_stop(s);
        s->due_ms = kill_ms;
        poolslot_enter(s, POOL_STOPPING);
        break;
    case POOL_STOPPING: s->due_ms = kill_ms < s->due_ms ? kill_ms : s->due_ms; break;
    case POOL_WAITING: poolslot_enter(s, POOL_ENDED); break;
    default: break;
    }
}

void pool_signal_slot(struct pool *pool, int slot, int signo)
{
    struct pool_slot *s = poolslot_at(pool, slot);
    if (s->pidfd >= 0)
        pidfd_send_signal(s->pidfd, signo, NULL, 0); /* fails only when it is gone already */
}

static bool any_stopping(const struct pool *pool)
{
    for (size_t i = 0; i < pool->slots_count; i++)
        if (pool->slots[i].state == POOL_STOPPING)
            return true;
    return false;
}

void pool_wait_stopped(struct pool *pool)
{
    while (any_stopping(pool)) {
        int rc = poll_once(pool, -1);
        assert(rc == 0 || rc == -ENOMEM); /* poll has no other honest way to fail */
    }
}

void pool_stop(struct pool *pool, int64_t grace_ms)
{
    for (size_t i = 0; i < pool->slots_count; i++)
        pool_stop_slot(pool, (int)i, grace_ms);
    pool_wait_stopped(pool);
}

int pool_send(struct pool *pool, int slot, const void *bytes, size_t n)
{
    struct pool_slot *s = poolslot_at(pool, slot);
    if (s->fd < 0)
        return -EPIPE;
    int rc = poolchild_send_packet(s->fd, POOL_WIRE_DATA, bytes, n, MSG_DONTWAIT);
    return rc == -ECONNRESET ? -EPIPE : rc;
}

/* --- looking -----------------------------------------------------------------------------------
 */

enum pool_state pool_slot_state(const struct pool *pool, int slot)
{
    return poolslot_at(pool, slot)->state;
}

bool pool_slot_alive(const struct pool *pool, int slot)
{
    return poolslot_has_process(poolslot_at(pool, slot));
}

pid_t pool_slot_pid(const struct pool *pool, int slot)
{
    return poolslot_at(pool, slot)->pid;
}

uint64_t pool_slot_restarts(const struct pool *pool, int slot)
{
    return poolslot_at(pool, slot)->restarts;
}

size_t pool_slots(const struct pool *pool)
{
    return pool->slots_count;
}

size_t pool_alive(const struct pool *pool)
{
    size_t alive = 0;
    for (size_t i = 0; i < pool->slots_count; i++)
        alive += poolslot_has_process(&pool->slots[i]);
    return alive;
}

const char *pool_error(const struct pool *pool)
{
    return pool->error;
}
