#include "http/exchange.h"

#include "clock.h"
#include "http/answer/render.h"
#include "http/server_limits.h"
#include "stats.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BLOCK_BYTES 4096
#define ARENA_MAX_BYTES                                                                            \
    (48u << 20) /* a thousand operations and their results, several times over */
#define OUT_MAX_BYTES (64u << 20)
#define BLOCK_BYTES   4096 /* of a stream, for a client that the library sends no chunks to */
#define KEEP_BYTES    4096 /* of a buffer, when its exchange is spare */
#define SPARE_MAX     1024

static struct exchange *exchange_new(struct http_server *server)
{
    struct exchange *x = server->spare;
    if (x) {
        server->spare = x->next;
        server->spare_count--;
        x->next = NULL;
        return x;
    }
    x = calloc(1, sizeof(*x));
    if (!x)
        return NULL;
    x->server = server;
    arena_init(&x->arena, ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    buf_init(&x->body, BATCH_BODY_MAX_BYTES);
    buf_init(&x->out, OUT_MAX_BYTES);
    return x;
}

void exchange_free(struct exchange *x)
{
    arena_free(&x->arena);
    buf_free(&x->body);
    buf_free(&x->out);
    free(x);
}

static void keep_small(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_free(b);
    buf_reset(b);
}

/* Puts an exchange that is over aside for the next request. */
static void recycle(struct exchange *x)
{
    struct http_server *server = x->server;
    assert(x->pending == 0);
    exchange_let_go(x);
    if (server->stopped || server->spare_count >= SPARE_MAX) {
        exchange_free(x);
        return;
    }
    arena_reset(&x->arena);
    keep_small(&x->body);
    keep_small(&x->out);
    x->conn = NULL;
    x->client = NULL;
    x->prev = NULL;
    x->state = EXCHANGE_NEW;
    x->orphan = x->refused = x->mute = false;
    x->received = 0;
    x->fixed = (struct str){NULL, 0};
    x->work = NULL;
    x->batch = NULL;
    x->headers = (struct headers){0};
    x->caller = (struct access_caller){0};
    x->by = (struct requester){.owner = {NULL, 0}};
    x->rate = (struct rate){0};
    x->kept.slot = NULL;
    x->op.op.key = (struct str){NULL, 0};
    x->next = server->spare;
    server->spare = x;
    server->spare_count++;
}

void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *conn)
{
    struct http_server *server = cls;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client_conn *client = info ? info->socket_context : NULL;
    struct exchange *x = client ? exchange_new(server) : NULL;
    if (!x)
        return NULL; /* out of memory: exchange_handle() closes the connection */
    /* A request that the library itself refuses is never completed: it ends with its connection in
     * exchange_notify(), or here should the library ever go on. */
    if (client->exchange)
        exchange_end(client->exchange);
    client->exchange = x;
    request_times_begin(&x->spent);
    x->conn = conn;
    x->client = client;
    /* The library decodes the URI in place after this call. */
    x->target = arena_str(&x->arena, str_of(uri));
    return x;
}

static void begin_waiting(struct exchange *x)
{
    struct http_server *server = x->server;
    assert(x->state == EXCHANGE_READING);
    x->state = EXCHANGE_WAITING;
    x->prev = NULL;
    x->next = server->waiting;
    if (x->next)
        x->next->prev = x;
    server->waiting = x;
}

void exchange_wait(struct exchange *x)
{
    begin_waiting(x);
    x->polled = x->server->polled < SERVER_POLLED_MAX;
    if (x->polled)
        x->server->polled++;
    else
        MHD_suspend_connection(x->conn);
}

void exchange_wait_long(struct exchange *x)
{
    begin_waiting(x);
    x->polled = false;
    MHD_suspend_connection(x->conn);
}

/* Takes it off the list of those that wait. */
static void stop_waiting(struct exchange *x)
{
    struct http_server *server = x->server;
    assert(x->state == EXCHANGE_WAITING);
    if (x->prev)
        x->prev->next = x->next;
    else
        server->waiting = x->next;
    if (x->next)
        x->next->prev = x->prev;
    x->prev = x->next = NULL;
    if (x->polled) {
        assert(server->polled > 0);
        server->polled--;
        x->polled = false;
    }
}

