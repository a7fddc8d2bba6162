/* bare.c -- the least that an HTTP server on libmicrohttpd can do: read the request, answer a fixed
 * body. The yardstick of `make bench`: same library, flags, memory limit and number of processes
 * as stockd, the answer that stockd gave, no work.
 *
 *   bare PORT PROCESSES STATUS BODY
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define POOL_BYTES 6144 /* as stockd's */

static struct MHD_Response *response;
static unsigned status;

static enum MHD_Result handle(void *cls, struct MHD_Connection *conn, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_size, void **state)
{
    static int seen;
    (void)cls, (void)url, (void)method, (void)version, (void)data;
    if (!*state) {
        *state = &seen;
        return MHD_YES;
    }
    if (*data_size > 0) {
        *data_size = 0;
        return MHD_YES;
    }
    return MHD_queue_response(conn, status, response);
}

static int serve(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, port, NULL, NULL, handle, NULL,
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
        MHD_OPTION_CONNECTION_LIMIT, 1000u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_END);
    if (!daemon)
        return EXIT_FAILURE;
    struct pollfd wake = {.fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
                          .events = POLLIN};
    for (;;) {
        MHD_UNSIGNED_LONG_LONG ms = 0;
        MHD_run(daemon);
        int wait = MHD_get_timeout(daemon, &ms) == MHD_YES ? (ms < 1000 ? (int)ms : 1000) : -1;
        if (wait != 0)
            poll(&wake, 1, wait);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bare PORT PROCESSES STATUS BODY\n");
        return 64;
    }
    int processes = atoi(argv[2]);
    status = (unsigned)atoi(argv[3]);
    response = MHD_create_response_from_buffer(strlen(argv[4]), argv[4], MHD_RESPMEM_PERSISTENT);
    if (!response ||
        MHD_add_response_header(response, "Content-Type", "application/json") != MHD_YES)
        return EXIT_FAILURE;
    for (int i = 1; i < processes; i++) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            return serve((uint16_t)atoi(argv[1]));
        }
    }
    return serve((uint16_t)atoi(argv[1]));
}
