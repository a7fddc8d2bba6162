/* answer.c -- the fields of an answer, as tables of name, place and reader. */
#include "client/answer.h"
#include "client/json_scan.h"

#include <stdlib.h>

#define STATUS_MAX 999

/* Reads one value to where it belongs. */
typedef bool take_fn(struct json_scan *s, void *to);

struct field {
    struct str name;
    take_fn *take; /* NULL: no field has this slot */
    size_t offset; /* in the struct that is filled */
};

/* Where a name stands in its table: without collisions among the names of one table, so that a
 * name is compared with one other at most. */
#define SLOTS                64
#define SLOT(n, first, last) ((10 * (n) + 12 * (first) + (last)) % SLOTS)

static inline const struct field *known_field(const struct field *table, struct str name)
{
    if (name.n == 0)
        return NULL;
    unsigned char first = (unsigned char)name.p[0], last = (unsigned char)name.p[name.n - 1];
    const struct field *field = &table[SLOT(name.n, first, last)];
    return field->take && str_equal(field->name, name) ? field : NULL;
}

/* Fills the target with those members of an object that are in the table. */
static bool read_object(struct json_scan *s, const struct field *table, void *target)
{
    struct str name, raw;
    enum json_step step;
    if (!json_scan_enter(s, '{'))
        return false;
    for (bool first = true; (step = json_scan_member(s, first, &name)) == JSON_ITEM;
         first = false) {
        const struct field *field = known_field(table, name);
        if (field ? !field->take(s, (char *)target + field->offset) : !json_scan_skip(s, &raw))
            return false;
    }
    return step == JSON_END;
}

static bool take_text(struct json_scan *s, void *to)
{
    struct str *text = to;
    *text = (struct str){NULL, 0};
    return json_scan_null(s) || json_scan_text(s, text);
}

/* A problem's type is a URL; only its last part says something. */
static bool take_type(struct json_scan *s, void *to)
{
    struct str *type = to;
    if (!take_text(s, type))
        return false;
    const char *slash = type->n > 0 ? memrchr(type->p, '/', type->n) : NULL;
    if (slash)
        *type = (struct str){slash + 1, type->n - (size_t)(slash + 1 - type->p)};
    return true;
}

static bool take_number(struct json_scan *s, void *to)
{
    int64_t *number = to;
    *number = ANSWER_UNSAID;
    return json_scan_null(s) || json_scan_int64(s, number);
}

/* A limit that is null was said: there is none. */
static bool take_limit(struct json_scan *s, void *to)
{
    int64_t *limit = to;
    *limit = 0;
    return json_scan_null(s) || json_scan_int64(s, limit);
}

static bool take_version(struct json_scan *s, void *to)
{
    uint64_t *version = to;
    *version = 0;
    return json_scan_null(s) || json_scan_uint64(s, version);
}

static bool take_status(struct json_scan *s, void *to)
{
    int *status = to;
    uint64_t number = 0;
    if (!json_scan_null(s) && !json_scan_uint64(s, &number))
        return false;
    *status = number <= STATUS_MAX ? (int)number : 0;
    return number <= STATUS_MAX;
}

static bool take_flag(struct json_scan *s, void *to)
{
    bool *flag = to;
    *flag = false;
    return json_scan_null(s) || json_scan_bool(s, flag);
}

/* A number that nothing depends on: one that is no whole number was not said. */
static bool take_whole(struct json_scan *s, void *to)
{
    int64_t *number = to;
    struct json_scan before = *s;
    struct str raw;
    *number = ANSWER_UNSAID;
    if (json_scan_int64(s, number))
        return true;
    *number = ANSWER_UNSAID;
    *s = before;
    return json_scan_skip(s, &raw);
}

static bool take_any(struct json_scan *s, void *to)
{
    return json_scan_skip(s, to);
}

static bool take_raw(struct json_scan *s, void *to)
{
    struct str *raw = to;
    *raw = (struct str){NULL, 0};
    return json_scan_null(s) || json_scan_skip(s, raw);
}

/* A line of a reservation, or of a refusal or a list, which call some things by other names. */
struct any_line {
    struct answer_line line;
    int64_t requested, available, max_per_customer;
};

#define LINE_FIELD(first, last, text, take_it, member)                                             \
    [SLOT(sizeof(text) - 1, first, last)] = {                                                      \
        {text, sizeof(text) - 1}, take_it, offsetof(struct any_line, member)}
