#include "process/notify.h"
#include "clock.h"
#include "digits.h"
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define MESSAGE_BYTES  512
#define PATIENCE_US    500000   /* with a manager that does not read */
#define EXTEND_US      15000000 /* from one notify_working to the next there is a second */
#define WATCHDOG_MS    (INT64_C(1000) * 3600 * 24 * 365)
#define BEATS_PER_TIME 2

/* --- what the manager has said ---------------------------------------------------------------- */

/* A path, or after `@` a name in the abstract namespace. */
static bool parse_address(struct notify *n, const char *text)
{
    size_t bytes = strlen(text);
    if ((text[0] != '/' && text[0] != '@') || bytes < 2 || bytes >= sizeof(n->to.sun_path))
        return false;
    n->to = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(n->to.sun_path, text, bytes);
    if (text[0] == '@')
        n->to.sun_path[0] = '\0'; /* its name has no end but the address's own */
    n->to_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + (text[0] == '/'));
    return true;
}

/* Of a variable; -1: it is not there, or no number. */
static int64_t env_number(const char *name, int64_t most)
{
    const char *text = getenv(name);
    return text && *text ? digits_read(text, strlen(text), most) : -1;
}

/* The watchdog may be meant for another process than the one that reads this. */
static int64_t watchdog_ms(void)
{
    int64_t us = env_number("WATCHDOG_USEC", WATCHDOG_MS * 1000);
    int64_t pid = env_number("WATCHDOG_PID", INT32_MAX);
    return us <= 0 || (pid >= 0 && pid != getpid()) ? 0 : us / 1000;
}

static int open_socket(void)
{
    const struct timeval patience = {.tv_usec = PATIENCE_US};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

void notify_begin(struct notify *n)
{
    const char *address = getenv("NOTIFY_SOCKET");
    *n = (struct notify){.fd = -1};
    if (address && *address && !parse_address(n, address))
        log_event(LOG_WARN, "the service manager cannot be told anything",
                  LOG_STR("NOTIFY_SOCKET", address), LOG_STR("right", "/path or @name"));
    else if (address && *address)
        n->fd = open_socket();
    int64_t every_ms = watchdog_ms() / BEATS_PER_TIME;
    if (n->fd >= 0 && watchdog_ms() > 0)
        n->beat_every_ms = every_ms > 0 ? every_ms : 1;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void notify_end(struct notify *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

/* --- what it is told -------------------------------------------------------------------------- */

static void send_text(const struct notify *n, const char *text)
{
    static struct log_gate gate;
    if (n->fd < 0)
        return;
    ssize_t sent = sendto(n->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&n->to,
                          n->to_bytes);
    if (sent < 0 && log_allowed(&gate, clock_mono_ms()))
        log_event(LOG_WARN, "the service manager could not be told", LOG_ERRNO(errno));
}

/* A status is one line: what is in it may come from elsewhere. */
static void send_status(const struct notify *n, const char *before, const char *status)
{
    char text[MESSAGE_BYTES];
    size_t head = (size_t)snprintf(text, sizeof(text), "%sSTATUS=", before);
    snprintf(text + head, sizeof(text) - head, "%s", status);
    for (char *p = text + head; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    send_text(n, text);
}

void notify_ready(const struct notify *n, const char *status)
{
    send_status(n, "READY=1\n", status);
}

void notify_reloading(const struct notify *n)
{
    char text[64];
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
    send_text(n, text);
}

void notify_stopping(const struct notify *n, const char *status)
{
    send_status(n, "STOPPING=1\n", status);
}

void notify_working(const struct notify *n, const char *status)
{
    char before[48];
    snprintf(before, sizeof(before), "EXTEND_TIMEOUT_USEC=%d\n", EXTEND_US);
    send_status(n, before, status);
}

int64_t notify_beat(struct notify *n, int64_t now_ms)
{
    if (n->beat_every_ms == 0)
        return -1;
    if (now_ms >= n->beat_ms) {
        send_text(n, "WATCHDOG=1");
        n->beat_ms = now_ms + n->beat_every_ms;
    }
    return n->beat_ms - now_ms;
}
