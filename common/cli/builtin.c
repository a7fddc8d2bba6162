#include "cli/builtin.h"

#include <stdlib.h>

#define CLI_HELP_WORDS 2 /* no command lies deeper */

static int run_version(const struct cli_call *call)
{
    cli_print_version(call->program);
    return EXIT_SUCCESS;
}

/* `help items get`: the words are those of a command line that asks for help. */
static enum cli_result read_about(const struct cli_call *call, struct cli_call *about, char *err,
                                  size_t err_size)
{
    char name[] = "help", asks[] = "--help", *argv[CLI_HELP_WORDS + 2] = {name};
    int argc = 1;
    for (size_t i = 0; i < call->words.n; i++)
        argv[argc++] = call->words.text[i];
    argv[argc++] = asks;
    return cli_read(call->program, argc, argv, NULL, about, err, err_size);
}

static bool complete_help(struct cli_call *call, char *err, size_t err_size)
{
    struct cli_call about;
    return read_about(call, &about, err, err_size) == CLI_HELP;
}

static int run_help(const struct cli_call *call)
{
    struct cli_call about;
    char err[CLI_ERR_SIZE];
    if (read_about(call, &about, err, sizeof(err)) == CLI_HELP)
        cli_print_help(stdout, call->program, about.command, about.path);
    return EXIT_SUCCESS;
}

const struct cli_command cli_help = {
    .name = "help",
    .help = "what there is, or the options of a command",
    .words = "[COMMAND...]",
    .words_max = CLI_HELP_WORDS,
    .complete = complete_help,
    .run = run_help,
};
const struct cli_command cli_version = {
    .name = "version",
    .help = "print the version",
    .run = run_version,
};
