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
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include "http/host.h"
#include "http/problem.h"
#include "str.h"

struct framing {
    unsigned state; /* enum framing_state */
    uint8_t text_n, authority_n;
    char text[HOST_MAX_BYTES];      /* a field's name, then its value if that counts */
    char authority[HOST_MAX_BYTES]; /* of a target that is a whole address */
    /* Not beside the state: compared as one word they would wait for the byte just written. */
    unsigned index; /* what of the state's pattern was met */
    unsigned field; /* the header field being read, if it is one that counts */
    struct {        /* of the request being read */
        bool old, absolute, query, trailer, closes, keeps, chunked, has_length;
        uint8_t hosts;
        size_t pool_bytes; /* that the library needs for what was read */
        unsigned extension_bytes;
        uint64_t left; /* of the body, or of a chunk */
    } is;
    unsigned long heads; /* read to their end */
    unsigned long whole; /* requests read to their end */
    enum problem_id problem;
    const char *fault; /* why the next byte is not taken; NULL: none was refused */
};

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

/* True between the first byte of a request and its last. */
bool framing_is_inside(const struct framing *f);

#endif
