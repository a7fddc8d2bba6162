/* front.c -- see front.h. */
#include "shop/front.h"

#include "shop/batch.h"
#include "shop/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define EXIT_PLANTED 3
#define TARGET_MAX   256 /* bytes of a path's variable part: an idempotency key is the longest */

struct route;

/* What a route's function works with. target is the variable part of the path. */
struct visit {
    struct front *f;
    const struct front_request *r;
    const struct route *route;
    const char *target;
    struct answer *a;
};

struct route {
    const char *method, *prefix, *suffix; /* prefix target suffix */
    bool has_target;                      /* without: the path is the prefix */
    enum op_kind kind;                    /* for serve_op */
    void (*serve)(struct visit *v);
};

static void serve_ok(struct visit *v)
{
    v->a->status = 200;
    PUT(&v->a->body, "{\"status\":\"ok\"}");
}

static void serve_ready(struct visit *v)
{
    v->a->status = 200;
    buf_printf(&v->a->body, "{\"status\":\"ready\",\"restores\":%" PRIu64 "}",
               v->f->store.restores);
}

static void serve_metrics(struct visit *v)
{
    const struct store *s = &v->f->store;
    if (!v->f->metrics) {
        answer_problem(v->a, PROBLEM_ROUTE_NOT_FOUND);
        return;
    }
    v->a->status = 200;
    buf_printf(&v->a->body,
               "# TYPE stockd_service_start_time_seconds gauge\n"
               "stockd_service_start_time_seconds{service=\"shop\"} 1\n"
               "# TYPE stockd_http_requests_total counter\n"
               "stockd_http_requests_total %" PRIu64 "\n"
               "# TYPE stockd_conflicts_total counter\nstockd_conflicts_total 0\n"
               "# TYPE stockd_batches_total counter\nstockd_batches_total %" PRIu64 "\n"
               "# TYPE stockd_batch_operations_total counter\n"
               "stockd_batch_operations_total %" PRIu64 "\n"
               "# TYPE stockd_reservations_expired_total counter\n"
               "stockd_reservations_expired_total %" PRIu64 "\n",
               v->f->requests, s->decided, s->decided, s->expired);
}

/* The body as an object; NULL after answering that it is none. */
static json_t *read_body(struct visit *v)
{
    if (v->r->body.n == 0)
        return json_object();
    json_t *body = json_loadb(v->r->body.p, v->r->body.n, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(body))
        return body;
    json_decref(body);
    answer_problem(v->a, PROBLEM_MALFORMED_JSON);
    return NULL;
}

static void serve_op(struct visit *v)
{
    struct op op;
    json_t *body = read_body(v);
    if (!body)
        return;
    if (op_read(&op, v->route->kind, v->target, body) && op_set_key(&op, v->r->key)) {
        op_set_conditions(&op, v->r->if_match, v->r->if_none_match);
        decide(&v->f->store, &op, v->a);
    } else {
        answer_invalid(v->a, op.field);
    }
    json_decref(body);
}

static void serve_batch(struct visit *v)
{
    json_t *body = read_body(v);
    if (!body)
        return;
    batch_run(&v->f->store, body, v->r->key, v->a);
    json_decref(body);
}

static void serve_item(struct visit *v)
{
    store_get_item(&v->f->store, v->target, v->a);
}

static void serve_items(struct visit *v)
{
    long limit = v->r->limit ? strtol(v->r->limit, NULL, 10) : 50;
    if (limit < 1 || limit > LIST_MAX)
        answer_invalid(v->a, "limit");
    else
        list_items(&v->f->store, v->r->prefix, v->r->cursor, (unsigned)limit, v->a);
}

static void serve_operation(struct visit *v)
{
    store_get_operation(&v->f->store, v->target, v->a);
}

/* clang-format off */
static const struct route routes[] = {
    {"GET",  "/healthz",           "",             false, OP_KINDS,     serve_ok},
    {"GET",  "/readyz",            "",             false, OP_KINDS,     serve_ready},
    {"GET",  "/metrics",           "",             false, OP_KINDS,     serve_metrics},
    {"POST", "/v1/batch",          "",             false, OP_KINDS,     serve_batch},
    {"POST", "/v1/reservations",   "",             false, OP_RESERVE,   serve_op},
    {"GET",  "/v1/reservations/",  "",             true,  OP_GET,       serve_op},
    {"POST", "/v1/reservations/",  "/confirm",     true,  OP_CONFIRM,   serve_op},
    {"POST", "/v1/reservations/",  "/release",     true,  OP_RELEASE,   serve_op},
    {"POST", "/v1/reservations/",  "/extend",      true,  OP_EXTEND,    serve_op},
    {"POST", "/v1/items/",         "/adjustments", true,  OP_ADJUST,    serve_op},
    {"POST", "/v1/items/",         "/decrements",  true,  OP_DECREMENT, serve_op},
    {"POST", "/v1/items/",         "/transfers",   true,  OP_TRANSFER,  serve_op},
    {"GET",  "/v1/items",          "",             false, OP_KINDS,     serve_items},
    {"PUT",  "/v1/items/",         "",             true,  OP_PUT,       serve_op},
    {"GET",  "/v1/items/",         "",             true,  OP_KINDS,     serve_item},
    {"DELETE", "/v1/items/",       "",             true,  OP_DELETE,    serve_op},
    {"GET",  "/v1/operations/",    "",             true,  OP_KINDS,     serve_operation},
};
/* clang-format on */
#define ROUTES (sizeof(routes) / sizeof(routes[0]))

