#include "pool/slot.h"
#include "pool/child.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct pool_slot *poolslot_at(const struct pool *pool, int slot)
{
    assert(slot >= 0 && (size_t)slot < pool->slots_count);
    return &pool->slots[slot];
}

int poolslot_number(const struct pool *pool, const struct pool_slot *s)
{
    return (int)(s - pool->slots);
}

bool poolslot_has_process(const struct pool_slot *s)
{
    return s->state == POOL_STARTING || s->state == POOL_READY || s->state == POOL_STOPPING;
}

void poolslot_enter(struct pool_slot *s, enum pool_state next)
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
    assert(poolslot_has_process(s) == (s->pidfd >= 0));
}

void poolslot_become_ready(struct pool *pool, struct pool_slot *s)
{
    if (s->state != POOL_STARTING)
        return; /* said twice, or is being stopped */
    s->was_ready = true;
    poolslot_enter(s, POOL_READY);
    if (pool->events.on_ready)
        pool->events.on_ready(pool->events.ctx, poolslot_number(pool, s));
}

void poolslot_close(int *fd)
{
    assert(*fd > STDERR_FILENO || *fd == -1);
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* --- its process ------------------------------------------------------------------------------ */

#define SOCKET_BYTES (4 * POOL_MESSAGE_MAX) /* asked of the kernel, which may give less */

/* With SIGCHLD ignored, as it can be inherited from whoever started this program, the kernel would
 * throw away how a child ended. */
static void heed_children(void)
{
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) < 0)
        return;
    if (action.sa_handler != SIG_IGN && !(action.sa_flags & SA_NOCLDWAIT))
        return;
    if (action.sa_handler == SIG_IGN)
        action.sa_handler = SIG_DFL;
    action.sa_flags &= ~SA_NOCLDWAIT;
    sigaction(SIGCHLD, &action, NULL);
}

/* In the child: everything of the pool that is not this slot's. Kept open, the sockets of the
 * others would hide the end of file that tells of a dead parent. */
static void close_pool_fds(struct pool *pool)
{
    poolslot_close(&pool->signal_fd);
    for (struct pool_slot *s = pool->slots; s < pool->slots + pool->slots_count; s++) {
        poolslot_close(&s->fd);
        poolslot_close(&s->pidfd);
    }
}

/* Forks with every signal blocked, so that no handler of the parent runs in the child. pair[0] is
 * the parent's end, pair[1] the child's. */
static pid_t fork_child(struct pool *pool, struct pool_slot *s, int pair[2])
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    fflush(NULL); /* or the child would write the parent's buffered text again */
    struct pool_child child = {.fd = pair[1], .slot = poolslot_number(pool, s), .parent = getpid()};
    pid_t pid = fork();
    if (pid == 0) {
        poolchild_die_with_parent(&s->options, child.parent);
        poolslot_close(&pair[0]); /* its own copy would hide the end of file just as well */
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
    return 0;
}

/* A child that cannot be watched is none of ours. */
static void drop_child(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* The pidfd of a new child, whose pid goes to *pid, or -errno and there is none. */
static int fork_watched(struct pool *pool, struct pool_slot *s, int pair[2], pid_t *pid)
{
    *pid = fork_child(pool, s, pair);
    int err = errno;
    poolslot_close(&pair[1]);
    if (*pid < 0)
        return -err;
    int pidfd = pidfd_open(*pid, 0);
    if (pidfd >= 0)
        return pidfd;
    err = errno;
    drop_child(*pid);
    return -err;
}

int poolslot_start(struct pool *pool, struct pool_slot *s, int64_t now_ms)
{
    int pair[2];
    pid_t pid;
    int rc = open_pair(pair);
    if (rc < 0)
        return rc;
    heed_children();
    int pidfd = fork_watched(pool, s, pair, &pid);
    if (pidfd < 0) {
        poolslot_close(&pair[0]);
        return pidfd;
    }

    s->pid = pid;
    s->pidfd = pidfd;
    s->fd = pair[0];
    s->init_done = s->options.init == NULL;
    s->init_answer = 0;
    s->was_ready = false;
    s->killed = false;
    s->born_ms = now_ms;
    poolslot_enter(s, POOL_STARTING);
    if (!s->options.handshake && s->init_done)
        poolslot_become_ready(pool, s);
    return 0;
}
