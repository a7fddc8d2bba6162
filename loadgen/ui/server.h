/* server.h -- the process that shows a run to browsers while it goes on.
 *
 * Layer: loadgen/ui. A child of the parent's pool of one: it gets documents as messages, keeps the
 * newest, and gives it to whoever asks, over libmicrohttpd with one thread. It cannot change
 * anything: nothing that a client sends goes anywhere. What a client costs is bounded: a number of
 * connections, one frame each, and a time without progress after which it is cut off.
 *
 * Invariant: a stream is on the list from its making until the library frees its answer, and a
 * stream that has all frames is suspended.
 */
#pragma once

#include "pool/pool.h"
#include "ui/frame.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* What the parent sends: a byte that says what follows. */
#define UI_MESSAGE_DOCUMENT 'D' /* a document of one line */
#define UI_MESSAGE_END      'E' /* nothing: no more will come, and it is time to leave */

struct ui_stream {
    struct ui_server *server;
    struct MHD_Connection *conn;
    struct frame *frame; /* that is being sent; NULL: none */
    size_t sent;         /* of it */
    uint64_t seen;       /* the number of the newest frame that it got */
    unsigned beat;       /* of the server, when it was last written to */
    bool started, suspended, told_end;
    TAILQ_ENTRY(ui_stream) link;
};

struct ui_server {
    struct MHD_Daemon *daemon;
    struct pool_child *parent;
    struct frame *newest; /* NULL: no document has come yet */
    struct frame *end;    /* the frame that ends a stream */
    uint64_t number;      /* of the newest */
    unsigned beat;        /* goes up when those who watch are to get a sign of life */
    bool ended;
    bool resumed;      /* the library has to be run for somebody */
    unsigned requests; /* that are being answered */
    TAILQ_HEAD(, ui_stream) streams;
};

/* For struct pool_slot_options with a handshake: arg is an int, the listening socket. */
int ui_server_run(struct pool_child *child, void *listen_fd);

/* The answer to GET /events, whose life ends with it; NULL: no memory. */
struct MHD_Response *ui_stream_response(struct ui_server *server, struct MHD_Connection *conn);

/* There is something new for all streams. */
void ui_stream_wake_all(struct ui_server *server);

/* Answers one request: for MHD_start_daemon, `server` is the struct ui_server. */
enum MHD_Result ui_answer(void *server, struct MHD_Connection *conn, const char *url,
                          const char *method, const char *version, const char *upload,
                          size_t *upload_size, void **con_cls);
