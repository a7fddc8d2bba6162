#include "http/conn/framing.h"

#include "http/conn/framing_state.h"
#include "http/headers.h"
#include "http/server_limits.h"

#include <assert.h>

enum framing_state framing_refused(struct framing *f, const char *fault)
{
    f->problem = PROBLEM_MALFORMED_REQUEST;
    f->fault = fault;
    return FAULTY;
}

enum framing_state framing_line_feed(struct framing *f, unsigned char c, enum framing_state next)
{
    return c == '\n' ? next : framing_refused(f, "a CR stands without its LF");
}

void framing_init(struct framing *f)
{
    *f = (struct framing){.state = METHOD};
}

void framing_close(struct framing *f)
{
    if (f->state != FAULTY)
        f->state = OVER;
}

bool framing_is_over(const struct framing *f)
{
    return f->state == OVER;
}

/* --- ends ------------------------------------------------------------------------------------- */

static enum framing_state end_request(struct framing *f)
{
    bool last = f->is.closes || (f->is.old && !f->is.keeps);
    f->whole++;
    f->index = 0;
    memset(&f->is, 0, sizeof(f->is));
    return last ? OVER : METHOD;
}

static enum framing_state end_head(struct framing *f)
{
    if (f->is.trailer)
        return end_request(f);
    if (f->is.hosts == 0 && !f->is.old)
        return framing_refused(f, "Host is missing");
    if (f->is.chunked && f->is.has_length)
        return framing_refused(f, "Content-Length and Transfer-Encoding exclude each other");
    if (f->is.chunked && f->is.old)
        return framing_refused(f, "HTTP/1.0 has no Transfer-Encoding");
    f->heads++;
    f->index = 0;
    if (f->is.chunked)
        return SIZE;
    return f->is.left > 0 ? BODY : end_request(f);
}

/* --- a byte ----------------------------------------------------------------------------------- */

/* Its value is kept from here on, if it counts. */
static enum framing_state end_name(struct framing *f)
{
    f->field = framing_field_of((struct str){f->text, f->text_n});
    f->text_n = 0;
    return BLANK;
}

/* False: there is no room for it. */
static bool keep_byte(struct framing *f, unsigned char c)
{
    if (f->text_n == sizeof(f->text))
        return false;
    f->text[f->text_n++] = (char)c;
    return true;
}

static enum framing_state at_method(struct framing *f, unsigned char c)
{
    if (c == ' ' && f->index > 0)
        return TARGET;
    if (!token_chars[c])
        return framing_refused(f, "the request does not begin with a method");
    f->index = 1;
    return METHOD;
}

static const char scheme[] = "http://";

/* Where a target stands, in index: one more than it has in common with the scheme, then in an
 * authority, then anywhere. */
enum { IN_AUTHORITY = sizeof(scheme), ANYWHERE };

/* `http://host/path` must name the host that Host does: a proxy may go by either. */
static bool keep_authority(struct framing *f, unsigned char c)
{
    if (f->index < IN_AUTHORITY) {
        bool same = (c | 0x20) == (scheme[f->index - 1] | 0x20);
        f->index = same ? f->index + 1 : ANYWHERE;
        f->authority_n = 0;
        f->is.absolute = f->index == IN_AUTHORITY;
    } else if (f->index == IN_AUTHORITY && !strchr("/?", c)) {
        if (f->authority_n == sizeof(f->authority))
            return false;
        f->authority[f->authority_n++] = (char)c;
    } else {
        f->index = ANYWHERE;
    }
    return true;
}

/* The library makes a record of each argument of the query. */
static enum framing_state at_target(struct framing *f, unsigned char c)
{
    if (c == ' ' && f->index > 1) {
        f->index = 0;
        return VERSION;
    }
    if (c <= ' ' || c >= 0x7f)
        return framing_refused(f,
                               "the request target has a blank or a byte that is no ASCII letter");
    if (c == '#')
        return framing_refused(f, "the request target has a fragment");
    if (!keep_authority(f, c))
        return framing_refused(f, "the host in the request target is too long");
    if ((c == '?' && !f->is.query) || (c == '&' && f->is.query)) {
        f->is.query = true;
        f->is.pool_bytes += SERVER_RECORD_BYTES;
    }
    return TARGET;
}

static enum framing_state at_version(struct framing *f, unsigned char c)
{
    static const char common[] = "HTTP/1.";
    const unsigned digit = sizeof(common) - 1;
    bool good = f->index < digit    ? c == (unsigned char)common[f->index]
                : f->index == digit ? c == '0' || c == '1'
                                    : c == '\r';
    if (!good)
        return framing_refused(f, "the version is neither HTTP/1.0 nor HTTP/1.1");
    if (f->index == digit)
        f->is.old = c == '0';
    return f->index++ > digit ? VERSION_LF : VERSION;
}

