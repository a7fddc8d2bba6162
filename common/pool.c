/* pool.c -- the parent's side of pool.h: one table, one loop. */
#include "pool.h"

#include "clock.h"
#include "log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET_BYTES      (4 * POOL_MESSAGE_MAX) /* asked of the kernel, which may give less */
#define MESSAGES_PER_TURN 64                     /* of one child, so that it starves no other */

struct slot {
    struct pool_slot_options options;
    enum pool_state state;
    pid_t pid;
    int pidfd;       /* -1 without a process */
    int fd;          /* our end of the socket; -1 without a process, or when that closed its end */
    bool init_done;  /* in this life; true from the start without an initializer */
    bool was_ready;  /* in this life */
    bool killed;     /* SIGKILL was sent */
    int64_t due_ms;  /* WAITING: when to fork. STOPPING: when to kill */
    int64_t born_ms; /* of this life */
    int64_t backoff_ms; /* the next one; 0 for the first */
    uint64_t restarts;
};

struct pool {
    struct pool_events events;
    size_t max_slots;
    size_t slots_count;
    struct slot *slots;
    struct pollfd *polls; /* signalfd, then two per slot */
    char *message;        /* POOL_MESSAGE_MAX bytes, for one received message */
    int signal_fd;        /* -1 until pool_watch_signals */
    sigset_t mask;        /* as it was when the pool was made: children get it back */
    uint64_t signals_seen;
    bool in_turn; /* guards against a callback that steps */
    bool failed;
    char error[160];
};

static struct slot *slot_at(const struct pool *pool, int slot)
{
    assert(slot >= 0 && (size_t)slot < pool->slots_count);
    return &pool->slots[slot];
}

static int number_of(const struct pool *pool, const struct slot *s)
{
    return (int)(s - pool->slots);
}

static bool has_process(const struct slot *s)
{
    return s->state == POOL_STARTING || s->state == POOL_READY || s->state == POOL_STOPPING;
}

/* Every change of state passes here. */
static void enter(struct slot *s, enum pool_state next)
{
    static const unsigned allowed[POOL_STATES] = {
        [POOL_IDLE] = 1u << POOL_STARTING,
        [POOL_STARTING] = 1u << POOL_READY | 1u << POOL_STOPPING | 1u << POOL_WAITING |
                          1u << POOL_ENDED | 1u << POOL_FAILED,
        [POOL_READY] =
            1u << POOL_STOPPING | 1u << POOL_WAITING | 1u << POOL_ENDED | 1u << POOL_FAILED,
        [POOL_STOPPING] = 1u << POOL_ENDED,
        [POOL_WAITING] = 1u << POOL_STARTING | 1u << POOL_ENDED,
        [POOL_ENDED] = 1u << POOL_STARTING,
        [POOL_FAILED] = 0,
    };
    assert(allowed[s->state] & 1u << next);
    s->state = next;
    assert(has_process(s) == (s->pidfd >= 0));
}

static void close_fd(int *fd)
{
    assert(*fd > STDERR_FILENO || *fd == -1);
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int pool_new(struct pool **out, size_t max_slots, const struct pool_events *events)
{
    assert(max_slots > 0);
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return -ENOMEM;
    pool->slots = calloc(max_slots, sizeof *pool->slots);
    pool->polls = calloc(1 + 2 * max_slots, sizeof *pool->polls);
    pool->message = malloc(POOL_MESSAGE_MAX);
    pool->signal_fd = -1;
    pool->max_slots = max_slots;
    if (events)
        pool->events = *events;
    sigprocmask(SIG_SETMASK, NULL, &pool->mask);
    if (!pool->slots || !pool->polls || !pool->message) {
        pool_free(pool);
        return -ENOMEM;
    }
    *out = pool;
    return 0;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    assert(!pool->in_turn);
    for (struct slot *s = pool->slots; s < pool->slots + pool->slots_count; s++) {
        if (has_process(s)) {
            pidfd_send_signal(s->pidfd, SIGKILL, NULL, 0);
            siginfo_t info;
            while (waitid(P_PIDFD, (id_t)s->pidfd, &info, WEXITED) < 0 && errno == EINTR)
                ;
        }
        close_fd(&s->pidfd);
        close_fd(&s->fd);
    }
    if (pool->signal_fd >= 0)
        sigprocmask(SIG_SETMASK, &pool->mask, NULL);
    close_fd(&pool->signal_fd);
    free(pool->slots);
    free(pool->polls);
    free(pool->message);
    free(pool);
}

int pool_watch_signals(struct pool *pool, const sigset_t *signals)
{
    assert(pool->signal_fd < 0);
    if (sigprocmask(SIG_BLOCK, signals, NULL) < 0)
        return -errno;
    pool->signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
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
    struct slot *s = &pool->slots[pool->slots_count++];
    *s = (struct slot){.options = *options, .state = POOL_IDLE, .pidfd = -1, .fd = -1};
    return number_of(pool, s);
}

/* --- starting --------------------------------------------------------------------------------- */

/* In the child: everything of the pool that is not this slot's. Kept open, the sockets of the
 * others would hide the end of file that tells of a dead parent. */
static void close_pool_fds(struct pool *pool)
{
    close_fd(&pool->signal_fd);
    for (struct slot *s = pool->slots; s < pool->slots + pool->slots_count; s++) {
        close_fd(&s->fd);
        close_fd(&s->pidfd);
    }
}

/* Forks with every signal blocked, so that no handler of the parent runs in the child. pair[0] is
 * the parent's end, pair[1] the child's. */
static pid_t fork_child(struct pool *pool, struct slot *s, int pair[2])
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    fflush(NULL); /* or the child would write the parent's buffered text again */
    struct pool_child child = {.fd = pair[1], .slot = number_of(pool, s), .parent = getpid()};
    pid_t pid = fork();
    if (pid == 0) {
        close_fd(&pair[0]); /* its own copy would hide the end of file just as well */
        close_pool_fds(pool);
        poolchild_main(&s->options, &child, &pool->mask);
    }
    int err = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = err;
    return pid;
}

