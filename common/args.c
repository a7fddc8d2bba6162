/* args.c -- sources in order, one setter for all of them. */
#include "args.h"
#include "args_value.h"
#include "fail.h"
#include "nearest.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES  64  /* of a flag or a variable, prefix and _FILE included */
#define SHOWN_MAX_BYTES 100 /* of a value, in a message */
#define SECRET_FILE_MAX (64 * 1024)

/* What every step of one args_parse needs. */
struct parse {
    const struct arg_spec *specs;
    size_t count;
    const char *env_prefix;
    struct arg_list *positional; /* NULL: there may be none */
    void *config;
    char *err;
    size_t err_size;
};

#define REFUSE(p, ...) fail_with((p)->err, (p)->err_size, __VA_ARGS__)

/* `source` is the flag or the variable as the user knows it. */
static bool set(const struct parse *p, const struct arg_spec *spec, const char *source,
                const char *text)
{
    char why[ARGS_WHY_SIZE];
    if (spec->type == ARG_REFUSED)
        return REFUSE(p, "%s: %s", source, spec->help);
    if (args_set(spec, text, p->config, why, sizeof why))
        return true;
    if (spec->secret)
        return REFUSE(p, "%s: the value (hidden) %s", source, why);
    return REFUSE(p, "%s: \"%.*s\" %s", source, SHOWN_MAX_BYTES, text, why);
}

static bool set_defaults(const struct parse *p)
{
    for (const struct arg_spec *spec = p->specs; spec < p->specs + p->count; spec++)
        args_clear(spec, p->config);
    for (const struct arg_spec *spec = p->specs; spec < p->specs + p->count; spec++) {
        assert(spec->default_text || spec->type != ARG_ENUM);
        if (spec->default_text && !set(p, spec, spec->name, spec->default_text))
            return false;
    }
    return true;
}

/* STOCKD_BATCH_MAX from batch-max. */
static void variable_name(char out[NAME_MAX_BYTES], const char *prefix, const char *name,
                          const char *suffix)
{
    int n = snprintf(out, NAME_MAX_BYTES, "%s%s%s", prefix, name, suffix);
    assert(n > 0 && n < NAME_MAX_BYTES);
    for (char *c = out; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

/* The text of a file without the newline that editors and `echo` leave at its end. */
static bool set_from_file(const struct parse *p, const struct arg_spec *spec, const char *source,
                          const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return REFUSE(p, "%s: can not read %.*s: %s", source, SHOWN_MAX_BYTES, path,
                      strerror(errno));
    char *text = malloc(SECRET_FILE_MAX + 1);
    size_t n = text ? fread(text, 1, SECRET_FILE_MAX + 1, f) : 0;
    bool failed = !text || ferror(f);
    fclose(f);
    bool ok = false;
    if (failed) {
        ok = REFUSE(p, "%s: can not read %.*s", source, SHOWN_MAX_BYTES, path);
        goto done;
    }
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (n == 0 || n > SECRET_FILE_MAX || memchr(text, '\0', n)) {
        ok = REFUSE(p, "%s: %.*s holds no usable text; give 1 to %d bytes without a NUL", source,
                    SHOWN_MAX_BYTES, path, SECRET_FILE_MAX);
        goto done;
    }
    text[n] = '\0';
    ok = set(p, spec, source, text);
done:
    if (text)
        explicit_bzero(text, n);
    free(text);
    return ok;
}

static bool set_from_environment(const struct parse *p, char *(*env)(const char *name))
{
    for (const struct arg_spec *spec = p->specs; spec < p->specs + p->count; spec++) {
        char plain[NAME_MAX_BYTES], file[NAME_MAX_BYTES];
        if (spec->type == ARG_REFUSED || spec->flag_only)
            continue;
        variable_name(plain, p->env_prefix, spec->name, "");
        variable_name(file, p->env_prefix, spec->name, "_FILE");
        const char *value = env(plain);
        const char *path = spec->secret ? env(file) : NULL;
        bool has_value = value && *value, has_path = path && *path;
        if (has_value && has_path)
            return REFUSE(p, "%s and %s are both set; keep one", plain, file);
        if (has_value && !set(p, spec, plain, value))
            return false;
        if (has_path && !set_from_file(p, spec, file, path))
            return false;
    }
    return true;
}

static bool refuse_unknown(const struct parse *p, struct str name)
{
    struct nearest near = nearest_to(name);
    for (size_t i = 0; i < p->count; i++)
        if (p->specs[i].type != ARG_REFUSED)
            nearest_offer(&near, p->specs[i].name);
    int shown = name.n < SHOWN_MAX_BYTES ? (int)name.n : SHOWN_MAX_BYTES;
    if (near.name)
        return REFUSE(p, "--%.*s: no such option; did you mean --%s?", shown, name.p, near.name);
    return REFUSE(p, "--%.*s: no such option; --help lists them", shown, name.p);
}

static const struct arg_spec *find_long(const struct parse *p, struct str name)
{
    for (size_t i = 0; i < p->count; i++)
        if (str_equal(str_of(p->specs[i].name), name))
            return &p->specs[i];
    return NULL;
}

/* What is left of the command line. */
struct words {
    int argc;
    char *const *argv;
    int i; /* the word looked at; a flag that takes the next one moves it */
};

static bool set_from_long(const struct parse *p, struct words *w)
{
    const char *word = w->argv[w->i];
    const char *equals = strchr(word, '=');
    struct str name = {word + 2, equals ? (size_t)(equals - word) - 2 : strlen(word) - 2};
    const struct arg_spec *spec = find_long(p, name);
    bool no = false;
    if (!spec && name.n > 3 && memcmp(name.p, "no-", 3) == 0) {
        spec = find_long(p, (struct str){name.p + 3, name.n - 3});
        no = spec != NULL;
    }
    if (!spec)
        return refuse_unknown(p, name);

    char source[NAME_MAX_BYTES + 8];
    snprintf(source, sizeof source, "--%s%s", no ? "no-" : "", spec->name);
    if (spec->type == ARG_REFUSED)
        return set(p, spec, source, "");
    if (no && (spec->type != ARG_BOOL || equals))
        return REFUSE(p, "%s: only a switch can be negated, without a value; give --%s%s", source,
                      spec->name, spec->type == ARG_BOOL ? "=no" : " VALUE");
    if (equals)
        return set(p, spec, source, equals + 1);
    if (spec->type == ARG_BOOL)
        return set(p, spec, source, no ? "no" : "yes");
    if (w->i + 1 >= w->argc || strncmp(w->argv[w->i + 1], "--", 2) == 0)
        return REFUSE(p, "%s: the value is missing; give %s VALUE or %s=VALUE", source, source,
                      source);
    w->i++;
    return set(p, spec, source, w->argv[w->i]);
}

static bool has_short_names(const struct parse *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->specs[i].short_name)
            return true;
    return false;
}

static const struct arg_spec *find_short(const struct parse *p, char letter)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->specs[i].short_name == letter)
            return &p->specs[i];
    return NULL;
}

