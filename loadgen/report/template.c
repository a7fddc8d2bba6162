#include "report/template.h"
#include "report/units.h"

#include <string.h>

const json_t *template_find(const json_t *from, const char *path, size_t n)
{
    while (n > 0 && from) {
        const char *dot = memchr(path, '.', n);
        size_t name = dot ? (size_t)(dot - path) : n;
        size_t skipped = name + (dot != NULL);
        from = json_object_getn(from, path, name);
        path += skipped;
        n -= skipped;
    }
    return from;
}

static bool is_empty(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING: return json_string_length(value) == 0;
    case JSON_INTEGER: return json_integer_value(value) == 0;
    case JSON_REAL: return json_real_value(value) == 0;
    case JSON_TRUE: return false;
    case JSON_ARRAY: return json_array_size(value) == 0;
    case JSON_OBJECT: return json_object_size(value) == 0;
    default: return true;
    }
}

bool template_holds(const json_t *from, const char *when)
{
    bool opposite = when && *when == '!';
    if (!when)
        return true;
    when += opposite;
    const json_t *value = template_find(from, when, strlen(when));
    return opposite == (!value || is_empty(value));
}

static void put_json_value(struct buf *b, const json_t *value)
{
    char number[UNIT_TEXT_SIZE];
    const json_t *element;
    size_t i;
    if (json_is_integer(value))
        buf_puts(b, str_of(unit_count(number, json_integer_value(value))));
    else if (json_is_string(value))
        buf_put(b, json_string_value(value), json_string_length(value));
    json_array_foreach(value, i, element)
    {
        if (i > 0)
            buf_putc(b, ' ');
        put_json_value(b, element);
    }
}

/* What stands for a value in a table of words. */
static const char *word_key(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING: return json_string_value(value);
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    case JSON_NULL: return "null";
    default: return "";
    }
}

static bool put_in_unit(struct buf *b, const json_t *value, const struct unit *unit)
{
    char number[UNIT_TEXT_SIZE];
    const char *word = unit_word(unit, word_key(value));
    if (word)
        buf_puts(b, str_of(word));
    else if (json_is_number(value) && unit->steps > 0)
        buf_puts(b, str_of(unit_number(unit, json_number_value(value), number)));
    else
        put_json_value(b, value);
    return word || !json_is_null(value);
}

/* "a.b" or "a.b:unit" */
static bool put_place(struct buf *b, const char *place, size_t n, const json_t *from)
{
    const char *colon = memchr(place, ':', n);
    const json_t *value = template_find(from, place, colon ? (size_t)(colon - place) : n);
    if (!value)
        return false;
    if (colon)
        return put_in_unit(b, value, unit_named(colon + 1, (size_t)(place + n - colon - 1)));
    put_json_value(b, value);
    return !json_is_null(value);
}

bool template_put(struct buf *b, const char *text, const json_t *from)
{
    size_t before = b->n;
    for (const char *open; (open = strchr(text, '{')) != NULL;) {
        const char *close = strchr(open, '}');
        assert(close);
        buf_put(b, text, (size_t)(open - text));
        if (!put_place(b, open + 1, (size_t)(close - open - 1), from)) {
            b->n = before;
            return false;
        }
        text = close + 1;
    }
    buf_puts(b, str_of(text));
    return true;
}
