/* front.h -- one request, from method and path to its answer.
 *
 * Layer: tests. No sockets here: the server (server.h) hands over what it received. Faults of the
 * connection show as a fate, which the server carries out.
 */
#pragma once

#include "shop/store.h"

#include <stddef.h>

#define FRONT_BODY_MAX (1u << 20)

struct front_request {
    const char *method, *path; /* the path without escapes */
    struct str body;
    const char *content_type, *key, *if_match, *if_none_match; /* headers, NULL when absent */
    const char *prefix, *cursor, *limit;                       /* arguments, the same */
};

enum fate {
    FATE_ANSWER,
    FATE_SLOW,  /* answer after a second */
    FATE_NEVER, /* neither answer nor close */
    FATE_CLOSE, /* close without an answer */
};

struct front {
    struct store store;
    bool metrics;      /* serve /metrics */
    uint64_t requests; /* of the contract: those about health are not counted */
};

/* Does what is asked for and fills the answer. */
enum fate front_handle(struct front *f, const struct front_request *r, struct answer *a) MUST_CHECK;
