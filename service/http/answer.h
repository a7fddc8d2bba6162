/* answer.h -- status and header fields of an answer; its body is in a buf beside it.
 *
 * Layer: http.
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

enum content {
    CONTENT_NONE,
    CONTENT_JSON,
    CONTENT_PROBLEM,
    CONTENT_HTML,
    CONTENT_METRICS,
    CONTENT_EVENTS,
    CONTENTS
};

struct answer {
    unsigned status;
    enum content content;
    bool replayed;          /* Idempotent-Replayed: true */
    unsigned retry_after_s; /* 0: none */
    int64_t etag;           /* the item's version; 0: none */
    unsigned allow;         /* enum route_method, or'ed; 0: none */
    char location[64];      /* empty: none */
};

#endif
