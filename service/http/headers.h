/* headers.h -- the values of the header fields that mean something to us.
 *
 * Layer: http, pure.
 */
#ifndef HTTP_HEADERS_H
#define HTTP_HEADERS_H

#include "core/op.h"
#include "str.h"

/* 1 to 255 visible ASCII characters; surrounding double quotes are taken off. */
bool key_parse(struct str raw, struct str *key) __attribute__((warn_unused_result));

/* RFC 9110 section 8.8.3.2: If-Match compares strongly, so a weak tag matches nothing;
 * If-None-Match compares weakly, so that a proxy which weakened our tag still gets its 304. */
enum etag_comparison { ETAG_STRONG, ETAG_WEAK };

/* If-Match and If-None-Match: `*`, or a list of quoted tags. Only the decimal number of a version
 * is a tag of ours: foreign ones are well-formed and match nothing. An absent value gives
 * PRE_NONE. False: malformed, or more versions than PRE_VERSIONS_MAX. */
bool condition_parse(struct str raw, enum etag_comparison comparison,
                     struct op_condition *condition) __attribute__((warn_unused_result));

/* True if the condition names this version; `*` names every one. */
bool condition_names(const struct op_condition *condition, int64_t version);

/* RFC 9110's token: what a header field's name must be. */
bool token_valid(struct str text);

/* Whether a Content-Type is application/json or application/<something>+json. */
bool media_type_is_json(struct str value);

#endif