static int open_pair(int pair[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    int bytes = SOCKET_BYTES;
    for (int i = 0; i < 2; i++)
        setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0)
        return 0;
    int err = errno;
    close_fd(&pair[0]);
    close_fd(&pair[1]);
    return -err;
}

static void become_ready(struct pool *pool, struct slot *s)
{
    if (s->state != POOL_STARTING)
        return; /* said twice, or is being stopped */
    s->was_ready = true;
    enter(s, POOL_READY);
    if (pool->events.on_ready)
        pool->events.on_ready(pool->events.ctx, number_of(pool, s));
}

static int start(struct pool *pool, struct slot *s, int64_t now_ms)
{
    int pair[2];
    int rc = open_pair(pair);
    if (rc < 0)
        return rc;
    pid_t pid = fork_child(pool, s, pair);
    int err = errno;
    close_fd(&pair[1]);
    int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
    if (pid > 0 && pidfd < 0) {
        err = errno;
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    if (pidfd < 0) {
        close_fd(&pair[0]);
        return -err;
    }

    s->pid = pid;
    s->pidfd = pidfd;
    s->fd = pair[0];
    s->init_done = s->options.init == NULL;
    s->was_ready = false;
    s->killed = false;
    s->born_ms = now_ms;
    enter(s, POOL_STARTING);
    if (!s->options.handshake && s->init_done)
        become_ready(pool, s);
    return 0;
}

int pool_start_slot(struct pool *pool, int slot)
{
    struct slot *s = slot_at(pool, slot);
    if (s->state != POOL_IDLE && s->state != POOL_ENDED)
        return -EBUSY;
    if (pool->failed)
        return -ECANCELED;
    return start(pool, s, clock_mono_ms());
}

int pool_start(struct pool *pool)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < pool->slots_count; i++)
        if (pool->slots[i].state == POOL_IDLE)
            rc = pool_start_slot(pool, (int)i);
    return rc;
}

/* --- what children do --------------------------------------------------------------------------
 */

static void handle_message(struct pool *pool, struct slot *s, unsigned char kind, size_t n)
{
    switch (kind) {
    case POOL_WIRE_INIT:
        s->init_done = true;
        if (!s->options.handshake)
            become_ready(pool, s);
        break;
    case POOL_WIRE_READY: become_ready(pool, s); break;
    case POOL_WIRE_DATA:
        if (pool->events.on_message)
            pool->events.on_message(pool->events.ctx, number_of(pool, s), pool->message, n);
        break;
    default: break; /* a confused child must not take the parent down */
    }
}

static void read_messages(struct pool *pool, struct slot *s, int limit)
{
    for (int i = 0; s->fd >= 0 && i < limit; i++) {
        unsigned char kind;
        ssize_t n =
            poolchild_receive_packet(s->fd, &kind, pool->message, POOL_MESSAGE_MAX, MSG_DONTWAIT);
        if (n == -EAGAIN)
            return;
        if (n < 0) {
            close_fd(&s->fd); /* it exec'd, or is about to show up on its pidfd */
            return;
        }
        handle_message(pool, s, kind, (size_t)n);
    }
}

static void fail_pool(struct pool *pool, const struct slot *s, const struct pool_exit *end)
{
    if (pool->failed)
        return;
    pool->failed = true;
    snprintf(pool->error, sizeof pool->error, "the initializer of %.40s (slot %d) %s %d",
             s->options.name, number_of(pool, s),
             end->signal ? "was killed by signal" : "failed with status",
             end->signal ? end->signal : end->status);
}

