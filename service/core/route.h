/* route.h -- which resource a request line names.
 *
 * Layer: core, pure. Works on the raw target, still percent-encoded: a library that decodes first
 * makes `a%2Fb` look like two segments. Each segment is decoded once, after the split.
 */
#pragma once

#include "str.h"

enum route_id {
    ROUTE_ITEMS,
    ROUTE_ITEM,
    ROUTE_ADJUSTMENTS,
    ROUTE_DECREMENTS,
    ROUTE_TRANSFERS,
    ROUTE_MOVEMENTS,
    ROUTE_RESERVATIONS,
    ROUTE_RESERVATION,
    ROUTE_CONFIRM,
    ROUTE_RELEASE,
    ROUTE_EXTEND,
    ROUTE_BATCH,
    ROUTE_OPERATION,
    ROUTE_EVENTS,
    ROUTE_HEALTHZ,
    ROUTE_READYZ,
    ROUTE_METRICS,
    ROUTE_OPENAPI,
    ROUTE_PROBLEM,
    ROUTE_INDEX,
    ROUTE_NONE, /* no such resource; a route of its own so that it has metrics */
    ROUTES
};

enum route_method {
    METHOD_OTHER = 0,
    METHOD_GET = 1,
    METHOD_HEAD = 2,
    METHOD_POST = 4,
    METHOD_PUT = 8,
    METHOD_DELETE = 16,
};

enum route_verdict {
    ROUTE_FOUND,
    ROUTE_UNKNOWN,            /* 404 */
    ROUTE_METHOD_NOT_ALLOWED, /* 405: `allowed` says what is */
    ROUTE_MALFORMED,          /* 400: the target is no path, or an escape is broken */
};

struct route_match {
    enum route_verdict verdict;
    enum route_id id;         /* ROUTE_NONE when unknown or malformed */
    enum route_method method; /* HEAD stays HEAD */
    unsigned allowed;         /* enum route_method, or'ed */
    struct str param; /* the path's one parameter, decoded, in `room` or the target; absent: none */
    struct str query; /* raw, without the `?`; absent: none */
};

/* Looks a target up. room must hold target.n bytes; both live as long as `param` is read. */
struct route_match route_find(struct str method, struct str target, char *room);

/* A row of the table, for metrics, documents and tests. */
struct route_row {
    enum route_id id;
    const char *name;    /* label in metrics */
    const char *pattern; /* as in openapi.yaml: "/v1/items/{sku}" */
    unsigned methods;    /* HEAD is there wherever GET is, the events' excepted */
};
const struct route_row *route_row(enum route_id id);

/* The names of all routes, in the order of the ids. */
const char *const *route_names(void);

/* Writes "GET, HEAD, PUT" with a NUL. */
#define ROUTE_ALLOW_SIZE 40
void route_allow(unsigned methods, char out[ROUTE_ALLOW_SIZE]);

struct query_param {
    struct str name, value;
};

/* Splits and decodes a raw query (`+` is a blank). Returns the number of parameters, or -1 when an
 * escape is broken, a name comes twice or there are more than max. room must hold query.n bytes. */
int query_parse(struct str query, char *room, struct query_param *params, unsigned max) MUST_CHECK;
