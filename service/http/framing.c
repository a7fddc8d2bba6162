#include "http/framing.h"

#include "http/headers.h"

static bool is(struct str name, const char *other)
{
    return name.n == strlen(other) && strncasecmp(name.p, other, name.n) == 0;
}

static bool length_of(struct str text, uint64_t *length)
{
    uint64_t value = 0;
    if (text.n < 1 || text.n > 18)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.p[i] - '0');
    }
    *length = value;
    return true;
}

static void keep(struct framing *f, struct str *field, struct str value)
{
    if (!str_absent(*field))
        f->repeated = true;
    while (value.n > 0 && (value.p[value.n - 1] == ' ' || value.p[value.n - 1] == '\t'))
        value.n--;
    *field = value;
}

void framing_add(struct framing *f, struct str name, struct str value)
{
    if (!value.p)
        value = STR("");
    if (!token_valid(name)) {
        f->bad_name = true;
        return;
    }
    switch (name.p[0] | 0x20) {
    case 'h':
        if (is(name, "host"))
            f->hosts++;
        break;
    case 'c':
        if (is(name, "content-length")) {
            f->content_lengths++;
            if (!length_of(value, &f->content_length))
                f->bad_length = true;
        } else if (is(name, "content-type")) {
            keep(f, &f->content_type, value);
        } else if (is(name, "cookie")) {
            f->cookie_bytes += value.n;
        }
        break;
    case 't':
        if (is(name, "transfer-encoding")) {
            f->transfer_encodings++;
            /* To the letter: the library takes `chunked ` for something else. */
            f->chunked = is(value, "chunked");
        }
        break;
    case 'i':
        if (is(name, "idempotency-key"))
            keep(f, &f->key, value);
        else if (is(name, "if-match"))
            keep(f, &f->if_match, value);
        else if (is(name, "if-none-match"))
            keep(f, &f->if_none_match, value);
        break;
    default: break;
    }
}

const char *framing_fault(const struct framing *f, const char *version)
{
    bool old = strcmp(version, "HTTP/1.1") != 0;
    if (f->bad_name)
        return "the name of a header field is no token";
    if (f->hosts > 1)
        return "Host comes twice";
    if (f->hosts == 0 && !old)
        return "Host is missing";
    if (f->content_lengths > 1)
        return "Content-Length comes twice";
    if (f->bad_length)
        return "Content-Length is no number";
    if (f->transfer_encodings > 0 && f->content_lengths > 0)
        return "Content-Length and Transfer-Encoding exclude each other";
    if (f->transfer_encodings > 0 && old)
        return "HTTP/1.0 has no Transfer-Encoding";
    if (f->transfer_encodings > 1 || (f->transfer_encodings == 1 && !f->chunked))
        return "the only Transfer-Encoding taken is chunked";
    return NULL;
}

bool framing_has_body(const struct framing *f)
{
    return f->transfer_encodings > 0 || f->content_length > 0;
}