/* When to fork again: at once after a planned leave, else later each time until a life was long. */
static int64_t next_delay(struct slot *s, const struct pool_exit *end, int64_t now_ms)
{
    if (end->status == POOL_EXIT_AGAIN)
        return 0;
    if (now_ms - s->born_ms >= POOL_LIVED_MS)
        s->backoff_ms = 0;
    int64_t delay = s->backoff_ms ? s->backoff_ms : POOL_BACKOFF_FIRST_MS;
    s->backoff_ms = delay * 2 < POOL_BACKOFF_MAX_MS ? delay * 2 : POOL_BACKOFF_MAX_MS;
    return delay;
}

static void handle_end(struct pool *pool, struct slot *s, struct pool_exit *end, int64_t now_ms)
{
    end->stopped = s->state == POOL_STOPPING;
    end->init_failed = !s->init_done && !end->stopped;
    end->fatal = end->status == POOL_EXIT_FATAL && !end->stopped;
    end->restart_in_ms = -1;
    s->pid = 0;
    if (end->init_failed)
        fail_pool(pool, s, end);

    if (end->init_failed || end->fatal) {
        enter(s, POOL_FAILED);
    } else if (end->stopped || pool->failed || s->options.restart == POOL_NEVER) {
        enter(s, POOL_ENDED);
    } else {
        end->restart_in_ms = next_delay(s, end, now_ms);
        s->due_ms = now_ms + end->restart_in_ms;
        s->restarts += end->status != POOL_EXIT_AGAIN;
        enter(s, POOL_WAITING);
    }
    if (pool->events.on_exit)
        pool->events.on_exit(pool->events.ctx, number_of(pool, s), end);
}

static void reap(struct pool *pool, struct slot *s, int64_t now_ms)
{
    siginfo_t info = {.si_pid = 0};
    int rc;
    do {
        rc = waitid(P_PIDFD, (id_t)s->pidfd, &info, WEXITED | WNOHANG);
    } while (rc < 0 && errno == EINTR);
    if (rc == 0 && info.si_pid == 0)
        return; /* still there */
    /* ECHILD: somebody set SIGCHLD to be ignored, the kernel has thrown the status away. */
    struct pool_exit end = {.pid = s->pid, .status = -1};
    if (rc == 0 && info.si_code == CLD_EXITED)
        end.status = info.si_status;
    else if (rc == 0)
        end.signal = info.si_status;

    read_messages(pool, s, INT32_MAX); /* its last words came before its end */
    close_fd(&s->fd);
    close_fd(&s->pidfd);
    handle_end(pool, s, &end, now_ms);
}

/* --- the loop ----------------------------------------------------------------------------------
 */

