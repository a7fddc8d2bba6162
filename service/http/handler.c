/* handler.c -- libmicrohttpd's callbacks for one request: first checks, the body, and what is to
 * be done once all of it is here. */
#include "http/access.h"
#include "http/exchange.h"

#include "clock.h"
#include "http/conn/host.h"
#include "http/headers.h"
#include "http/server_limits.h"
#include "log.h"

static enum MHD_Result each_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   size_t name_n, const char *value, size_t value_n)
{
    headers_add(cls, (struct str){name, name_n}, (struct str){value, value_n});
    return MHD_YES;
}

/* Notes a refusal that is answered once the body has gone by. The first one counts. */
static void note_refusal(struct exchange *x, const struct refusal *why)
{
    if (!x->refused)
        x->refusal = *why;
    x->refused = true;
}

static void refuse_later(struct exchange *x, enum problem_id problem, const char *detail)
{
    note_refusal(x, &(struct refusal){.problem = problem, .detail = detail});
}

/* Answers now and closes, as the body is not worth waiting for. */
static void refuse_now(struct exchange *x, const struct refusal *why)
{
    note_refusal(x, why);
    access_refused(x, &x->refusal);
    intake_reject(&x->client->intake, x->match.id, &x->refusal, &x->rate);
}

static void refuse_length(struct exchange *x)
{
    refuse_now(x, &(struct refusal){.problem = PROBLEM_BODY_TOO_LARGE});
}

/* --- who asks --------------------------------------------------------------------------------- */

/* A name that a browser was made to look up as this machine (DNS rebinding) is none of ours. The
 * last one that was found good is remembered: nearly all requests bring the same. */
static bool host_is_ours(struct http_server *server, struct str host)
{
    struct host parsed;
    if (!server->guards_host || str_absent(host) || str_equal(host, server->host_seen))
        return true;
    if (!host_parse(host, &parsed) ||
        !(host_is_loopback(parsed.name) || host_is_listed(parsed.name, server->allowed_hosts)))
        return false;
    memcpy(server->host_text, host.p, host.n); /* host_parse() bounds it */
    server->host_seen = (struct str){server->host_text, host.n};
    return true;
}

/* What a page of somebody else's can make a browser send without asking us first. */
static void check_caller(struct exchange *x)
{
    const struct headers *h = &x->headers;
    bool reads = x->match.method & (METHOD_GET | METHOD_HEAD);
    if (!host_is_ours(x->server, h->host))
        refuse_later(x, PROBLEM_FORBIDDEN,
                     "Host is neither a name of this machine nor in --allowed-hosts");
    else if (!reads && str_equal_caseless(h->fetch_site, STR("cross-site")))
        refuse_later(x, PROBLEM_FORBIDDEN, "Sec-Fetch-Site says that another site asks");
    else if (!reads && !str_absent(h->origin) && origin_is_foreign(h->origin, h->host))
        refuse_later(x, PROBLEM_FORBIDDEN, "Origin is not the address that Host names");
}

/* --- what is asked ---------------------------------------------------------------------------- */

/* A port without a store has no more than this. */
static bool is_served(const struct exchange *x)
{
    enum route_id id = x->match.id;
    return !x->server->health || id == ROUTE_HEALTHZ || id == ROUTE_READYZ || id == ROUTE_METRICS ||
           id == ROUTE_PROBLEM;
}

static void check_route(struct exchange *x)
{
    if (!is_served(x))
        refuse_later(x, PROBLEM_ROUTE_NOT_FOUND, "this port serves /healthz, /readyz and /metrics");
    switch (x->match.verdict) {
    case ROUTE_MALFORMED:
        refuse_later(x, PROBLEM_MALFORMED_REQUEST, "the request target is no path");
        return;
    case ROUTE_UNKNOWN: refuse_later(x, PROBLEM_ROUTE_NOT_FOUND, NULL); return;
    case ROUTE_METHOD_NOT_ALLOWED: refuse_later(x, PROBLEM_METHOD_NOT_ALLOWED, NULL); return;
    case ROUTE_FOUND: break;
    }
    if (x->headers.repeated)
        refuse_later(x, PROBLEM_MALFORMED_HEADER, "a header field comes twice");
}

/* A body without a type, or with one that a form can send, needs no leave to be sent from another
 * site's page. */
static void check_media_type(struct exchange *x)
{
    const struct headers *h = &x->headers;
    if (x->match.method & (METHOD_GET | METHOD_HEAD))
        return;
    if (!media_type_is_json(h->content_type) &&
        (h->has_body || media_type_is_form(h->content_type)))
        refuse_later(x, PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL);
}

