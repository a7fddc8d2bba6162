/* args.c -- sources in order, one setter for all of them. */
#include "args/args.h"
#include "args/args_config.h"
#include "args/args_source.h"
#include "nearest.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool set_defaults(const struct args_reading *r)
{
    for (size_t i = 0; i < r->count; i++) {
        args_clear(&r->specs[i], r->config);
        if (r->from)
            r->from[i] = ARG_FROM_DEFAULT;
    }
    for (const struct arg_spec *spec = r->specs; spec < r->specs + r->count; spec++) {
        assert(spec->default_text || spec->type != ARG_ENUM);
        if (spec->default_text && !args_store(r, spec, spec->name, spec->default_text))
            return false;
    }
    return true;
}

static bool refuse_unknown(const struct args_reading *r, struct str name)
{
    struct nearest near = nearest_to(name);
    for (size_t i = 0; i < r->count; i++)
        if (r->specs[i].type != ARG_REFUSED)
            nearest_offer(&near, r->specs[i].name);
    int shown = name.n < ARGS_SHOWN_MAX ? (int)name.n : ARGS_SHOWN_MAX;
    if (near.name)
        return ARGS_REFUSE(r, "--%.*s: no such option; did you mean --%s?", shown, name.p,
                           near.name);
    return ARGS_REFUSE(r, "--%.*s: no such option; --help lists them", shown, name.p);
}

static const struct arg_spec *find_long(const struct args_reading *r, struct str name)
{
    for (size_t i = 0; i < r->count; i++)
        if (str_equal(str_of(r->specs[i].name), name))
            return &r->specs[i];
    return NULL;
}

/* What is left of the command line. */
struct words {
    int argc;
    char *const *argv;
    int i; /* the word looked at; a flag that takes the next one moves it */
};

static bool set_from_long(const struct args_reading *r, struct words *w)
{
    const char *word = w->argv[w->i];
    const char *equals = strchr(word, '=');
    struct str name = {word + 2, equals ? (size_t)(equals - word) - 2 : strlen(word) - 2};
    const struct arg_spec *spec = find_long(r, name);
    bool no = false;
    if (!spec && name.n > 3 && memcmp(name.p, "no-", 3) == 0) {
        spec = find_long(r, (struct str){name.p + 3, name.n - 3});
        no = spec != NULL;
    }
    if (!spec)
        return refuse_unknown(r, name);

    char source[ARGS_NAME_MAX + 8];
    snprintf(source, sizeof source, "--%s%s", no ? "no-" : "", spec->name);
    if (spec->type == ARG_REFUSED)
        return args_store(r, spec, source, "");
    if (no && (spec->type != ARG_BOOL || equals))
        return ARGS_REFUSE(r, "%s: only a switch can be negated, without a value; give --%s%s",
                           source, spec->name, spec->type == ARG_BOOL ? "=no" : " VALUE");
    if (equals)
        return args_store(r, spec, source, equals + 1);
    if (spec->type == ARG_BOOL)
        return args_store(r, spec, source, no ? "no" : "yes");
    if (w->i + 1 >= w->argc || strncmp(w->argv[w->i + 1], "--", 2) == 0)
        return ARGS_REFUSE(r, "%s: the value is missing; give %s VALUE or %s=VALUE", source, source,
                           source);
    w->i++;
    return args_store(r, spec, source, w->argv[w->i]);
}

static bool has_short_names(const struct args_reading *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->specs[i].short_name)
            return true;
    return false;
}

static const struct arg_spec *find_short(const struct args_reading *r, char letter)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->specs[i].short_name == letter)
            return &r->specs[i];
    return NULL;
}

