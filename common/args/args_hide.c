/* args_hide.c -- secrets off the places where the system shows how a program was started. */
#include "args/args.h"
#include "args/args_source.h"

#include <stdlib.h>
#include <string.h>

static const struct arg_spec *secret_named(const struct arg_spec *specs, size_t count,
                                           const char *name, size_t n)
{
    for (size_t i = 0; i < count; i++)
        if (specs[i].secret && strlen(specs[i].name) == n && memcmp(specs[i].name, name, n) == 0)
            return &specs[i];
    return NULL;
}

static void hide(char *text)
{
    memset(text, '*', strlen(text));
}

void args_hide_words(const struct arg_spec *specs, size_t count, int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--", 2) != 0)
            continue;
        size_t n = strcspn(argv[i] + 2, "=");
        char *equals = argv[i][2 + n] ? argv[i] + 2 + n : NULL;
        if (!secret_named(specs, count, argv[i] + 2, n))
            continue;
        if (equals)
            hide(equals + 1);
        else if (i + 1 < argc)
            hide(argv[++i]);
    }
}

void args_hide_environment(const struct arg_spec *specs, size_t count, const char *env_prefix)
{
    char name[ARGS_NAME_MAX];
    for (size_t i = 0; i < count; i++) {
        if (!specs[i].secret)
            continue;
        args_variable_name(name, env_prefix, specs[i].name, "");
        char *value = getenv(name);
        if (value)
            hide(value);
        unsetenv(name);
    }
}
