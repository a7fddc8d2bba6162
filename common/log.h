/* log.h -- one event, one line on standard error, in fields a machine can read.
 *
 * Layer: common. Format, level and process name are the only state, one set per process; children
 * inherit it by fork. Example:
 *
 *   log_event(LOG_INFO, "redis connected", LOG_STR("addr", addr), LOG_INT("port", port));
 *   time=2026-11-21T01:31:37.123Z level=info proc=worker/2 pid=812 msg="redis connected" addr=...
 *
 * Each macro below takes one type and the compiler checks it. A value can not add a line or a
 * field: quotes, control bytes and invalid UTF-8 are escaped. A line is one write(2) and at most
 * LOG_LINE_MAX bytes: a longer value is cut and ends in "...", a field with no room is left out
 * and truncated=true says so. A line that can not be written is lost; errno is left as it was.
 */
#pragma once

#include "str.h"

#include <stdbool.h>
#include <stdint.h>

#define LOG_LINE_MAX  4096 /* bytes; a pipe takes as much in one piece (PIPE_BUF) */
#define LOG_VALUE_MAX 1024 /* bytes of a value before escaping */

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVELS };
enum log_format { LOG_LOGFMT, LOG_JSON, LOG_FORMATS };

/* Until called: logfmt, info. May be called again at any time. */
void log_configure(enum log_format format, enum log_level level);

/* Who is speaking: proc=name, or proc=name/index. index < 0 for none. The name is copied. */
void log_set_process(const char *name, int index);

/* "error", "warn", "info", "debug". */
bool log_level_parse(const char *text, enum log_level *level) MUST_CHECK;
const char *log_level_name(enum log_level level);

enum log_kind { LOG_KIND_END, LOG_KIND_TEXT, LOG_KIND_INT, LOG_KIND_BOOL };

struct log_field {
    const char *key; /* a literal of [a-z0-9_]: keys are not escaped */
    enum log_kind kind;
    union {
        struct str text;
        int64_t number;
        bool flag;
    } value;
};

/* NUL-terminated text; NULL is written as an empty value. */
static inline struct log_field LOG_STR(const char *key, const char *text) {
    return (struct log_field){key, LOG_KIND_TEXT, {.text = str_of(text)}};
}

static inline struct log_field
LOG_TEXT(const char *key, struct str text) {
    return (struct log_field){key, LOG_KIND_TEXT, {.text = text}};
}

static inline struct log_field
LOG_INT(const char *key, int64_t number) {
    return (struct log_field){key, LOG_KIND_INT, {.number = number}};
}

static inline struct log_field
LOG_BOOL(const char *key, bool flag) {
    return (struct log_field){key, LOG_KIND_BOOL, {.flag = flag}};
}

/* error="Connection refused" from an errno, of either sign. */
struct log_field
LOG_ERRNO(int err);

#define LOG_END ((struct log_field){NULL, LOG_KIND_END, {.number = 0}})

/* Writes one event. The fields are evaluated only when the level is on; the list needs no LOG_END
 * but may have one. */
#define log_event(level, message, ...)                                                             \
    do {                                                                                           \
        if (log_enabled(level))                                                                    \
            log_write((level), (const struct log_field[]){LOG_STR("msg", (message)),               \
                                                          ##__VA_ARGS__, LOG_END});                \
    } while (0)

bool log_enabled(enum log_level level);

/* Behind log_event: fields up to the first LOG_END. */
void log_write(enum log_level level, const struct log_field *fields);

/* For events that may come a million times a second: at most one a second passes per gate. All
 * zeros is a gate that was never used. */
struct log_gate {
    int64_t next_ms;
};

/* Whether to log now; now_ms is of the monotonic clock. */
bool log_allowed(struct log_gate *gate, int64_t now_ms) MUST_CHECK;