static const struct field line_fields[SLOTS] = {
    LINE_FIELD('s', 'u', "sku", take_text, line.sku),
    LINE_FIELD('q', 'y', "quantity", take_number, line.quantity),
    LINE_FIELD('r', 'g', "remaining", take_number, line.remaining),
    LINE_FIELD('v', 'n', "version", take_version, line.version),
    LINE_FIELD('r', 'd', "requested", take_number, requested),
    LINE_FIELD('a', 'e', "available", take_number, available),
    LINE_FIELD('r', 'd', "reserved", take_number, line.reserved),
    LINE_FIELD('o', 'd', "on_hand", take_number, line.on_hand),
    LINE_FIELD('h', 'd', "held", take_number, line.held),
    LINE_FIELD('l', 't', "limit", take_number, line.limit),
    LINE_FIELD('u', 'd', "used", take_number, line.used),
    LINE_FIELD('m', 'r', "max_per_customer", take_limit, max_per_customer),
};

static bool read_line(struct json_scan *s, struct answer_line *line)
{
    struct any_line any = {.line = {.quantity = ANSWER_UNSAID,
                                    .remaining = ANSWER_UNSAID,
                                    .reserved = ANSWER_UNSAID,
                                    .on_hand = ANSWER_UNSAID,
                                    .held = ANSWER_UNSAID,
                                    .limit = ANSWER_UNSAID,
                                    .used = ANSWER_UNSAID},
                           .requested = ANSWER_UNSAID,
                           .available = ANSWER_UNSAID,
                           .max_per_customer = ANSWER_UNSAID};
    if (!read_object(s, line_fields, &any))
        return false;
    if (any.line.quantity == ANSWER_UNSAID)
        any.line.quantity = any.requested;
    if (any.line.remaining == ANSWER_UNSAID)
        any.line.remaining = any.available;
    if (any.line.limit == ANSWER_UNSAID)
        any.line.limit = any.max_per_customer;
    *line = any.line;
    return true;
}

static bool take_side(struct json_scan *s, void *to)
{
    struct answer_line *side = to;
    *side = (struct answer_line){.version = 0};
    return json_scan_null(s) || read_line(s, side);
}

static bool read_lines(struct json_scan *s, struct answer_line *line, unsigned *lines)
{
    enum json_step step;
    *lines = 0;
    if (!json_scan_enter(s, '['))
        return false;
    for (; (step = json_scan_element(s, *lines == 0)) == JSON_ITEM; ++*lines)
        if (*lines == ANSWER_LINES_MAX || !read_line(s, &line[*lines]))
            return false;
    return step == JSON_END;
}

static bool take_lines(struct json_scan *s, void *to)
{
    struct answer *a = to;
    a->lines = 0;
    return json_scan_null(s) || read_lines(s, a->line, &a->lines);
}

static bool take_items(struct json_scan *s, void *to)
{
    ((struct answer *)to)->listed = true;
    return take_lines(s, to);
}

#define TOP_FIELD(first, last, text, take_it, member)                                              \
    [SLOT(sizeof(text) - 1, first, last)] = {                                                      \
        {text, sizeof(text) - 1}, take_it, offsetof(struct answer, member)}
static const struct field top_fields[SLOTS] = {
    TOP_FIELD('i', 'd', "id", take_text, id),
    TOP_FIELD('s', 'e', "state", take_text, state),
    TOP_FIELD('t', 'e', "type", take_type, type),
    TOP_FIELD('t', 'e', "title", take_text, title),
    TOP_FIELD('d', 'l', "detail", take_text, detail),
    TOP_FIELD('c', 'r', "customer", take_any, customer),
    TOP_FIELD('r', 'e', "reference", take_any, reference),
    TOP_FIELD('m', 'a', "metadata", take_any, metadata),
    TOP_FIELD('e', 's', "expired_lines", take_raw, expired_lines),
    TOP_FIELD('s', 'u', "sku", take_text, sku),
    TOP_FIELD('o', 'd', "on_hand", take_number, on_hand),
    TOP_FIELD('a', 'e', "available", take_number, available),
    TOP_FIELD('h', 'd', "held", take_number, held),
    TOP_FIELD('s', 'd', "sold", take_number, sold),
    TOP_FIELD('r', 'g', "remaining", take_number, remaining),
    TOP_FIELD('q', 'y', "quantity", take_number, quantity),
    TOP_FIELD('m', 'r', "max_per_customer", take_limit, limit),
    TOP_FIELD('t', 's', "ttl_ms", take_whole, ttl_ms),
    TOP_FIELD('v', 'n', "version", take_version, version),
    TOP_FIELD('s', 's', "status", take_status, status),
    TOP_FIELD('b', 'y', "body", take_raw, body),
    TOP_FIELD('r', 'd', "replayed", take_flag, replayed),
    TOP_FIELD('n', 'r', "next_cursor", take_any, next_cursor),
    TOP_FIELD('f', 'm', "from", take_side, from),
    TOP_FIELD('t', 'o', "to", take_side, to),
    [SLOT(5, 'l', 's')] = {{"lines", 5}, take_lines, 0},
    [SLOT(5, 'i', 's')] = {{"items", 5}, take_items, 0},
};

