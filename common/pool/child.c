/* child.c -- from fork to exit. */
#include "pool/child.h"
#include "clock.h"
#include "log.h"
#include "pool/options.h"
#include "random.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int poolchild_send_packet(int fd, enum pool_wire kind, const void *bytes, size_t n, int flags)
{
    if (n > POOL_MESSAGE_MAX)
        return -EMSGSIZE;
    unsigned char byte = (unsigned char)kind;
    struct iovec parts[2] = {{&byte, 1}, {(void *)(uintptr_t)bytes, n}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = n > 0 ? 2 : 1};
    ssize_t sent;
    do {
        sent = sendmsg(fd, &message, flags | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    assert(sent < 0 || (size_t)sent == n + 1); /* a packet goes whole or not at all */
    return sent < 0 ? -errno : 0;
}

ssize_t poolchild_receive_packet(int fd, unsigned char *kind, void *to, size_t size, int flags)
{
    struct iovec parts[2] = {{kind, 1}, {to, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t got;
    do {
        got = recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == ECONNRESET ? -EPIPE : -errno;
    if (got == 0)
        return -EPIPE;
    return message.msg_flags & MSG_TRUNC ? -EMSGSIZE : got - 1;
}

int pool_ready(struct pool_child *child)
{
    return poolchild_send_packet(child->fd, POOL_WIRE_READY, NULL, 0, 0);
}

int pool_child_send(struct pool_child *child, const void *bytes, size_t n)
{
    return poolchild_send_packet(child->fd, POOL_WIRE_DATA, bytes, n, 0);
}

/* However often a signal interrupts it. */
static int await_message(struct pool_child *child, int timeout_ms)
{
    struct pollfd p = {.fd = child->fd, .events = POLLIN};
    int64_t end_ms = timeout_ms > 0 ? clock_mono_ms() + timeout_ms : 0;
    int ready;
    while ((ready = poll(&p, 1, timeout_ms)) < 0 && errno == EINTR) {
        int64_t left_ms = timeout_ms > 0 ? end_ms - clock_mono_ms() : 0;
        timeout_ms = left_ms > 0 ? (int)left_ms : 0;
    }
    return ready > 0 ? 0 : ready < 0 ? -errno : -ETIMEDOUT;
}

ssize_t pool_child_receive(struct pool_child *child, void *to, size_t size, int timeout_ms)
{
    int rc = timeout_ms < 0 ? 0 : await_message(child, timeout_ms);
    if (rc < 0)
        return rc;
    unsigned char kind;
    ssize_t got = poolchild_receive_packet(child->fd, &kind, to, size, 0);
    assert(got < 0 || kind == POOL_WIRE_DATA);
    return got;
}

/* A parent that ended before the call shows as a new parent id: nobody would signal us, so leave.
 */
void poolchild_die_with_parent(const struct pool_slot_options *options, pid_t parent)
{
    int signo = options->death_signal ? options->death_signal : SIGKILL;
    if (prctl(PR_SET_PDEATHSIG, signo) != 0 || getppid() != parent)
        _exit(1);
}

static void reset_signals(const sigset_t *mask)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int signo = 1; signo < NSIG; signo++)
        sigaction(signo, &standard, NULL); /* refuses SIGKILL, SIGSTOP and libc's own */
    sigprocmask(SIG_SETMASK, mask, NULL);
}

static void keep_across_exec(const struct pool_slot_options *options)
{
    for (size_t i = 0; i < options->keep_count; i++) {
        int flags = fcntl(options->keep_fds[i], F_GETFD);
        if (flags < 0 || fcntl(options->keep_fds[i], F_SETFD, flags & ~FD_CLOEXEC) != 0) {
            log_event(LOG_ERROR, "cannot keep a file descriptor",
                      LOG_INT("fd", options->keep_fds[i]), LOG_ERRNO(errno));
            _exit(POOL_EXIT_FATAL);
        }
    }
}

/* Tells the parent how it went, in its own words: an exit status has no room for an errno. 0 when
 * the life may begin, or the exit status. */
static int run_init(const struct pool_slot_options *options, struct pool_child *self)
{
    if (!options->init)
        return 0;
    int answer = options->init(self, options->arg);
    int rc = poolchild_send_packet(self->fd, POOL_WIRE_INIT, &answer, sizeof answer, 0);
    return answer == 0 && rc == 0 ? 0 : 1;
}

_Noreturn void poolchild_main(const struct pool_slot_options *options,
                              const struct pool_child *child, const sigset_t *mask)
{
    reset_signals(mask);
    random_after_fork();
    log_set_process(options->name, options->index);
    keep_across_exec(options);

    struct pool_child self = *child;
    int status = run_init(options, &self);
    if (status == 0)
        status = options->run(&self, options->arg);
    /* _exit and not exit: what the parent registered to happen at its end is not ours to do. */
    fflush(NULL);
    _exit(status);
}
