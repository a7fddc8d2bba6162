/* The judge of bytes beside a reader that is written another way: it looks at all that the judge
 * lets through at once, line by line, and must find as many requests there, with the same end. The
 * first byte of an input says how long the pieces are in which the judge gets the rest. */
#include "http/conn/framing.h"

#include "http/headers.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
    const char *p, *end;
};

/* Takes a line that ends in CRLF and holds neither CR, LF nor NUL. */
static bool take_line(struct text *in, struct str *line)
{
    const char *lf = memchr(in->p, '\n', (size_t)(in->end - in->p));
    if (!lf || lf == in->p || lf[-1] != '\r')
        return false;
    *line = (struct str){in->p, (size_t)(lf - in->p) - 1};
    in->p = lf + 1;
    return !memchr(line->p, '\r', line->n) && !memchr(line->p, '\0', line->n);
}

static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!token_chars[(unsigned char)text.p[i]])
            return false;
    return text.n > 0;
}

struct head {
    struct str method, target, version, host, length, coding, connection;
    unsigned hosts, lengths, codings;
};

static bool take_field(struct str line, struct head *head)
{
    const char *colon = memchr(line.p, ':', line.n);
    if (!colon)
        return false;
    struct str name = {line.p, (size_t)(colon - line.p)};
    struct str value = {colon + 1, line.n - name.n - 1};
    while (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '\t'))
        value = (struct str){value.p + 1, value.n - 1};
    if (!is_token(name))
        return false;
    if (str_equal_caseless(name, STR("host")))
        head->hosts++, head->host = str_trim(value);
    if (str_equal_caseless(name, STR("content-length")))
        head->lengths++, head->length = value;
    if (str_equal_caseless(name, STR("transfer-encoding")))
        head->codings++, head->coding = value;
    return true;
}

static bool take_fields(struct text *in, struct head *head)
{
    struct str line;
    while (take_line(in, &line)) {
        if (line.n == 0)
            return true;
        if (!take_field(line, head))
            return false;
    }
    return false;
}

static bool take_start(struct text *in, struct head *head)
{
    struct str line;
    if (!take_line(in, &line))
        return false;
    const char *first = memchr(line.p, ' ', line.n);
    if (!first)
        return false;
    head->method = (struct str){line.p, (size_t)(first - line.p)};
    struct str rest = {first + 1, line.n - head->method.n - 1};
    const char *second = memchr(rest.p, ' ', rest.n);
    if (!second)
        return false;
    head->target = (struct str){rest.p, (size_t)(second - rest.p)};
    head->version = (struct str){second + 1, rest.n - head->target.n - 1};
    for (size_t i = 0; i < head->target.n; i++)
        if (head->target.p[i] < 0x21 || head->target.p[i] > 0x7e)
            return false;
    return is_token(head->method) && head->target.n > 0 &&
           (str_equal(head->version, STR("HTTP/1.1")) || str_equal(head->version, STR("HTTP/1.0")));
}

static bool take_chunks(struct text *in)
{
    for (;;) {
        struct str line;
        struct head trailer = {0};
        if (!take_line(in, &line))
            return false;
        struct str digits = line; /* extensions have been cut out */
        unsigned long long length = 0;
        if (digits.n < 1 || digits.n > 8)
            return false;
        for (size_t i = 0; i < digits.n; i++) {
            const char *at = memchr("0123456789abcdefABCDEF", digits.p[i], 22);
            if (!at)
                return false;
            char digit[2] = {*at, '\0'};
            length = length * 16 + strtoull(digit, NULL, 16);
        }
        if (length == 0)
            return take_fields(in, &trailer) &&
                   trailer.hosts + trailer.lengths + trailer.codings == 0;
        if (length + 2 > (unsigned long long)(in->end - in->p) ||
            memcmp(in->p + length, "\r\n", 2) != 0)
            return false;
        in->p += length + 2;
    }
}

/* One whole request, as far as its frame goes: what may stand in a host or a target's address is
 * not looked at, so this reader takes a little more than the judge does. */
static bool take_request(struct text *in)
{
    struct head head = {0};
    if (!take_start(in, &head) || !take_fields(in, &head))
        return false;
    bool old = str_equal(head.version, STR("HTTP/1.0"));
    if (head.hosts > 1 || (head.hosts == 0 && !old) || head.lengths + head.codings > 1)
        return false;
    if (head.codings == 1)
        return !old && str_equal_caseless(head.coding, STR("chunked")) && take_chunks(in);
    unsigned long long length = 0;
    for (size_t i = 0; i < head.length.n; i++) {
        if (head.length.p[i] < '0' || head.length.p[i] > '9')
            return false;
        length = length * 10 + (unsigned long long)(head.length.p[i] - '0');
    }
    if ((head.lengths == 1 && (head.length.n < 1 || head.length.n > 18)) ||
        length > (unsigned long long)(in->end - in->p))
        return false;
    in->p += length;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct framing f;
    if (size < 2)
        return 0;
    size_t n = size - 1, piece = data[0] ? data[0] : n, i = 0, kept = 0, whole = 0;
    char *seen = malloc(n);
    if (!seen)
        abort();
    framing_init(&f);
    while (i < n) {
        struct framing_taken taken;
        size_t now = n - i < piece ? n - i : piece;
        memcpy(seen + kept, data + 1 + i, now);
        framing_take(&f, seen + kept, now, &taken);
        if (taken.read > now || taken.kept > taken.read || taken.whole > taken.kept)
            abort();
        whole = taken.whole > 0 ? kept + taken.whole : whole;
        kept += taken.kept;
        i += taken.read;
        if (taken.read < now && !f.fault && !framing_is_over(&f))
            abort();
        if (taken.read < now)
            break;
    }
    struct text in = {seen, seen + kept};
    for (unsigned long k = 0; k < f.whole; k++)
        if (!take_request(&in))
            abort();
    if (in.p != seen + whole)
        abort();
    free(seen);
    return 0;
}
