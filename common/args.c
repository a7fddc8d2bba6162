/* args.c -- sources in order, one setter for all of them. */
#include "args.h"

#include "units.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES  64  /* of a flag or a variable, prefix and _FILE included */
#define SHOWN_MAX_BYTES 100 /* of a value, in a message */
#define SECRET_FILE_MAX (64 * 1024)

/* What every step of one args_parse needs. */
struct parse {
    const struct arg_spec *specs;
    size_t count;
    const char *env_prefix;
    void *config;
    char *err;
    size_t err_size;
};

static bool refuse(const struct parse *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(const struct parse *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->err, p->err_size, format, args);
    va_end(args);
    return false;
}

static void *field_of(const struct arg_spec *spec, void *config)
{
    return (char *)config + spec->offset;
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

static bool parse_bool(const char *text, bool *value)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *value = i % 2;
            return true;
        }
    }
    return false;
}

static int64_t max_of(const struct arg_spec *spec)
{
    return spec->min == 0 && spec->max == 0 ? INT64_MAX : spec->max;
}

/* A number in the unit of its row. why says what would be right. */
static bool parse_number(const struct arg_spec *spec, const char *text, int64_t *value, char *why,
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
    snprintf(why, size, "is out of range; give %" PRId64 " to %" PRId64 "%s", min, max, unit);
    return false;
}

