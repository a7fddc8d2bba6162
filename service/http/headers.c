#include "http/headers.h"
#include "digits.h"

#include <stddef.h>

bool key_parse(struct str raw, struct str *key)
{
    if (raw.n >= 2 && raw.p[0] == '"' && raw.p[raw.n - 1] == '"')
        raw = (struct str){raw.p + 1, raw.n - 2};
    if (raw.n < 1 || raw.n > KEY_MAX_BYTES)
        return false;
    for (size_t i = 0; i < raw.n; i++)
        if (raw.p[i] < 0x21 || raw.p[i] > 0x7e)
            return false;
    *key = raw;
    return true;
}

static void skip_blanks(struct str *text)
{
    while (text->n > 0 && (text->p[0] == ' ' || text->p[0] == '\t')) {
        text->p++;
        text->n--;
    }
}

/* The one decimal text of a number: "7", not "07". */
static bool version_of(struct str tag, int64_t *version)
{
    if (tag.n > 18 || (tag.n > 1 && tag.p[0] == '0'))
        return false;
    *version = digits_read(tag.p, tag.n, INT64_MAX);
    return *version >= 0;
}

/* Takes `"tag"` or `W/"tag"` from the front. */
static bool take_tag(struct str *text, struct str *tag, bool *weak)
{
    *weak = text->n >= 2 && text->p[0] == 'W' && text->p[1] == '/';
    size_t start = *weak ? 3 : 1;
    if (text->n < start || text->p[start - 1] != '"')
        return false;
    size_t end = start;
    while (end < text->n && text->p[end] != '"') {
        unsigned char c = (unsigned char)text->p[end++];
        if (c < 0x21 || c == 0x7f)
            return false;
    }
    if (end == text->n)
        return false;
    *tag = (struct str){text->p + start, end - start};
    *text = (struct str){text->p + end + 1, text->n - end - 1};
    return true;
}

bool condition_parse(struct str raw, enum etag_comparison comparison,
                     struct op_condition *condition)
{
    *condition = (struct op_condition){.kind = PRE_NONE};
    if (str_absent(raw))
        return true;
    skip_blanks(&raw);
    while (raw.n > 0 && (raw.p[raw.n - 1] == ' ' || raw.p[raw.n - 1] == '\t'))
        raw.n--;
    if (str_equal(raw, STR("*"))) {
        condition->kind = PRE_ANY;
        return true;
    }
    condition->kind = PRE_NEVER;
    for (;;) {
        struct str tag;
        bool weak;
        int64_t version;
        if (!take_tag(&raw, &tag, &weak))
            return false;
        if ((!weak || comparison == ETAG_WEAK) && version_of(tag, &version)) {
            if (condition->count == PRE_VERSIONS_MAX)
                return false;
            condition->kind = PRE_VERSIONS;
            condition->versions[condition->count++] = version;
        }
        skip_blanks(&raw);
        if (raw.n == 0)
            return true;
        if (raw.p[0] != ',')
            return false;
        raw = (struct str){raw.p + 1, raw.n - 1};
        skip_blanks(&raw);
    }
}

bool condition_names(const struct op_condition *condition, int64_t version)
{
    if (condition->kind == PRE_ANY)
        return true;
    for (unsigned i = 0; i < condition->count; i++)
        if (condition->versions[i] == version)
            return true;
    return false;
}

/* clang-format off */
const bool token_chars[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
    ['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true, ['\''] = true, ['*'] = true, ['+'] = true,
    ['-'] = true, ['.'] = true, ['^'] = true, ['_'] = true, ['`'] = true, ['|'] = true, ['~'] = true,
};
/* clang-format on */

static bool media_type_is(struct str value, const char *type)
{
    const char *parameters = value.n ? memchr(value.p, ';', value.n) : NULL;
    if (parameters)
        value.n = (size_t)(parameters - value.p);
    return str_equal_caseless(str_trim(value), str_of(type));
}

bool media_type_is_json(struct str value)
{
    return media_type_is(value, "application/json");
}

bool media_type_is_form(struct str value)
{
    return media_type_is(value, "application/x-www-form-urlencoded") ||
           media_type_is(value, "multipart/form-data") || media_type_is(value, "text/plain");
}

/* --- the fields of a request ------------------------------------------------------------------ */

static void keep_once(struct headers *headers, struct str *field, struct str value)
{
    if (!str_absent(*field))
        headers->repeated = true;
    *field = value;
}

static void keep_length(struct headers *headers, struct str value)
{
    headers->content_length = 0;
    for (size_t i = 0; i < value.n && digits_is(value.p[i]); i++)
        headers->content_length = headers->content_length * 10 + (uint64_t)(value.p[i] - '0');
    headers->has_body |= headers->content_length > 0;
}

static void keep_line(struct header_lines *field, struct str value)
{
    if (field->count == HEADER_LINES_MAX)
        memmove(field->lines, field->lines + 1, --field->count * sizeof(field->lines[0]));
    field->lines[field->count++] = value;
}

void headers_add(struct headers *headers, struct str name, struct str value)
{
    static const struct {
        struct str name;
        size_t at;
    } kept[] = {
        {STR("Host"), offsetof(struct headers, host)},
        {STR("Content-Type"), offsetof(struct headers, content_type)},
        {STR("Idempotency-Key"), offsetof(struct headers, key)},
        {STR("Authorization"), offsetof(struct headers, authorization)},
        {STR("If-Match"), offsetof(struct headers, if_match)},
        {STR("If-None-Match"), offsetof(struct headers, if_none_match)},
        {STR("Origin"), offsetof(struct headers, origin)},
        {STR("Sec-Fetch-Site"), offsetof(struct headers, fetch_site)},
    };
    value = value.p ? str_trim(value) : STR("");
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if (str_equal_caseless(name, kept[i].name)) {
            keep_once(headers, (struct str *)(void *)((char *)headers + kept[i].at), value);
            return;
        }
    if (str_equal_caseless(name, STR("Content-Length")))
        keep_length(headers, value);
    else if (str_equal_caseless(name, STR("Transfer-Encoding")))
        headers->has_body = true;
    else if (str_equal_caseless(name, STR("X-Forwarded-For")))
        keep_line(&headers->x_forwarded_for, value);
    else if (str_equal_caseless(name, STR("Forwarded")))
        keep_line(&headers->forwarded, value);
    else if (str_equal_caseless(name, STR("X-Request-Id")))
        headers->request_id = value;
    else if (str_equal_caseless(name, STR("traceparent")))
        headers->traceparent = value;
}
