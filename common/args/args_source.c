/* args_source.c -- the setter, and the environment. */
#include "args/args_source.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_FILE_MAX (64 * 1024)

bool args_store(const struct args_reading *r, const struct arg_spec *spec, const char *source,
                const char *text)
{
    char why[ARGS_WHY_SIZE];
    if (spec->type == ARG_REFUSED)
        return ARGS_REFUSE(r, "%s: %s", source, spec->help);
    if (r->only && spec != r->only)
        return true;
    if (args_set(spec, text, r->config, why, sizeof why)) {
        if (r->from)
            r->from[spec - r->specs] = r->now;
        return true;
    }
    if (spec->secret)
        return ARGS_REFUSE(r, "%s: the value (hidden) %s", source, why);
    return ARGS_REFUSE(r, "%s: \"%.*s\" %s", source, ARGS_SHOWN_MAX, text, why);
}

void args_variable_name(char out[ARGS_NAME_MAX], const char *prefix, const char *name,
                        const char *suffix)
{
    int n = snprintf(out, ARGS_NAME_MAX, "%s%s%s", prefix, name, suffix);
    assert(n > 0 && n < ARGS_NAME_MAX);
    for (char *c = out; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

/* The text of a file without the newline that editors and `echo` leave at its end. */
static bool set_from_file(const struct args_reading *r, const struct arg_spec *spec,
                          const char *source, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return ARGS_REFUSE(r, "%s: can not read %.*s: %s", source, ARGS_SHOWN_MAX, path,
                           strerror(errno));
    char *text = malloc(SECRET_FILE_MAX + 1);
    size_t n = text ? fread(text, 1, SECRET_FILE_MAX + 1, f) : 0;
    bool failed = !text || ferror(f);
    fclose(f);
    bool ok = false;
    if (failed) {
        ok = ARGS_REFUSE(r, "%s: can not read %.*s", source, ARGS_SHOWN_MAX, path);
        goto done;
    }
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (n == 0 || n > SECRET_FILE_MAX || memchr(text, '\0', n)) {
        ok = ARGS_REFUSE(r, "%s: %.*s holds no usable text; give 1 to %d bytes without a NUL",
                         source, ARGS_SHOWN_MAX, path, SECRET_FILE_MAX);
        goto done;
    }
    text[n] = '\0';
    ok = args_store(r, spec, source, text);
done:
    if (text)
        explicit_bzero(text, n);
    free(text);
    return ok;
}

bool args_read_environment(const struct args_reading *r, char *(*env)(const char *name))
{
    for (const struct arg_spec *spec = r->specs; spec < r->specs + r->count; spec++) {
        char plain[ARGS_NAME_MAX], file[ARGS_NAME_MAX];
        if (spec->type == ARG_REFUSED || spec->flag_only || (r->only && spec != r->only))
            continue;
        args_variable_name(plain, r->env_prefix, spec->name, "");
        args_variable_name(file, r->env_prefix, spec->name, "_FILE");
        const char *value = env(plain);
        const char *path = spec->secret ? env(file) : NULL;
        bool has_value = value && *value, has_path = path && *path;
        if (has_value && has_path)
            return ARGS_REFUSE(r, "%s and %s are both set; keep one", plain, file);
        if (has_value && !args_store(r, spec, plain, value))
            return false;
        if (has_path && !set_from_file(r, spec, file, path))
            return false;
    }
    return true;
}
