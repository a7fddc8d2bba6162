/* fault_relay.h -- one connection through the proxy of faultproxy.h: its two sockets, and the bytes
 * on the way between them.
 *
 * Layer: tests, private to fault_process.c, which has the connections, and fault_trap.c, which
 * strikes them. A relay owns its sockets and the bytes that it keeps. It stays in memory after its
 * end, for its counters.
 *
 * Invariant: within a direction no byte overtakes another; what is kept goes first.
 */
#pragma once

#include "support/faultproxy.h"

enum fault_flow { FLOW_OPEN, FLOW_HELD, FLOW_HOLE, FLOW_DRIP, FLOW_SHRED };

/* One direction of a connection. */
struct fault_stream {
    enum fault_flow flow;
    char *kept; /* bytes read and not forwarded yet */
    size_t kept_bytes;
    bool ended; /* the source has closed */
};

struct fault_relay {
    int number;
    uint64_t *random; /* of the process, never 0 */
    struct fault_status status;
    int fd[2];                     /* [FAULT_UP] the service, [FAULT_DOWN] Redis; -1 = closed */
    struct fault_stream stream[2]; /* by direction; stream[d] is read from fd[d] */
    char window[2 * FAULT_PATTERN_MAX]; /* the last bytes from the service, for patterns */
    size_t window_bytes;
};

/* Takes both sockets over. */
struct fault_relay *fault_relay_make(int number, int service, int redis, uint64_t *random);

/* Closes both sides, the service's with a reset if so wanted; what is kept is lost. */
void fault_relay_end(struct fault_relay *r, bool reset);

/* Neither side is open. */
bool fault_relay_over(const struct fault_relay *r);

/* What poll(2) shall wait for on fd[d]. */
short fault_relay_events(const struct fault_relay *r, int d);

/* Reads from fd[d]. 0: nothing is there, or the side has closed, which was seen to. */
size_t fault_relay_read(struct fault_relay *r, int d, char *bytes, size_t size);

/* Forwards bytes in direction d as far as flow and far side allow, and keeps the rest. */
void fault_relay_forward(struct fault_relay *r, int d, const char *bytes, size_t count);

/* The same with what is kept already. */
void fault_relay_push(struct fault_relay *r, int d);

/* Sends on for certain, whatever the flow, what is kept in direction d and then these bytes. */
void fault_relay_deliver(struct fault_relay *r, int d, const char *bytes, size_t count);

/* Delivers what is held in both directions, and forwards again. */
void fault_relay_release(struct fault_relay *r);

/* After each turn of the loop: ends what has nothing left to do. */
void fault_relay_settle(struct fault_relay *r);