static void read_signals(struct pool *pool)
{
    struct signalfd_siginfo info;
    while (read(pool->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        pool->signals_seen++;
        if (pool->events.on_signal)
            pool->events.on_signal(pool->events.ctx, (int)info.ssi_signo);
    }
}

static void restart(struct pool *pool, struct slot *s, int64_t now_ms)
{
    if (pool->failed) {
        enter(s, POOL_ENDED);
        return;
    }
    int rc = start(pool, s, now_ms);
    if (rc == 0)
        return;
    struct pool_exit none = {.status = -1};
    s->born_ms = now_ms;
    s->due_ms = now_ms + next_delay(s, &none, now_ms);
    log_event(LOG_WARN, "cannot fork, trying again", LOG_STR("name", s->options.name),
              LOG_INT("in_ms", s->due_ms - now_ms), LOG_ERRNO(rc));
}

static bool has_timer(const struct slot *s)
{
    return s->state == POOL_WAITING || (s->state == POOL_STOPPING && !s->killed);
}

static void run_timers(struct pool *pool, int64_t now_ms)
{
    for (size_t i = 0; i < pool->slots_count; i++) {
        struct slot *s = &pool->slots[i];
        if (!has_timer(s) || s->due_ms > now_ms)
            continue;
        if (s->state == POOL_WAITING) {
            restart(pool, s, now_ms);
        } else {
            pidfd_send_signal(s->pidfd, SIGKILL, NULL, 0);
            s->killed = true;
        }
    }
}

/* How long poll may sleep: the caller's wish, cut at the first timer. */
static int sleep_ms(const struct pool *pool, int64_t timeout_ms, int64_t now_ms)
{
    int64_t sleep = timeout_ms < 0 || timeout_ms > INT32_MAX ? INT32_MAX : timeout_ms;
    bool limited = timeout_ms >= 0;
    for (const struct slot *s = pool->slots; s < pool->slots + pool->slots_count; s++) {
        if (!has_timer(s))
            continue;
        int64_t left = s->due_ms > now_ms ? s->due_ms - now_ms : 0;
        sleep = left < sleep ? left : sleep;
        limited = true;
    }
    return limited ? (int)sleep : -1;
}

/* One wait and everything it brought. Descriptors may change hands while callbacks run, so each is
 * compared with what was polled; one reused meanwhile is read without blocking, which is harmless.
 */
static int turn(struct pool *pool, int64_t timeout_ms)
{
    assert(!pool->in_turn);
    size_t count = pool->slots_count;
    pool->polls[0] = (struct pollfd){.fd = pool->signal_fd, .events = POLLIN};
    for (size_t i = 0; i < count; i++) {
        pool->polls[1 + 2 * i] = (struct pollfd){.fd = pool->slots[i].fd, .events = POLLIN};
        pool->polls[2 + 2 * i] = (struct pollfd){.fd = pool->slots[i].pidfd, .events = POLLIN};
    }
    int rc = poll(pool->polls, 1 + 2 * count, sleep_ms(pool, timeout_ms, clock_mono_ms()));
    if (rc < 0 && errno != EINTR)
        return -errno;

    int64_t now_ms = clock_mono_ms();
    pool->in_turn = true;
    if (rc > 0 && pool->polls[0].revents)
        read_signals(pool);
    for (size_t i = 0; rc > 0 && i < count; i++) {
        struct slot *s = &pool->slots[i];
        if (pool->polls[1 + 2 * i].revents && s->fd == pool->polls[1 + 2 * i].fd)
            read_messages(pool, s, MESSAGES_PER_TURN);
        if (pool->polls[2 + 2 * i].revents && s->pidfd == pool->polls[2 + 2 * i].fd)
            reap(pool, s, now_ms);
    }
    run_timers(pool, now_ms);
    pool->in_turn = false;
    return 0;
}

int pool_step(struct pool *pool, int64_t timeout_ms)
{
    if (pool->failed)
        timeout_ms = 0;
    int rc = turn(pool, timeout_ms);
    return pool->failed ? -ECANCELED : rc;
}

/* 0 when all are ready, -ECHILD when one will never be, -EAGAIN when it takes longer. */
static int all_ready(const struct pool *pool)
{
    int rc = 0;
    for (const struct slot *s = pool->slots; s < pool->slots + pool->slots_count; s++) {
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
        rc = turn(pool, left_ms);
        if (rc < 0)
            return rc;
    }
}

/* --- stopping ----------------------------------------------------------------------------------
 */

void pool_stop_slot(struct pool *pool, int slot, int64_t grace_ms)
{
    struct slot *s = slot_at(pool, slot);
    int64_t kill_ms = clock_mono_ms() + (grace_ms > 0 ? grace_ms : 0);
    switch (s->state) {
    case POOL_STARTING:
    case POOL_READY:
        pidfd_send_signal(s->pidfd, SIGTERM, NULL, 0); /* fails only when it is gone already */
        s->due_ms = kill_ms;
        enter(s, POOL_STOPPING);
        break;
    case POOL_STOPPING: s->due_ms = kill_ms < s->due_ms ? kill_ms : s->due_ms; break;
    case POOL_WAITING: enter(s, POOL_ENDED); break;
    default: break;
    }
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
        int rc = turn(pool, -1);
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
    struct slot *s = slot_at(pool, slot);
    if (s->fd < 0)
        return -EPIPE;
    int rc = poolchild_send_packet(s->fd, POOL_WIRE_DATA, bytes, n, MSG_DONTWAIT);
    return rc == -ECONNRESET ? -EPIPE : rc;
}

/* --- looking -----------------------------------------------------------------------------------
 */

enum pool_state pool_slot_state(const struct pool *pool, int slot)
{
    return slot_at(pool, slot)->state;
}

const char *pool_state_name(enum pool_state state)
{
    static const char *const names[POOL_STATES] = {"idle",    "starting", "ready", "stopping",
                                                   "waiting", "ended",    "failed"};
    assert(state < POOL_STATES);
    return names[state];
}

bool pool_slot_alive(const struct pool *pool, int slot)
{
    return has_process(slot_at(pool, slot));
}

pid_t pool_slot_pid(const struct pool *pool, int slot)
{
    return slot_at(pool, slot)->pid;
}

uint64_t pool_slot_restarts(const struct pool *pool, int slot)
{
    return slot_at(pool, slot)->restarts;
}

size_t pool_slots(const struct pool *pool)
{
    return pool->slots_count;
}

size_t pool_alive(const struct pool *pool)
{
    size_t alive = 0;
    for (size_t i = 0; i < pool->slots_count; i++)
        alive += has_process(&pool->slots[i]);
    return alive;
}

const char *pool_error(const struct pool *pool)
{
    return pool->error;
}