static bool set_string(const struct arg_spec *spec, const char *text, void *config, char *why,
                       size_t size)
{
    char *copy = strdup(text);
    if (!copy) {
        snprintf(why, size, "finds no memory");
        return false;
    }
    char **to = field_of(spec, config);
    free(*to);
    *to = copy;
    return true;
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

/* The one place that writes a field. `source` is the flag or the variable as the user knows it. */
static bool set(const struct parse *p, const struct arg_spec *spec, const char *source,
                const char *text)
{
    char why[256];
    bool ok;
    int64_t number;
    switch (spec->type) {
    case ARG_STRING: ok = set_string(spec, text, p->config, why, sizeof why); break;
    case ARG_ENUM: ok = set_enum(spec, text, p->config, why, sizeof why); break;
    case ARG_BOOL:
        ok = parse_bool(text, field_of(spec, p->config));
        snprintf(why, sizeof why, "is not known; give yes or no");
        break;
    default:
        ok = parse_number(spec, text, &number, why, sizeof why);
        if (ok)
            *(int64_t *)field_of(spec, p->config) = number;
    }
    if (ok)
        return true;
    if (spec->secret)
        return refuse(p, "%s: the value (hidden) %s", source, why);
    return refuse(p, "%s: \"%.*s\" %s", source, SHOWN_MAX_BYTES, text, why);
}

static bool set_defaults(const struct parse *p)
{
    for (const struct arg_spec *spec = p->specs; spec < p->specs + p->count; spec++) {
        if (spec->type == ARG_STRING)
            *(char **)field_of(spec, p->config) = NULL;
        else if (spec->type == ARG_BOOL)
            *(bool *)field_of(spec, p->config) = false;
    }
    for (const struct arg_spec *spec = p->specs; spec < p->specs + p->count; spec++) {
        assert(spec->default_text || spec->type == ARG_STRING || spec->type == ARG_BOOL);
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
        return refuse(p, "%s: can not read %.*s: %s", source, SHOWN_MAX_BYTES, path,
                      strerror(errno));
    char *text = malloc(SECRET_FILE_MAX + 1);
    size_t n = text ? fread(text, 1, SECRET_FILE_MAX + 1, f) : 0;
    bool failed = !text || ferror(f);
    fclose(f);
    bool ok = false;
    if (failed) {
        refuse(p, "%s: can not read %.*s", source, SHOWN_MAX_BYTES, path);
        goto done;
    }
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (n == 0 || n > SECRET_FILE_MAX || memchr(text, '\0', n)) {
        refuse(p, "%s: %.*s holds no usable text; give 1 to %d bytes without a NUL", source,
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
        variable_name(plain, p->env_prefix, spec->name, "");
        variable_name(file, p->env_prefix, spec->name, "_FILE");
        const char *value = env(plain);
        const char *path = spec->secret ? env(file) : NULL;
        bool has_value = value && *value, has_path = path && *path;
        if (has_value && has_path)
            return refuse(p, "%s and %s are both set; keep one", plain, file);
        if (has_value && !set(p, spec, plain, value))
            return false;
        if (has_path && !set_from_file(p, spec, file, path))
            return false;
    }
    return true;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* How many letters to add, drop or change (Levenshtein), for names that fit. */
static size_t distance(struct str a, const char *b)
{
    size_t row[NAME_MAX_BYTES + 1], nb = strlen(b);
    if (a.n > NAME_MAX_BYTES || nb > NAME_MAX_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a.p[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[nb];
}

static bool refuse_unknown(const struct parse *p, struct str name)
{
    const char *nearest = NULL;
    size_t least = name.n / 2 < 3 ? name.n / 2 : 3; /* farther than that is no typo */
    for (size_t i = 0; i < p->count; i++) {
        size_t d = distance(name, p->specs[i].name);
        if (d <= least) {
            least = d;
            nearest = p->specs[i].name;
        }
    }
    int shown = name.n < SHOWN_MAX_BYTES ? (int)name.n : SHOWN_MAX_BYTES;
    if (nearest)
        return refuse(p, "--%.*s: no such option; did you mean --%s?", shown, name.p, nearest);
    return refuse(p, "--%.*s: no such option; --help lists them", shown, name.p);
}

static const struct arg_spec *find(const struct parse *p, struct str name)
{
    for (size_t i = 0; i < p->count; i++)
        if (str_equal(str_of(p->specs[i].name), name))
            return &p->specs[i];
    return NULL;
}

/* One flag at argv[*i]; moves *i past its value when that is a word of its own. */
static bool set_from_flag(const struct parse *p, int argc, char *const *argv, int *i)
{
    const char *word = argv[*i];
    if (strncmp(word, "--", 2) != 0 || word[2] == '\0')
        return refuse(p, "\"%.*s\": unexpected; options are written --name VALUE", SHOWN_MAX_BYTES,
                      word);
    const char *equals = strchr(word, '=');
    struct str name = {word + 2, equals ? (size_t)(equals - word) - 2 : strlen(word) - 2};
    const struct arg_spec *spec = find(p, name);
    bool no = false;
    if (!spec && name.n > 3 && memcmp(name.p, "no-", 3) == 0) {
        spec = find(p, (struct str){name.p + 3, name.n - 3});
        no = spec != NULL;
    }
    if (!spec)
        return refuse_unknown(p, name);

    char source[NAME_MAX_BYTES + 8];
    snprintf(source, sizeof source, "--%s%s", no ? "no-" : "", spec->name);
    if (no && (spec->type != ARG_BOOL || equals))
        return refuse(p, "%s: only a switch can be negated, without a value; give --%s%s", source,
                      spec->name, spec->type == ARG_BOOL ? "=no" : " VALUE");
    if (equals)
        return set(p, spec, source, equals + 1);
    if (spec->type == ARG_BOOL)
        return set(p, spec, source, no ? "no" : "yes");
    if (*i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0)
        return refuse(p, "%s: the value is missing; give %s VALUE or %s=VALUE", source, source,
                      source);
    *i += 1;
    return set(p, spec, source, argv[*i]);
}

static bool asks_for_help(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

enum args_result args_parse(const struct arg_spec *specs, size_t count, const char *env_prefix,
                            int argc, char *const *argv, char *(*env)(const char *name),
                            void *config, char *err, size_t err_size)
{
    if (asks_for_help(argc, argv))
        return ARGS_HELP;
    struct parse p = {specs, count, env_prefix, config, err, err_size};
    bool ok = set_defaults(&p) && (!env || set_from_environment(&p, env));
    for (int i = 1; ok && i < argc; i++)
        ok = set_from_flag(&p, argc, argv, &i);
    if (ok)
        return ARGS_OK;
    args_free(specs, count, config);
    return ARGS_USAGE;
}

void args_free(const struct arg_spec *specs, size_t count, void *config)
{
    for (size_t i = 0; i < count; i++) {
        if (specs[i].type != ARG_STRING)
            continue;
        char **field = field_of(&specs[i], config);
        free(*field);
        *field = NULL;
    }
}