void exchange_end(struct exchange *x)
{
    exchange_note_slow(x);
    if (x->work)
        x->work->gone(x);
    if (x->state == EXCHANGE_WAITING)
        stop_waiting(x);
    x->state = EXCHANGE_ANSWERED;
    x->conn = NULL;
    x->client = NULL;
    if (x->pending > 0) { /* the store still points into it */
        x->orphan = true;
        x->server->orphans++;
        return;
    }
    recycle(x);
}

/* Its connection is gone, and now the store is done with it as well. */
static void bury_orphan(struct exchange *x)
{
    struct http_server *server = x->server;
    assert(server->orphans > 0 && x->pending == 0);
    server->orphans--;
    recycle(x);
    server_release(server);
}

bool exchange_is_vital(const struct exchange *x)
{
    return x->match.id == ROUTE_HEALTHZ || x->match.id == ROUTE_READYZ ||
           x->match.id == ROUTE_METRICS;
}

/* A problem document that needs no memory. */
#define LAST_RESORT                                                                                \
    "{\"type\":\"/problems/overloaded\",\"title\":\"Out of memory\",\"status\":503,"               \
    "\"detail\":\"there is no memory for the answer\"}"

bool answer_is_refusal(const struct answer *answer)
{
    return (answer->status >= 400 && answer->status < 500) || answer->status == 503;
}

/* An answer that found no memory, or finds no room in the budget. What has changed nothing can be
 * refused. Anything else has perhaps happened, and has its room already: nothing that needs no
 * memory would be true of it, so its client gets no answer, as if the connection had broken. */
static void check_room(struct exchange *x)
{
    bool reads = x->match.method & (METHOD_GET | METHOD_HEAD);
    bool refusable = reads || answer_is_refusal(&x->answer);
    bool crowded = reads && !exchange_is_vital(x) && !exchange_hold(x, 0);
    if (refusable && (x->out.failed || crowded)) {
        buf_free(&x->out);
        exchange_refuse(x, PROBLEM_OVERLOADED, EXCHANGE_NO_ROOM);
    }
    if (x->out.failed && refusable)
        x->fixed = STR(LAST_RESORT);
    x->mute |= x->out.failed && !refusable;
    exchange_recount(x);
}

void exchange_answered(struct exchange *x)
{
    if (x->orphan) {
        if (x->pending == 0)
            bury_orphan(x);
        return;
    }
    check_room(x);
    if (x->state == EXCHANGE_WAITING) {
        bool suspended = !x->polled;
        stop_waiting(x);
        x->server->resumed = true;
        if (suspended)
            MHD_resume_connection(x->conn);
    }
    x->state = EXCHANGE_ANSWERED;
}

void exchange_refuse_with(struct exchange *x, const struct refusal *why)
{
    x->answer = (struct answer){0};
    buf_reset(&x->out);
    render_refusal(why, &x->answer, &x->out);
    if (why->problem == PROBLEM_METHOD_NOT_ALLOWED)
        x->answer.allow = x->match.allowed;
}

void exchange_answer_refusal(struct exchange *x, const struct refusal *why)
{
    exchange_refuse_with(x, why);
    exchange_answered(x);
}

void exchange_refuse(struct exchange *x, enum problem_id problem, const char *detail)
{
    struct refusal why = {.problem = problem, .detail = detail};
    exchange_refuse_with(x, &why);
}

static bool add_rate(const struct rate *rate, struct MHD_Response *response)
{
    char policy[RATE_FIELD_SIZE], state[RATE_FIELD_SIZE];
    rate_put_policy(rate, policy);
    rate_put_state(rate, state);
    return MHD_add_response_header(response, RATE_POLICY, policy) == MHD_YES &&
           MHD_add_response_header(response, RATE_STATE, state) == MHD_YES;
}

/* With what a browser is told that a page of ours takes everything from here, is shown in nobody
 * else's, and runs nothing that stands in it: so a text of somebody else's that gets into it does
 * nothing. */
