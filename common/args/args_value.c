/* args_value.c -- one setter a type. */
#include "args/args_value.h"
#include "buf.h"
#include "fail.h"
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void *field_of(const struct arg_spec *spec, void *config)
{
    return (char *)config + spec->offset;
}

static int64_t max_of(const struct arg_spec *spec)
{
    return spec->min == 0 && spec->max == 0 ? INT64_MAX : spec->max;
}

void args_clear(const struct arg_spec *spec, void *config)
{
    void *field = field_of(spec, config);
    switch (spec->type) {
    case ARG_STRING:
    case ARG_CONFIG: *(char **)field = NULL; break;
    case ARG_BOOL: *(bool *)field = false; break;
    case ARG_ENUM: *(int *)field = 0; break;
    case ARG_NUMBER: *(double *)field = NAN; break;
    case ARG_LIST: *(struct arg_list *)field = (struct arg_list){NULL, 0}; break;
    case ARG_REFUSED: break;
    case ARG_INT:
    case ARG_COUNT:
    case ARG_DURATION_MS:
    case ARG_SIZE: *(int64_t *)field = 0; break;
    }
}

/* "expected text" of an enum: a, b or c. */
static void list_choices(const struct arg_spec *spec, char *out, size_t size)
{
    struct buf b;
    buf_init(&b, size - 1);
    for (size_t i = 0; spec->choices[i]; i++) {
        if (i > 0)
            buf_puts(&b, spec->choices[i + 1] ? STR(", ") : STR(" or "));
        buf_puts(&b, str_of(spec->choices[i]));
    }
    snprintf(out, size, "%.*s", STR_ARG(buf_str(&b)));
    buf_free(&b);
}

static bool set_bool(const struct arg_spec *spec, const char *text, void *config, char *why,
                     size_t size)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *(bool *)field_of(spec, config) = i % 2;
            return true;
        }
    }
    return fail_with(why, size, "is not known; give yes or no");
}

bool args_parse_integer(const struct arg_spec *spec, const char *text, int64_t *value, char *why,
                        size_t size)
{
    int64_t min = spec->min, max = max_of(spec);
    switch (spec->type) {
    case ARG_COUNT:
        if (!units_parse_count(text, value, why, size))
            return false;
        break;
    case ARG_DURATION_MS:
        if (!units_parse_duration_ms(text, value, why, size))
            return false;
        break;
    case ARG_SIZE:
        if (!units_parse_size(text, value, why, size))
            return false;
        break;
    default: return units_parse_int(text, min, max, value, why, size);
    }
    if (*value >= min && *value <= max)
        return true;
    const char *unit = spec->type == ARG_DURATION_MS ? " ms"
                       : spec->type == ARG_SIZE      ? " bytes"
                                                     : "";
    return fail_with(why, size, "is out of range; give %" PRId64 " to %" PRId64 "%s", min, max,
                     unit);
}

static bool set_integer(const struct arg_spec *spec, const char *text, void *config, char *why,
                        size_t size)
{
    int64_t number;
    if (!args_parse_integer(spec, text, &number, why, size))
        return false;
    *(int64_t *)field_of(spec, config) = number;
    return true;
}

/* Decimal digits, perhaps a fraction, an exponent and a percent sign: strtod alone would take
 * blanks, "nan" and "0x1p3" as well. */
static bool set_number(const struct arg_spec *spec, const char *text, void *config, char *why,
                       size_t size)
{
    double max = spec->number_min == 0 && spec->number_max == 0 ? INFINITY : spec->number_max;
    size_t n = strspn(text, "0123456789+-.eE");
    bool percent = strcmp(text + n, "%") == 0;
    char *end = NULL;
    double value = strtod(text, &end);
    if (n == 0 || end != text + n || (text[n] && !percent) || !isfinite(value))
        return fail_with(why, size, "is no number; give one as in 0.05 or 5%%");
    value = percent ? value / 100 : value;
    if (value < spec->number_min || value > max)
        return fail_with(why, size, "is out of range; give %g to %g", spec->number_min, max);
    *(double *)field_of(spec, config) = value;
    return true;
}

static bool set_string(const struct arg_spec *spec, const char *text, void *config, char *why,
                       size_t size)
{
    char *copy = strdup(text);
    if (!copy)
        return fail_with(why, size, "finds no memory");
    char **to = field_of(spec, config);
    free(*to);
    *to = copy;
    return true;
}

static bool set_list(const struct arg_spec *spec, const char *text, void *config, char *why,
                     size_t size)
{
    if (args_list_add(field_of(spec, config), text))
        return true;
    return fail_with(why, size, "finds no memory");
}

static bool set_enum(const struct arg_spec *spec, const char *text, void *config, char *why,
                     size_t size)
{
    for (int i = 0; spec->choices[i]; i++) {
        if (strcmp(spec->choices[i], text) == 0) {
            *(int *)field_of(spec, config) = i;
            return true;
        }
    }
    int n = snprintf(why, size, "is not known; give ");
    list_choices(spec, why + n, size - (size_t)n);
    return false;
}

bool args_set(const struct arg_spec *spec, const char *text, void *config, char *why, size_t size)
{
    static bool (*const setters[])(const struct arg_spec *, const char *, void *, char *,
                                   size_t) = {
        [ARG_STRING] = set_string,       [ARG_INT] = set_integer,   [ARG_COUNT] = set_integer,
        [ARG_DURATION_MS] = set_integer, [ARG_SIZE] = set_integer,  [ARG_BOOL] = set_bool,
        [ARG_ENUM] = set_enum,           [ARG_NUMBER] = set_number, [ARG_LIST] = set_list,
        [ARG_CONFIG] = set_string,
    };
    return setters[spec->type](spec, text, config, why, size);
}

bool args_list_add(struct arg_list *list, const char *text)
{
    char **more = realloc(list->text, (list->n + 1) * sizeof(*more));
    if (!more)
        return false;
    list->text = more;
    more[list->n] = strdup(text);
    if (!more[list->n])
        return false;
    list->n++;
    return true;
}

void args_list_free(struct arg_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->text[i]);
    free(list->text);
    *list = (struct arg_list){NULL, 0};
}

void args_free(const struct arg_spec *specs, size_t count, void *config)
{
    for (const struct arg_spec *spec = specs; spec < specs + count; spec++) {
        void *field = field_of(spec, config);
        if (spec->type == ARG_STRING || spec->type == ARG_CONFIG)
            free(*(char **)field);
        else if (spec->type == ARG_LIST)
            args_list_free(field);
        else
            continue;
        args_clear(spec, config);
    }
}