/* "-p4", "-p" and "4", "-qv": switches up to a flag that takes the rest of the word. */
static bool set_from_short(const struct args_reading *r, struct words *w)
{
    const char *word = w->argv[w->i];
    for (const char *at = word + 1; *at; at++) {
        const struct arg_spec *spec = find_short(r, *at);
        char source[] = {'-', *at, '\0'};
        if (!spec)
            return ARGS_REFUSE(r, "\"%.*s\": no option -%c; --help lists them", ARGS_SHOWN_MAX,
                               word, isprint((unsigned char)*at) ? *at : '?');
        if (spec->type == ARG_BOOL && args_store(r, spec, source, "yes"))
            continue;
        if (spec->type == ARG_REFUSED || at[1])
            return args_store(r, spec, source, at + 1);
        if (w->i + 1 >= w->argc || strncmp(w->argv[w->i + 1], "--", 2) == 0)
            return ARGS_REFUSE(r, "%s: the value is missing; give %s VALUE", source, source);
        w->i++;
        return args_store(r, spec, source, w->argv[w->i]);
    }
    return true;
}

static bool add_positional(const struct args_reading *r, const char *word)
{
    if (!r->positional)
        return ARGS_REFUSE(r, "\"%.*s\": unexpected; options are written --name VALUE",
                           ARGS_SHOWN_MAX, word);
    return args_list_add(r->positional, word) || ARGS_REFUSE(r, "no memory");
}

static bool set_from_words(const struct args_reading *r, int argc, char *const *argv)
{
    bool options_over = false;
    for (struct words w = {argc, argv, 1}; w.i < argc; w.i++) {
        const char *word = argv[w.i];
        bool ok;
        if (options_over || word[0] != '-' || word[1] == '\0')
            ok = add_positional(r, word);
        else if (word[1] != '-')
            ok = has_short_names(r) ? set_from_short(r, &w) : add_positional(r, word);
        else if (word[2] != '\0')
            ok = set_from_long(r, &w);
        else
            ok = options_over = r->positional || add_positional(r, word);
        if (!ok)
            return false;
    }
    return true;
}

enum args_result args_asks(const char *word)
{
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
        return ARGS_HELP;
    if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0)
        return ARGS_VERSION;
    return ARGS_OK;
}

/* Help is what somebody gets whose command line is wrong otherwise. */
static enum args_result find_asking(int argc, char *const *argv)
{
    enum args_result asks = ARGS_OK;
    for (int i = 1; i < argc && asks != ARGS_HELP && strcmp(argv[i], "--") != 0; i++)
        if (args_asks(argv[i]) != ARGS_OK)
            asks = args_asks(argv[i]);
    return asks;
}

/* Where the settings are that a file holds: the flag, or else the variable. */
static bool find_file(const struct args_reading *r, const struct args_input *in, const char **path)
{
    struct args_reading scan = *r;
    for (scan.only = r->specs; scan.only < r->specs + r->count; scan.only++)
        if (scan.only->type == ARG_CONFIG)
            break;
    if (scan.only == r->specs + r->count)
        return true;
    bool ok = (!in->env || args_read_environment(&scan, in->env)) &&
              set_from_words(&scan, in->argc, in->argv);
    *path = *(char **)((char *)r->config + scan.only->offset);
    if (r->positional)
        args_list_free(r->positional);
    return ok;
}

/* Later beats earlier. */
static bool set_from_all(struct args_reading *r, const struct args_input *in, const char *path)
{
    r->now = ARG_FROM_FILE;
    if (path && !args_read_config(r, path, in->elsewhere, in->program))
        return false;
    r->now = ARG_FROM_ENVIRONMENT;
    if (in->env && !args_read_environment(r, in->env))
        return false;
    r->now = ARG_FROM_FLAG;
    return set_from_words(r, in->argc, in->argv);
}

enum args_result args_parse(const struct arg_spec *specs, size_t count, const struct args_input *in,
                            void *config, char *err, size_t err_size)
{
    enum args_result asks = find_asking(in->argc, in->argv);
    if (asks != ARGS_OK)
        return asks;
    struct args_reading r = {.specs = specs,
                             .count = count,
                             .env_prefix = in->env_prefix,
                             .positional = in->positional,
                             .config = config,
                             .err = err,
                             .err_size = err_size,
                             .from = in->from};
    const char *path = NULL;
    if (in->positional)
        *in->positional = (struct arg_list){NULL, 0};
    err[0] = '\0';
    if (set_defaults(&r) && find_file(&r, in, &path) && set_from_all(&r, in, path))
        return ARGS_OK;
    args_free(specs, count, config);
    if (in->positional)
        args_list_free(in->positional);
    return ARGS_USAGE;
}
