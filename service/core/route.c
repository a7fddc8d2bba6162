#include "core/route.h"
#include "digits.h"

#include <assert.h>
#include <stdio.h>

#define READ               (METHOD_GET | METHOD_HEAD)
#define ROUTE_ROW(id, ...) [id] = {id, __VA_ARGS__},
static const struct route_row rows[ROUTES] = {ROUTE_EACH(ROUTE_ROW)};

/* clang-format off */
static const struct { enum route_method bit; const char *name; } methods[] = {
    {METHOD_GET, "GET"}, {METHOD_HEAD, "HEAD"}, {METHOD_POST, "POST"},
    {METHOD_PUT, "PUT"}, {METHOD_DELETE, "DELETE"},
};
/* clang-format on */
#define METHODS (sizeof(methods) / sizeof(methods[0]))

const struct route_row *route_row(enum route_id id)
{
    assert(id < ROUTES);
    return &rows[id];
}

enum role route_least(enum route_id id, enum route_method method)
{
    const struct route_row *row = route_row(id);
    if (method & row->methods)
        return method & READ ? row->reads : row->writes;
    return row->reads == ROLE_ANYBODY ? ROLE_ANYBODY : ROLE_READER;
}

const char *const *route_names(void)
{
    static const char *names[ROUTES];
    for (int i = 0; i < ROUTES; i++)
        names[i] = rows[i].name;
    return names;
}

void route_allow(unsigned allowed, char out[ROUTE_ALLOW_SIZE])
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < METHODS; i++) {
        if (!(allowed & methods[i].bit))
            continue;
        n +=
            (size_t)snprintf(out + n, ROUTE_ALLOW_SIZE - n, "%s%s", n ? ", " : "", methods[i].name);
        assert(n < ROUTE_ALLOW_SIZE);
    }
}

/* A pattern's text before and behind its parameter. */
struct shape {
    struct str before, behind;
    bool has_param;
};

static const struct shape *shape_of(int row)
{
    static struct shape shapes[ROUTES];
    struct shape *shape = &shapes[row];
    if (str_absent(shape->before)) {
        const char *pattern = rows[row].pattern, *param = strchr(pattern, '{');
        shape->has_param = param;
        shape->before = param ? (struct str){pattern, (size_t)(param - pattern)} : str_of(pattern);
        shape->behind = param ? str_of(strchr(param, '}') + 1) : STR("");
    }
    return shape;
}

static enum route_method method_of(struct str method)
{
    for (size_t i = 0; i < METHODS; i++)
        if (str_equal(method, str_of(methods[i].name)))
            return methods[i].bit;
    return METHOD_OTHER;
}

/* Decodes %XX, and `+` if asked. False: a broken escape. Never writes more than raw.n bytes. */
static bool decode(struct str raw, bool plus, char *room, struct str *out)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '+' && plus)
            c = ' ';
        if (c == '%') {
            int high = i + 2 < raw.n ? digits_hex(raw.p[i + 1]) : -1;
            int low = i + 2 < raw.n ? digits_hex(raw.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        room[n++] = c;
    }
    *out = (struct str){room, n};
    return true;
}

/* The text up to `stop` or the end; *rest is what follows it, absent if there was no `stop`. */
static struct str split_at(struct str text, char stop, struct str *rest)
{
    const char *at = text.n ? memchr(text.p, stop, text.n) : NULL;
    if (!at) {
        *rest = (struct str){NULL, 0};
        return text;
    }
    size_t n = (size_t)(at - text.p);
    *rest = (struct str){at + 1, text.n - n - 1};
    return (struct str){text.p, n};
}

/* Takes `http://authority` off an absolute target. False: it is no path (`*`, an authority). */
static bool to_path(struct str *target)
{
    if (target->n > 7 && strncasecmp(target->p, "http://", 7) == 0) {
        size_t i = 7;
        while (i < target->n && target->p[i] != '/' && target->p[i] != '?')
            i++;
        if (i == 7)
            return false;
        *target = (struct str){target->p + i, target->n - i};
        if (target->n == 0 || target->p[0] == '?')
            return false;
    }
    return target->n > 0 && target->p[0] == '/';
}

