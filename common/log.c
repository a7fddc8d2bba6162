/* log.c -- builds a line on the stack, escapes values, writes once. */
#include "log.h"
#include "clock.h"
#include "utf8.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GATE_MS    1000
#define VALUE_ROOM 12 /* one escaped character, "..." and a quote */
#define TAIL_ROOM  24 /* for the mark of a truncated line, and its end */

static const char *const level_names[LOG_LEVELS] = {"error", "warn", "info", "debug"};

static const struct log_field truncated = {"truncated", LOG_KIND_BOOL, {.flag = true}};

static struct {
    enum log_format format;
    enum log_level level;
    char process[48];
} state = {LOG_LOGFMT, LOG_INFO, ""};

void log_configure(enum log_format format, enum log_level level)
{
    assert(format < LOG_FORMATS && level < LOG_LEVELS);
    state.format = format;
    state.level = level;
}

void log_set_process(const char *name, int index)
{
    if (index < 0)
        snprintf(state.process, sizeof state.process, "%s", name);
    else
        snprintf(state.process, sizeof state.process, "%.32s/%d", name, index);
}

bool log_level_parse(const char *text, enum log_level *level)
{
    for (int i = 0; i < LOG_LEVELS; i++) {
        if (strcmp(level_names[i], text) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_name(enum log_level level)
{
    assert(level < LOG_LEVELS);
    return level_names[level];
}

struct log_field LOG_ERRNO(int err) {
    /* glibc: a constant text for every number it knows, a per-thread buffer otherwise. */
    return LOG_STR("error", strerror(err < 0 ? -err : err));
}

bool log_enabled(enum log_level level)
{
    return level <= state.level;
}

/* A line in the making. `full` is set by the first write that finds no room. */
struct line {
    char p[LOG_LINE_MAX];
    size_t n;
    size_t max;
    bool full;
};

static void put_bytes(struct line *l, const char *bytes, size_t n)
{
    if (n > l->max - l->n) {
        l->full = true;
        return;
    }
    memcpy(l->p + l->n, bytes, n);
    l->n += n;
}

static void put_text(struct line *l, const char *text)
{
    put_bytes(l, text, strlen(text));
}

/* Bytes of the UTF-8 character at p, or 0 when it is none, or a control that a terminal obeys. */
static size_t printable_length(const char *p, size_t n)
{
    const unsigned char *c = (const unsigned char *)p;
    size_t length = utf8_length(p, n);
    bool control = c[0] < 0x20 || c[0] == 0x7f || (length == 2 && c[0] == 0xc2 && c[1] < 0xa0);
    return control ? 0 : length;
}

static void put_escape(struct line *l, unsigned char c)
{
    const char *named = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;
    if (named) {
        put_bytes(l, named, 2);
        return;
    }
    char code[8];
    int n;
    if (state.format == LOG_LOGFMT)
        n = snprintf(code, sizeof code, "\\x%02x", c);
    else if (c < 0x80)
        n = snprintf(code, sizeof code, "\\u%04x", c);
    else
        n = snprintf(code, sizeof code, "\\ufffd"); /* JSON has no way to say "the byte 0xff" */
    put_bytes(l, code, (size_t)n);
}

/* Cut at LOG_VALUE_MAX, or where the line has no room for one more escape and the mark. */
static void put_quoted(struct line *l, struct str s)
{
    size_t n = s.n < LOG_VALUE_MAX ? s.n : LOG_VALUE_MAX;
    size_t i = 0;
    put_bytes(l, "\"", 1);
    while (i < n && l->max - l->n >= VALUE_ROOM) {
        size_t len = printable_length(s.p + i, s.n - i);
        if (s.p[i] == '"' || s.p[i] == '\\')
            put_bytes(l, "\\", 1);
        if (len > 0)
            put_bytes(l, s.p + i, len);
        else
            put_escape(l, (unsigned char)s.p[i]);
        i += len ? len : 1;
    }
    put_text(l, i < s.n ? "...\"" : "\"");
}

/* A value that logfmt may show without quotes. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"=\\", s.p[i]))
            return false;
    return s.n > 0 && s.n <= LOG_VALUE_MAX;
}

static void put_field_value(struct line *l, const struct log_field *f)
{
    char number[24];
    int n = 0;
    switch (f->kind) {
    case LOG_KIND_TEXT:
        if (state.format == LOG_LOGFMT && is_plain(f->value.text) &&
            f->value.text.n <= l->max - l->n)
            put_bytes(l, f->value.text.p, f->value.text.n);
        else
            put_quoted(l, f->value.text);
        return;
    case LOG_KIND_INT: n = snprintf(number, sizeof number, "%" PRId64, f->value.number); break;
    case LOG_KIND_BOOL: put_text(l, f->value.flag ? "true" : "false"); return;
    case LOG_KIND_END: assert(false); return; /* never reached: the list ends here */
    }
    put_bytes(l, number, (size_t)n);
}

/* Writes one field, or none of it when it has no room. */
static bool put_field(struct line *l, const struct log_field *f)
{
    size_t before = l->n;
    bool json = state.format == LOG_JSON;
    if (l->n > 0)
        put_bytes(l, json ? "," : " ", 1);
    put_text(l, json ? (before == 0 ? "{\"" : "\"") : "");
    put_text(l, f->key);
    put_text(l, json ? "\":" : "=");
    put_field_value(l, f);
    if (!l->full)
        return true;
    l->n = before;
    l->full = false;
    return false;
}

static void send_line(const struct line *l)
{
    ssize_t rc;
    do {
        rc = write(STDERR_FILENO, l->p, l->n);
    } while (rc < 0 && errno == EINTR);
}

void log_write(enum log_level level, const struct log_field *fields)
{
    int err = errno;
    char time[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(clock_wall_ms(), time);

    const struct log_field head[] = {
        LOG_STR("time", time), LOG_STR("level", log_level_name(level)),
        LOG_STR("proc", state.process[0] ? state.process : program_invocation_short_name),
        LOG_INT("pid", getpid())};
    struct line l;
    l.n = 0;
    l.max = LOG_LINE_MAX - TAIL_ROOM;
    l.full = false;
    bool whole = true;
    for (size_t i = 0; i < sizeof head / sizeof head[0]; i++)
        whole &= put_field(&l, &head[i]);
    for (const struct log_field *f = fields; f->kind != LOG_KIND_END; f++)
        whole &= put_field(&l, f);

    l.max = LOG_LINE_MAX; /* the tail's own room */
    if (!whole)
        put_field(&l, &truncated);
    put_text(&l, state.format == LOG_JSON ? "}\n" : "\n");
    assert(!l.full);
    send_line(&l);
    errno = err;
}

bool log_allowed(struct log_gate *gate, int64_t now_ms)
{
    if (now_ms < gate->next_ms)
        return false;
    gate->next_ms = now_ms + GATE_MS;
    return true;
}
