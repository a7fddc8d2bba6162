/* faultproxy.c -- see faultproxy.h. The upper half runs in the test, the lower one in the proxy's
 * own process: a poll(2) loop over the control socket, the listener and the connections. */
#include "support/faultproxy.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNS_OPEN_MAX  512
#define CONNS_KNOWN_MAX 65536
#define READ_BYTES      16384

enum order_kind {
    ORDER_ARM,
    ORDER_DISARM,
    ORDER_WATCH,
    ORDER_SEEN_ON,
    ORDER_ANCHORED_ON,
    ORDER_STRUCK_ON,
    ORDER_STATUS,
    ORDER_RELEASE,
    ORDER_DROP,
    ORDER_REFUSE,
    ORDER_CUT_ALL,
    ORDER_AIM,
};

struct order {
    enum order_kind kind;
    int number; /* a connection, or a flag */
    struct fault_rule rule;
};

struct reply {
    int number;
    struct fault_status status;
};

/* --- the proxy's own process ------------------------------------------------------------------ */

enum flow { FLOW_OPEN, FLOW_HELD, FLOW_HOLE, FLOW_DRIP, FLOW_SHRED };

/* One direction of a connection. */
struct stream {
    enum flow flow;
    char *kept; /* bytes read and not forwarded yet */
    size_t kept_bytes;
    bool ended; /* the source has closed */
};

struct conn {
    struct fault_status status;
    int fd[2];               /* [FAULT_UP] the service, [FAULT_DOWN] Redis; -1 = closed */
    struct stream stream[2]; /* by direction; stream[d] is read from fd[d] */
    char window[2 * FAULT_PATTERN_MAX]; /* the last bytes from the service, for patterns */
    size_t window_bytes;
};

struct proxy {
    int control;
    int listener;
    struct sockaddr_storage upstream;
    socklen_t upstream_size;
    uint64_t random;
    bool refuse;
    bool armed;
    struct fault_rule rule;
    int skipped;
    int anchored_on;
    int struck_on;
    char watched[FAULT_PATTERN_MAX];
    int seen_on;
    struct conn *conns[CONNS_KNOWN_MAX]; /* by number; kept after their end for the counters */
    int count;                           /* the last number given */
    int first_open;                      /* no lower number has an open socket */
};

/* xorshift64* */
static uint64_t random_next(struct proxy *x)
{
    x->random ^= x->random >> 12;
    x->random ^= x->random << 25;
    x->random ^= x->random >> 27;
    return x->random * 2685821657736338717u;
}

static void fd_close(int *fd, bool reset)
{
    if (*fd < 0)
        return;
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (reset)
        setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(*fd);
    *fd = -1;
}

static void conn_end(struct conn *c, bool reset)
{
    fd_close(&c->fd[FAULT_UP], reset);
    /* Never a reset towards Redis: it could overtake the bytes that were to arrive. */
    fd_close(&c->fd[FAULT_DOWN], false);
    c->status.open_service = c->status.open_redis = false;
    for (int d = 0; d < 2; d++) {
        free(c->stream[d].kept);
        c->stream[d] = (struct stream){.flow = FLOW_OPEN};
        c->status.held[d] = 0;
    }
}

static void kept_add(struct stream *s, const char *bytes, size_t count)
{
    if (count == 0)
        return;
    s->kept = realloc(s->kept, s->kept_bytes + count);
    assert(s->kept);
    memcpy(s->kept + s->kept_bytes, bytes, count);
    s->kept_bytes += count;
}

/* Writes to the far side of direction d as much as it takes now, of count bytes. -1 if it is gone.
 */
