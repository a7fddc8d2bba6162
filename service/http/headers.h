/* headers.h -- the values of the header fields that mean something to us.
 *
 * Layer: http, pure.
 */
#pragma once

#include "core/op.h"
#include "str.h"

#define HEADER_LINES_MAX 8

/* Those of a field that may come several times, in their order; of more, the last ones. */
struct header_lines {
    struct str lines[HEADER_LINES_MAX];
    unsigned count;
};

/* What a request says besides its path and body; views into the library's memory. */
struct headers {
    struct str host, origin, fetch_site, content_type; /* absent: not sent */
    struct str key, if_match, if_none_match, authorization;
    struct str request_id, traceparent; /* passed on to the access log; of several the last */
    struct header_lines x_forwarded_for, forwarded;
    uint64_t content_length;
    bool has_body; /* one was announced */
    bool repeated; /* a field of ours came twice */
};

/* Notes one header field of a head that framing.h has judged. */
void headers_add(struct headers *headers, struct str name, struct str value);

/* 1 to 255 visible ASCII characters; surrounding double quotes are taken off. */
bool key_parse(struct str raw, struct str *key) MUST_CHECK;

/* RFC 9110 section 8.8.3.2: If-Match compares strongly, so a weak tag matches nothing;
 * If-None-Match compares weakly, so that a proxy which weakened our tag still gets its 304. */
enum etag_comparison { ETAG_STRONG, ETAG_WEAK };

/* If-Match and If-None-Match: `*`, or a list of quoted tags. Only the decimal number of a version
 * is a tag of ours: foreign ones are well-formed and match nothing. An absent value gives
 * PRE_NONE. False: malformed, or more versions than PRE_VERSIONS_MAX. */
bool condition_parse(struct str raw, enum etag_comparison comparison,
                     struct op_condition *condition) MUST_CHECK;

/* True if the condition names this version; `*` names every one. */
bool condition_names(const struct op_condition *condition, int64_t version);

/* The characters of RFC 9110's token (section 5.6.2), of which names of header fields are made. */
extern const bool token_chars[256];

/* Whether a Content-Type is application/json, with or without parameters. */
bool media_type_is_json(struct str value);

/* Whether it is one of the three that a browser sends across origins without asking first (an HTML
 * form's enctype; https://fetch.spec.whatwg.org/#cors-safelisted-request-header). */
bool media_type_is_form(struct str value);
