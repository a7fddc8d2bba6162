/* cli.c -- from words to a command, its options and its words. */
#include "cli/cli.h"
#include "fail.h"
#include "nearest.h"
#include "terminal.h"
#include "version.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What the steps of one cli_read need. */
struct reading {
    struct cli_call *call;
    int argc; /* without the words that name the command: argv[0] stands for them */
    char *const *argv;
    char *err;
    size_t err_size;
};

#define REFUSE(r, ...) fail_with((r)->err, (r)->err_size, __VA_ARGS__)

/* --- its options ------------------------------------------------------------------------------ */

/* The name of the file of settings lies behind the command's own struct. */
static size_t config_at(const struct cli_command *command)
{
    size_t step = sizeof(char *);
    return (command->options_size + step - 1) / step * step;
}

size_t cli_specs(const struct cli_command *command, struct arg_spec specs[CLI_SPECS_MAX])
{
    size_t n = 0;
    for (; command->specs && command->specs[n].name; n++) {
        assert(n + 1 < CLI_SPECS_MAX);
        specs[n] = command->specs[n];
    }
    if (n > 0)
        specs[n++] = (struct arg_spec){
            "config", ARG_CONFIG, config_at(command), .group = ARGS_COMMON,
            .help = "A file of settings: `name = value`, one a line, for this and other commands."};
    return n;
}

/* A row of any command; those that are refused there have no value. */
static const struct arg_spec *find_row(const struct cli_command *const *list, const char *name)
{
    const struct arg_spec *found = NULL;
    for (; *list && !found; list++) {
        for (const struct arg_spec *s = (*list)->specs; s && s->name && !found; s++)
            if (s->type != ARG_REFUSED && !s->flag_only && strcmp(s->name, name) == 0)
                found = s;
        if (!found && (*list)->below)
            found = find_row((*list)->below, name);
    }
    return found;
}

static const struct arg_spec *find_elsewhere(const void *program, const char *name)
{
    return find_row(((const struct cli_program *)program)->commands, name);
}

/* --- which command ---------------------------------------------------------------------------- */

const struct cli_command *const *cli_list(const struct cli_program *program,
                                          const struct cli_command *parent)
{
    return parent ? parent->below : program->commands;
}

/* NULL: there is none of that name. */
static const struct cli_command *find_command(const struct cli_call *call, const char *name)
{
    const struct cli_command *const *c = cli_list(call->program, call->command);
    while (*c && strcmp((*c)->name, name) != 0)
        c++;
    return *c;
}

/* "serve, ledger, audit or help". */
static void put_command_names(const struct cli_call *call, struct buf *out)
{
    const struct cli_command *shown[CLI_BELOW_MAX];
    size_t count = 0;
    for (const struct cli_command *const *c = cli_list(call->program, call->command); *c; c++) {
        assert(count < CLI_BELOW_MAX);
        if (!(*c)->hidden)
            shown[count++] = *c;
    }
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", shown[i]->name);
    buf_putc(out, '\0');
}

static void say_names(const struct reading *r, const char *what)
{
    struct buf names;
    buf_init(&names, CLI_ERR_SIZE);
    put_command_names(r->call, &names);
    fail_say(r->err, r->err_size, "%s; give %s", what, names.failed ? "another one" : names.p);
    buf_free(&names);
}

static bool refuse_command(const struct reading *r, const char *word)
{
    const struct cli_command *const *c = cli_list(r->call->program, r->call->command);
    struct nearest near = nearest_to(str_of(word));
    char what[160];
    for (; *c; c++)
        if (!(*c)->hidden)
            nearest_offer(&near, (*c)->name);
    snprintf(what, sizeof(what), "\"%.100s\": no such command", word);
    if (near.name)
        return REFUSE(r, "%s; did you mean %s?", what, near.name);
    say_names(r, what);
    return false;
}

static void step_into(struct reading *r, const struct cli_command *command)
{
    size_t n = strlen(r->call->path);
    snprintf(r->call->path + n, sizeof(r->call->path) - n, " %s", command->name);
    r->call->command = command;
    r->argc--;
    r->argv++;
}

/* Addresses and files are no mistyped commands. */
static bool is_word_of(const struct cli_command *command, const char *word)
{
    return command && command->words && strpbrk(word, ":/.");
}

/* Takes off the words that name the command. */
static bool take_command(struct reading *r)
{
    struct cli_call *call = r->call;
    while ((!call->command || call->command->below) && r->argc > 1 && r->argv[1][0] != '-') {
        const struct cli_command *found = find_command(call, r->argv[1]);
        if (!found && !call->command && is_word_of(call->program->otherwise, r->argv[1]))
            return true;
        if (!found)
            return refuse_command(r, r->argv[1]);
        step_into(r, found);
    }
    return true;
}

/* --- its options and words -------------------------------------------------------------------- */

static bool check_choices(const struct reading *r)
{
    const struct cli_command *c = r->call->command;
    for (size_t i = 0; c->words_choices && i < r->call->words.n; i++) {
        const char *const *choice = c->words_choices;
        while (*choice && strcmp(*choice, r->call->words.text[i]) != 0)
            choice++;
        if (!*choice)
            return REFUSE(r, "\"%.100s\": unexpected; give %s %s", r->call->words.text[i],
                          r->call->path, c->words);
    }
    return true;
}

