/* response_head.c -- the status line, and a table of the headers that matter. */
#include "client/response.h"
#include "digits.h"

/* tchar of RFC 9110, what names of headers are made of. */
static const bool in_token[256] = {
    ['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['!'] = true,  ['#'] = true,
    ['$'] = true,         ['%'] = true,         ['&'] = true,         ['\''] = true, ['*'] = true,
    ['+'] = true,         ['-'] = true,         ['.'] = true,         ['^'] = true,  ['_'] = true,
    ['`'] = true,         ['|'] = true,         ['~'] = true,
};

/* Whether the text is this lower-case word, in any case. Setting bit 5 makes letters small; else it
 * could only make a '-' of a carriage return, which no line holds. */
static bool same_word(struct str text, const char *word, size_t n)
{
    if (text.n != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((text.p[i] | 0x20) != word[i])
            return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s.p++, s.n--;
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* False when it is no number, or one that cannot be a length. */
static bool read_length(struct str digits, uint64_t *length)
{
    uint64_t n = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (!digits_is(digits.p[i]) || n > RESPONSE_LENGTH_MAX / 10 - 1)
            return false;
        n = n * 10 + (uint64_t)(digits.p[i] - '0');
    }
    *length = n;
    return digits.n > 0;
}

static bool take_content_length(struct response *r, const char *bytes, struct str value)
{
    uint64_t length;
    if (!read_length(value, &length) || (r->has_length && length != r->left))
        return false;
    r->left = length;
    r->has_length = true;
    return true;
}

/* Another coding was not asked for and could not be undone; chunked twice is not allowed. */
static bool take_transfer_encoding(struct response *r, const char *bytes, struct str value)
{
    if (r->chunked || !same_word(value, "chunked", 7))
        return false;
    r->chunked = true;
    return true;
}

static bool take_connection(struct response *r, const char *bytes, struct str value)
{
    while (value.n > 0) {
        const char *comma = memchr(value.p, ',', value.n);
        size_t n = comma ? (size_t)(comma - value.p) : value.n;
        struct str option = trim((struct str){value.p, n});
        r->says_close |= same_word(option, "close", 5);
        r->says_keep_alive |= same_word(option, "keep-alive", 10);
        n += comma != NULL;
        value.p += n;
        value.n -= n;
    }
    return true;
}

static bool take_replayed(struct response *r, const char *bytes, struct str value)
{
    r->replayed = same_word(value, "true", 4);
    return true;
}

/* It frames nothing, so a date, or what is no number, is as good as nothing. */
static bool take_retry_after(struct response *r, const char *bytes, struct str value)
{
    uint64_t seconds;
    if (read_length(value, &seconds))
        r->retry_after_s = seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
    return true;
}

static bool ends_in_json(struct str type)
{
    return type.n > 5 && same_word((struct str){type.p + type.n - 5, 5}, "+json", 5);
}

static bool take_content_type(struct response *r, const char *bytes, struct str value)
{
    const char *parameters = memchr(value.p, ';', value.n);
    struct str type =
        trim((struct str){value.p, parameters ? (size_t)(parameters - value.p) : value.n});
    r->content = same_word(type, "application/problem+json", 24)                 ? CONTENT_PROBLEM
                 : same_word(type, "application/json", 16) || ends_in_json(type) ? CONTENT_JSON
                                                                                 : CONTENT_OTHER;
    return true;
}

/* The buffer may move before the answer is whole: what is kept is a place in it. */
static struct response_place place_in(const char *bytes, struct str value)
{
    return (struct response_place){(size_t)(value.p - bytes), value.n};
}

static bool take_etag(struct response *r, const char *bytes, struct str value)
{
    r->etag_place = place_in(bytes, value);
    return true;
}

static bool take_location(struct response *r, const char *bytes, struct str value)
{
    r->location_place = place_in(bytes, value);
    return true;
}

/* The headers that matter, by the length of their names: all differ in it. */
static const struct {
    const char *name;
    bool (*take)(struct response *r, const char *bytes, struct str value);
} headers[] = {
    [4] = {"etag", take_etag},
    [8] = {"location", take_location},
    [10] = {"connection", take_connection},
    [11] = {"retry-after", take_retry_after},
    [12] = {"content-type", take_content_type},
    [14] = {"content-length", take_content_length},
    [17] = {"transfer-encoding", take_transfer_encoding},
    [19] = {"idempotent-replayed", take_replayed},
};

/* A line that begins with a blank, the continuation of the line before, has no name either. */
bool response_head_field(struct response *r, const char *bytes, struct str line)
{
    struct str name = {line.p, 0};
    while (name.n < line.n && in_token[(unsigned char)line.p[name.n]])
        name.n++;
    if (name.n == 0 || name.n == line.n || line.p[name.n] != ':')
        return false;
    if (name.n >= sizeof(headers) / sizeof(headers[0]) || !headers[name.n].name ||
        !same_word(name, headers[name.n].name, name.n))
        return true;
    return headers[name.n].take(r, bytes,
                                trim((struct str){line.p + name.n + 1, line.n - name.n - 1}));
}

/* "HTTP/1.1 200 OK"; the reason may be missing, and the blank before it too. */
bool response_head_status(struct response *r, struct str line)
{
    const char *p = line.p;
    if (line.n < 12 || memcmp(p, "HTTP/1.", 7) != 0 || !digits_is(p[7]) || p[8] != ' ')
        return false;
    if (!digits_is(p[9]) || !digits_is(p[10]) || !digits_is(p[11]) || (line.n > 12 && p[12] != ' '))
        return false;
    /* What an interim answer said is not about the final one. */
    r->replayed = r->says_close = r->says_keep_alive = r->has_length = r->chunked = false;
    r->retry_after_s = 0;
    r->content = CONTENT_UNSAID;
    r->etag_place = r->location_place = (struct response_place){0};
    r->left = 0;
    r->http_1_0 = p[7] == '0';
    r->status = (uint16_t)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
    /* 101 would mean that from here on it is not HTTP any more; nobody asked for that. */
    return r->status >= 100 && r->status <= 599 && r->status != 101;
}
