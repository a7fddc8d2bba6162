/* notify.h -- what a service manager is told: the protocol of sd_notify(3), a datagram of lines
 * NAME=value to the socket that NOTIFY_SOCKET names.
 *
 * For the parent alone. notify_begin takes the manager's variables out of the environment, so that
 * children neither speak in its name nor inherit its watchdog. Without a manager every call does
 * nothing. What cannot be sent is lost: a manager that is away is no reason not to serve.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    int fd; /* -1: there is no manager */
    struct sockaddr_un to;
    socklen_t to_bytes;
    int64_t beat_every_ms, beat_ms; /* 0: no watchdog; when to send the next one (monotonic) */
};

/* Before the first fork. */
void notify_begin(struct notify *notify);
void notify_end(struct notify *notify);

/* status: a line for people, here and below. */
void notify_ready(const struct notify *notify, const char *status);
void notify_reloading(const struct notify *notify); /* until the next notify_ready */
void notify_stopping(const struct notify *notify, const char *status);

/* While it starts or stops: it is at work, and the manager's own time-out begins anew. */
void notify_working(const struct notify *notify, const char *status);

/* To be called whenever the parent's loop comes round: tells the watchdog that it does, if it is
 * time for that. Returns how long to wait at the most until the next call, in ms; -1: for ever. */
int64_t notify_beat(struct notify *notify, int64_t now_ms);
