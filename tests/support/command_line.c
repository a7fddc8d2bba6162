/* command_line.c -- see command_line.h. */
#include "support/command_line.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

const char *const *fake_environment;

char *fake_getenv(const char *name)
{
    for (const char *const *e = fake_environment; e && *e; e += 2)
        if (strcmp(e[0], name) == 0)
            return (char *)(uintptr_t)e[1];
    return NULL;
}

int argv_of(char *argv[WORDS_MAX], char *program, const char *const *words)
{
    int argc = 1;
    argv[0] = program;
    for (; *words; words++) {
        assert(argc < WORDS_MAX - 1);
        argv[argc++] = (char *)(uintptr_t)*words;
    }
    argv[argc] = NULL;
    return argc;
}