static bool add_page_fields(struct MHD_Response *response)
{
    static const char *const fields[][2] = {
        {"Cache-Control", "no-cache"},
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
         "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        ok &= MHD_add_response_header(response, fields[i][0], fields[i][1]) == MHD_YES;
    return ok;
}

static bool add_headers(const struct exchange *x, struct MHD_Response *response)
{
    static const char *const types[CONTENTS] = {
        [CONTENT_JSON] = "application/json",
        [CONTENT_PROBLEM] = "application/problem+json",
        [CONTENT_HTML] = "text/html; charset=utf-8",
        [CONTENT_METRICS] = "text/plain; version=0.0.4",
        [CONTENT_EVENTS] = "text/event-stream",
        [CONTENT_CSS] = "text/css; charset=utf-8",
        [CONTENT_SCRIPT] = "text/javascript; charset=utf-8",
        [CONTENT_SVG] = "image/svg+xml",
    };
    const struct answer *a = &x->answer;
    char text[ROUTE_ALLOW_SIZE];
    bool ok = true;
    if (types[a->content])
        ok &= MHD_add_response_header(response, "Content-Type", types[a->content]) == MHD_YES;
    if (a->etag > 0) {
        snprintf(text, sizeof(text), "\"%lld\"", (long long)a->etag);
        ok &= MHD_add_response_header(response, "ETag", text) == MHD_YES;
    }
    if (a->location[0])
        ok &= MHD_add_response_header(response, "Location", a->location) == MHD_YES;
    if (a->page)
        ok &= add_page_fields(response);
    if (a->replayed)
        ok &= MHD_add_response_header(response, "Idempotent-Replayed", "true") == MHD_YES;
    if (a->retry_after_s > 0) {
        snprintf(text, sizeof(text), "%u", a->retry_after_s);
        ok &= MHD_add_response_header(response, "Retry-After", text) == MHD_YES;
    }
    if (a->status == 401)
        ok &= MHD_add_response_header(response, "WWW-Authenticate", RENDER_CHALLENGE) == MHD_YES;
    if (x->rate.slot)
        ok &= add_rate(&x->rate, response);
    if (a->allow) {
        route_allow(a->allow, text);
        ok &= MHD_add_response_header(response, "Allow", text) == MHD_YES;
    }
    if (x->server->draining)
        ok &= MHD_add_response_header(response, "Connection", "close") == MHD_YES;
    return ok;
}

/* NULL: out of memory. */
static struct MHD_Response *stream_of(struct exchange *x)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, x->work->stream, x, NULL);
    /* nginx gathers an answer before it passes it on, unless it is told. */
    bool ok = response &&
              MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
              MHD_add_response_header(response, "X-Accel-Buffering", "no") == MHD_YES;
    if (ok)
        return response;
    MHD_destroy_response(response);
    return NULL;
}

/* The bytes outlive the response: they are the exchange's until exchange_completed. */
static struct MHD_Response *body_of(const struct exchange *x)
{
    struct str body = str_absent(x->fixed) ? buf_str(&x->out) : x->fixed;
    return MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)body.p,
                                           MHD_RESPMEM_PERSISTENT);
}

enum MHD_Result exchange_send(struct exchange *x)
{
    x->spent.answered_us = clock_mono_us();
    int64_t us = x->spent.answered_us - x->started_us;
    if (x->mute)
        return MHD_NO;
    struct MHD_Response *response = x->work && x->work->stream ? stream_of(x) : body_of(x);
    if (!response)
        return MHD_NO;
    enum MHD_Result sent = MHD_NO;
    if (add_headers(x, response))
        sent = MHD_queue_response(x->conn, x->answer.status, response);
    MHD_destroy_response(response);
    client_conn_move(x->client, CONN_WRITING);
    if (x->server->draining)
        intake_last(&x->client->intake);
    if (sent == MHD_YES)
        stats_request(x->match.id, x->answer.status, us > 0 ? (uint64_t)us : 0);
    return sent;
}

void exchange_completed(void *cls, struct MHD_Connection *conn, void **at,
                        enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *at;
    if (!x)
        return;
    *at = NULL;
    struct client_conn *client = x->client;
    x->server->progress = true; /* the library may have the next request at hand already */
    client->exchange = NULL;
    if (!intake_lingers(&client->intake))
        client_conn_move(client, CONN_IDLE);
    exchange_end(x);
    intake_answered(&client->intake);
}
