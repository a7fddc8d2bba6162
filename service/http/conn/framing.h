/* framing.h -- where a request begins and ends, judged on the bytes as they stand on the wire.
 *
 * Layer: http, pure. A request that two parsers could read in two ways lets a client smuggle one
 * past a proxy. So each byte is held against the one grammar that leaves no choice (RFC 9112, its
 * tolerances left out) before libmicrohttpd sees it:
 *
 *   method SP target SP HTTP/1.0|1.1 CRLF *(token ":" OWS value OWS CRLF) CRLF
 *
 * and behind it exactly the body that the head announces: Content-Length bytes, or chunks with
 * CRLF, sizes of up to eight digits and extensions of tokens or quoted strings.
 *
 *   METHOD TARGET VERSION ( NAME BLANK VALUE )* --+-- BODY ------------------------+-> METHOD
 *                                                 +-- ( SIZE EXTENSION DATA )* -> NAME ...
 * (trailer)
 *                                                 '-- (nothing) -------------------'
 *   behind a request that is the connection's last: OVER, where bytes count no more
 *
 * Invariant: bytes that were judged good are a sequence of whole requests and the beginning of one,
 * that fits into the library's pool (server_limits.h). The first that is not stops it for good.
 */
#pragma once

#include "http/conn/framing_state.h"

#include <stdbool.h>
#include <stddef.h>

/* A connection's beginning. */
void framing_init(struct framing *f);

/* Of n bytes: how many were read, and what of them is for the parser behind. */
struct framing_taken {
    size_t read;  /* fewer than n: fault says why the next is not taken, or it counts no more */
    size_t kept;  /* those read, moved to the front, but for the extensions of chunks */
    size_t whole; /* up to where those kept end a request; 0: none ends here */
};

/* Judges the next n bytes. Extensions mean nothing to us, and libmicrohttpd 1.0.1 cannot read them:
 * they are judged and cut out. */
void framing_take(struct framing *f, char *bytes, size_t n, struct framing_taken *taken);

/* Nothing that follows counts any more. */
void framing_close(struct framing *f);

bool framing_is_over(const struct framing *f);