static enum framing_state at_version_lf(struct framing *f, unsigned char c)
{
    return framing_line_feed(f, c, FIELD_START);
}

static enum framing_state at_name(struct framing *f, unsigned char c)
{
    if (c == ':')
        return end_name(f);
    if (!token_chars[c])
        return framing_refused(f, "the name of a header field is no token");
    (void)keep_byte(f, c); /* the names that count are shorter than what is kept */
    return NAME;
}

static enum framing_state at_field_start(struct framing *f, unsigned char c)
{
    if (c == '\r')
        return HEAD_LF;
    if (c == ' ' || c == '\t')
        return framing_refused(f, "a header field is folded");
    if (c == ':')
        return framing_refused(f, "a header field has no name");
    f->text_n = 0;
    f->is.pool_bytes += SERVER_RECORD_BYTES;
    return at_name(f, c);
}

static enum framing_state at_value(struct framing *f, unsigned char c)
{
    if (c == '\r')
        return VALUE_LF;
    if (c == '\0' || c == '\n') /* others end nothing anywhere: RFC 9110 section 5.5 */
        return framing_refused(f, "a header field has a NUL, or an LF without its CR");
    if (f->field == COOKIE) /* the library keeps a copy, and a record of each */
        f->is.pool_bytes += c == ';' || c == ',' ? SERVER_RECORD_BYTES + 1 : 1;
    else if (f->field != NO_FIELD && !keep_byte(f, c))
        return framing_refused(f, "a header field that frames the request is too long");
    return VALUE;
}

static enum framing_state at_blank(struct framing *f, unsigned char c)
{
    if (c == ' ' || c == '\t')
        return BLANK;
    if (f->field == COOKIE)
        f->is.pool_bytes += SERVER_RECORD_BYTES;
    return at_value(f, c);
}

static enum framing_state at_value_lf(struct framing *f, unsigned char c)
{
    struct str value = {f->text, f->text_n};
    return c == '\n' ? framing_end_field(f, (enum framing_field)f->field, value)
                     : framing_line_feed(f, c, FIELD_START);
}

static enum framing_state at_head_lf(struct framing *f, unsigned char c)
{
    return c == '\n' ? end_head(f) : framing_line_feed(f, c, METHOD);
}

static const framing_step steps[STATES] = {
    [METHOD] = at_method,
    [TARGET] = at_target,
    [VERSION] = at_version,
    [VERSION_LF] = at_version_lf,
    [FIELD_START] = at_field_start,
    [NAME] = at_name,
    [BLANK] = at_blank,
    [VALUE] = at_value,
    [VALUE_LF] = at_value_lf,
    [HEAD_LF] = at_head_lf,
    [SIZE... DATA_LF] = framing_chunk_step,
};

/* --- many bytes ------------------------------------------------------------------------------- */

/* What of a body's n bytes is left, taken at once. */
static size_t take_data(struct framing *f, size_t n)
{
    size_t taken = f->is.left < n ? (size_t)f->is.left : n;
    f->is.left -= taken;
    if (f->is.left == 0)
        f->state = (f->state == DATA ? DATA_CR : end_request(f));
    return taken;
}

#define POOL_ROOM ((size_t)SERVER_POOL_BYTES - SERVER_ANSWER_BYTES)

static bool ends_value(unsigned char c)
{
    return c == '\r' || c == '\n' || c == '\0';
}

static const bool ends_target[256] = {
    [0 ... ' '] = true, ['#'] = true, ['&'] = true, ['?'] = true, [0x7f ... 0xff] = true};

/* The whole line of a request for a path without a query, as most are; 0 if this is none, or not
 * all of it is here, or something is wrong with it: the steps then say what. */
static size_t take_request_line(struct framing *f, const char *from, size_t n)
{
    static const char before_digit[] = " HTTP/1.";
    const unsigned char *bytes = (const unsigned char *)from;
    size_t i = 0;
    while (i < n && token_chars[bytes[i]])
        i++;
    if (i == 0 || n - i < 2 || bytes[i] != ' ' || bytes[i + 1] != '/')
        return 0;
    for (i++; i < n && !ends_target[bytes[i]]; i++)
        ;
    if (n - i < sizeof(before_digit) + 2 ||
        memcmp(from + i, before_digit, sizeof(before_digit) - 1) != 0)
        return 0;
    i += sizeof(before_digit) - 1;
    if ((from[i] != '0' && from[i] != '1') || from[i + 1] != '\r' || from[i + 2] != '\n')
        return 0;
    f->is.old = from[i] == '0';
    f->authority_n = 0;
    f->state = FIELD_START;
    return i + 3;
}

