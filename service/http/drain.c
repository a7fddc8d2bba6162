#include "http/exchange.h"

#include <linux/filter.h>
#include <sys/socket.h>

/* Drops every packet of a new handshake: a client that is not connected yet tries again, and finds
 * whoever listens then. Connections in the queue carry on. */
void drain_stop_handshakes(int listen_fd)
{
    struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &drop};
    /* Where the kernel cannot do that a few handshakes are lost, no more. */
    (void)!setsockopt(listen_fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}