bool answer_read(struct answer *a, struct str json)
{
    struct json_scan s = json_scan_of(json);
    memset(a, 0, offsetof(struct answer, line));
    a->on_hand = a->available = a->held = a->sold = ANSWER_UNSAID;
    a->remaining = a->quantity = a->limit = a->ttl_ms = ANSWER_UNSAID;
    return read_object(&s, top_fields, a) && json_scan_ends(&s);
}

bool answer_read_lines(struct answer_line line[ANSWER_LINES_MAX], unsigned *lines, struct str json)
{
    struct json_scan s = json_scan_of(json);
    return read_lines(&s, line, lines) && json_scan_ends(&s);
}

/* Steps into the array of the first member of that name. */
static bool find_elements(struct json_scan *s, const char *member)
{
    struct str name, raw;
    if (!json_scan_enter(s, '{'))
        return false;
    for (bool first = true; json_scan_member(s, first, &name) == JSON_ITEM; first = false) {
        if (str_equal(name, str_of(member)))
            return json_scan_enter(s, '[');
        if (!json_scan_skip(s, &raw))
            return false;
    }
    return false;
}

/* Whether the object that held the array ends well, and the text with it. */
static bool pass_rest(struct json_scan *s)
{
    struct str name, raw;
    enum json_step step;
    while ((step = json_scan_member(s, false, &name)) == JSON_ITEM)
        if (!json_scan_skip(s, &raw))
            return false;
    return step == JSON_END && json_scan_ends(s);
}

bool answer_next(struct str json, const char *member, size_t *at, struct str *element, bool *broken)
{
    struct json_scan s = json_scan_of(json);
    bool first = *at == 0;
    *broken = true;
    if (*at > json.n)
        return false;
    if (first && !find_elements(&s, member))
        return false;
    if (!first) {
        s.at += *at;
        s.depth = 2; /* the object and the array */
    }
    enum json_step step = json_scan_element(&s, first);
    if (step == JSON_END)
        *broken = !pass_rest(&s);
    if (step != JSON_ITEM || !json_scan_skip(&s, element))
        return false;
    *broken = false;
    *at = json.n - (size_t)(s.end - s.at);
    return true;
}

/* --- one number out of Prometheus' text format ------------------------------------------------ */

#define NUMBER_MAX_BYTES 64

/* What is left of the text behind the labels; absent when they do not end. */
static struct str pass_labels(struct str s)
{
    bool quoted = false;
    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];
        if (c == '"')
            quoted = !quoted;
        else if (c == '\\' && quoted)
            i++;
        else if (c == '}' && !quoted)
            return (struct str){s.p + i + 1, s.n - i - 1};
    }
    return (struct str){NULL, 0};
}

/* The number behind the blanks; a time stamp may follow it. */
static bool read_number(struct str s, double *value)
{
    char number[NUMBER_MAX_BYTES], *end;
    size_t n = 0;
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t' && s.p[n] != '\r')
        n++;
    if (n == 0 || n >= sizeof(number))
        return false;
    memcpy(number, s.p, n);
    number[n] = '\0';
    *value = strtod(number, &end);
    return end == number + n;
}

static bool read_metric(struct str line, struct str name, double *value)
{
    if (line.n <= name.n || memcmp(line.p, name.p, name.n) != 0)
        return false;
    struct str rest = {line.p + name.n, line.n - name.n};
    if (rest.p[0] == '{')
        rest = pass_labels(rest);
    else if (rest.p[0] != ' ' && rest.p[0] != '\t')
        return false; /* a longer name */
    return read_number(rest, value);
}

/* Takes the first line off the text. */
static struct str cut_line(struct str *text)
{
    const char *lf = memchr(text->p, '\n', text->n);
    struct str line = {text->p, lf ? (size_t)(lf - text->p) : text->n};
    text->p += line.n + (lf != NULL);
    text->n -= line.n + (lf != NULL);
    return line;
}

struct str answer_metric_line(struct str *text, const char *name)
{
    double value;
    while (text->n > 0) {
        struct str line = cut_line(text);
        if (read_metric(line, str_of(name), &value))
            return line;
    }
    return (struct str){NULL, 0};
}

bool answer_metric(struct str text, const char *name, double *value)
{
    bool found = false;
    double sum = 0, one;
    while (text.n > 0) {
        if (read_metric(cut_line(&text), str_of(name), &one)) {
            sum += one;
            found = true;
        }
    }
    *value = sum;
    return found;
}
