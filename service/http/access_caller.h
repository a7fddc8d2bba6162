/* access_caller.h -- who asks, as the access log says it.
 *
 * Layer: http, private to the server. All of it lies in the arena of the exchange, which may
 * outlive its connection.
 */
#pragma once

#include "str.h"

#include <stdbool.h>

struct access_caller {
    bool noted;        /* a line is wanted; else all the rest is absent */
    struct str key;    /* the id of the API key; absent: there was none */
    struct str tenant; /* its tenant */
    struct str address;
    struct str request_id, traceparent; /* as sent; absent: they were not */
};
