/* server.c -- messages of the parent in, answers out. */
#include "ui/server.h"
#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CONNECTIONS_MAX 200
#define TIMEOUT_S       20   /* without progress; streams that wait for news have none */
#define BEAT_MS         5000 /* a stream without news shows that it is alive */
#define PATIENCE_MS     2000 /* for answers on their way, once all is over */
#define PATIENCE_TURNS  10   /* at the least: of a machine that lets it run now and then */
#define ROUNDS_MAX      64   /* of the library in one turn */
#define NICE            10   /* the load goes first */

static const struct str end_document = {"{}", 2};

static void on_completed(void *ctx, struct MHD_Connection *conn, void **con_cls,
                         enum MHD_RequestTerminationCode how)
{
    struct ui_server *server = ctx;
    if (*con_cls)
        server->requests--;
    *con_cls = NULL;
}

static void take_document(struct ui_server *server, struct str document)
{
    struct frame *frame = frame_new(STR("state"), document);
    if (!frame)
        return; /* the one before stays the newest, until the next */
    frame_drop(server->newest);
    server->newest = frame;
    server->number++;
}

/* Of what came meanwhile the last document counts. */
static void take_messages(struct ui_server *server, char *message)
{
    ssize_t n;
    while ((n = pool_child_receive(server->parent, message, POOL_MESSAGE_MAX, 0)) >= 0) {
        if (n > 1 && message[0] == UI_MESSAGE_DOCUMENT)
            take_document(server, (struct str){message + 1, (size_t)n - 1});
        else if (n > 0 && message[0] == UI_MESSAGE_END)
            server->ended = true;
    }
    if (n == -EPIPE)
        server->ended = true;
    ui_stream_wake_all(server);
}

/* Runs the library until it has nothing to do, and says how long it may be left alone. */
static int run_daemon(struct ui_server *server, int most_ms)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        server->resumed = false;
        MHD_run(server->daemon);
        bool due = MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES;
        if (server->resumed || (due && wait_ms == 0))
            continue;
        return due && wait_ms < (MHD_UNSIGNED_LONG_LONG)most_ms ? (int)wait_ms : most_ms;
    }
    return 0;
}

static void serve_page(struct ui_server *server, char *message)
{
    int epoll_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int64_t beat_ms = clock_mono_ms() + BEAT_MS, over_ms = INT64_MAX;
    int turns = 0; /* since the end */
    while ((turns < PATIENCE_TURNS || clock_mono_ms() < over_ms) &&
           (!server->ended || server->requests > 0)) {
        int wait_ms = run_daemon(server, server->ended ? PATIENCE_MS / 10 : BEAT_MS / 5);
        struct pollfd fds[2] = {{epoll_fd, POLLIN, 0},
                                {server->ended ? -1 : server->parent->fd, POLLIN, 0}};
        if (poll(fds, 2, wait_ms) > 0 && fds[1].revents)
            take_messages(server, message);
        turns += server->ended;
        if (server->ended && over_ms == INT64_MAX)
            over_ms = clock_mono_ms() + PATIENCE_MS;
        if (clock_mono_ms() >= beat_ms) {
            server->beat++;
            beat_ms = clock_mono_ms() + BEAT_MS;
            ui_stream_wake_all(server);
        }
    }
}

static struct MHD_Daemon *start_daemon(struct ui_server *server, int listen_fd)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
#if MHD_VERSION >= 0x00097707
    flags |= MHD_USE_NO_THREAD_SAFETY;
#endif
    return MHD_start_daemon(flags, 0, NULL, NULL, ui_answer, server, MHD_OPTION_LISTEN_SOCKET,
                            listen_fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
                            MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S, MHD_OPTION_END);
}

int ui_server_run(struct pool_child *child, void *listen_fd)
{
    struct ui_server server = {.parent = child, .end = frame_new(STR("end"), end_document)};
    char *message = malloc(POOL_MESSAGE_MAX);
    TAILQ_INIT(&server.streams);
    signal(SIGINT, SIG_IGN); /* a terminal sends it to all: the parent decides what it means */
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, "load-ui");
    (void)!nice(NICE);
    server.daemon = start_daemon(&server, *(const int *)listen_fd);
    bool ok = server.daemon && message && server.end && pool_ready(child) == 0;
    if (ok)
        serve_page(&server, message);
    ui_stream_wake_all(&server); /* nobody may be suspended when the library stops */
    if (server.daemon)
        MHD_stop_daemon(server.daemon);
    frame_drop(server.newest);
    frame_drop(server.end);
    free(message);
    return ok ? 0 : 1;
}
