/* cli.h -- a program's command line: one table of commands, from which main dispatches, and from
 * which help is printed.
 *
 * Layer: common, above args.h. A command has options and a function, or commands below it; what it
 * does with its words is its own. The tables are constant and belong to the program. A call holds
 * what one command line asks for: cli_read makes it, cli_free gives it back.
 *
 *   PROGRAM [COMMAND [COMMAND]] [options] [words]
 *
 * The first words name the command. Without one the program's `otherwise` is meant, if it has one.
 * Everywhere there are -h, --help, -V and --version; builtin.h has the commands for them.
 */
#pragma once

#include "args/args.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CLI_PATH_SIZE 64 /* "stockd reservations release" */
#define CLI_ERR_SIZE  ARGS_ERR_SIZE

#define CLI_SPECS_MAX 96
#define CLI_BELOW_MAX 32 /* commands of one list */

struct cli_call;

/* What a command's words are, for shells that complete them. */
enum cli_words { CLI_WORDS_TEXT, CLI_WORDS_FILES, CLI_WORDS_COMMANDS };

/* What an exit status says. */
struct cli_exit {
    int status;
    const char *help; /* NULL: the end of the list */
};

struct cli_command {
    const char *name;
    const char *help;  /* one line, as "compare Redis with its ledger" */
    const char *about; /* more of it: paragraphs, one line each; NULL: none */
    bool hidden;       /* neither listed nor suggested */

    /* With commands below it: those, then NULL. Such a command has nothing of what follows. */
    const struct cli_command *const *below;

    /* Positional ones as help shows them, "SKU [DELTA] [MORE...]", from which is known how many
     * there may be; NULL: it takes none. */
    const char *words;
    size_t words_max; /* at the most; 0: as `words` has it */
    enum cli_words words_are;
    const char *const *words_choices; /* nothing else than these, then NULL; NULL: anything */
    const struct arg_spec *specs;     /* NULL, or rows up to one without a name */
    size_t options_size;              /* of the struct that the rows describe */
    /* What no row can say: false, with err, if something is missing or cannot be. NULL: nothing. */
    bool (*complete)(struct cli_call *call, char *err, size_t err_size);
    int (*run)(const struct cli_call *call); /* the exit status */
    const struct cli_exit *exits;            /* NULL: those of the program */
};

struct cli_program {
    const char *name;                          /* "stockd" */
    const char *help;                          /* one line */
    const char *about;                         /* as of a command */
    const char *env_prefix;                    /* "STOCKD_" */
    const struct cli_command *const *commands; /* then NULL */
    const struct cli_command *otherwise;       /* meant where no command is named; may be NULL */
    bool needs_words; /* nothing at all asks for no command, but gets help */
    int usage_status; /* for what the command line has wrong */
    const struct cli_exit *exits;
};

/* What the command line asks for. */
struct cli_call {
    const struct cli_program *program;
    const struct cli_command *command; /* NULL: none was named */
    char path[CLI_PATH_SIZE];          /* as typed: "stockd items get"; before messages */
    int argc;                          /* as main has them */
    char *const *argv;
    void *options;                     /* the command's struct */
    enum arg_from from[CLI_SPECS_MAX]; /* where the value of each of its rows comes from */
    struct arg_list words;
};

enum cli_result {
    CLI_RUN,     /* call->command->run is to be called */
    CLI_HELP,    /* about call->command */
    CLI_BARE,    /* the same, but nobody asked for it */
    CLI_VERSION, /* was asked for */
    CLI_USAGE,   /* err says what is wrong and what would be right */
};

/* env: as args_parse has it. After CLI_RUN the caller calls cli_free once, and err is empty or a
 * warning to be shown; otherwise there is nothing to free. */
enum cli_result cli_read(const struct cli_program *program, int argc, char *const *argv,
                         char *(*env)(const char *name), struct cli_call *call, char *err,
                         size_t err_size) MUST_CHECK;
void cli_free(struct cli_call *call);

/* All of main: reads, runs or prints, frees. The exit status. */
int cli_main(const struct cli_program *program, int argc, char **argv);

void cli_print_version(const struct cli_program *program);

/* Of the program where command is NULL. path: as in a call. */
void cli_print_help(FILE *out, const struct cli_program *program, const struct cli_command *command,
                    const char *path);

/* Fills specs with the command's rows and the one for a file of settings; how many. A command
 * without options has none. */
size_t cli_specs(const struct cli_command *command, struct arg_spec specs[CLI_SPECS_MAX]);

/* The commands below `parent`, or those of the program where that is NULL; then NULL. */
const struct cli_command *const *cli_list(const struct cli_program *program,
                                          const struct cli_command *parent);
