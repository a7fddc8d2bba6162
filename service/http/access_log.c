#include "http/access_log.h"

#include "clock.h"
#include "log.h"
#include "stats.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FULL_MS    5    /* before a pipe that is full is tried again */
#define TROUBLE_MS 1000 /* before anything else is */
#define LAST_MS    100  /* for a reader to take some, when the worker ends */
#define LAST_TRIES 5

struct access_log {
    const char *path; /* NULL: fd was given, and is not opened anew */
    int fd;           /* -1: not open */
    bool is_socket;
    bool takes_pages; /* a pipe or socket: no more than ACCESS_LINE_MAX_BYTES are whole */
    bool torn;        /* the last write ended within a line, which is to be written again */
    struct buf lines;
    size_t line_at;   /* where the line begins that is being put */
    size_t dropped;   /* since it was last said that all is well */
    int64_t retry_ms; /* nothing is tried before; 0: all is well */
    struct log_gate gate;
};

/* --- opening ---------------------------------------------------------------------------------- */

static int open_log(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

/* O_NONBLOCK is of the open file, which standard output shares with programs that know nothing of
 * it: so what may block is opened once more. A socket is told with every write. */
static int open_standard(void)
{
    struct stat st;
    if (fstat(STDOUT_FILENO, &st) < 0)
        return -errno;
    int fd = S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)
                 ? open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
                 : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return fd < 0 ? -errno : fd;
}

static bool is_standard(const char *path)
{
    return strcmp(path, ACCESS_LOG_STANDARD) == 0;
}

int access_log_standard(const char *path, int *standard_fd)
{
    *standard_fd = -1;
    if (!is_standard(path))
        return 0;
    *standard_fd = open_standard();
    return *standard_fd < 0 ? *standard_fd : 0;
}

int access_log_try(const char *path)
{
    int fd = is_standard(path) ? -ENXIO : open_log(path);
    if (fd < 0)
        return fd == -ENXIO ? 0 : fd; /* of a named pipe that nobody reads yet */
    close(fd);
    return 0;
}

static void take_fd(struct access_log *log, int fd)
{
    struct stat st;
    bool known = fstat(fd, &st) == 0;
    log->fd = fd;
    log->is_socket = known && S_ISSOCK(st.st_mode);
    log->takes_pages = !known || !S_ISREG(st.st_mode);
}

struct access_log *access_log_new(const char *path, int standard_fd)
{
    struct access_log *log = calloc(1, sizeof(*log));
    if (!log)
        return NULL;
    buf_init(&log->lines, ACCESS_LOG_MAX_BYTES);
    log->fd = -1;
    if (standard_fd >= 0)
        take_fd(log, standard_fd);
    else
        log->path = path;
    return log;
}

/* 0 or -errno; then the file of before stays. */
static int open_anew(struct access_log *log)
{
    int fd = open_log(log->path);
    if (fd < 0)
        return fd;
    if (log->fd >= 0)
        close(log->fd);
    take_fd(log, fd);
    log->torn = false; /* its file is another one */
    return 0;
}

/* --- trouble ---------------------------------------------------------------------------------- */

static const char *log_name(const struct access_log *log)
{
    return log->path ? log->path : ACCESS_LOG_STANDARD;
}

static void in_trouble(struct access_log *log, int rc, int64_t now_ms)
{
    bool full = rc == -EAGAIN;
    log->retry_ms = now_ms + (full ? FULL_MS : TROUBLE_MS);
    if (full && log->dropped == 0)
        return; /* a reader may take its time */
    if (log_allowed(&log->gate, now_ms))
        log_event(LOG_WARN, "the access log cannot be written", LOG_STR("file", log_name(log)),
                  LOG_ERRNO(rc), LOG_INT("waiting_bytes", (int64_t)log->lines.n),
                  LOG_INT("dropped_lines", (int64_t)log->dropped));
    /* Who reads the pipe may be another one by now. */
    if (!full && log->path && log->takes_pages && log->fd >= 0) {
        close(log->fd);
        log->fd = -1;
    }
}

