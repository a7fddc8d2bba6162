#include "support/fault_process.h"
#include "support/fault_order.h"
#include "support/fault_trap.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNS_OPEN_MAX  512
#define CONNS_KNOWN_MAX 65536
#define READ_BYTES      16384

struct process {
    int control;
    int listener;
    struct proxy_address upstream;
    uint64_t random;
    bool refuse;
    struct fault_trap trap;
    struct fault_relay *relays[CONNS_KNOWN_MAX]; /* by number */
    int count;                                   /* the last number given */
    int first_open;                              /* no lower number has an open socket */
};

/* --- orders ----------------------------------------------------------------------------------- */

static void cut_all(struct process *x)
{
    for (int i = 1; i <= x->count; i++)
        fault_relay_end(x->relays[i], true);
}

static void watch(struct fault_trap *t, const char text[FAULT_PATTERN_MAX])
{
    memcpy(t->watched, text, sizeof(t->watched));
    t->seen_on = 0;
}

/* Of one connection; of one that is not known, nothing is to be done. */
static void order_obey_on(struct fault_relay *r, enum fault_order_kind kind,
                          struct fault_status *status)
{
    if (!r)
        return;
    if (kind == ORDER_STATUS)
        *status = r->status;
    else if (kind == ORDER_RELEASE)
        fault_relay_release(r);
    else
        fault_relay_end(r, true);
}

static struct fault_reply order_obey(struct process *x, const struct fault_order *order)
{
    struct fault_reply reply = {.number = 0};
    struct fault_trap *t = &x->trap;
    bool known = order->number > 0 && order->number <= x->count;
    switch (order->kind) {
    case ORDER_ARM: fault_trap_arm(t, &order->rule, x->relays, x->count); break;
    case ORDER_DISARM: t->armed = false; break;
    case ORDER_WATCH: watch(t, order->rule.pattern); break;
    case ORDER_SEEN_ON: reply.number = t->seen_on; break;
    case ORDER_ANCHORED_ON: reply.number = t->anchored ? t->anchored->number : 0; break;
    case ORDER_STRUCK_ON: reply.number = t->struck_on; break;
    case ORDER_STATUS:
    case ORDER_RELEASE:
    case ORDER_DROP:
        order_obey_on(known ? x->relays[order->number] : NULL, order->kind, &reply.status);
        break;
    case ORDER_REFUSE: x->refuse = order->number != 0; break;
    case ORDER_CUT_ALL: cut_all(x); break;
    case ORDER_AIM:
        reply.number = proxy_address_parse(&x->upstream, order->rule.pattern) ? 0 : -EINVAL;
        break;
    }
    return reply;
}

/* Obeys one order; false if the test is gone. */
static bool control_read(struct process *x)
{
    struct fault_order order;
    ssize_t n = recv(x->control, &order, sizeof(order), 0);
    if (n != (ssize_t)sizeof(order))
        return false;
    struct fault_reply reply = order_obey(x, &order);
    fault_trap_due(&x->trap);
    return send(x->control, &reply, sizeof(reply), MSG_NOSIGNAL) == (ssize_t)sizeof(reply);
}

/* --- connections ------------------------------------------------------------------------------ */

static void connection_take(struct process *x)
{
    int fd = proxy_accept(x->listener);
    if (fd < 0)
        return;
    int up = x->refuse || x->count + 1 >= CONNS_KNOWN_MAX ? -1 : proxy_connect(&x->upstream);
    if (up < 0) {
        struct linger now = {.l_onoff = 1, .l_linger = 0}; /* a reset */
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        close(fd);
        return;
    }
    x->count++;
    x->relays[x->count] = fault_relay_make(x->count, fd, up, &x->random);
    fault_trap_meet(&x->trap, x->relays[x->count]);
}

/* Everything of one connection that the last poll allows. */
static void connection_serve(struct process *x, struct fault_relay *r, const struct pollfd *fds)
{
    char bytes[READ_BYTES];
    for (int d = 0; d < 2; d++) {
        if ((fds[d].revents & POLLOUT) && r->fd[d] >= 0)
            fault_relay_push(r, !d);
        if ((fds[d].revents & (POLLIN | POLLHUP | POLLERR)) && r->fd[d] >= 0) {
            size_t n = fault_relay_read(r, d, bytes, sizeof(bytes));
            if (n > 0)
                fault_trap_bytes(&x->trap, r, d, bytes, n);
        }
        fault_trap_due(&x->trap);
    }
    fault_relay_settle(r);
}

/* --- the loop --------------------------------------------------------------------------------- */

/* Fills the poll table: control, listener, then two entries for each connection in `relays`. */
static nfds_t poll_table(struct process *x, struct pollfd *fds, struct fault_relay **relays)
{
    fds[0] = (struct pollfd){.fd = x->control, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = x->listener, .events = POLLIN};
    nfds_t n = 2;
    while (x->first_open < x->count && fault_relay_over(x->relays[x->first_open]))
        x->first_open++;
    for (int i = x->first_open; i <= x->count && n < 2 + 2 * CONNS_OPEN_MAX; i++) {
        struct fault_relay *r = x->relays[i];
        if (fault_relay_over(r))
            continue;
        relays[n] = r;
        for (int d = 0; d < 2; d++)
            fds[n++] = (struct pollfd){.fd = r->fd[d], .events = fault_relay_events(r, d)};
    }
    return n;
}

void fault_process_run(int control, int listener, const struct proxy_address *upstream,
                       uint64_t seed)
{
    static struct pollfd fds[2 + 2 * CONNS_OPEN_MAX];
    static struct fault_relay *relays[2 + 2 * CONNS_OPEN_MAX];
    struct process *x = calloc(1, sizeof(*x));
    assert(x);
    x->control = control;
    x->listener = listener;
    x->upstream = *upstream;
    x->random = seed ? seed : 1;
    x->first_open = 1;
    for (;;) {
        nfds_t n = poll_table(x, fds, relays);
        if (poll(fds, n, -1) < 0 && errno != EINTR)
            _exit(1);
        if (fds[0].revents && !control_read(x))
            _exit(0);
        if (fds[1].revents & POLLIN)
            connection_take(x);
        for (nfds_t i = 2; i < n; i += 2)
            connection_serve(x, relays[i], &fds[i]);
    }
}
