/* command.c -- see command.h. */
#include "support/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ARGS_MAX       40
#define END_TIMEOUT_MS 360000

char command_said[256 * 1024];
const char *command_variable = "STOCKD";

void command_start(struct command *c, const char *const *arguments)
{
    const char *argv[ARGS_MAX] = {"sh", "-c", "exec \"$@\" >\"$0/out\" 2>\"$0/err\"", c->dir,
                                  getenv(command_variable)};
    size_t n = 5;
    for (; *arguments; arguments++) {
        assert_true(n < ARGS_MAX - 1);
        argv[n++] = *arguments;
    }
    assert_int_equal(temp_dir_make(c->dir), 0);
    char err[TEST_PATH_MAX + 8];
    snprintf(err, sizeof(err), "%s/err", c->dir);
    assert_int_equal(tproc_start(&c->proc, argv, err), 0);
}

/* Adds a file to what was said, as far as there is room. */
static size_t read_on(const struct command *c, const char *name, size_t at)
{
    char path[TEST_PATH_MAX + 8];
    snprintf(path, sizeof(path), "%s/%s", c->dir, name);
    FILE *file = fopen(path, "re");
    if (file) {
        at += fread(command_said + at, 1, sizeof(command_said) - 1 - at, file);
        fclose(file);
    }
    command_said[at] = '\0';
    return at;
}

int command_end(struct command *c)
{
    int err = tproc_wait(&c->proc, END_TIMEOUT_MS);
    if (err)
        tproc_kill9(&c->proc);
    (void)read_on(c, "err", read_on(c, "out", 0));
    temp_dir_remove(c->dir);
    if (err)
        fail_msg("the command did not end: %s", command_said);
    return WIFEXITED(c->proc.status) ? WEXITSTATUS(c->proc.status) : -1;
}

int command_run_of(const char *const *arguments)
{
    struct command c;
    command_start(&c, arguments);
    return command_end(&c);
}

void check_command_at(int status, const char *const *arguments, const char *file, int line)
{
    int is = command_run_of(arguments);
    if (is == status)
        return;
    print_error("%s ends with %d, not %d: %s\n", arguments[0], is, status, command_said);
    _fail(file, line);
}

void check_said_at(const char *words, const char *file, int line)
{
    if (strstr(command_said, words))
        return;
    print_error("no \"%s\" in: %s\n", words, command_said);
    _fail(file, line);
}