/* Whether the path fits the pattern, segment by segment; literal segments are compared decoded, so
 * that `/v1/%69tems` is what RFC 3986 says it is. -1: an escape is broken. */
static int match_pattern(const char *pattern, struct str path, char *room, struct str *param)
{
    struct str want = str_of(pattern + 1), have = {path.p + 1, path.n - 1};
    *param = (struct str){NULL, 0};
    for (;;) {
        struct str want_rest, have_rest, segment;
        struct str want_now = split_at(want, '/', &want_rest);
        struct str have_now = split_at(have, '/', &have_rest);
        if (!decode(have_now, false, room, &segment))
            return -1;
        if (want_now.n > 0 && want_now.p[0] == '{') {
            if (segment.n == 0)
                return 0;
            *param = segment;
            room += segment.n;
        } else if (want_now.n != segment.n || memcmp(want_now.p, segment.p, segment.n) != 0) {
            return 0;
        }
        if (str_absent(want_rest) || str_absent(have_rest))
            return str_absent(want_rest) && str_absent(have_rest);
        want = want_rest;
        have = have_rest;
    }
}

/* The same without escapes: what stands in the path is the parameter. */
static bool match_plain(const struct shape *shape, struct str path, struct str *param)
{
    struct str before = shape->before, behind = shape->behind;
    *param = (struct str){NULL, 0};
    if (!shape->has_param)
        return str_equal(path, before);
    if (path.n <= before.n + behind.n || memcmp(path.p, before.p, before.n) != 0)
        return false;
    struct str segment = {path.p + before.n, path.n - before.n - behind.n};
    if (memchr(segment.p, '/', segment.n) || memcmp(segment.p + segment.n, behind.p, behind.n) != 0)
        return false;
    *param = segment;
    return true;
}

struct route_match route_find(struct str method, struct str target, char *room)
{
    struct route_match match = {.id = ROUTE_NONE, .method = method_of(method)};
    struct str fragment;
    target = split_at(target, '#', &fragment);
    if (!to_path(&target)) {
        match.verdict = ROUTE_MALFORMED;
        return match;
    }
    struct str path = split_at(target, '?', &match.query);
    bool plain = !memchr(path.p, '%', path.n);
    for (int i = 0; i < ROUTE_NONE; i++) {
        int fit = plain ? match_plain(shape_of(i), path, &match.param)
                        : match_pattern(rows[i].pattern, path, room, &match.param);
        if (fit < 0) {
            match.verdict = ROUTE_MALFORMED;
            return match;
        }
        if (fit == 0)
            continue;
        match.id = rows[i].id;
        match.allowed = rows[i].methods;
        match.verdict = (match.allowed & match.method) ? ROUTE_FOUND : ROUTE_METHOD_NOT_ALLOWED;
        return match;
    }
    match.verdict = ROUTE_UNKNOWN;
    match.param = (struct str){NULL, 0};
    return match;
}

int query_parse(struct str query, char *room, struct query_param *params, unsigned max)
{
    unsigned count = 0;
    struct str rest = query;
    while (!str_absent(rest)) {
        struct str raw_value, pair = split_at(rest, '&', &rest);
        if (pair.n == 0)
            continue;
        struct str raw_name = split_at(pair, '=', &raw_value);
        if (str_absent(raw_value))
            raw_value = STR("");
        if (count == max)
            return -1;
        struct query_param *param = &params[count++];
        if (!decode(raw_name, true, room, &param->name))
            return -1;
        room += param->name.n;
        if (!decode(raw_value, true, room, &param->value))
            return -1;
        room += param->value.n;
        for (unsigned i = 0; i + 1 < count; i++)
            if (str_equal(params[i].name, param->name))
                return -1;
    }
    return (int)count;
}
