/* route.h -- which resource a request line names.
 *
 * Layer: core, pure. Works on the raw target, still percent-encoded: a library that decodes first
 * makes `a%2Fb` look like two segments. Each segment is decoded once, after the split.
 */
#pragma once

#include "core/access/role.h"
#include "str.h"

/* X(the members of struct route_row); READ is GET and HEAD. A new resource is a new row here and in
 * service/openapi.yaml; tests/unit/test_openapi.c compares them. The last is no such resource: a
 * route of its own so that it has metrics. Who may read and who may change things there is said
 * with each; what there is nothing of to allow is UNSET. */
/* clang-format off */
#define ROUTE_EACH(X) \
    X(ROUTE_ITEMS,        "items",        "/v1/items",                     READ,                              ROLE_READER,  ROLE_UNSET) \
    X(ROUTE_ITEM,         "item",         "/v1/items/{sku}",               READ | METHOD_PUT | METHOD_DELETE, ROLE_READER,  ROLE_STOCK) \
    X(ROUTE_ADJUSTMENTS,  "adjustments",  "/v1/items/{sku}/adjustments",   METHOD_POST,                       ROLE_UNSET,   ROLE_STOCK) \
    X(ROUTE_DECREMENTS,   "decrements",   "/v1/items/{sku}/decrements",    METHOD_POST,                       ROLE_UNSET,   ROLE_SELLER) \
    X(ROUTE_TRANSFERS,    "transfers",    "/v1/items/{sku}/transfers",     METHOD_POST,                       ROLE_UNSET,   ROLE_STOCK) \
    X(ROUTE_MOVEMENTS,    "movements",    "/v1/items/{sku}/movements",     READ,                              ROLE_READER,  ROLE_UNSET) \
    X(ROUTE_LEVELS,       "levels",       "/v1/items/{sku}/levels",        READ,                              ROLE_READER,  ROLE_UNSET) \
    X(ROUTE_RESERVATIONS, "reservations", "/v1/reservations",              READ | METHOD_POST,                ROLE_READER,  ROLE_SELLER) \
    X(ROUTE_RESERVATION,  "reservation",  "/v1/reservations/{id}",         READ,                              ROLE_READER,  ROLE_UNSET) \
    X(ROUTE_CONFIRM,      "confirm",      "/v1/reservations/{id}/confirm", METHOD_POST,                       ROLE_UNSET,   ROLE_SELLER) \
    X(ROUTE_RELEASE,      "release",      "/v1/reservations/{id}/release", METHOD_POST,                       ROLE_UNSET,   ROLE_SELLER) \
    X(ROUTE_EXTEND,       "extend",       "/v1/reservations/{id}/extend",  METHOD_POST,                       ROLE_UNSET,   ROLE_SELLER) \
    X(ROUTE_BATCH,        "batch",        "/v1/batch",                     METHOD_POST,                       ROLE_UNSET,   ROLE_READER) \
    X(ROUTE_OPERATION,    "operation",    "/v1/operations/{key}",          READ,                              ROLE_READER,  ROLE_UNSET) \
    X(ROUTE_EVENTS,       "events",       "/v1/events",                    METHOD_GET,                        ROLE_READER,  ROLE_UNSET) \
    X(ROUTE_SELF,         "self",         "/v1/self",                      READ,                              ROLE_READER,  ROLE_UNSET) \
    X(ROUTE_SERVICE,      "service",      "/v1/service",                   READ,                              ROLE_ADMIN,   ROLE_UNSET) \
    X(ROUTE_LIVE,         "live",         "/v1/live",                      READ,                              ROLE_READER,  ROLE_UNSET) \
    X(ROUTE_AUDITS,       "audits",       "/v1/audits",                    READ | METHOD_POST,                ROLE_ADMIN,   ROLE_ADMIN) \
    X(ROUTE_HEALTHZ,      "healthz",      "/healthz",                      READ,                              ROLE_ANYBODY, ROLE_UNSET) \
    X(ROUTE_READYZ,       "readyz",       "/readyz",                       READ,                              ROLE_ANYBODY, ROLE_UNSET) \
    X(ROUTE_METRICS,      "metrics",      "/metrics",                      READ,                              ROLE_READER,  ROLE_UNSET) \
    X(ROUTE_OPENAPI,      "openapi",      "/openapi.json",                 READ,                              ROLE_ANYBODY, ROLE_UNSET) \
    X(ROUTE_PROBLEM,      "problem",      "/problems/{name}",              READ,                              ROLE_ANYBODY, ROLE_UNSET) \
    X(ROUTE_INDEX,        "index",        "/",                             READ,                              ROLE_ANYBODY, ROLE_UNSET) \
    X(ROUTE_PAGE,         "page",         "/ui/{file}",                    READ,                              ROLE_ANYBODY, ROLE_UNSET) \
    X(ROUTE_NONE,         "none",         NULL,                            0,                                 ROLE_UNSET,   ROLE_UNSET)
/* clang-format on */

#define ROUTE_ID(id, ...) id,
enum route_id { ROUTE_EACH(ROUTE_ID) ROUTES };
#undef ROUTE_ID

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
    enum role reads;     /* the least role for GET and HEAD */
    enum role writes;    /* and for the others; in a batch each operation asks for its own */
};
const struct route_row *route_row(enum route_id id);

/* The least role that learns what the resource answers to the method, be it 404 or 405. */
enum role route_least(enum route_id id, enum route_method method);

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
