/* handler.c -- libmicrohttpd's callbacks for one request: first checks, the body, and what is to
 * be done once all of it is here. */
#include "http/exchange.h"

#include "clock.h"
#include "http/headers.h"
#include "http/render.h"
#include "http/server_limits.h"
#include "stats.h"

#include <assert.h>
#include <sys/socket.h>

static enum MHD_Result each_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   size_t name_n, const char *value, size_t value_n)
{
    framing_add(cls, (struct str){name, name_n}, (struct str){value, value_n});
    return MHD_YES;
}

/* Answers now, before the body, and closes: what follows on the connection is not to be trusted,
 * or not worth waiting for. */
static enum MHD_Result refuse_now(struct exchange *x, enum problem_id problem, const char *detail)
{
    exchange_refuse(x, problem, detail);
    x->answer.close = true;
    x->answer.allow = problem == PROBLEM_METHOD_NOT_ALLOWED ? x->match.allowed : 0;
    x->state = EXCHANGE_ANSWERED;
    return exchange_send(x);
}

/* Notes a refusal that is answered once the body has gone by. */
static void refuse_later(struct exchange *x, enum problem_id problem, const char *detail)
{
    x->refused = true;
    x->refusal = (struct refusal){.problem = problem, .detail = detail};
}

/* Room that the library's pool must have left for the answer. A request that it took but whose
 * answer does not fit would be carried out and then cut off without a word. Its records of header
 * fields, cookies and query arguments are in the same pool. */
static bool headers_too_large(struct exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->conn, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    int records = MHD_get_connection_values(
        x->conn, MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND, NULL, NULL);
    size_t used = info ? info->header_size : SERVER_POOL_BYTES;
    used += x->framing.cookie_bytes + (size_t)records * SERVER_RECORD_BYTES;
    return records < 0 || used > SERVER_POOL_BYTES - SERVER_ANSWER_BYTES;
}

/* Answers past the library and closes: where it takes no answer, or has no room for one. Nothing
 * else is on its way to this client, as requests of a connection are served one by one. */
static enum MHD_Result cut_off(struct exchange *x, enum problem_id id)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct buf text;
    exchange_refuse(x, id, NULL);
    buf_init(&text, 4096);
    buf_printf(&text,
               "HTTP/1.1 %u %s\r\nConnection: close\r\n"
               "Content-Type: application/problem+json\r\nContent-Length: %zu\r\n\r\n",
               x->answer.status, problem_get(id)->title, x->out.n);
    buf_puts(&text, buf_str(&x->out));
    /* If the socket is full the client has not even read what it asked for before. */
    if (info && !text.failed)
        (void)!send(info->connect_fd, text.p, text.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    buf_free(&text);
    stats_request(x->match.id, x->answer.status, 0);
    return MHD_NO;
}

static void check_route(struct exchange *x)
{
    switch (x->match.verdict) {
    case ROUTE_MALFORMED:
        refuse_later(x, PROBLEM_MALFORMED_REQUEST, "the request target is no path");
        return;
    case ROUTE_UNKNOWN: refuse_later(x, PROBLEM_ROUTE_NOT_FOUND, NULL); return;
    case ROUTE_METHOD_NOT_ALLOWED: refuse_later(x, PROBLEM_METHOD_NOT_ALLOWED, NULL); return;
    case ROUTE_FOUND: break;
    }
    bool reads_body = x->match.method & (METHOD_POST | METHOD_PUT);
    if (x->framing.repeated)
        refuse_later(x, PROBLEM_MALFORMED_HEADER, "a header field comes twice");
    else if (reads_body && framing_has_body(&x->framing) && !str_absent(x->framing.content_type) &&
             !media_type_is_json(x->framing.content_type))
        refuse_later(x, PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL);
}

static enum MHD_Result begin(struct exchange *x, const char *method, const char *version)
{
    char *room = arena_alloc(&x->arena, x->target.n);
    x->started_us = clock_mono_us();
    x->state = EXCHANGE_READING;
    x->match = (struct route_match){.id = ROUTE_NONE};
    if (str_absent(x->target) || !room)
        return MHD_NO;
    MHD_get_connection_values_n(x->conn, MHD_HEADER_KIND, each_header, &x->framing);
    const char *fault = framing_fault(&x->framing, version);
    if (fault)
        return refuse_now(x, PROBLEM_MALFORMED_REQUEST, fault);
    if (headers_too_large(x))
        return cut_off(x, PROBLEM_HEADERS_TOO_LARGE);
    x->match = route_find(str_of(method), x->target, room);
    x->body_max = x->match.id == ROUTE_BATCH ? BATCH_BODY_MAX_BYTES : BODY_MAX_BYTES;
    check_route(x);
    if (x->framing.content_length > x->body_max)
        return x->refused ? refuse_now(x, x->refusal.problem, x->refusal.detail)
                          : refuse_now(x, PROBLEM_BODY_TOO_LARGE, NULL);
    return MHD_YES;
}

/* The library takes no answer in the middle of a body, so a chunked one that turns out too long is
 * read to its end, as far as that is bearable. */
static enum MHD_Result take_body(struct exchange *x, const char *data, size_t *n)
{
    x->received += *n;
    if (x->received > x->body_max && !x->refused)
        refuse_later(x, PROBLEM_BODY_TOO_LARGE, NULL);
    if (x->received > x->body_max + SERVER_DISCARD_BYTES)
        return cut_off(x, PROBLEM_BODY_TOO_LARGE);
    bool wanted = !x->refused && x->match.method & (METHOD_POST | METHOD_PUT);
    if (wanted)
        buf_put(&x->body, data, *n);
    if (x->body.failed)
        refuse_later(x, PROBLEM_OVERLOADED, "out of memory");
    *n = 0;
    return MHD_YES;
}

enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *conn, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *data_size, void **at)
{
    struct exchange *x = *at;
    if (!x)
        return MHD_NO;
    if (x->state == EXCHANGE_WAITING)
        return MHD_YES; /* polled: no answer yet */
    x->server->progress = true;
    if (x->state == EXCHANGE_NEW)
        return begin(x, method, version);
    if (*data_size > 0)
        return take_body(x, data, data_size);
    if (x->state == EXCHANGE_READING) {
        peer_move(x->server, x->peer, PEER_NONE);
        exchange_dispatch(x);
    }
    return x->state == EXCHANGE_ANSWERED ? exchange_send(x) : MHD_YES;
}
