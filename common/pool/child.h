/* child.h -- a pool process as seen from inside.
 *
 * Layer: common. Everything here runs in the child, between fork and exit. The child owns its end
 * of one SOCK_SEQPACKET pair, and nothing else of the pool. Each message is one packet: a kind
 * byte, then the bytes. End of file on the socket means that the parent is gone.
 */
#pragma once

#include <signal.h>
#include <sys/types.h>

#define POOL_MESSAGE_MAX (64 * 1024 + 256) /* bytes of one message, either way */

enum pool_wire {
    POOL_WIRE_INIT = 1, /* child: an int, what the initializer returned */
    POOL_WIRE_READY,    /* child: pool_ready */
    POOL_WIRE_DATA,     /* either: bytes for the user */
};

struct pool_child {
    int fd;   /* for an event loop: readable when the parent sent something, or is gone */
    int slot; /* which slot of the pool this is */
    pid_t parent;
};

/* Tells the parent that this process serves. Needed once, when the slot asked for a handshake. */
int pool_ready(struct pool_child *child) MUST_CHECK;

/* Sends one message of up to POOL_MESSAGE_MAX bytes. Blocks while the parent lags behind. -EPIPE
 * or -ECONNRESET: the parent is gone. */
int pool_child_send(struct pool_child *child, const void *bytes, size_t n) MUST_CHECK;

/* Waits for one message, timeout_ms < 0 for ever. Its length, or -EPIPE when the parent is gone,
 * -ETIMEDOUT, -EMSGSIZE when it was larger than size (it is lost). */
ssize_t pool_child_receive(struct pool_child *child, void *to, size_t size,
                           int timeout_ms) MUST_CHECK;

struct pool_slot_options;

/* For slot.c only, first of all in a fresh fork: from here on the kernel ends this process
 * when its parent ends. Exits when the parent has ended already. */
void poolchild_die_with_parent(const struct pool_slot_options *options, pid_t parent);

/* For slot.c only: makes a fresh fork a child of the pool, runs it and exits. mask is what the
 * parent's signal mask was before it began to watch signals. */
_Noreturn void poolchild_main(const struct pool_slot_options *options,
                              const struct pool_child *child, const sigset_t *mask);

/* For pool*.c: one packet, kind byte first. flags as for sendmsg. */
int poolchild_send_packet(int fd, enum pool_wire kind, const void *bytes, size_t n,
                          int flags) MUST_CHECK;

/* One packet into kind and bytes: its length without the kind byte, or -EPIPE at end of file. */
ssize_t poolchild_receive_packet(int fd, unsigned char *kind, void *to, size_t size,
                                 int flags) MUST_CHECK;
