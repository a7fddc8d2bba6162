#include "cli/builtin.h"
#include "cli/completion.h"
#include "cli/man.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    .words_are = CLI_WORDS_COMMANDS,
    .complete = complete_help,
    .run = run_help,
};
const struct cli_command cli_version = {
    .name = "version",
    .help = "print the version",
    .run = run_version,
};

/* --- made from the table ---------------------------------------------------------------------- */

static const char *const shells[] = {"bash", "zsh", "fish", NULL};
static void (*const print_completion[])(FILE *out, const struct cli_program *program) = {
    completion_print_bash, completion_print_zsh, completion_print_fish};

static int run_completion(const struct cli_call *call)
{
    for (size_t i = 0; shells[i]; i++)
        if (strcmp(shells[i], call->words.text[0]) == 0)
            print_completion[i](stdout, call->program);
    return EXIT_SUCCESS;
}

const struct cli_command cli_completion = {
    .name = "completion",
    .help = "print a script by which a shell completes commands and options",
    .about =
        "Evaluated by the shell that runs, it works at once; as a file in the folder where the "
        "shell looks for completions, in each new one.",
    .words = "bash|zsh|fish",
    .words_choices = shells,
    .run = run_completion,
};

static const char *const sections[] = {"1", "5", NULL};

static int run_man(const struct cli_call *call)
{
    const char *set = getenv("SOURCE_DATE_EPOCH");
    time_t at = set && *set ? (time_t)strtoll(set, NULL, 10) : time(NULL);
    if (strcmp(call->words.text[0], sections[0]) == 0)
        man_print_program(stdout, call->program, at);
    else
        man_print_config(stdout, call->program, at);
    return EXIT_SUCCESS;
}

const struct cli_command cli_man = {
    .name = "man",
    .help = "print the manual page of the program, or of its file of settings",
    .hidden = true,
    .words = "1|5",
    .words_choices = sections,
    .run = run_man,
};
