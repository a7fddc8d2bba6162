/* response.c -- one small function for each step of a response. */
#include "client/response.h"
#include "digits.h"

#include <assert.h>

#define LAST_CHUNK_BYTES 5 /* 0 CRLF CRLF */

/* Each takes what it can. True when the next step is to go on; false when more bytes must come, or
 * when it is over. */
#define EACH_STEP(X)                                                                               \
    X(STEP_STATUS, step_status)                                                                    \
    X(STEP_HEADERS, step_headers)                                                                  \
    X(STEP_SIZED, step_sized)                                                                      \
    X(STEP_UNTIL_CLOSE, step_until_close)                                                          \
    X(STEP_CHUNK_SIZE, step_chunk_size)                                                            \
    X(STEP_CHUNK_DATA, step_chunk_data)                                                            \
    X(STEP_CHUNK_END, step_chunk_end)                                                              \
    X(STEP_TRAILERS, step_trailers)                                                                \
    X(STEP_DONE, step_over)                                                                        \
    X(STEP_GARBLED, step_over)

#define STEP_ID(id, take) id,
enum step { EACH_STEP(STEP_ID) STEPS };

enum line_state { LINE_MORE, LINE_WHOLE, LINE_BROKEN };

static bool garbled(struct response *r)
{
    r->step = STEP_GARBLED;
    return false;
}

/* The line that begins at r->line, without its CRLF. A line feed or a carriage return alone is
 * refused: some take it for the end of a line, some do not. */
static enum line_state read_head_line(struct response *r, const char *bytes, size_t filled,
                                      struct str *line)
{
    size_t limit = r->section + RESPONSE_HEAD_MAX;
    size_t seen = filled < limit ? filled : limit;
    assert(r->section <= r->line && r->line <= r->at && r->at <= seen);
    const char *lf = memchr(bytes + r->at, '\n', seen - r->at);
    if (!lf) {
        r->at = seen;
        return seen == limit ? LINE_BROKEN : LINE_MORE;
    }
    const char *start = bytes + r->line;
    if (lf == start || lf[-1] != '\r')
        return LINE_BROKEN;
    *line = (struct str){start, (size_t)(lf - 1 - start)};
    r->at = r->line = (size_t)(lf + 1 - bytes);
    return memchr(start, '\r', line->n) ? LINE_BROKEN : LINE_WHOLE;
}

static bool step_status(struct response *r, char *bytes, size_t filled)
{
    struct str line;
    enum line_state state = read_head_line(r, bytes, filled, &line);
    if (state == LINE_MORE)
        return false;
    if (state == LINE_BROKEN || !response_head_status(r, line))
        return garbled(r);
    r->step = STEP_HEADERS;
    return true;
}

static bool end_head(struct response *r)
{
    if (r->chunked && (r->has_length || r->http_1_0))
        return garbled(r);
    if (r->status < 200) {
        r->step = STEP_STATUS;
        return true;
    }
    r->head_bytes = r->body_at = r->section = r->at;
    bool no_body = r->status == 204 || r->status == 304;
    if (no_body)
        r->left = 0;
    r->until_close = !no_body && !r->chunked && !r->has_length;
    r->close = r->until_close || r->says_close || (r->http_1_0 && !r->says_keep_alive);
    r->step = r->until_close           ? STEP_UNTIL_CLOSE
              : r->chunked && !no_body ? STEP_CHUNK_SIZE
                                       : STEP_SIZED;
    return true;
}

static bool step_headers(struct response *r, char *bytes, size_t filled)
{
    struct str line;
    enum line_state state;
    while ((state = read_head_line(r, bytes, filled, &line)) == LINE_WHOLE) {
        if (line.n == 0)
            return end_head(r);
        if (!response_head_field(r, bytes, line))
            return garbled(r);
    }
    return state == LINE_BROKEN ? garbled(r) : false;
}

static bool step_sized(struct response *r, char *bytes, size_t filled)
{
    if (filled - r->head_bytes < r->left) {
        r->at = filled;
        return false;
    }
    r->at = r->body_at = r->head_bytes + (size_t)r->left;
    r->step = STEP_DONE;
    return true;
}

static bool step_until_close(struct response *r, char *bytes, size_t filled)
{
    r->at = r->body_at = filled;
    return false;
}