static bool is_too_long(const struct exchange *x)
{
    return x->headers.content_length > x->body_max;
}

static void check_length(struct exchange *x)
{
    if (is_too_long(x))
        refuse_length(x);
}

/* Who may not ask is told so before a byte of the body is read. A client that only asks too often
 * keeps the connection, which would cost both sides more than to read past the body. */
static bool check_caller_may(struct exchange *x)
{
    struct refusal why;
    if (exchange_admit(x, &why))
        return true;
    bool stays = x->rate.slot && why.problem == PROBLEM_RATE_LIMITED && !is_too_long(x);
    if (x->headers.has_body && !stays)
        refuse_now(x, &why);
    else
        note_refusal(x, &why);
    return false;
}

/* --- libmicrohttpd ---------------------------------------------------------------------------- */

/* Its framing is not known: intake.h. A build that lets this happen must not serve. */
static enum MHD_Result refuse_unjudged(void)
{
    static struct log_gate gate;
    if (log_allowed(&gate, clock_mono_ms()))
        log_event(LOG_ERROR, "requests come past the check of their framing; none is served",
                  LOG_STR("right", "link libmicrohttpd dynamically, and export recv"));
    return MHD_NO;
}

static enum MHD_Result begin_request(struct exchange *x, const char *method)
{
    char *room = arena_alloc(&x->arena, x->target.n);
    x->started_us = clock_mono_us();
    x->state = EXCHANGE_READING;
    x->match = (struct route_match){.id = ROUTE_NONE};
    if (!intake_begin(&x->client->intake))
        return refuse_unjudged();
    if (str_absent(x->target) || !room)
        return MHD_NO;
    MHD_get_connection_values_n(x->conn, MHD_HEADER_KIND, each_header, &x->headers);
    x->match = route_find(str_of(method), x->target, room);
    x->body_max = x->match.id == ROUTE_BATCH ? BATCH_BODY_MAX_BYTES : BODY_MAX_BYTES;
    x->from = proxies_client(x->server->proxies, &x->client->from, &x->headers);
    access_begin(x);
    x->spent.traced = traceparent_read(x->headers.traceparent, x->spent.trace);
    if (x->server->traces_events)
        x->by.trace = request_times_trace(&x->spent);
    if (check_caller_may(x)) {
        check_caller(x);
        check_route(x);
        check_media_type(x);
        check_length(x);
    }
    exchange_recount(x);
    return MHD_YES;
}

/* The library takes no answer in the middle of a body, so a chunked one that turns out too long is
 * read to its end, as far as that is bearable. */
static void take_body(struct exchange *x, const char *data, size_t n)
{
    x->received += n;
    if (x->received > x->body_max + SERVER_DISCARD_BYTES) {
        refuse_length(x);
        return;
    }
    if (x->received > x->body_max)
        refuse_later(x, PROBLEM_BODY_TOO_LARGE, NULL);
    if (!x->refused && x->match.method & (METHOD_POST | METHOD_PUT) &&
        !exchange_put_body(x, data, n))
        refuse_later(x, PROBLEM_OVERLOADED, EXCHANGE_NO_ROOM);
    if (x->refused)
        exchange_drop_body(x);
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
        return begin_request(x, method);
    if (intake_lingers(&x->client->intake)) {
        bool more = *data_size > 0;
        *data_size = 0;
        return more ? MHD_YES : MHD_NO;
    }
    if (*data_size > 0) {
        take_body(x, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    if (x->state == EXCHANGE_READING) {
        client_conn_move(x->client, CONN_NONE);
        exchange_dispatch(x);
    }
    return x->state == EXCHANGE_ANSWERED ? exchange_send(x) : MHD_YES;
}

/* "::", which is nobody's, if the library does not know it. */
static struct ip address_of(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct ip ip;
    bool known = info && info->client_addr && ip_of_socket(&ip, info->client_addr);
    return known ? ip : (struct ip){{0}};
}

void exchange_notify(void *cls, struct MHD_Connection *conn, void **at,
                     enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = cls;
    struct client_conn *client = *at;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (client && client->exchange)
            exchange_end(client->exchange);
        client_conn_close(&server->clients, client);
        *at = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    int fd = info ? info->connect_fd : -1;
    const struct ip from = address_of(conn);
    /* None: exchange_begin() finds none either, and the connection ends. */
    *at = client_conn_open(&server->clients, fd, &from, handshakes_take(&server->handshakes, fd));
    if (!*at && server->tls) /* what comes is no HTTP, and an answer would not be read */
        shutdown(fd, SHUT_RDWR);
}