/* Whether the path fits; its variable part goes to target. Only the key of an operation may hold a
 * slash. */
static bool path_fits(const struct route *route, const char *path, char target[TARGET_MAX])
{
    size_t prefix = strlen(route->prefix), suffix = strlen(route->suffix), n = strlen(path);
    target[0] = '\0';
    if (!route->has_target)
        return strcmp(path, route->prefix) == 0;
    if (n <= prefix + suffix || n - prefix - suffix >= TARGET_MAX ||
        strncmp(path, route->prefix, prefix) != 0 || strcmp(path + n - suffix, route->suffix) != 0)
        return false;
    snprintf(target, TARGET_MAX, "%.*s", (int)(n - prefix - suffix), path + prefix);
    return !strchr(target, '/') || route->serve == serve_operation;
}

static void serve(struct front *f, const struct front_request *r, struct answer *a)
{
    char target[TARGET_MAX];
    enum problem problem = PROBLEM_ROUTE_NOT_FOUND;
    for (size_t i = 0; i < ROUTES; i++) {
        if (!path_fits(&routes[i], r->path, target))
            continue;
        if (strcmp(routes[i].method, r->method) == 0) {
            struct visit v = {f, r, &routes[i], target, a};
            routes[i].serve(&v);
            return;
        }
        problem = PROBLEM_METHOD_NOT_ALLOWED;
    }
    answer_problem(a, problem);
}

/* --- faults of the connection ----------------------------------------------------------------- */

/* Those that keep the request from being done at all. True: the fate is settled. */
static bool stopped_before(struct front *f, const struct front_request *r, struct answer *a,
                           enum fate *fate)
{
    const struct fault_plan *plan = &f->store.faults;
    bool of_items = strncmp(r->path, "/v1/items/", 10) == 0 && strcmp(r->method, "POST") != 0;
    bool late = f->requests >= plan->every;
    *fate = FATE_ANSWER;
    if (plan->fault == FAULT_DIE && late)
        _exit(EXIT_PLANTED);
    if (plan->fault == FAULT_HANG && late) {
        *fate = FATE_NEVER;
        return true;
    }
    if (plan->fault == FAULT_ERROR_500 || (plan->fault == FAULT_ERROR_500_LOAD && !of_items)) {
        answer_problem(a, PROBLEM_INTERNAL_ERROR);
        return true;
    }
    return false;
}

/* Those that strike when it is done. */
static enum fate fate_after(struct fault_plan *plan, struct answer *a)
{
    if (fault_fires(plan, FAULT_HANG_SOME))
        return FATE_NEVER;
    if (fault_fires(plan, FAULT_RESET_SOME))
        return FATE_CLOSE;
    if (fault_fires(plan, FAULT_SLOW))
        return FATE_SLOW;
    if (a->status < 300 && fault_fires(plan, FAULT_GARBLED)) {
        buf_reset(&a->body);
        PUT(&a->body, "<html><body>It works!</body></html>\n");
    }
    twist_answer(plan, a);
    return FATE_ANSWER;
}

static bool is_json(const char *content_type)
{
    static const char json[] = "application/json";
    size_t n = sizeof(json) - 1;
    return content_type && strncasecmp(content_type, json, n) == 0 &&
           (content_type[n] == '\0' || content_type[n] == ';');
}

enum fate front_handle(struct front *f, const struct front_request *r, struct answer *a)
{
    enum fate fate;
    bool counts = strncmp(r->path, "/v1/", 4) == 0;
    answer_reset(a);
    f->requests += counts;
    if (counts && stopped_before(f, r, a, &fate))
        return fate;
    if (r->body.n > FRONT_BODY_MAX)
        answer_problem(a, PROBLEM_BODY_TOO_LARGE);
    else if (r->body.n > 0 && !is_json(r->content_type))
        answer_problem(a, PROBLEM_UNSUPPORTED_MEDIA_TYPE);
    else
        serve(f, r, a);
    return counts ? fate_after(&f->store.faults, a) : FATE_ANSWER;
}
