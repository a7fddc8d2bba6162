/* json_scan.c -- the grammar of RFC 8259, a function for each kind of token. */
#include "client/json_scan.h"
#include "digits.h"
#include "utf8.h"

#include <assert.h>

/* What may stand in a string as it is: printable ASCII but for quote and backslash. */
static const bool plain[256] = {
    [' '] = true, ['!'] = true, ['#' ... '['] = true, [']' ... 0x7f] = true};

/* The next byte that is no blank, or NUL at the end of the text, where no token begins either. */
static inline char peek(struct json_scan *s)
{
    for (; s->at < s->end; s->at++) {
        char c = *s->at;
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return c;
    }
    return '\0';
}

static inline bool accept_char(struct json_scan *s, char c)
{
    if (peek(s) != c)
        return false;
    s->at++;
    return true;
}

static bool take_word(struct json_scan *s, const char *word, size_t n)
{
    peek(s);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
        return false;
    s->at += n;
    return true;
}

/* One that is not ASCII: all others that may stand there are plain. */
static const char *pass_character(const char *p, const char *end)
{
    size_t n = utf8_length(p, (size_t)(end - p));
    return n > 1 ? p + n : NULL;
}

static const char *pass_escape(const char *p, const char *end)
{
    p++; /* the backslash */
    if (p == end || *p == '\0' || !strchr("\"\\/bfnrtu", *p))
        return NULL;
    if (*p++ != 'u')
        return p;
    if (end - p < 4 || digits_hex(p[0]) < 0 || digits_hex(p[1]) < 0 || digits_hex(p[2]) < 0 ||
        digits_hex(p[3]) < 0)
        return NULL;
    return p + 4;
}

bool json_scan_text(struct json_scan *s, struct str *raw)
{
    if (!accept_char(s, '"'))
        return false;
    const char *start = s->at, *p = s->at, *end = s->end;
    for (;;) {
        while (p < end && plain[(unsigned char)*p])
            p++;
        if (p == end)
            return false;
        if (*p == '"')
            break;
        p = *p == '\\' ? pass_escape(p, end) : pass_character(p, end);
        if (!p)
            return false;
    }
    *raw = (struct str){start, (size_t)(p - start)};
    s->at = p + 1;
    return true;
}

bool json_scan_enter(struct json_scan *s, char bracket)
{
    if (s->depth == JSON_SCAN_DEPTH_MAX || !accept_char(s, bracket))
        return false;
    s->depth++;
    return true;
}

/* Steps over the comma before what comes next, or over the closing bracket. */
static inline enum json_step next(struct json_scan *s, bool first, char closing)
{
    assert(s->depth > 0);
    if (accept_char(s, closing)) {
        s->depth--;
        return JSON_END;
    }
    return first || accept_char(s, ',') ? JSON_ITEM : JSON_BROKEN;
}

enum json_step json_scan_member(struct json_scan *s, bool first, struct str *name)
{
    enum json_step step = next(s, first, '}');
    if (step == JSON_ITEM && !(json_scan_text(s, name) && accept_char(s, ':')))
        return JSON_BROKEN;
    return step;
}

enum json_step json_scan_element(struct json_scan *s, bool first)
{
    return next(s, first, ']');
}

bool json_scan_null(struct json_scan *s)
{
    return peek(s) == 'n' && take_word(s, "null", 4);
}

bool json_scan_bool(struct json_scan *s, bool *value)
{
    *value = peek(s) == 't';
    return *value ? take_word(s, "true", 4) : take_word(s, "false", 5);
}

bool json_scan_uint64(struct json_scan *s, uint64_t *value)
{
    peek(s);
    const char *p = s->at, *end = s->end;
    uint64_t n = 0;
    for (; p < end && digits_is(*p); p++)
        if (__builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (unsigned)(*p - '0'), &n))
            return false;
    if (p == s->at || (*s->at == '0' && p - s->at > 1))
        return false;
    if (p < end && (*p == '.' || *p == 'e' || *p == 'E'))
        return false;
    *value = n;
    s->at = p;
    return true;
}

bool json_scan_int64(struct json_scan *s, int64_t *value)
{
    uint64_t n;
    bool negative = accept_char(s, '-');
    if (negative && (s->at == s->end || !digits_is(*s->at)))
        return false; /* no blanks behind the sign */
    if (!json_scan_uint64(s, &n) || n > (uint64_t)INT64_MAX + negative)
        return false;
    *value = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

/* One digit or more. */
static bool pass_digits(struct json_scan *s)
{
    const char *start = s->at;
    while (s->at < s->end && digits_is(*s->at))
        s->at++;
    return s->at > start;
}

static bool here(const struct json_scan *s, char c)
{
    return s->at < s->end && *s->at == c;
}

/* Any number; the scan stands at its first byte. */
static bool pass_number(struct json_scan *s)
{
    s->at += here(s, '-');
    if (here(s, '0'))
        s->at++;
    else if (!pass_digits(s))
        return false;
    if (here(s, '.')) {
        s->at++;
        if (!pass_digits(s))
            return false;
    }
    if (here(s, 'e') || here(s, 'E')) {
        s->at++;
        s->at += here(s, '+') || here(s, '-');
        return pass_digits(s);
    }
    return true;
}

static bool pass_object(struct json_scan *s)
{
    struct str name, raw;
    enum json_step step;
    if (!json_scan_enter(s, '{'))
        return false;
    for (bool first = true; (step = json_scan_member(s, first, &name)) == JSON_ITEM; first = false)
        if (!json_scan_skip(s, &raw))
            return false;
    return step == JSON_END;
}

static bool pass_array(struct json_scan *s)
{
    struct str raw;
    enum json_step step;
    if (!json_scan_enter(s, '['))
        return false;
    for (bool first = true; (step = json_scan_element(s, first)) == JSON_ITEM; first = false)
        if (!json_scan_skip(s, &raw))
            return false;
    return step == JSON_END;
}

static bool pass_value(struct json_scan *s, char begins)
{
    struct str raw;
    bool value;
    switch (begins) {
    case '{': return pass_object(s);
    case '[': return pass_array(s);
    case '"': return json_scan_text(s, &raw);
    case 'n': return json_scan_null(s);
    case 't':
    case 'f': return json_scan_bool(s, &value);
    default: return pass_number(s);
    }
}

/* Recursion ends at JSON_SCAN_DEPTH_MAX brackets. */
bool json_scan_skip(struct json_scan *s, struct str *raw)
{
    char begins = peek(s);
    const char *start = s->at;
    if (!pass_value(s, begins))
        return false;
    *raw = (struct str){start, (size_t)(s->at - start)};
    return true;
}

bool json_scan_ends(struct json_scan *s)
{
    peek(s);
    return s->at == s->end;
}

bool json_scan_whole(struct str text)
{
    struct json_scan s = json_scan_of(text);
    struct str value;
    return json_scan_skip(&s, &value) && json_scan_ends(&s);
}
