/* framing_steps.h -- the states of framing.h's machine, shared by the files that it is made of.
 *
 * Layer: http, private to framing*.c.
 */
#ifndef HTTP_FRAMING_STEPS_H
#define HTTP_FRAMING_STEPS_H

#include "http/framing.h"

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

/* A byte in a state; the state behind it. */
typedef enum framing_state (*framing_step)(struct framing *f, unsigned char c);

/* The byte must not stand there. */
enum framing_state framing_refused(struct framing *f, const char *fault);

/* Behind a CR. */
enum framing_state framing_line_feed(struct framing *f, unsigned char c, enum framing_state next);

/* For SIZE to DATA_LF, but not for DATA, of which many bytes are taken at once. */
enum framing_state framing_chunk_step(struct framing *f, unsigned char c);

static inline bool framing_in_extension(const struct framing *f)
{
    return f->state >= EXTENSION_NAME && f->state <= EXTENSION_END;
}

#endif