static void is_well(struct access_log *log)
{
    if (log->dropped > 0)
        log_event(LOG_WARN, "the access log is written again", LOG_STR("file", log_name(log)),
                  LOG_INT("dropped_lines", (int64_t)log->dropped));
    log->dropped = 0;
    log->retry_ms = 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* How much of what waits goes into one write: all of it, or as many lines as are taken whole. */
static size_t portion(const struct access_log *log)
{
    const struct buf *b = &log->lines;
    if (!log->takes_pages || b->n <= ACCESS_LINE_MAX_BYTES)
        return b->n;
    const char *end = memrchr(b->p, '\n', ACCESS_LINE_MAX_BYTES);
    return (size_t)(end + 1 - b->p);
}

static void consume(struct buf *b, size_t n)
{
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

/* One write. 0, or -errno if nothing was taken. */
static int write_some(struct access_log *log)
{
    struct iovec parts[] = {{(void *)(uintptr_t) "\n", log->torn}, {log->lines.p, portion(log)}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t n;
    do {
        n = log->is_socket ? sendmsg(log->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)
                           : writev(log->fd, parts, 2);
    } while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : -EAGAIN;
    size_t taken = (size_t)n - log->torn;
    const char *end = taken > 0 ? memrchr(log->lines.p, '\n', taken) : NULL;
    size_t whole = end ? (size_t)(end + 1 - log->lines.p) : 0;
    log->torn = whole < taken;
    consume(&log->lines, whole);
    return 0;
}

int64_t access_log_flush(struct access_log *log, int64_t now_ms)
{
    if (log->lines.n == 0)
        return -1;
    if (now_ms < log->retry_ms)
        return log->retry_ms - now_ms;
    int rc = log->fd < 0 ? open_anew(log) : 0;
    while (rc == 0 && log->lines.n > 0)
        rc = write_some(log);
    if (rc < 0) {
        in_trouble(log, rc, now_ms);
        return log->retry_ms - now_ms;
    }
    if (log->retry_ms > 0)
        is_well(log);
    return -1;
}

void access_log_reopen(struct access_log *log)
{
    if (!log->path)
        return;
    log->retry_ms = 0;
    (void)access_log_flush(log, clock_mono_ms());
    int rc = open_anew(log);
    if (rc < 0)
        log_event(LOG_ERROR, "the access log goes on in the file of before",
                  LOG_STR("file", log_name(log)), LOG_ERRNO(rc));
}

/* --- lines ------------------------------------------------------------------------------------ */

struct buf *access_log_begin_line(struct access_log *log)
{
    log->line_at = log->lines.n;
    return &log->lines;
}

void access_log_end_line(struct access_log *log)
{
    struct buf *b = &log->lines;
    if (!b->failed) {
        assert(b->n - log->line_at <= ACCESS_LINE_MAX_BYTES && b->p[b->n - 1] == '\n');
        return;
    }
    b->failed = b->exhausted = false;
    b->n = log->line_at;
    log->dropped++;
    stats_count(STATS_ACCESS_DROPPED, 1);
}

void access_log_free(struct access_log *log)
{
    if (!log)
        return;
    for (int tries = 0; log->lines.n > 0 && tries < LAST_TRIES; tries++) {
        log->retry_ms = 0;
        if (access_log_flush(log, clock_mono_ms()) >= 0)
            (void)poll(&(struct pollfd){.fd = log->fd, .events = POLLOUT}, 1, LAST_MS);
    }
    for (size_t at = 0; at < log->lines.n; at++)
        log->dropped += log->lines.p[at] == '\n';
    if (log->lines.n > 0)
        log_event(LOG_WARN, "the last of the access log could not be written",
                  LOG_STR("file", log_name(log)), LOG_INT("dropped_lines", (int64_t)log->dropped));
    if (log->fd >= 0)
        close(log->fd);
    buf_free(&log->lines);
    free(log);
}
