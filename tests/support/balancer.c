#include "support/balancer.h"
#include "support/proxy_process.h"
#include "support/proxy_socket.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct targets {
    int count;
    struct proxy_address at[BALANCER_TARGETS_MAX];
    const char *apart;
};

/* Moves what has come. False: one side has ended, or is lost. */
static bool forward(int from, int to)
{
    char bytes[16384];
    ssize_t n = read(from, bytes, sizeof(bytes));
    for (ssize_t at = 0, put; at < n; at += put)
        if ((put = write(to, bytes + at, (size_t)(n - at))) <= 0)
            return false;
    return n > 0;
}

static bool begins_with(int client, const char *text)
{
    char bytes[64];
    ssize_t n = recv(client, bytes, sizeof(bytes), MSG_PEEK);
    return n > 0 && strncmp(bytes, text, strnlen(text, (size_t)n)) == 0;
}

/* One connection, to its end. */
static void serve_one(int client, const struct targets *targets, int next)
{
    bool apart = targets->apart && begins_with(client, targets->apart);
    int upstream = proxy_connect(&targets->at[apart ? 0 : next]);
    struct pollfd fds[] = {{client, POLLIN, 0}, {upstream, POLLIN, 0}};
    while (upstream >= 0 && poll(fds, 2, -1) >= 0)
        if ((fds[0].revents && !forward(client, upstream)) ||
            (fds[1].revents && !forward(upstream, client)))
            break;
    _exit(0);
}

static void serve_all(int listener, const struct targets *targets)
{
    pid_t parent = getpid();
    signal(SIGCHLD, SIG_IGN);
    for (int next = 0;; next = (next + 1) % targets->count) {
        int client = proxy_accept(listener);
        if (client < 0)
            _exit(1);
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() == parent)
                serve_one(client, targets, next);
            _exit(1);
        }
        close(client);
    }
}

int balancer_start(struct balancer *b, const struct balancer_target *targets, int count,
                   const char *apart)
{
    struct targets to = {.count = count, .apart = apart};
    struct proxy_address any;
    char url[64];
    assert(count > 0 && count <= BALANCER_TARGETS_MAX);
    bool parsed = proxy_address_parse(&any, "redis://127.0.0.1:0");
    for (int i = 0; i < count; i++) {
        snprintf(url, sizeof(url), "redis://%s:%d", targets[i].host, targets[i].port);
        parsed = proxy_address_parse(&to.at[i], url) && parsed;
    }
    assert(parsed);
    int listener = proxy_listen(&any);
    if (listener < 0)
        return listener;
    b->port = proxy_port(listener);
    int theirs[] = {listener};
    b->pid = proxy_process_start(theirs, 1);
    if (b->pid == 0)
        serve_all(theirs[0], &to);
    int err = b->pid < 0 ? -errno : 0;
    close(listener);
    return err;
}

void balancer_stop(struct balancer *b)
{
    if (b->pid > 0)
        proxy_process_end(b->pid);
    *b = (struct balancer){0};
}
