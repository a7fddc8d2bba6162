/* framing.h -- the header fields of a request, and whether it can be read in two ways.
 *
 * Layer: http, pure. libmicrohttpd lets several ambiguous requests through; a proxy in front of us
 * may read them otherwise, and then a part of one request becomes another (request smuggling).
 */
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include "str.h"

struct framing {
    unsigned hosts, content_lengths, transfer_encodings;
    bool chunked;    /* the last Transfer-Encoding was the one word */
    bool bad_name;   /* a name that is no token */
    bool bad_length; /* a Content-Length that is no plain number */
    bool repeated;   /* a field of ours came twice */
    uint64_t content_length;
    size_t cookie_bytes;                                   /* the library keeps a copy of them */
    struct str key, if_match, if_none_match, content_type; /* absent: not sent */
};

/* Notes one header field; the views must outlive the framing. */
void framing_add(struct framing *f, struct str name, struct str value);

/* NULL, or why the request is refused. version as in "HTTP/1.1". */
const char *framing_fault(const struct framing *f, const char *version);

/* True if a body was announced. */
bool framing_has_body(const struct framing *f);

#endif
