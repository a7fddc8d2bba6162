/* cli_help.c -- help of a program and of a command, as wide as the terminal. */
#include "cli/cli.h"
#include "paragraph.h"

#include <string.h>

#define NAMES_MAX 28 /* columns of the names in a list; a longer one has a line of its own */

static void print_about(struct paragraph *p, const char *about)
{
    if (!about)
        return;
    paragraph_end(p);
    paragraph_print(p, 0, about);
}

/* "get SKU", for a list. */
static void name_with_words(const struct cli_command *command, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s", command->name, command->words ? " " : "",
             command->words ? command->words : "");
}

static void print_commands(struct paragraph *p, const struct cli_program *program,
                           const struct cli_command *parent)
{
    const struct cli_command *const *list = cli_list(program, parent), *const * c;
    size_t widest = 0;
    char name[CLI_PATH_SIZE];
    for (c = list; *c; c++) {
        name_with_words(*c, name, sizeof(name));
        if (!(*c)->hidden && strlen(name) > widest && strlen(name) <= NAMES_MAX)
            widest = strlen(name);
    }
    paragraph_heading(p, "Commands");
    for (c = list; *c; c++) {
        if ((*c)->hidden)
            continue;
        name_with_words(*c, name, sizeof(name));
        paragraph_begin(p, 2);
        paragraph_strong(p, name);
        paragraph_indent(p, (unsigned)widest + 4);
        paragraph_text(p, (*c)->help);
        paragraph_end(p);
    }
}

static void print_usage(struct paragraph *p, const struct cli_command *command, const char *path)
{
    paragraph_heading(p, "Usage");
    paragraph_begin(p, 2);
    paragraph_text(p, path);
    paragraph_text(p, !command || command->below ? "COMMAND" : "");
    paragraph_text(p, command && !command->specs ? "" : "[options]");
    paragraph_text(p, command && command->words ? command->words : "");
    paragraph_end(p);
}

static void print_exits(struct paragraph *p, const struct cli_exit *exits)
{
    char number[16];
    if (!exits)
        return;
    paragraph_heading(p, "Exit status");
    for (; exits->help; exits++) {
        snprintf(number, sizeof(number), "%d", exits->status);
        paragraph_begin(p, 2);
        paragraph_strong(p, number);
        paragraph_indent(p, 7);
        paragraph_text(p, exits->help);
        paragraph_end(p);
    }
}

void cli_print_help(FILE *out, const struct cli_program *program, const struct cli_command *command,
                    const char *path)
{
    struct paragraph p = paragraph_on(out);
    struct arg_spec specs[CLI_SPECS_MAX];
    paragraph_begin(&p, 0);
    paragraph_strong(&p, path);
    paragraph_join(&p, ": ");
    paragraph_text(&p, command ? command->help : program->help);
    paragraph_end(&p);
    print_usage(&p, command, path);
    print_about(&p, command ? command->about : program->about);
    if (!command || command->below)
        print_commands(&p, program, command);
    args_print_help(&p, specs, command ? cli_specs(command, specs) : 0, program->env_prefix);
    print_exits(&p, command && command->exits ? command->exits : program->exits);
}
