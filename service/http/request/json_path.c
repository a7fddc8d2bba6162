#include "http/request/json_path.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void json_walk_init(struct json_walk *walk, struct str text)
{
    *walk = (struct json_walk){.text = text};
}

static struct json_frame *frame(struct json_walk *walk)
{
    return walk->depth > 0 && walk->depth <= JSON_WALK_DEPTH ? &walk->frames[walk->depth - 1]
                                                             : NULL;
}

/* `at` is behind the opening quote; the result is what stands between the quotes. */
static bool skip_string(struct json_walk *walk, struct str *inner)
{
    size_t start = walk->at;
    for (; walk->at < walk->text.n; walk->at++) {
        char c = walk->text.p[walk->at];
        if (c == '\\') {
            walk->at++;
        } else if (c == '"') {
            *inner = (struct str){walk->text.p + start, walk->at++ - start};
            return true;
        }
    }
    return false;
}

static bool number_byte(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static void open_container(struct json_walk *walk, bool array)
{
    walk->depth++;
    struct json_frame *top = frame(walk);
    if (top)
        *top = (struct json_frame){.array = array};
}

/* A member's key is a string with a colon behind it. */
static bool take_string(struct json_walk *walk)
{
    struct str inner;
    if (!skip_string(walk, &inner))
        return false;
    size_t at = walk->at;
    while (at < walk->text.n && strchr(" \t\r\n", walk->text.p[at]) && walk->text.p[at])
        at++;
    struct json_frame *top = frame(walk);
    if (top && !top->array && at < walk->text.n && walk->text.p[at] == ':')
        top->key = inner;
    return true;
}

/* Goes over one byte, or a whole string. False: the text is not JSON from here on. */
static bool walk_on(struct json_walk *walk)
{
    char c = walk->text.p[walk->at++];
    struct json_frame *top;
    switch (c) {
    case '{':
    case '[': open_container(walk, c == '['); return true;
    case '}':
    case ']':
        if (walk->depth == 0)
            return false;
        walk->depth--;
        return true;
    case ',':
        top = frame(walk);
        if (top && top->array)
            top->index++;
        return true;
    case '"': return take_string(walk);
    default: return true; /* blanks, colons, numbers, the letters of true, false and null */
    }
}

bool json_walk_number(struct json_walk *walk, struct str *number)
{
    while (walk->at < walk->text.n) {
        size_t start = walk->at;
        char c = walk->text.p[start];
        if (c != '-' && (c < '0' || c > '9')) {
            if (!walk_on(walk))
                return false;
            continue;
        }
        while (walk->at < walk->text.n && number_byte(walk->text.p[walk->at]))
            walk->at++;
        *number = (struct str){walk->text.p + start, walk->at - start};
        return true;
    }
    return false;
}

size_t json_walk_path(const struct json_walk *walk, char out[JSON_PATH_SIZE])
{
    size_t n = 0;
    unsigned depth = walk->depth < JSON_WALK_DEPTH ? walk->depth : JSON_WALK_DEPTH;
    out[0] = '\0';
    for (unsigned i = 0; i < depth && n + 1 < JSON_PATH_SIZE; i++) {
        const struct json_frame *f = &walk->frames[i];
        int wrote = f->array
                        ? snprintf(out + n, JSON_PATH_SIZE - n, "[%u]", f->index)
                        : snprintf(out + n, JSON_PATH_SIZE - n, "%s%.*s", n ? "." : "",
                                   (int)(f->key.n < JSON_PATH_SIZE ? f->key.n : JSON_PATH_SIZE),
                                   f->key.p ? f->key.p : "");
        assert(wrote >= 0);
        n += (size_t)wrote;
    }
    return n < JSON_PATH_SIZE ? n : JSON_PATH_SIZE - 1;
}

static size_t count_char(struct str text, char c, size_t most)
{
    size_t n = 0;
    const char *at = text.p, *end = text.p + text.n;
    while (n < most && (at = memchr(at, c, (size_t)(end - at)))) {
        n++;
        at++;
    }
    return n;
}

/* No text is deeper than it has brackets, and most have few. */
static bool may_be_deeper(struct str text, unsigned levels)
{
    size_t most = levels + 1;
    return count_char(text, '{', most) + count_char(text, '[', most) > levels;
}

bool json_path_deeper(struct str text, unsigned levels, char out[JSON_PATH_SIZE])
{
    struct json_walk walk;
    assert(levels >= 3);
    if (!may_be_deeper(text, levels))
        return false;
    json_walk_init(&walk, text);
    while (walk.depth <= levels)
        if (walk.at == text.n || !walk_on(&walk))
            return false;
    walk.depth = walk.frames[1].array && !walk.frames[2].array ? 3 : 1;
    json_walk_path(&walk, out);
    return true;
}

bool json_number_oversized(struct str number)
{
    char text[512];
    bool integer = true;
    for (size_t i = 0; i < number.n; i++)
        if (number.p[i] == '.' || number.p[i] == 'e' || number.p[i] == 'E')
            integer = false;
    if (integer && number.n < 19)
        return false;
    /* Digits beyond these change no double's magnitude enough to matter, unless there is an
     * exponent behind them; such a monster is oversized by decree. */
    if (number.n >= sizeof(text))
        return true;
    memcpy(text, number.p, number.n);
    text[number.n] = '\0';
    errno = 0;
    if (integer) {
        strtoll(text, NULL, 10);
        return errno == ERANGE;
    }
    return isinf(strtod(text, NULL));
}