/* "-p4", "-p" and "4", "-qv": switches up to a flag that takes the rest of the word. */
static bool set_from_short(const struct parse *p, struct words *w)
{
    const char *word = w->argv[w->i];
    for (const char *at = word + 1; *at; at++) {
        const struct arg_spec *spec = find_short(p, *at);
        char source[] = {'-', *at, '\0'};
        if (!spec)
            return REFUSE(p, "\"%.*s\": no option -%c; --help lists them", SHOWN_MAX_BYTES, word,
                          isprint((unsigned char)*at) ? *at : '?');
        if (spec->type == ARG_BOOL && set(p, spec, source, "yes"))
            continue;
        if (spec->type == ARG_REFUSED || at[1])
            return set(p, spec, source, at + 1);
        if (w->i + 1 >= w->argc || strncmp(w->argv[w->i + 1], "--", 2) == 0)
            return REFUSE(p, "%s: the value is missing; give %s VALUE", source, source);
        w->i++;
        return set(p, spec, source, w->argv[w->i]);
    }
    return true;
}

static bool add_positional(const struct parse *p, const char *word)
{
    if (!p->positional)
        return REFUSE(p, "\"%.*s\": unexpected; options are written --name VALUE", SHOWN_MAX_BYTES,
                      word);
    return args_list_add(p->positional, word) || REFUSE(p, "no memory");
}

static bool set_from_words(const struct parse *p, int argc, char *const *argv)
{
    bool options_over = false;
    for (struct words w = {argc, argv, 1}; w.i < argc; w.i++) {
        const char *word = argv[w.i];
        bool ok;
        if (options_over || word[0] != '-' || word[1] == '\0')
            ok = add_positional(p, word);
        else if (word[1] != '-')
            ok = has_short_names(p) ? set_from_short(p, &w) : add_positional(p, word);
        else if (word[2] != '\0')
            ok = set_from_long(p, &w);
        else
            ok = options_over = p->positional || add_positional(p, word);
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

enum args_result args_parse(const struct arg_spec *specs, size_t count, const char *env_prefix,
                            int argc, char *const *argv, char *(*env)(const char *name),
                            struct arg_list *positional, void *config, char *err, size_t err_size)
{
    enum args_result asks = find_asking(argc, argv);
    if (asks != ARGS_OK)
        return asks;
    struct parse p = {specs, count, env_prefix, positional, config, err, err_size};
    if (positional)
        *positional = (struct arg_list){NULL, 0};
    if (set_defaults(&p) && (!env || set_from_environment(&p, env)) &&
        set_from_words(&p, argc, argv))
        return ARGS_OK;
    args_free(specs, count, config);
    if (positional)
        args_list_free(positional);
    return ARGS_USAGE;
}
