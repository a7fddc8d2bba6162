/* args_help.c -- the half of args.h that shows: help for people, values in force for the log. */
#include "args.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char *metavar_of(const struct arg_spec *spec)
{
    static const char *const names[] = {
        [ARG_STRING] = "TEXT", [ARG_INT] = "N",    [ARG_COUNT] = "N",   [ARG_DURATION_MS] = "TIME",
        [ARG_SIZE] = "SIZE",   [ARG_BOOL] = "",    [ARG_ENUM] = "WORD", [ARG_NUMBER] = "N",
        [ARG_LIST] = "TEXT",   [ARG_REFUSED] = "",
    };
    return spec->metavar ? spec->metavar : names[spec->type];
}

static void print_variable(FILE *out, const char *prefix, const char *name)
{
    fputs(prefix, out);
    for (const char *c = name; *c; c++)
        fputc(*c == '-' ? '_' : toupper((unsigned char)*c), out);
}

void args_print_option(FILE *out, const struct arg_spec *spec, const char *env_prefix)
{
    bool is_switch = spec->type == ARG_BOOL;
    fputs("  ", out);
    if (spec->short_name)
        fprintf(out, "-%c, ", spec->short_name);
    fprintf(out, "--%s%s%s%s\n      %s", is_switch ? "[no-]" : "", spec->name, is_switch ? "" : " ",
            is_switch ? "" : metavar_of(spec), spec->help);
    for (size_t i = 0; spec->type == ARG_ENUM && spec->choices[i]; i++)
        fprintf(out, "%s%s", i == 0 ? ": " : ", ", spec->choices[i]);
    fputs(" (", out);
    if (spec->default_text && *spec->default_text)
        fprintf(out, "default %s; ", spec->default_text);
    print_variable(out, env_prefix, spec->name);
    if (spec->secret) {
        fputs(", or a file named by ", out);
        print_variable(out, env_prefix, spec->name);
        fputs("_FILE", out);
    }
    fputs(")\n", out);
}

void args_print_help(FILE *out, const struct arg_spec *specs, size_t count, const char *env_prefix)
{
    for (const struct arg_spec *spec = specs; spec < specs + count; spec++)
        if (spec->type != ARG_REFUSED)
            args_print_option(out, spec, env_prefix);
    fputs("  -h, --help\n      print this and exit\n", out);
}

/* "password=..." of a query or of libpq's key=value form: hide up to the next separator. */
static void put_hiding_parameter(struct buf *out, const char *text)
{
    static const char key[] = "password=";
    const char *at;
    while ((at = strcasestr(text, key)) != NULL) {
        at += sizeof key - 1;
        buf_put(out, text, (size_t)(at - text));
        buf_puts(out, STR("***"));
        text = at + strcspn(at, "& ");
    }
    buf_puts(out, str_of(text));
}

void args_put_url(struct buf *out, const char *url)
{
    const char *authority = strstr(url, "://");
    /* The last @ and not the first: an unescaped one, or a slash, may be part of the password, and
     * hiding too much is the better mistake. */
    const char *at = authority ? strrchr(authority, '@') : NULL;
    const char *colon = at ? memchr(authority + 3, ':', (size_t)(at - authority) - 3) : NULL;
    if (colon) {
        buf_put(out, url, (size_t)(colon - url) + 1);
        buf_puts(out, STR("***"));
        url = at;
    }
    put_hiding_parameter(out, url);
}

static void put_string(const struct arg_spec *spec, const char *text, struct buf *out)
{
    if (!text)
        return;
    bool url = spec->metavar && strcmp(spec->metavar, "URL") == 0;
    if (spec->secret && !url && !strstr(text, "://")) {
        buf_puts(out, STR("***"));
        return;
    }
    bool quote = *text == '\0' || strpbrk(text, " \t\n\"") != NULL;
    if (quote)
        buf_putc(out, '"');
    args_put_url(out, text);
    if (quote)
        buf_putc(out, '"');
}

static void put_list(const struct arg_spec *spec, const struct arg_list *list, struct buf *out)
{
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0)
            buf_putc(out, ',');
        put_string(spec, list->text[i], out);
    }
}

static void put_value(const struct arg_spec *spec, const void *field, struct buf *out)
{
    switch (spec->type) {
    case ARG_STRING: put_string(spec, *(char *const *)field, out); break;
    case ARG_LIST: put_list(spec, field, out); break;
    case ARG_BOOL: buf_puts(out, *(const bool *)field ? STR("yes") : STR("no")); break;
    case ARG_ENUM: buf_puts(out, str_of(spec->choices[*(const int *)field])); break;
    case ARG_DURATION_MS: buf_printf(out, "%" PRId64 "ms", *(const int64_t *)field); break;
    case ARG_NUMBER:
        if (!isnan(*(const double *)field))
            buf_printf(out, "%g", *(const double *)field);
        break;
    case ARG_INT:
    case ARG_COUNT:
    case ARG_SIZE: buf_put_i64(out, *(const int64_t *)field); break;
    case ARG_REFUSED: break;
    }
}

void args_describe(const struct arg_spec *specs, size_t count, const void *config, struct buf *out)
{
    const char *blank = "";
    for (const struct arg_spec *spec = specs; spec < specs + count; spec++) {
        if (spec->type == ARG_REFUSED)
            continue;
        buf_printf(out, "%s%s=", blank, spec->name);
        put_value(spec, (const char *)config + spec->offset, out);
        blank = " ";
    }
}
