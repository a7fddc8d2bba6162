/* response.h -- an HTTP/1.1 response, parsed as its bytes come in.
 *
 * Layer: client, pure: bytes in, a response out, no descriptor and no heap (RFC 9112). The caller
 * owns one growing buffer per connection and tells how much of it is filled; the parser remembers
 * where it was, so no byte of a head is searched twice, and the buffer may move between two calls.
 * A chunked body is put together in place, right behind the head.
 *
 *   0 .. head_bytes                        status line and headers, CRLF CRLF included; 1xx
 *                                          answers before it count as part of it
 *   head_bytes .. head_bytes + body.n      the body, once RESPONSE_DONE
 *   consumed .. filled                     bytes of the next response
 *
 * Invariant: consumed <= filled; after RESPONSE_DONE body lies within 0 .. consumed. What comes out
 * does not depend on how the bytes were cut into pieces.
 */
#pragma once

#include "str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of status line and headers. Trailers, and a line with the size of a chunk, end within as
 * many. */
#define RESPONSE_HEAD_MAX (16 * 1024)

/* What the body is, by Content-Type: parameters do not count. */
enum response_content {
    CONTENT_UNSAID,
    CONTENT_JSON,    /* application/json, or another +json */
    CONTENT_PROBLEM, /* application/problem+json */
    CONTENT_OTHER,
};

enum response_state {
    RESPONSE_MORE, /* feed it again when more bytes came */
    RESPONSE_DONE,
    RESPONSE_GARBLED, /* not HTTP/1.x, or a body whose end two parsers could see differently */
};

struct response {
    uint16_t status;        /* 200..599 once DONE: interim 1xx answers are skipped */
    bool close;             /* the server will close (Connection: close, HTTP/1.0) */
    bool replayed;          /* Idempotent-Replayed: true */
    uint32_t retry_after_s; /* 0: none, or a date */
    enum response_content content;
    struct str etag, location; /* views as body; absent when not said */
    struct str body;           /* view into the caller's buffer; absent before DONE */
    size_t consumed;           /* bytes of the buffer that belong to this response; 0 before DONE */

    /* Below: of the parser. */
    int step;
    size_t at;      /* bytes looked at */
    size_t line;    /* where the line that is being looked for begins */
    size_t section; /* where the head, the line of a chunk or the trailers begin */
    size_t head_bytes;
    size_t body_at; /* where the next body byte goes */
    uint64_t left;  /* of the body, or of the chunk */
    bool has_length, chunked, until_close;
    bool http_1_0, says_close, says_keep_alive;
    struct response_place {
        size_t at, n; /* n 0: not said */
    } etag_place, location_place;
};

/* Before the first byte of a response. */
void response_reset(struct response *r);

/* bytes[0 .. filled) is all that came so far; the same prefix as in the call before, but for what
 * this function moved itself. May write to it (chunked bodies). DONE and GARBLED stay. */
enum response_state response_feed(struct response *r, char *bytes, size_t filled) MUST_CHECK;

/* The connection ended in good order: DONE when the body had no length of its own and ends here, or
 * when it was DONE before; GARBLED when something is missing. */
enum response_state response_end(struct response *r, char *bytes, size_t filled) MUST_CHECK;

/* How many more bytes the response needs at least, as far as is known: for growing the buffer. 0
 * once it is DONE or GARBLED, else 1 or more; below 2^63 together with `filled`. */
size_t response_wants(const struct response *r, size_t filled);

/* --- what one line of a head says, for response.c: response_head.c --- */

/* Lengths end here, so that no sum of them with places in a buffer can overflow. */
#define RESPONSE_LENGTH_MAX ((uint64_t)1 << 62)

/* The status line, without its CRLF: also forgets what an interim answer before it said. False when
 * it is none of HTTP/1.x, or not of a status that can be answered here. */
bool response_head_status(struct response *r, struct str line) MUST_CHECK;

/* A header line, without its CRLF and not empty; it lies in bytes, where the response begins. False
 * when it is none, or frames the body in a way that cannot be followed. */
bool response_head_field(struct response *r, const char *bytes, struct str line) MUST_CHECK;