static ssize_t side_write(struct conn *c, int d, const char *bytes, size_t count)
{
    if (c->fd[!d] < 0)
        return -1;
    ssize_t n = send(c->fd[!d], bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    return n;
}

static size_t piece_size(struct proxy *x, const struct stream *s)
{
    size_t most = s->flow == FLOW_DRIP    ? 1
                  : s->flow == FLOW_SHRED ? 1 + (size_t)(random_next(x) % 16)
                                          : s->kept_bytes;
    return most < s->kept_bytes ? most : s->kept_bytes;
}

/* Forwards what is kept in direction d as far as flow and far side allow. */
static void stream_push(struct proxy *x, struct conn *c, int d)
{
    struct stream *s = &c->stream[d];
    while (s->kept_bytes > 0 && s->flow != FLOW_HELD) {
        size_t piece = piece_size(x, s);
        ssize_t n = s->flow == FLOW_HOLE ? (ssize_t)piece : side_write(c, d, s->kept, piece);
        if (n == 0)
            break;
        if (n < 0) { /* the far side is gone: what is left has nowhere to go */
            s->kept_bytes = 0;
            break;
        }
        s->kept_bytes -= (size_t)n;
        memmove(s->kept, s->kept + n, s->kept_bytes);
        if (s->flow != FLOW_HOLE) {
            c->status.bytes[d] += (uint64_t)n;
            if (c->status.anchored)
                c->status.counted[d] += (uint64_t)n;
        }
        if (s->flow == FLOW_DRIP || s->flow == FLOW_SHRED)
            break; /* one piece a turn of the loop: poll says at once that there is room */
    }
    c->status.held[d] = s->kept_bytes;
}

/* Sends count bytes on for certain, before a cut. Loopback takes them at once but for huge ones. */
static void side_write_all(struct conn *c, int d, const char *bytes, size_t count)
{
    while (count > 0 && c->fd[!d] >= 0) {
        struct pollfd fd = {.fd = c->fd[!d], .events = POLLOUT};
        if (poll(&fd, 1, 2000) <= 0)
            return;
        ssize_t n = side_write(c, d, bytes, count);
        if (n < 0)
            return;
        bytes += n;
        count -= (size_t)n;
        c->status.bytes[d] += (uint64_t)n;
        c->status.counted[d] += (uint64_t)n;
    }
}

/* The rule strikes: `pass` of these bytes still go through. */
static void rule_strike(struct proxy *x, struct conn *c, int number, const char *bytes,
                        size_t count, size_t pass)
{
    int d = (int)x->rule.direction;
    struct stream *s = &c->stream[d];
    x->armed = false;
    x->struck_on = number;
    c->status.struck = true;

    side_write_all(c, d, s->kept, s->kept_bytes); /* it is ahead of the strike */
    s->kept_bytes = 0;
    side_write_all(c, d, bytes, pass);

    switch (x->rule.action) {
    case FAULT_CUT_RST: conn_end(c, true); return;
    case FAULT_CUT_FIN: conn_end(c, false); return;
    case FAULT_HOLD: s->flow = FLOW_HELD; break;
    case FAULT_BLACK_HOLE: s->flow = FLOW_HOLE; break;
    case FAULT_DRIP: s->flow = FLOW_DRIP; break;
    case FAULT_SHRED: s->flow = FLOW_SHRED; break;
    case FAULT_COUNT: break;
    }
    kept_add(s, bytes + pass, count - pass);
    stream_push(x, c, d);
}

/* Bytes of direction d: counted by the rule if it is anchored here, then forwarded. */
static void stream_feed(struct proxy *x, struct conn *c, int number, int d, const char *bytes,
                        size_t count)
{
    struct stream *s = &c->stream[d];
    if (x->armed && x->anchored_on == number && (int)x->rule.direction == d) {
        uint64_t so_far = c->status.counted[d] + s->kept_bytes;
        if (x->rule.action != FAULT_COUNT && so_far + count > x->rule.after) {
            size_t pass = x->rule.after > so_far ? (size_t)(x->rule.after - so_far) : 0;
            rule_strike(x, c, number, bytes, count, pass);
            return;
        }
    }
    kept_add(s, bytes, count);
    stream_push(x, c, d);
}

static void rule_anchor(struct proxy *x, struct conn *c, int number)
{
    for (int d = 0; d < 2; d++) { /* what came before the anchor does not count: it goes now */
        struct stream *s = &c->stream[d];
        if (s->flow == FLOW_HELD || s->flow == FLOW_HOLE)
            continue;
        side_write_all(c, d, s->kept, s->kept_bytes);
        s->kept_bytes = 0;
        c->status.held[d] = 0;
    }
    x->anchored_on = number;
    c->status.anchored = true;
    c->status.struck = false;
    c->status.counted[FAULT_UP] = c->status.counted[FAULT_DOWN] = 0;
}

/* A rule that strikes after byte N must strike even if byte N + 1 never comes: it is a cut *after*
 * N bytes. True if it struck. */
static bool rule_due(struct proxy *x)
{
    if (!x->armed || x->anchored_on == 0 || x->rule.action == FAULT_COUNT)
        return false;
    struct conn *c = x->conns[x->anchored_on];
    int d = (int)x->rule.direction;
    if (c->fd[FAULT_UP] < 0 || c->status.counted[d] < x->rule.after || c->stream[d].kept_bytes > 0)
        return false;
    rule_strike(x, c, x->anchored_on, "", 0, 0);
    return true;
}

/* The offset of the pattern's first byte relative to these bytes (negative if it began in earlier
 * ones), in *at. */
static bool pattern_find(const struct conn *c, const char *pattern, const char *bytes, size_t count,
                         ssize_t *at)
{
    size_t n = strlen(pattern);
    size_t before = c->window_bytes < n - 1 ? c->window_bytes : n - 1;
    size_t total = before + count;
    char *joined = malloc(total + 1);
    assert(joined);
    memcpy(joined, c->window + c->window_bytes - before, before);
    memcpy(joined + before, bytes, count);
    char *found = memmem(joined, total, pattern, n);
    if (found)
        *at = found - joined - (ssize_t)before;
    free(joined);
    return found != NULL;
}

static void window_add(struct conn *c, const char *bytes, size_t count)
{
    size_t room = sizeof(c->window);
    if (count >= room) {
        memcpy(c->window, bytes + count - room, room);
        c->window_bytes = room;
        return;
    }
    size_t stay = c->window_bytes < room - count ? c->window_bytes : room - count;
    memmove(c->window, c->window + c->window_bytes - stay, stay);
    memcpy(c->window + stay, bytes, count);
    c->window_bytes = stay + count;
}

/* Bytes from the service: looks for the watched text and for the rule's anchor, then forwards. */
static void service_bytes(struct proxy *x, struct conn *c, int number, const char *bytes,
                          size_t count)
{
    ssize_t at = 0;
    if (*x->watched && pattern_find(c, x->watched, bytes, count, &at))
        x->seen_on = number;

    size_t from = 0; /* bytes before the anchor */
    bool waits = x->armed && x->anchored_on == 0 && x->rule.anchor != FAULT_AT_ARMING &&
                 (x->rule.connection == 0 || x->rule.connection == number);
    const char *rest = bytes;
    size_t rest_bytes = count;
    while (waits && pattern_find(c, x->rule.pattern, rest, rest_bytes, &at)) {
        size_t behind =
            (size_t)(at + (ssize_t)strlen(x->rule.pattern)); /* it ends in these bytes */
        if (x->skipped < x->rule.skip) {
            x->skipped++;
            window_add(c, rest, behind);
            rest += behind;
            rest_bytes -= behind;
            continue;
        }
        size_t offset = (size_t)(rest - bytes);
        if (x->rule.anchor == FAULT_AT_PATTERN)
            from = offset + (at > 0 ? (size_t)at : 0);
        else if (x->rule.anchor == FAULT_BEHIND_PATTERN)
            from = offset + behind;
        stream_feed(x, c, number, FAULT_UP, bytes, from);
        rule_anchor(x, c, number);
        waits = false;
    }
    window_add(c, rest, rest_bytes);
    stream_feed(x, c, number, FAULT_UP, bytes + from, count - from);
}

/* Bytes from Redis: their tail is kept for the test to look at. */
static void redis_bytes(struct proxy *x, struct conn *c, int number, const char *bytes,
                        size_t count)
{
    char *tail = c->status.tail;
    size_t had = strlen(tail);
    size_t add = count < FAULT_TAIL_BYTES ? count : FAULT_TAIL_BYTES;
    size_t stay = had < FAULT_TAIL_BYTES - add ? had : FAULT_TAIL_BYTES - add;
    memmove(tail, tail + had - stay, stay);
    for (size_t i = 0; i < add; i++) /* a NUL would hide what is behind it */
        tail[stay + i] = bytes[count - add + i] ? bytes[count - add + i] : '.';
    tail[stay + add] = '\0';
    stream_feed(x, c, number, FAULT_DOWN, bytes, count);
}

/* One side has closed. Its direction is closed behind the bytes that are still to be forwarded; if
 * they are held, the far side stays open for their late delivery. */
static void stream_end(struct conn *c, int d)
{
    struct stream *s = &c->stream[d];
    if (!s->ended || s->kept_bytes > 0 || s->flow == FLOW_HELD || c->fd[!d] < 0)
        return;
    if (s->flow != FLOW_HOLE)
        shutdown(c->fd[!d], SHUT_WR);
}

static void side_gone(struct conn *c, int d)
{
    c->stream[d].ended = true;
    fd_close(&c->fd[d], false);
    if (d == FAULT_UP)
        c->status.open_service = false;
    else
        c->status.open_redis = false;
    bool keeps = c->stream[d].flow == FLOW_HELD || c->stream[d].kept_bytes > 0;
    /* The far side lives on only as long as there is something left for it. */
    if (!keeps && c->stream[d].flow != FLOW_HOLE)
        conn_end(c, false);
    else
        stream_end(c, d);
}

static void side_read(struct proxy *x, struct conn *c, int number, int d)
{
    char bytes[READ_BYTES];
    ssize_t n = recv(c->fd[d], bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0)
        side_gone(c, d);
    else if (d == FAULT_UP)
        service_bytes(x, c, number, bytes, (size_t)n);
    else
        redis_bytes(x, c, number, bytes, (size_t)n);
}

static int upstream_connect(const struct proxy *x)
{
    int fd = socket(x->upstream.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&x->upstream, x->upstream_size) < 0) {
        close(fd);
        return -1;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void conn_accept(struct proxy *x)
{
    int fd = accept4(x->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    int up = x->refuse || x->count + 1 >= CONNS_KNOWN_MAX ? -1 : upstream_connect(x);
    if (up < 0) {
        fd_close(&fd, true);
        return;
    }
    struct conn *c = calloc(1, sizeof(*c));
    assert(c);
    c->fd[FAULT_UP] = fd;
    c->fd[FAULT_DOWN] = up;
    c->status.known = c->status.open_service = c->status.open_redis = true;
    x->conns[++x->count] = c;
    if (x->armed && x->anchored_on == 0 && x->rule.anchor == FAULT_AT_ARMING &&
        (x->rule.connection == 0 || x->rule.connection == x->count))
        rule_anchor(x, c, x->count);
}

static void rule_arm(struct proxy *x, const struct fault_rule *rule)
{
    x->armed = true;
    x->rule = *rule;
    x->skipped = 0;
    x->anchored_on = x->struck_on = 0;
    for (int i = 1; i <= x->count; i++)
        x->conns[i]->status.anchored = x->conns[i]->status.struck = false;
    if (rule->anchor != FAULT_AT_ARMING)
        return;
    for (int i = 1; i <= x->count && x->anchored_on == 0; i++)
        if ((rule->connection == 0 || rule->connection == i) && x->conns[i]->fd[FAULT_UP] >= 0)
            rule_anchor(x, x->conns[i], i);
}

static void conn_release(struct proxy *x, struct conn *c)
{
    for (int d = 0; d < 2; d++) {
        c->stream[d].flow = FLOW_OPEN;
        stream_push(x, c, d);
    }
}

static bool upstream_parse(struct proxy *x, const char *url)
{
    static const char unix_prefix[] = "unix:";
    static const char tcp_prefix[] = "redis://127.0.0.1:";
    if (strncmp(url, unix_prefix, strlen(unix_prefix)) == 0) {
        struct sockaddr_un *to = (struct sockaddr_un *)&x->upstream;
        to->sun_family = AF_UNIX;
        snprintf(to->sun_path, sizeof(to->sun_path), "%s", url + strlen(unix_prefix));
        x->upstream_size = sizeof(*to);
        return true;
    }
    if (strncmp(url, tcp_prefix, strlen(tcp_prefix)) == 0) {
        struct sockaddr_in *to = (struct sockaddr_in *)&x->upstream;
        to->sin_family = AF_INET;
        to->sin_port = htons((uint16_t)strtol(url + strlen(tcp_prefix), NULL, 10));
        to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        x->upstream_size = sizeof(*to);
        return true;
    }
    return false;
}

static struct reply order_obey(struct proxy *x, const struct order *order)
{
    struct reply reply = {.number = 0};
    bool known = order->number > 0 && order->number <= x->count;
    struct conn *c = known ? x->conns[order->number] : NULL;
    switch (order->kind) {
    case ORDER_ARM: rule_arm(x, &order->rule); break;
    case ORDER_DISARM: x->armed = false; break;
    case ORDER_WATCH:
        memcpy(x->watched, order->rule.pattern, sizeof(x->watched));
        x->seen_on = 0;
        break;
    case ORDER_SEEN_ON: reply.number = x->seen_on; break;
    case ORDER_ANCHORED_ON: reply.number = x->anchored_on; break;
    case ORDER_STRUCK_ON: reply.number = x->struck_on; break;
    case ORDER_STATUS:
        if (c)
            reply.status = c->status;
        break;
    case ORDER_RELEASE:
        if (c)
            conn_release(x, c);
        break;
    case ORDER_DROP:
        if (c)
            conn_end(c, true);
        break;
    case ORDER_REFUSE: x->refuse = order->number != 0; break;
    case ORDER_CUT_ALL:
        for (int i = 1; i <= x->count; i++)
            conn_end(x->conns[i], true);
        break;
    case ORDER_AIM: reply.number = upstream_parse(x, order->rule.pattern) ? 0 : -EINVAL; break;
    }
    return reply;
}

/* Obeys one order; false if the test is gone. */
static bool control_read(struct proxy *x)
{
    struct order order;
    ssize_t n = recv(x->control, &order, sizeof(order), 0);
    if (n != (ssize_t)sizeof(order))
        return false;
    struct reply reply = order_obey(x, &order);
    while (rule_due(x))
        ;
    return send(x->control, &reply, sizeof(reply), MSG_NOSIGNAL) == (ssize_t)sizeof(reply);
}

/* Fills the poll table: control, listener, then two entries for each connection in `numbers`. */
static nfds_t poll_table(struct proxy *x, struct pollfd *fds, int *numbers)
{
    fds[0] = (struct pollfd){.fd = x->control, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = x->listener, .events = POLLIN};
    nfds_t n = 2;
    while (x->first_open < x->count && x->conns[x->first_open]->fd[0] < 0 &&
           x->conns[x->first_open]->fd[1] < 0)
        x->first_open++;
    for (int i = x->first_open; i <= x->count && n < 2 + 2 * CONNS_OPEN_MAX; i++) {
        struct conn *c = x->conns[i];
        if (c->fd[0] < 0 && c->fd[1] < 0)
            continue;
        for (int d = 0; d < 2; d++) {
            bool writes = c->stream[!d].kept_bytes > 0 && c->stream[!d].flow != FLOW_HELD;
            short events = (short)(POLLIN | (writes ? POLLOUT : 0));
            numbers[n] = i;
            fds[n++] = (struct pollfd){.fd = c->fd[d], .events = events};
        }
    }
    return n;
}

/* Everything of one connection that the last poll allows. */
static void conn_serve(struct proxy *x, int number, const struct pollfd *fds)
{
    struct conn *c = x->conns[number];
    for (int d = 0; d < 2; d++) {
        if ((fds[d].revents & POLLOUT) && c->fd[d] >= 0)
            stream_push(x, c, !d);
        if ((fds[d].revents & (POLLIN | POLLHUP | POLLERR)) && c->fd[d] >= 0)
            side_read(x, c, number, d);
        while (rule_due(x))
            ;
    }
    /* One side has gone and all that was left for the other is delivered: the end. But an answer
     * to bytes that were delivered late is still waited for, so that a test can look at it. */
    for (int d = 0; d < 2; d++)
        stream_end(c, d);
    if (c->fd[FAULT_DOWN] < 0 && c->fd[FAULT_UP] >= 0 && c->stream[FAULT_DOWN].kept_bytes == 0 &&
        c->stream[FAULT_DOWN].flow == FLOW_OPEN)
        conn_end(c, false);
}

static void proxy_run(struct proxy *x)
{
    static struct pollfd fds[2 + 2 * CONNS_OPEN_MAX];
    static int numbers[2 + 2 * CONNS_OPEN_MAX];
    for (;;) {
        nfds_t n = poll_table(x, fds, numbers);
        if (poll(fds, n, -1) < 0 && errno != EINTR)
            _exit(1);
        if (fds[0].revents && !control_read(x))
            _exit(0);
        if (fds[1].revents & POLLIN)
            conn_accept(x);
        for (nfds_t i = 2; i < n; i += 2)
            conn_serve(x, numbers[i], &fds[i]);
    }
}

/* --- the test's side -------------------------------------------------------------------------- */

static int listener_open(int *port)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(any);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&any, size) < 0 || listen(fd, 256) < 0 ||
        getsockname(fd, (struct sockaddr *)&any, &size) < 0) {
        int err = errno;
        close(fd);
        return -err;
    }
    *port = ntohs(any.sin_port);
    return fd;
}