/* What a field that counts says. False: that must not be, and nothing was changed. */
static bool take_field_value(struct framing *f, enum framing_field field, struct str value)
{
    const struct framing_request before = f->is;
    while (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '\t'))
        value = (struct str){value.p + 1, value.n - 1};
    if (value.n <= sizeof(f->text) && framing_end_field(f, field, value) == FIELD_START)
        return true;
    f->is = before;
    f->fault = NULL;
    return false;
}

/* The same for the line of a header field, but for cookies, whose bytes count one by one. */
static size_t take_field_line(struct framing *f, const char *from, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)from;
    struct str name = {from, 0};
    while (name.n < n && token_chars[bytes[name.n]])
        name.n++;
    size_t i = name.n + 1;
    if (name.n == 0 || i > n || from[name.n] != ':')
        return 0;
    while (i < n && !ends_value(bytes[i]))
        i++;
    size_t line = i + 2;
    if (line > n || from[i] != '\r' || from[i + 1] != '\n' ||
        line + SERVER_RECORD_BYTES > POOL_ROOM - f->is.pool_bytes)
        return 0;
    enum framing_field field = framing_field_of(name);
    struct str value = {from + name.n + 1, i - name.n - 1};
    if (field == COOKIE || (field != NO_FIELD && !take_field_value(f, field, value)))
        return 0;
    f->is.pool_bytes += SERVER_RECORD_BYTES;
    return line;
}

/* What most of a head is made of, taken without a step for each byte: whole lines, names, values
 * that do not count, the inside of a target. Returns how many bytes that was. */
static size_t take_run(struct framing *f, const char *from, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)from;
    size_t i = 0;
    if (n > POOL_ROOM - f->is.pool_bytes)
        n = POOL_ROOM - f->is.pool_bytes;
    if (f->state == METHOD && f->index == 0) {
        i = take_request_line(f, from, n);
    } else if (f->state == FIELD_START) {
        i = take_field_line(f, from, n);
    } else if (f->state == NAME) {
        while (i < n && token_chars[bytes[i]] && keep_byte(f, bytes[i]))
            i++;
    } else if (f->state == VALUE && f->field == NO_FIELD) {
        while (i < n && !ends_value(bytes[i]))
            i++;
    } else if (f->state == TARGET && f->index == ANYWHERE) {
        while (i < n && !ends_target[bytes[i]])
            i++;
    }
    f->is.pool_bytes += i;
    return i;
}

/* The head and the trailer lie in the library's pool. A request whose answer does not fit beside
 * them would be carried out and then cut off without a word. */
static void take_byte(struct framing *f, unsigned char c)
{
    bool head = f->state < BODY;
    framing_step step = steps[f->state];
    assert(step); /* bodies and what ends are not taken byte by byte */
    f->is.pool_bytes += head;
    f->is.extension_bytes += framing_in_extension(f);
    f->state = step(f, c);
    if (f->state == FAULTY)
        return;
    if (f->is.pool_bytes > POOL_ROOM) {
        f->state = FAULTY;
        f->problem = PROBLEM_HEADERS_TOO_LARGE;
        f->fault = "the request line, the header fields and their number are too much";
    } else if (f->is.extension_bytes > SERVER_EXTENSION_BYTES) {
        f->state = framing_refused(f, "the extensions of the chunks are too long");
    }
}

static void keep_bytes(struct framing_taken *taken, char *bytes, size_t n)
{
    if (taken->kept != taken->read)
        memmove(bytes + taken->kept, bytes + taken->read, n);
    taken->kept += n;
    taken->read += n;
}

/* One byte that is not like the ones before it. False: it is not taken. */
static bool take_odd_byte(struct framing *f, char *bytes, struct framing_taken *taken)
{
    take_byte(f, (unsigned char)bytes[taken->read]);
    if (f->state == FAULTY)
        return false;
    if (framing_in_extension(f))
        taken->read++;
    else
        keep_bytes(taken, bytes, 1);
    return true;
}

void framing_take(struct framing *f, char *bytes, size_t n, struct framing_taken *taken)
{
    unsigned long whole = f->whole;
    *taken = (struct framing_taken){0, 0, 0};
    while (taken->read < n && f->state != OVER && f->state != FAULTY) {
        size_t left = n - taken->read;
        bool data = f->state == BODY || f->state == DATA;
        size_t run = data ? take_data(f, left) : take_run(f, bytes + taken->read, left);
        keep_bytes(taken, bytes, run);
        if (run == 0 && !take_odd_byte(f, bytes, taken))
            return;
        if (f->whole != whole) {
            whole = f->whole;
            taken->whole = taken->kept;
        }
    }
}
