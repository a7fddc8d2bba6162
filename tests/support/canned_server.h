/* canned_server.h -- a server that answers what it was told to, be it HTTP or not.
 *
 * Layer: tests. A process of its own on a free port of 127.0.0.1. The n-th connection gets the n-th
 * answer, and all after the last one get that one again. One request a connection is read. What was
 * asked can be read at any time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CANNED_MAX   8
#define CANNED_ASKED (64 * 1024)

struct canned_answer {
    const char *text; /* sent first */
    const char *fill; /* then this, again and again, until the client leaves; NULL: nothing */
    bool deaf;        /* the request is not read */
    bool hang;        /* the connection then stays open, and nothing more is said */
    bool rude;        /* it ends with a reset */
};

struct canned_server {
    pid_t pid;
    int port;
    struct canned_log *log; /* shared with the server */
};

/* A socket that listens on any free port of the loopback, which is told. -errno on failure. */
int canned_listen(int *port) MUST_CHECK;

/* Reads a request of less than `size` bytes, which then end with a NUL; so many came in *n. False:
 * that is not all of it. */
bool canned_hear(int fd, char *bytes, size_t size, size_t *n) MUST_CHECK;

/* Sends all of a text; false: the other side has gone. */
bool canned_say(int fd, const char *text);

/* answers: up to CANNED_MAX, ended by a zeroed one; they are copied along with the process. */
int canned_start(struct canned_server *s, const struct canned_answer *answers) MUST_CHECK;
void canned_stop(struct canned_server *s);

/* Connections so far; and all that was read from them, one after the other. */
int canned_count(const struct canned_server *s);
const char *canned_asked(const struct canned_server *s);

/* An answer of this status with a body of this type, as text() gives it. */
#define CANNED(status, type, body)                                                                 \
    text("HTTP/1.1 %d x\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n"       \
         "\r\n%s",                                                                                 \
         (status), (type), strlen(body), (body))
