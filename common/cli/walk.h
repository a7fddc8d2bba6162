/* walk.h -- all commands of a program, one after the other, for what lists them: completions of
 * shells, manual pages.
 *
 * Layer: common.
 */
#pragma once

#include "cli/cli.h"

/* A stop on the way: the program itself (command is NULL) or one of its commands. */
struct walk_stop {
    const struct cli_program *program;
    const struct cli_command *command;
    const char *path;                     /* "stockd items get" */
    struct arg_spec specs[CLI_SPECS_MAX]; /* what may be given here; none is ARG_REFUSED */
    size_t spec_count;
    const struct cli_command *below[CLI_BELOW_MAX]; /* that are not hidden */
    size_t below_count;
};

/* The program first, then each command before those below it; hidden ones are left out. At the
 * program's own stop the options are those of the command that is meant without one. */
void walk_commands(const struct cli_program *program,
                   void (*visit)(void *user, const struct walk_stop *stop), void *user);
