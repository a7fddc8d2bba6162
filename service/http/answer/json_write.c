#include "http/answer/json_write.h"

#include "clock.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>

static void put_escape(struct buf *b, unsigned char c)
{
    switch (c) {
    case '"': JSON_LIT(b, "\\\""); break;
    case '\\': JSON_LIT(b, "\\\\"); break;
    case '\n': JSON_LIT(b, "\\n"); break;
    case '\r': JSON_LIT(b, "\\r"); break;
    case '\t': JSON_LIT(b, "\\t"); break;
    default: buf_printf(b, "\\u%04x", c);
    }
}

/* The ASCII characters that are written as they are. */
static const bool stands_for_itself[256] = {
    [' ' ... '!'] = true, ['#' ... '['] = true, [']' ... '~'] = true};

void json_put_string(struct buf *b, struct str text)
{
    size_t start = 0, i = 0;
    buf_putc(b, '"');
    while (i < text.n) {
        unsigned char c = (unsigned char)text.p[i];
        if (stands_for_itself[c]) {
            i++;
            continue;
        }
        size_t length = utf8_length(text.p + i, text.n - i);
        if (length > 1) {
            i += length;
            continue;
        }
        buf_put(b, text.p + start, i - start);
        if (length == 0)
            JSON_LIT(b, "\xef\xbf\xbd");
        else
            put_escape(b, c);
        start = ++i;
    }
    buf_put(b, text.p + start, i - start);
    buf_putc(b, '"');
}

void json_put_text(struct buf *b, struct str text)
{
    if (str_absent(text))
        JSON_LIT(b, "null");
    else
        json_put_string(b, text);
}

void json_put_time(struct buf *b, int64_t unix_ms)
{
    char text[CLOCK_RFC3339_SIZE];
    if (unix_ms == 0) {
        JSON_LIT(b, "null");
        return;
    }
    clock_format_rfc3339(unix_ms, text);
    buf_putc(b, '"');
    buf_put(b, text, CLOCK_RFC3339_SIZE - 1);
    buf_putc(b, '"');
}

static void put_real(struct buf *b, double value)
{
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_puts(b, str_of(text));
    /* 1e+20 and 0.5 are reals to every reader; 3 would come back as an integer. */
    if (!strpbrk(text, ".e"))
        JSON_LIT(b, ".0");
}

static void put_object(struct buf *b, const json_t *value)
{
    bool first = true;
    /* jansson's iterators take a mutable object and do not change it. */
    json_t *object = (json_t *)value;
    buf_putc(b, '{');
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        if (!first)
            buf_putc(b, ',');
        first = false;
        json_put_string(b, str_of(json_object_iter_key(at)));
        buf_putc(b, ':');
        json_put_value(b, json_object_iter_value(at));
    }
    buf_putc(b, '}');
}

void json_put_value(struct buf *b, const json_t *value)
{
    if (b->failed)
        return;
    switch (json_typeof(value)) {
    case JSON_OBJECT: put_object(b, value); break;
    case JSON_ARRAY:
        buf_putc(b, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i > 0)
                buf_putc(b, ',');
            json_put_value(b, json_array_get(value, i));
        }
        buf_putc(b, ']');
        break;
    case JSON_STRING:
        json_put_string(b, (struct str){json_string_value(value), json_string_length(value)});
        break;
    case JSON_INTEGER: buf_put_i64(b, json_integer_value(value)); break;
    case JSON_REAL: put_real(b, json_real_value(value)); break;
    case JSON_TRUE: JSON_LIT(b, "true"); break;
    case JSON_FALSE: JSON_LIT(b, "false"); break;
    case JSON_NULL: JSON_LIT(b, "null"); break;
    }
}
