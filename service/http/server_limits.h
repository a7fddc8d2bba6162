/* server_limits.h -- what the server grants a connection.
 *
 * Layer: http, private to the server.
 */
#pragma once

/* libmicrohttpd's pool of a connection: the request line, the header fields, its own records of
 * them, and the header of the answer. It is wiped after every request, so its size has a price:
 * the default of 32 KiB costs 0.5 us, 4 KiB against 8 KiB is lost in the noise. */
#define SERVER_POOL_BYTES   6144
#define SERVER_ANSWER_BYTES 1024 /* kept free for the header of the answer */
#define SERVER_RECORD_BYTES                                                                        \
    72 /* of the library's record of a header field, a cookie, an argument */

#define SERVER_EXTENSION_BYTES 256 /* of all chunks of a body */

#define SERVER_SOCKETS       2 /* that a server listens to */
#define SERVER_CONNECTIONS   20000u
#define SERVER_FD_RESERVE    64u        /* for Redis, logs, the loop: at EMFILE accept would spin */
#define SERVER_DISCARD_BYTES (1u << 20) /* of a body that is refused but not announced as long */
#define SERVER_IDLE_S        60u
#define SERVER_READ_MS       30000
#define SERVER_REQUEST_MS    5000
#define SERVER_WRITE_MS      30000
#define SERVER_LINGER_MS     2000
#define SERVER_HANDSHAKE_MS  10000 /* of TLS; a request's time, if that is shorter */
#define SERVER_HANDSHAKES    1024u /* at a time; one more ends the oldest */
#define SERVER_LOOK_MS       1000 /* of silence, after which a connection is looked at: client_conn.c */
#define SERVER_DRAIN_IDLE_MS 1000
#define SERVER_REFUSAL_BYTES 4096
#define SERVER_MEMORY_BYTES  ((size_t)256 << 20)
#define SERVER_LARGE_BYTES   ((size_t)128 << 10) /* an exchange of more may use half of that */
#define SERVER_TRIM_BYTES    ((size_t)16 << 20)  /* a peak that is worth giving back */
#define SERVER_SHED_SPARE    32u /* connections that may come while idle ones are being closed */
#define SERVER_FD_MAX        (1 << 20) /* Linux gives no higher descriptors (fs.nr_open) */
#define SERVER_PUMP_ROUNDS   16        /* of the library a loop turn: Redis must get its turn too */

/* Suspending a connection and taking it up again costs three system calls a request, a seventh of
 * all that the worker does. A handler that gives no answer yet is simply called again at the next
 * run of the library, so the first few that wait are left like that: with a run a loop turn, and
 * a few turns a batch, asking them in vain costs next to nothing. The library then always says
 * that it has work to do at once. Whether it has any besides those that wait shows when a run
 * calls us for nothing else: after SERVER_QUIET_RUNS such runs the loop sleeps, and not longer
 * than SERVER_POLL_MS, should the library have had something on its mind that it did not show. */
#define SERVER_POLLED_MAX 128
#define SERVER_QUIET_RUNS 2
#define SERVER_POLL_MS    1
