/* units.c -- digits, then a suffix from a table. */
#include "units.h"
#include "digits.h"
#include "fail.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct suffix {
    const char *text;
    int64_t factor;
};

static const struct suffix durations[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                          {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct suffix sizes[] = {
    {"", 1}, {"k", 1024}, {"m", 1024 * 1024}, {"g", 1024 * 1024 * 1024}, {NULL, 0}};
static const struct suffix counts[] = {
    {"", 1}, {"k", 1000}, {"m", 1000000}, {"g", 1000000000}, {NULL, 0}};

/* Digits only: no sign, no blank. *after is the first byte that is not a digit. */
static bool parse_digits(const char *text, int64_t *value, const char **after, bool *too_large)
{
    const char *p = text;
    int64_t sum = 0;
    *too_large = false;
    for (; digits_is(*p); p++)
        *too_large |= __builtin_mul_overflow(sum, (int64_t)10, &sum) ||
                      __builtin_add_overflow(sum, (int64_t)(*p - '0'), &sum);
    *after = p;
    *value = sum;
    return p != text;
}

static bool parse_scaled(const char *text, const struct suffix *suffixes, const char *expected,
                         int64_t *out, char *err, size_t err_size)
{
    int64_t value;
    const char *after;
    bool too_large;
    if (!parse_digits(text, &value, &after, &too_large))
        return fail_with(err, err_size, "%s", expected);
    for (const struct suffix *s = suffixes; s->text; s++) {
        if (strcasecmp(after, s->text) != 0)
            continue;
        if (too_large || __builtin_mul_overflow(value, s->factor, &value))
            return fail_with(err, err_size, "is too large");
        *out = value;
        return true;
    }
    return fail_with(err, err_size, "%s", expected);
}

bool units_parse_duration_ms(const char *text, int64_t *ms, char *err, size_t err_size)
{
    if (strcmp(text, "0") == 0) { /* the one duration that needs no unit */
        *ms = 0;
        return true;
    }
    return parse_scaled(text, durations,
                        "is no duration; give a number and one of ms, s, m, h, d, as in 10s", ms,
                        err, err_size);
}

bool units_parse_size(const char *text, int64_t *bytes, char *err, size_t err_size)
{
    return parse_scaled(text, sizes,
                        "is no size; give bytes, or a number and one of k, m, g, as in 64k", bytes,
                        err, err_size);
}

bool units_parse_count(const char *text, int64_t *count, char *err, size_t err_size)
{
    return parse_scaled(text, counts,
                        "is no count; give a number, or one with k, m or g (thousands), as in 10k",
                        count, err, err_size);
}

bool units_parse_int(const char *text, int64_t min, int64_t max, int64_t *value, char *err,
                     size_t err_size)
{
    assert(min <= max);
    bool minus = *text == '-';
    int64_t parsed;
    const char *after;
    bool too_large;
    /* The smallest int64_t has no positive twin, and counts as too large. */
    bool ok = parse_digits(text + minus, &parsed, &after, &too_large) && *after == '\0';
    if (ok && !too_large) {
        parsed = minus ? -parsed : parsed;
        if (parsed >= min && parsed <= max) {
            *value = parsed;
            return true;
        }
    }
    return fail_with(err, err_size, "is %s; give a whole number from %" PRId64 " to %" PRId64,
                     ok ? "out of range" : "no number", min, max);
}

/* In the largest unit of which it is a multiple. */
static void format_scaled(char out[UNITS_TEXT_SIZE], int64_t value, const struct suffix *suffixes)
{
    const struct suffix *best = suffixes;
    for (const struct suffix *s = suffixes; s->text; s++)
        if (value % s->factor == 0)
            best = s;
    if (value == 0)
        snprintf(out, UNITS_TEXT_SIZE, "0");
    else
        snprintf(out, UNITS_TEXT_SIZE, "%" PRId64 "%s", value / best->factor, best->text);
}

void units_format_duration_ms(char out[UNITS_TEXT_SIZE], int64_t ms)
{
    format_scaled(out, ms, durations);
}

void units_format_size(char out[UNITS_TEXT_SIZE], int64_t bytes)
{
    format_scaled(out, bytes, sizes);
}

void units_format_count(char out[UNITS_TEXT_SIZE], int64_t count)
{
    format_scaled(out, count, counts);
}