/* How many there must be, and may be. */
static void count_words(const struct cli_command *command, size_t *min, size_t *max)
{
    const char *word = command->words ? command->words : "";
    for (*min = *max = 0; *word; word += strspn(word, " ")) {
        *min += *word != '[';
        ++*max;
        word += strcspn(word, " ");
    }
    if (command->words && strstr(command->words, "..."))
        *max = SIZE_MAX;
    if (command->words_max > 0)
        *max = command->words_max;
}

static bool check_words(const struct reading *r)
{
    const struct cli_call *call = r->call;
    const struct cli_command *c = call->command;
    size_t min, max;
    count_words(c, &min, &max);
    if (call->words.n < min)
        return REFUSE(r, "something is missing; give %s %s", call->path, c->words);
    if (call->words.n > max)
        return REFUSE(r, "\"%.100s\": unexpected; give %s %s", call->words.text[max], call->path,
                      c->words);
    return check_choices(r);
}

/* Says what is wrong in the place of a warning. */
static bool complete(const struct reading *r)
{
    char err[CLI_ERR_SIZE] = "";
    if (!r->call->command->complete || r->call->command->complete(r->call, err, sizeof(err)))
        return true;
    return REFUSE(r, "%s", err);
}

static enum cli_result read_options(struct reading *r, char *(*env)(const char *name))
{
    static const enum cli_result results[] = {[ARGS_OK] = CLI_RUN,
                                              [ARGS_HELP] = CLI_HELP,
                                              [ARGS_VERSION] = CLI_VERSION,
                                              [ARGS_USAGE] = CLI_USAGE};
    struct cli_call *call = r->call;
    const struct cli_command *c = call->command;
    struct arg_spec specs[CLI_SPECS_MAX];
    struct args_input in = {.argc = r->argc,
                            .argv = r->argv,
                            .env = env,
                            .env_prefix = call->program->env_prefix,
                            .positional = c->words ? &call->words : NULL,
                            .elsewhere = find_elsewhere,
                            .program = call->program,
                            .from = call->from};
    call->options = calloc(1, config_at(c) + sizeof(char *));
    if (!call->options) {
        fail_say(r->err, r->err_size, "no memory");
        return CLI_USAGE;
    }
    enum args_result parsed =
        args_parse(specs, cli_specs(c, specs), &in, call->options, r->err, r->err_size);
    if (parsed == ARGS_OK && check_words(r) && complete(r))
        return CLI_RUN;
    if (parsed == ARGS_OK) {
        cli_free(call);
        return CLI_USAGE;
    }
    free(call->options);
    call->options = NULL;
    return results[parsed];
}

void cli_free(struct cli_call *call)
{
    struct arg_spec specs[CLI_SPECS_MAX];
    args_free(specs, cli_specs(call->command, specs), call->options);
    args_list_free(&call->words);
    free(call->options);
    call->options = NULL;
}

/* --- all of it -------------------------------------------------------------------------------- */

enum cli_result cli_read(const struct cli_program *program, int argc, char *const *argv,
                         char *(*env)(const char *name), struct cli_call *call, char *err,
                         size_t err_size)
{
    struct reading r = {call, argc, argv, err, err_size};
    enum args_result asked;
    *call = (struct cli_call){.program = program, .argc = argc, .argv = argv};
    snprintf(call->path, sizeof(call->path), "%s", program->name);
    err[0] = '\0';
    if (argc < 2 && program->needs_words)
        return CLI_BARE;
    if (!take_command(&r))
        return CLI_USAGE;
    if (!call->command || call->command->below) {
        if (r.argc > 1 && (asked = args_asks(r.argv[1])) != ARGS_OK)
            return asked == ARGS_HELP ? CLI_HELP : CLI_VERSION;
        if (call->command || !program->otherwise) {
            say_names(&r, "a command is missing");
            return CLI_USAGE;
        }
        call->command = program->otherwise;
    }
    return read_options(&r, env);
}

void cli_print_version(const struct cli_program *program)
{
    printf("%s %s\n", program->name, stockd_version);
}

/* A line for a person: what it comes from stands out. */
static void print_error(const struct cli_call *call, const char *what)
{
    bool colour = terminal_colours(stderr);
    fprintf(stderr, "%s%s:%s %s\n", colour ? "\033[1;31m" : "", call->path, colour ? "\033[0m" : "",
            what);
}

/* What was read of them is the command's now. */
static void hide_secrets(const struct cli_call *call)
{
    struct arg_spec specs[CLI_SPECS_MAX];
    size_t count = cli_specs(call->command, specs);
    args_hide_words(specs, count, call->argc, call->argv);
    args_hide_environment(specs, count, call->program->env_prefix);
}

int cli_main(const struct cli_program *program, int argc, char **argv)
{
    struct cli_call call;
    char err[CLI_ERR_SIZE];
    int status = EXIT_SUCCESS;
    switch (cli_read(program, argc, argv, getenv, &call, err, sizeof(err))) {
    case CLI_RUN:
        if (err[0])
            print_error(&call, err);
        hide_secrets(&call);
        status = call.command->run(&call);
        cli_free(&call);
        break;
    case CLI_HELP: cli_print_help(stdout, program, call.command, call.path); break;
    case CLI_BARE:
        cli_print_help(stderr, program, NULL, call.path);
        status = program->usage_status;
        break;
    case CLI_VERSION: cli_print_version(program); break;
    case CLI_USAGE:
        print_error(&call, err);
        status = program->usage_status;
        break;
    }
    return status;
}
