/* canned_server.c -- see canned_server.h. */
#include "support/canned_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct canned_log {
    _Atomic int count;
    _Atomic size_t bytes;
    char asked[CANNED_ASKED];
};

/* All of the request is there: its head, and as much body as that announces. */
static bool is_whole(const char *bytes, size_t n)
{
    const char *end = strstr(bytes, "\r\n\r\n"), *length = strcasestr(bytes, "\r\nContent-Length:");
    size_t body = length && length < end ? (size_t)atol(length + strlen("\r\nContent-Length:")) : 0;
    return end && n >= (size_t)(end + 4 - bytes) + body;
}

bool canned_hear(int fd, char *bytes, size_t size, size_t *n)
{
    *n = 0;
    while (*n < size - 1) {
        ssize_t got = read(fd, bytes + *n, size - 1 - *n);
        if (got <= 0)
            return false;
        *n += (size_t)got;
        bytes[*n] = '\0';
        if (is_whole(bytes, *n))
            return true;
    }
    return false;
}

/* Keeps of a request what fits. */
static void hear(struct canned_log *log, int fd)
{
    char bytes[4096];
    size_t n, at = atomic_load(&log->bytes);
    bool whole = canned_hear(fd, bytes, sizeof(bytes), &n);
    (void)whole; /* what came is kept */
    if (at + n < CANNED_ASKED) {
        memcpy(log->asked + at, bytes, n);
        atomic_store(&log->bytes, at + n);
    }
}

bool canned_say(int fd, const char *text)
{
    for (size_t n = strlen(text), at = 0; at < n;) {
        ssize_t sent = send(fd, text + at, n - at, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += (size_t)sent;
    }
    return true;
}

/* Closes the connection, unless it is to stay open: then nobody ever does. */
static void serve_one(struct canned_log *log, const struct canned_answer *answer, int fd)
{
    if (!answer->deaf)
        hear(log, fd);
    bool there = !answer->text || canned_say(fd, answer->text);
    while (there && answer->fill)
        there = canned_say(fd, answer->fill);
    if (answer->hang)
        return;
    const struct linger reset = {.l_onoff = 1};
    if (answer->rude)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
}

static void serve_all(struct canned_log *log, const struct canned_answer *answers, int listener)
{
    const struct canned_answer *answer = answers;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        atomic_fetch_add(&log->count, 1);
        serve_one(log, answer, fd);
        if (answer[1].text || answer[1].fill || answer[1].hang || answer[1].rude || answer[1].deaf)
            answer++;
    }
}

int canned_listen(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 64) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        int err = errno;
        close(fd);
        return -err;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

int canned_start(struct canned_server *s, const struct canned_answer *answers)
{
    *s = (struct canned_server){0};
    s->log = mmap(NULL, sizeof(*s->log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->log == MAP_FAILED)
        return -errno;
    int listener = canned_listen(&s->port);
    if (listener < 0)
        return listener;
    s->pid = fork();
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve_all(s->log, answers, listener);
    }
    int err = s->pid < 0 ? errno : 0;
    close(listener);
    return -err;
}

void canned_stop(struct canned_server *s)
{
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    munmap(s->log, sizeof(*s->log));
    *s = (struct canned_server){0};
}

int canned_count(const struct canned_server *s)
{
    return atomic_load(&s->log->count);
}

const char *canned_asked(const struct canned_server *s)
{
    return s->log->asked; /* ends in a NUL: it is zeroed, and never full */
}
