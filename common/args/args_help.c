/* args_help.c -- the half of args.h that shows: help for people, values in force for the log. */
#include "args/args.h"
#include "units.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

const char *args_metavar(const struct arg_spec *spec)
{
    static const char *const names[] = {
        [ARG_STRING] = "TEXT",      [ARG_INT] = "N",     [ARG_COUNT] = "N",
        [ARG_DURATION_MS] = "TIME", [ARG_SIZE] = "SIZE", [ARG_BOOL] = "",
        [ARG_ENUM] = "WORD",        [ARG_NUMBER] = "N",  [ARG_LIST] = "TEXT",
        [ARG_CONFIG] = "FILE",      [ARG_REFUSED] = "",
    };
    return spec->metavar ? spec->metavar : names[spec->type];
}

static void put_variable(struct buf *out, const char *prefix, const char *name)
{
    buf_puts(out, str_of(prefix));
    for (const char *c = name; *c; c++)
        buf_putc(out, *c == '-' ? '_' : (char)toupper((unsigned char)*c));
}

void args_put_names(struct buf *out, const struct arg_spec *spec)
{
    bool is_switch = spec->type == ARG_BOOL;
    if (spec->short_name)
        buf_printf(out, "-%c, ", spec->short_name);
    buf_printf(out, "--%s%s%s%s", is_switch ? "[no-]" : "", spec->name, is_switch ? "" : " ",
               is_switch ? "" : args_metavar(spec));
}

static void put_variables(struct buf *out, const struct arg_spec *spec, const char *env_prefix)
{
    put_variable(out, env_prefix, spec->name);
    if (!spec->secret)
        return;
    buf_puts(out, STR(", or a file named by "));
    put_variable(out, env_prefix, spec->name);
    buf_puts(out, STR("_FILE"));
}

void args_put_meaning(struct buf *out, const struct arg_spec *spec, const char *env_prefix)
{
    size_t n = strlen(spec->help);
    const char *before = n > 0 && spec->help[n - 1] == '.' ? " One of " : ": ";
    buf_puts(out, str_of(spec->help));
    for (size_t i = 0; spec->type == ARG_ENUM && spec->choices[i]; i++)
        buf_printf(out, "%s%s", i == 0 ? before : ", ", spec->choices[i]);
    bool has_default = spec->default_text && *spec->default_text;
    bool has_variable = env_prefix && !spec->flag_only;
    if (!has_default && !has_variable)
        return;
    buf_puts(out, STR(" ("));
    if (has_default)
        buf_printf(out, "default %s%s", spec->default_text, has_variable ? "; " : "");
    if (has_variable)
        put_variables(out, spec, env_prefix);
    buf_putc(out, ')');
}

static void print_option(struct paragraph *p, struct buf *names, struct buf *meaning)
{
    buf_putc(names, '\0');
    buf_putc(meaning, '\0');
    paragraph_begin(p, 2);
    paragraph_strong(p, names->failed ? "" : names->p);
    paragraph_end(p);
    paragraph_print(p, 6, meaning->failed ? "" : meaning->p);
    buf_reset(names);
    buf_reset(meaning);
}

void args_print_help(struct paragraph *p, const struct arg_spec *specs, size_t count,
                     const char *env_prefix)
{
    static const char *const common[][2] = {{"-h, --help", "Print this and exit."},
                                            {"-V, --version", "Print the version and exit."}};
    struct buf names, meaning;
    const char *group = NULL;
    buf_init(&names, 512);
    buf_init(&meaning, 4096);
    for (const struct arg_spec *spec = specs; spec < specs + count; spec++) {
        if (spec->type == ARG_REFUSED)
            continue;
        const char *title = spec->group ? spec->group : group ? group : "Options";
        if (!group || strcmp(title, group) != 0)
            paragraph_heading(p, title);
        group = title;
        args_put_names(&names, spec);
        args_put_meaning(&meaning, spec, env_prefix);
        print_option(p, &names, &meaning);
    }
    if (!group || strcmp(group, ARGS_COMMON) != 0)
        paragraph_heading(p, group ? ARGS_COMMON : "Options");
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        buf_puts(&names, str_of(common[i][0]));
        buf_puts(&meaning, str_of(common[i][1]));
        print_option(p, &names, &meaning);
    }
    buf_free(&names);
    buf_free(&meaning);
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

/* As it is typed: in the words of the default if it is that, else in the largest unit that fits. */
static void put_integer(const struct arg_spec *spec, int64_t value, struct buf *out)
{
    char text[UNITS_TEXT_SIZE], why[ARGS_WHY_SIZE];
    int64_t usual;
    bool is_usual = spec->default_text &&
                    args_parse_integer(spec, spec->default_text, &usual, why, sizeof why) &&
                    usual == value;
    if (spec->type == ARG_DURATION_MS)
        units_format_duration_ms(text, value);
    else if (spec->type == ARG_SIZE)
        units_format_size(text, value);
    else if (spec->type == ARG_COUNT)
        units_format_count(text, value);
    else
        snprintf(text, sizeof text, "%" PRId64, value);
    buf_puts(out, str_of(is_usual ? spec->default_text : text));
}

static void put_option_value(const struct arg_spec *spec, const void *field, struct buf *out)
{
    switch (spec->type) {
    case ARG_STRING:
    case ARG_CONFIG: put_string(spec, *(char *const *)field, out); break;
    case ARG_LIST: put_list(spec, field, out); break;
    case ARG_BOOL: buf_puts(out, *(const bool *)field ? STR("yes") : STR("no")); break;
    case ARG_ENUM: buf_puts(out, str_of(spec->choices[*(const int *)field])); break;
    case ARG_NUMBER:
        if (!isnan(*(const double *)field))
            buf_printf(out, "%g", *(const double *)field);
        break;
    case ARG_INT:
    case ARG_COUNT:
    case ARG_DURATION_MS:
    case ARG_SIZE: put_integer(spec, *(const int64_t *)field, out); break;
    case ARG_REFUSED: break;
    }
}

void args_put_value(const struct arg_spec *spec, const void *config, struct buf *out)
{
    put_option_value(spec, (const char *)config + spec->offset, out);
}

const char *args_from_name(enum arg_from from)
{
    static const char *const names[] = {"default", "file", "environment", "flag"};
    return names[from];
}

void args_describe(const struct arg_spec *specs, size_t count, const void *config, struct buf *out)
{
    struct buf value;
    buf_init(&value, out->max);
    for (const struct arg_spec *spec = specs; spec < specs + count; spec++) {
        if (spec->type == ARG_REFUSED)
            continue;
        buf_reset(&value);
        args_put_value(spec, config, &value);
        if (value.n == 0)
            continue;
        buf_printf(out, "%s%s=", out->n > 0 ? " " : "", spec->name);
        buf_puts(out, buf_str(&value));
    }
    buf_free(&value);
}