/* The child: nothing of the test is left in it but the control socket and the listener. */
static void proxy_main(struct proxy *x, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    /* The test's sockets must not stay open here when the test closes them. */
    int control = fcntl(x->control, F_DUPFD, 5);
    int listener = fcntl(x->listener, F_DUPFD, 5);
    if (control < 0 || listener < 0)
        _exit(1);
    x->control = dup2(control, 3);
    x->listener = dup2(listener, 4);
    close_range(5, ~0U, 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    proxy_run(x);
}

int fault_proxy_start(struct fault_proxy *p, const char *upstream, uint64_t seed)
{
    *p = (struct fault_proxy){.control = -1};
    struct proxy *x = calloc(1, sizeof(*x));
    if (!x)
        return -ENOMEM;
    x->random = seed ? seed : 1;
    x->first_open = 1;
    int ends[2] = {-1, -1};
    int err = upstream_parse(x, upstream) ? 0 : -EINVAL;
    if (!err && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        err = -errno;
    if (!err && (x->listener = listener_open(&p->port)) < 0)
        err = x->listener;
    if (!err) {
        pid_t parent = getpid();
        x->control = ends[1];
        p->pid = fork();
        if (p->pid == 0)
            proxy_main(x, parent);
        err = p->pid < 0 ? -errno : 0;
        close(x->listener);
        close(ends[1]);
    }
    free(x);
    if (err) {
        if (ends[0] >= 0)
            close(ends[0]);
        return err;
    }
    p->control = ends[0];
    snprintf(p->url, sizeof(p->url), "redis://127.0.0.1:%d", p->port);
    return 0;
}

void fault_proxy_stop(struct fault_proxy *p)
{
    if (p->pid <= 0)
        return;
    close(p->control);
    kill(p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0)
        assert(errno == EINTR);
    *p = (struct fault_proxy){.control = -1};
}

/* Gives an order and waits until it is obeyed. */
static struct reply order_give(struct fault_proxy *p, const struct order *order)
{
    struct reply reply;
    ssize_t sent = send(p->control, order, sizeof(*order), MSG_NOSIGNAL);
    assert(sent == (ssize_t)sizeof(*order));
    ssize_t got = recv(p->control, &reply, sizeof(reply), 0);
    assert(got == (ssize_t)sizeof(reply));
    return reply;
}

static struct reply order_simple(struct fault_proxy *p, enum order_kind kind, int number)
{
    struct order order = {.kind = kind, .number = number};
    return order_give(p, &order);
}

void fault_proxy_arm(struct fault_proxy *p, const struct fault_rule *rule)
{
    assert((rule->anchor == FAULT_AT_ARMING) == (*rule->pattern == '\0'));
    struct order order = {.kind = ORDER_ARM, .rule = *rule};
    order_give(p, &order);
}

void fault_proxy_disarm(struct fault_proxy *p)
{
    order_simple(p, ORDER_DISARM, 0);
}

void fault_proxy_watch(struct fault_proxy *p, const char *text)
{
    struct order order = {.kind = ORDER_WATCH};
    snprintf(order.rule.pattern, sizeof(order.rule.pattern), "%s", text);
    order_give(p, &order);
}

int fault_proxy_seen_on(struct fault_proxy *p)
{
    return order_simple(p, ORDER_SEEN_ON, 0).number;
}

int fault_proxy_anchored_on(struct fault_proxy *p)
{
    return order_simple(p, ORDER_ANCHORED_ON, 0).number;
}

int fault_proxy_struck_on(struct fault_proxy *p)
{
    return order_simple(p, ORDER_STRUCK_ON, 0).number;
}

struct fault_status fault_proxy_status(struct fault_proxy *p, int connection)
{
    return order_simple(p, ORDER_STATUS, connection).status;
}

void fault_proxy_release(struct fault_proxy *p, int connection)
{
    order_simple(p, ORDER_RELEASE, connection);
}

void fault_proxy_drop(struct fault_proxy *p, int connection)
{
    order_simple(p, ORDER_DROP, connection);
}

void fault_proxy_refuse(struct fault_proxy *p, bool refuse)
{
    order_simple(p, ORDER_REFUSE, refuse ? 1 : 0);
}

void fault_proxy_cut_all(struct fault_proxy *p)
{
    order_simple(p, ORDER_CUT_ALL, 0);
}

int fault_proxy_aim(struct fault_proxy *p, const char *upstream)
{
    struct order order = {.kind = ORDER_AIM};
    if (strlen(upstream) >= sizeof(order.rule.pattern))
        return -EINVAL;
    snprintf(order.rule.pattern, sizeof(order.rule.pattern), "%s", upstream);
    return order_give(p, &order).number;
}
