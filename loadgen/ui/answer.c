/* answer.c -- what the live page answers: a table of files, the newest document, a stream of them,
 * and refusals. */
#include "report/assets.h"
#include "ui/assets.h"
#include "ui/place.h"
#include "ui/server.h"

#include <string.h>

#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "  \
    "'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* In every answer, refusals too. */
static const struct {
    const char *name, *value;
} headers[] = {
    {"Content-Security-Policy", POLICY}, {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},  {"Cross-Origin-Resource-Policy", "same-origin"},
    {"X-Frame-Options", "DENY"},         {"Cache-Control", "no-store"},
};

enum content { CONTENT_FILE, CONTENT_DOCUMENT, CONTENT_EVENTS };

struct route {
    const char *path, *type;
    enum content content;
    const char *bytes, *end; /* of a file */
};

#define FILE_OF(name) CONTENT_FILE, name, name##_end
static const struct route routes[] = {
    {"/", "text/html; charset=utf-8", FILE_OF(ui_asset_index)},
    {"/ui.css", "text/css; charset=utf-8", FILE_OF(ui_asset_css)},
    {"/ui.js", "text/javascript; charset=utf-8", FILE_OF(ui_asset_live)},
    {"/chart.js", "text/javascript; charset=utf-8", FILE_OF(report_asset_chart)},
    {"/state", "application/json", CONTENT_DOCUMENT, NULL, NULL},
    {"/events", "text/event-stream", CONTENT_EVENTS, NULL, NULL},
};

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return NULL;
}

/* Takes the response over; NULL: there was no memory for it. */
static enum MHD_Result send_response(struct MHD_Connection *conn, unsigned status, const char *type,
                                     struct MHD_Response *response)
{
    bool ok = response && MHD_add_response_header(response, "Content-Type", type) == MHD_YES;
    for (size_t i = 0; ok && i < sizeof(headers) / sizeof(headers[0]); i++)
        ok = MHD_add_response_header(response, headers[i].name, headers[i].value) == MHD_YES;
    if (ok && status == MHD_HTTP_METHOD_NOT_ALLOWED)
        ok = MHD_add_response_header(response, "Allow", "GET, HEAD") == MHD_YES;
    enum MHD_Result result = ok ? MHD_queue_response(conn, status, response) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *response_of(struct str bytes, enum MHD_ResponseMemoryMode memory)
{
    return MHD_create_response_from_buffer(bytes.n, (void *)(uintptr_t)bytes.p, memory);
}

static enum MHD_Result answer_refused(struct MHD_Connection *conn, unsigned status, const char *why)
{
    return send_response(conn, status, "text/plain; charset=utf-8",
                         response_of(str_of(why), MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result send_document(struct ui_server *server, struct MHD_Connection *conn,
                                     const struct route *route)
{
    if (!server->newest)
        return answer_refused(conn, MHD_HTTP_SERVICE_UNAVAILABLE,
                              "The run has not said anything yet.\n");
    return send_response(conn, MHD_HTTP_OK, route->type,
                         response_of(frame_document(server->newest), MHD_RESPMEM_MUST_COPY));
}

static enum MHD_Result send_route(struct ui_server *server, struct MHD_Connection *conn,
                                  const struct route *route, bool head)
{
    struct str bytes = {route->bytes, (size_t)(route->end - route->bytes)};
    if (route->content == CONTENT_DOCUMENT)
        return send_document(server, conn, route);
    if (route->content == CONTENT_EVENTS && !head)
        return send_response(conn, MHD_HTTP_OK, route->type, ui_stream_response(server, conn));
    if (route->content == CONTENT_EVENTS)
        bytes = STR("");
    return send_response(conn, MHD_HTTP_OK, route->type,
                         response_of(bytes, MHD_RESPMEM_PERSISTENT));
}

enum MHD_Result ui_answer(void *ctx, struct MHD_Connection *conn, const char *url,
                          const char *method, const char *version, const char *upload,
                          size_t *upload_size, void **con_cls)
{
    struct ui_server *server = ctx;
    const char *host = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    const struct route *route = find_route(url);
    bool head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    if (!*con_cls) { /* the head was read; bodies are read and forgotten */
        *con_cls = server;
        server->requests++;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    if (!host || !ui_host_is_ours(str_of(host)))
        return answer_refused(
            conn, MHD_HTTP_MISDIRECTED_REQUEST,
            "This page is for this machine: ask for it as localhost or 127.0.0.1.\n");
    if (!route)
        return answer_refused(conn, MHD_HTTP_NOT_FOUND,
                              "There is nothing here; the page is at /.\n");
    if (!head && strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return answer_refused(conn, MHD_HTTP_METHOD_NOT_ALLOWED,
                              "This page only shows: GET or HEAD.\n");
    return send_route(server, conn, route, head);
}
