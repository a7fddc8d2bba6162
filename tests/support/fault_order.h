/* fault_order.h -- what the test tells the proxy of faultproxy.h, and what that replies.
 *
 * Layer: tests, private to faultproxy.c, which gives orders, and fault_process.c, which obeys them.
 * Each order and each reply is one packet of the control socket; the reply comes when the order is
 * in force.
 */
#pragma once

#include "support/faultproxy.h"

enum fault_order_kind {
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

struct fault_order {
    enum fault_order_kind kind;
    int number;             /* a connection, or a flag */
    struct fault_rule rule; /* its pattern is the text to watch for, or the upstream to aim at */
};

struct fault_reply {
    int number;
    struct fault_status status;
};
