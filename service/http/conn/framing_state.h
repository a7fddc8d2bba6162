/* framing_state.h -- where framing.h's machine stands, and its steps, for the files that it is made
 * of.
 *
 * Layer: http, private to framing*.c but for the room that a struct framing takes.
 */
#pragma once

#include "http/conn/host.h"
#include "http/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the states before BODY, those of heads and trailers, bytes lie in the library's pool. */
enum framing_state {
    METHOD,
    TARGET,
    VERSION,
    VERSION_LF,
    FIELD_START,
    NAME,
    BLANK, /* before a value */
    VALUE,
    VALUE_LF,
    HEAD_LF,
    BODY,
    SIZE, /* from here to DATA_LF: a body in chunks, framing_chunk.c */
    EXTENSION_NAME,
    EXTENSION_VALUE,
    EXTENSION_TOKEN,
    EXTENSION_QUOTED,
    EXTENSION_ESCAPED,
    EXTENSION_END,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    OVER,
    FAULTY,
    STATES
};

/* The header fields that count. */
enum framing_field {
    NO_FIELD,
    HOST,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    CONNECTION,
    COOKIE,
    FIELDS
};

/* What is known of the request being read. */
struct framing_request {
    bool old, absolute, query, trailer, closes, keeps, chunked, has_length;
    uint8_t hosts;
    size_t pool_bytes; /* that the library needs for what was read */
    unsigned extension_bytes;
    uint64_t left; /* of the body, or of a chunk */
};

struct framing {
    unsigned state; /* enum framing_state */
    uint8_t text_n, authority_n;
    char text[HOST_MAX_BYTES];      /* a field's name, then its value if that counts */
    char authority[HOST_MAX_BYTES]; /* of a target that is a whole address */
    /* Not beside the state: compared as one word they would wait for the byte just written. */
    unsigned index; /* what of the state's pattern was met */
    unsigned field; /* enum framing_field: the header field being read */
    struct framing_request is;
    unsigned long heads; /* read to their end */
    unsigned long whole; /* requests read to their end */
    enum problem_id problem;
    const char *fault; /* why the next byte is not taken; NULL: none was refused */
};

/* A byte in a state; the state behind it. */
typedef enum framing_state (*framing_step)(struct framing *f, unsigned char c);

/* The byte must not stand there. */
enum framing_state framing_refused(struct framing *f, const char *fault);

/* Behind a CR. */
enum framing_state framing_line_feed(struct framing *f, unsigned char c, enum framing_state next);

/* NO_FIELD: its value does not count. */
enum framing_field framing_field_of(struct str name);

/* At the end of a field with that value, which has no blanks before it: FIELD_START, or it must not
 * be. */
enum framing_state framing_end_field(struct framing *f, enum framing_field field, struct str value);

/* For SIZE to DATA_LF, but not for DATA, of which many bytes are taken at once. */
enum framing_state framing_chunk_step(struct framing *f, unsigned char c);

static inline bool framing_in_extension(const struct framing *f)
{
    return f->state >= EXTENSION_NAME && f->state <= EXTENSION_END;
}
