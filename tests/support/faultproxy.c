/* faultproxy.c -- see faultproxy.h. This is the test's side; the proxy's own process runs
 * fault_process.c. */
#include "support/faultproxy.h"
#include "support/fault_order.h"
#include "support/fault_process.h"
#include "support/proxy_process.h"
#include "support/proxy_socket.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listener_open(void)
{
    struct proxy_address any;
    bool parsed = proxy_address_parse(&any, "redis://127.0.0.1:0");
    assert(parsed);
    return proxy_listen(&any);
}

int fault_proxy_start(struct fault_proxy *p, const char *upstream, uint64_t seed)
{
    enum { CONTROL, LISTENER };
    *p = (struct fault_proxy){.control = -1};
    struct proxy_address address;
    if (!proxy_address_parse(&address, upstream))
        return -EINVAL;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    int theirs[] = {[CONTROL] = ends[1], [LISTENER] = listener_open()};
    int err = theirs[LISTENER] < 0 ? theirs[LISTENER] : 0;
    if (!err) {
        p->port = proxy_port(theirs[LISTENER]);
        p->pid = proxy_process_start(theirs, 2);
        if (p->pid == 0)
            fault_process_run(theirs[CONTROL], theirs[LISTENER], &address, seed);
        err = p->pid < 0 ? -errno : 0;
        close(theirs[LISTENER]);
    }
    close(ends[1]);
    if (err) {
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
    proxy_process_end(p->pid);
    *p = (struct fault_proxy){.control = -1};
}

/* Gives an order and waits until it is obeyed. */
static struct fault_reply order_give(struct fault_proxy *p, const struct fault_order *order)
{
    struct fault_reply reply;
    ssize_t sent = send(p->control, order, sizeof(*order), MSG_NOSIGNAL);
    assert(sent == (ssize_t)sizeof(*order));
    ssize_t got = recv(p->control, &reply, sizeof(reply), 0);
    assert(got == (ssize_t)sizeof(reply));
    return reply;
}

static struct fault_reply order_simple(struct fault_proxy *p, enum fault_order_kind kind,
                                       int number)
{
    struct fault_order order = {.kind = kind, .number = number};
    return order_give(p, &order);
}

void fault_proxy_arm(struct fault_proxy *p, const struct fault_rule *rule)
{
    assert((rule->anchor == FAULT_AT_ARMING) == (*rule->pattern == '\0'));
    struct fault_order order = {.kind = ORDER_ARM, .rule = *rule};
    order_give(p, &order);
}

void fault_proxy_disarm(struct fault_proxy *p)
{
    order_simple(p, ORDER_DISARM, 0);
}

void fault_proxy_watch(struct fault_proxy *p, const char *text)
{
    struct fault_order order = {.kind = ORDER_WATCH};
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
    struct fault_order order = {.kind = ORDER_AIM};
    if (strlen(upstream) >= sizeof(order.rule.pattern))
        return -EINVAL;
    snprintf(order.rule.pattern, sizeof(order.rule.pattern), "%s", upstream);
    return order_give(p, &order).number;
}
