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

struct ports {
    int count, port[BALANCER_PORTS_MAX];
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

static int connect_to(int port)
{
    struct proxy_address address;
    char url[48];
    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", port);
    return proxy_address_parse(&address, url) ? proxy_connect(&address) : -1;
}

static bool begins_with(int client, const char *text)
{
    char bytes[64];
    ssize_t n = recv(client, bytes, sizeof(bytes), MSG_PEEK);
    return n > 0 && strncmp(bytes, text, strnlen(text, (size_t)n)) == 0;
}

/* One connection, to its end. */
static void serve_one(int client, const struct ports *ports, int next)
{
    bool apart = ports->apart && begins_with(client, ports->apart);
    int upstream = connect_to(ports->port[apart ? 0 : next]);
    struct pollfd fds[] = {{client, POLLIN, 0}, {upstream, POLLIN, 0}};
    while (upstream >= 0 && poll(fds, 2, -1) >= 0)
        if ((fds[0].revents && !forward(client, upstream)) ||
            (fds[1].revents && !forward(upstream, client)))
            break;
    _exit(0);
}

static void serve_all(int listener, const struct ports *ports)
{
    pid_t parent = getpid();
    signal(SIGCHLD, SIG_IGN);
    for (int next = 0;; next = (next + 1) % ports->count) {
        int client = proxy_accept(listener);
        if (client < 0)
            _exit(1);
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() == parent)
                serve_one(client, ports, next);
            _exit(1);
        }
        close(client);
    }
}

int balancer_start(struct balancer *b, const int *ports, int count, const char *apart)
{
    struct ports to = {.count = count, .apart = apart};
    struct proxy_address any;
    assert(count > 0 && count <= BALANCER_PORTS_MAX);
    memcpy(to.port, ports, (size_t)count * sizeof(*ports));
    bool parsed = proxy_address_parse(&any, "redis://127.0.0.1:0");
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