/* Hexadecimal digits, then nothing or an extension, which is passed over. */
static bool read_chunk_size(struct response *r, struct str line)
{
    size_t i = 0;
    int digit;
    r->left = 0;
    for (; i < line.n && (digit = digits_hex(line.p[i])) >= 0; i++) {
        if (r->left > RESPONSE_LENGTH_MAX / 16 - 1)
            return false;
        r->left = r->left * 16 + (uint64_t)digit;
    }
    if (i == 0)
        return false;
    while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
        i++;
    return i == line.n || line.p[i] == ';';
}

static bool step_chunk_size(struct response *r, char *bytes, size_t filled)
{
    struct str line;
    enum line_state state = read_head_line(r, bytes, filled, &line);
    if (state == LINE_MORE)
        return false;
    if (state == LINE_BROKEN || !read_chunk_size(r, line))
        return garbled(r);
    r->section = r->at;
    r->step = r->left > 0 ? STEP_CHUNK_DATA : STEP_TRAILERS;
    return true;
}

static bool step_chunk_data(struct response *r, char *bytes, size_t filled)
{
    size_t n = filled - r->at;
    if (n > r->left)
        n = (size_t)r->left;
    assert(r->body_at < r->at);
    memmove(bytes + r->body_at, bytes + r->at, n);
    r->body_at += n;
    r->at += n;
    r->left -= n;
    if (r->left > 0)
        return false;
    r->step = STEP_CHUNK_END;
    return true;
}

static bool step_chunk_end(struct response *r, char *bytes, size_t filled)
{
    if (filled - r->at < 2)
        return false;
    if (bytes[r->at] != '\r' || bytes[r->at + 1] != '\n')
        return garbled(r);
    r->at += 2;
    r->line = r->section = r->at;
    r->step = STEP_CHUNK_SIZE;
    return true;
}

static bool step_trailers(struct response *r, char *bytes, size_t filled)
{
    struct str line;
    enum line_state state;
    while ((state = read_head_line(r, bytes, filled, &line)) == LINE_WHOLE) {
        if (line.n == 0) {
            r->step = STEP_DONE;
            return true;
        }
    }
    return state == LINE_BROKEN ? garbled(r) : false;
}

static bool step_over(struct response *r, char *bytes, size_t filled)
{
    return false;
}

#define STEP_TAKE(id, take) [id] = (take),
static bool (*const steps[STEPS])(struct response *r, char *bytes,
                                  size_t filled) = {EACH_STEP(STEP_TAKE)};

static struct str text_of_place(const char *bytes, struct response_place place)
{
    return place.n > 0 ? (struct str){bytes + place.at, place.n} : (struct str){NULL, 0};
}

static enum response_state finish_body(struct response *r, const char *bytes, size_t filled)
{
    if (r->step == STEP_GARBLED)
        return RESPONSE_GARBLED;
    assert(r->at <= filled && r->body_at <= r->at);
    if (r->step != STEP_DONE)
        return RESPONSE_MORE;
    assert(r->head_bytes <= r->body_at);
    r->consumed = r->at;
    r->body = (struct str){bytes + r->head_bytes, r->body_at - r->head_bytes};
    r->etag = text_of_place(bytes, r->etag_place);
    r->location = text_of_place(bytes, r->location_place);
    return RESPONSE_DONE;
}

void response_reset(struct response *r)
{
    *r = (struct response){.step = STEP_STATUS};
}

enum response_state response_feed(struct response *r, char *bytes, size_t filled)
{
    assert(bytes && r->at <= filled && r->step < STEPS);
    while (steps[r->step](r, bytes, filled))
        ;
    return finish_body(r, bytes, filled);
}

enum response_state response_end(struct response *r, char *bytes, size_t filled)
{
    enum response_state state = response_feed(r, bytes, filled);
    if (state != RESPONSE_MORE)
        return state;
    r->step = r->step == STEP_UNTIL_CLOSE ? STEP_DONE : STEP_GARBLED;
    return finish_body(r, bytes, filled);
}

size_t response_wants(const struct response *r, size_t filled)
{
    assert(r->at <= filled);
    switch (r->step) {
    case STEP_DONE:
    case STEP_GARBLED: return 0;
    case STEP_SIZED: return r->head_bytes + (size_t)r->left - filled;
    case STEP_CHUNK_DATA: return (size_t)r->left + 2 + LAST_CHUNK_BYTES;
    case STEP_CHUNK_END: return 2 + LAST_CHUNK_BYTES - (filled - r->at);
    default: return 1;
    }
}
