/* test_cli.c -- a small program's table: which command is meant, what it gets, what is refused. */
#include "cli/builtin.h"
#include "support/command_line.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

struct options {
    int64_t workers;
    char *redis;
    bool json;
};

static const struct arg_spec serve_specs[] = {
    {"workers", ARG_INT, offsetof(struct options, workers), 1, 9, .default_text = "2",
     .help = "How many."},
    {0},
};
static const struct arg_spec item_specs[] = {
    {"redis", ARG_STRING, offsetof(struct options, redis), .metavar = "URL", .group = "Redis",
     .help = "Where."},
    {"json", ARG_BOOL, offsetof(struct options, json), .group = "Output", .help = "Write JSON."},
    {0},
};

static int run(const struct cli_call *call)
{
    return 0;
}

static bool complete(struct cli_call *call, char *err, size_t err_size)
{
    struct options *options = call->options;
    options->workers++;
    snprintf(err, err_size, "8 are not possible");
    return options->workers != 9;
}

static const struct cli_exit exits[] = {{0, "Fine."}, {3, "Not."}, {0}};
static const struct cli_command serve = {.name = "serve",
                                         .help = "serve it",
                                         .words = "[URL]",
                                         .specs = serve_specs,
                                         .options_size = sizeof(struct options),
                                         .complete = complete,
                                         .run = run};
static const struct cli_command get = {.name = "get",
                                       .help = "one item",
                                       .about = "First paragraph.\nSecond paragraph.",
                                       .words = "SKU",
                                       .specs = item_specs,
                                       .options_size = sizeof(struct options),
                                       .run = run,
                                       .exits = exits};
static const struct cli_command list = {.name = "list", .help = "all items", .run = run};
static const struct cli_command *const below_items[] = {&list, &get, NULL};
static const struct cli_command items = {.name = "items", .help = "items", .below = below_items};
static const struct cli_command secret = {
    .name = "secret", .help = "x", .hidden = true, .run = run};
static const struct cli_command *const commands[] = {&serve,    &items,       &secret,
                                                     &cli_help, &cli_version, NULL};
static const struct cli_program program = {.name = "prog",
                                           .help = "a program",
                                           .env_prefix = "PROG_",
                                           .commands = commands,
                                           .otherwise = &serve};

static struct cli_call call;
static char err[CLI_ERR_SIZE];

static enum cli_result read_as(const struct cli_program *of, const char *const *words)
{
    static char name[] = "prog";
    char *argv[WORDS_MAX];
    int argc = argv_of(argv, name, words);
    return cli_read(of, argc, argv, NULL, &call, err, sizeof(err));
}
#define READ(...) read_as(&program, (const char *const[]){__VA_ARGS__, NULL})

#define assert_runs(command_, ...)                                                                 \
    do {                                                                                           \
        assert_int_equal(READ(__VA_ARGS__), CLI_RUN);                                              \
        assert_ptr_equal(call.command, command_);                                                  \
    } while (0)
#define assert_refused(text, ...)                                                                  \
    do {                                                                                           \
        assert_int_equal(READ(__VA_ARGS__), CLI_USAGE);                                            \
        assert_string_equal(err, text);                                                            \
    } while (0)

TEST(the_first_words_name_the_command)
{
    assert_runs(&get, "items", "get", "a-1", "--json");
    const struct options *options = call.options;
    assert_true(options->json);
    assert_int_equal(call.words.n, 1);
    assert_string_equal(call.words.text[0], "a-1");
    assert_string_equal(call.path, "prog items get");
    cli_free(&call);
    assert_runs(&list, "items", "list");
    cli_free(&call);
}

TEST(without_a_command_one_is_meant)
{
    static const char *const none[] = {NULL};
    assert_int_equal(read_as(&program, none), CLI_RUN);
    assert_ptr_equal(call.command, &serve);
    assert_string_equal(call.path, "prog");
    assert_int_equal(((struct options *)call.options)->workers, 3); /* complete has had it */
    cli_free(&call);
    assert_runs(&serve, "--workers", "4");
    cli_free(&call);
    assert_runs(&serve, "http://h"); /* no mistyped command */
    assert_string_equal(call.words.text[0], "http://h");
    cli_free(&call);
    struct cli_program other = program;
    other.otherwise = NULL;
    assert_int_equal(read_as(&other, none), CLI_USAGE);
    assert_string_equal(err, "a command is missing; give serve, items, help or version");
}

TEST(what_is_wrong_gets_one_line)
{
    assert_refused("\"serv\": no such command; did you mean serve?", "serv");
    assert_refused("\"lst\": no such command; did you mean list?", "items", "lst");
    assert_refused("\"xyzzy\": no such command; give list or get", "items", "xyzzy");
    assert_refused("\"mna\": no such command; give serve, items, help or version", "mna");
    assert_refused("a command is missing; give list or get", "items");
    assert_refused("a command is missing; give list or get", "items", "--json");
    assert_refused("something is missing; give prog items get SKU", "items", "get");
    assert_refused("\"b\": unexpected; give prog items get SKU", "items", "get", "a", "b");
    assert_refused("\"b\": unexpected; options are written --name VALUE", "items", "list", "b");
    assert_refused("--jsno: no such option; did you mean --json?", "items", "get", "a", "--jsno");
    assert_refused("8 are not possible", "serve", "--workers=8");
    assert_string_equal(call.path, "prog serve"); /* comes before the message */
}

static void check_asked(enum cli_result result, const struct cli_command *about,
                        const char *const *words)
{
    assert_int_equal(read_as(&program, words), result);
    assert_ptr_equal(call.command, about);
}
#define ASKED(result, about, ...)                                                                  \
    check_asked(result, about, (const char *const[]){__VA_ARGS__, NULL})

TEST(help_and_version_are_everywhere)
{
    ASKED(CLI_HELP, NULL, "--help");
    ASKED(CLI_HELP, NULL, "-h");
    ASKED(CLI_HELP, &serve, "serve", "--help");
    ASKED(CLI_HELP, &serve, "--workers=3", "--help");
    ASKED(CLI_HELP, &items, "items", "-h");
    ASKED(CLI_HELP, &get, "items", "get", "--nonsense", "-h");
    ASKED(CLI_VERSION, NULL, "-V");
    ASKED(CLI_VERSION, NULL, "--version");
    ASKED(CLI_VERSION, &items, "items", "-V");
    ASKED(CLI_VERSION, &get, "items", "get", "--version");
    assert_int_equal(READ("help", "items", "get"), CLI_RUN);
    cli_free(&call);
    assert_int_equal(READ("version"), CLI_RUN);
    cli_free(&call);
    assert_refused("\"gte\": no such command; did you mean get?", "help", "items", "gte");
}

static char *help_of(const struct cli_command *command, const char *path)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    cli_print_help(out, &program, command, path);
    fclose(out);
    return text;
}

TEST(help_shows_what_there_is)
{
    char *text = help_of(NULL, "prog");
    assert_non_null(strstr(text, "prog: a program\n\nUsage:\n  prog COMMAND [options]\n"));
    assert_non_null(strstr(text, "\n  serve [URL]        serve it\n"));
    assert_null(strstr(text, " man "));
    free(text);
    text = help_of(&items, "prog items");
    assert_non_null(strstr(text, "\n  get SKU  one item\n"));
    free(text);
    text = help_of(&get, "prog items get");
    assert_non_null(strstr(text, "\n  prog items get [options] SKU\n"));
    assert_non_null(strstr(text, "\nFirst paragraph.\nSecond paragraph.\n"));
    assert_non_null(strstr(text, "\nRedis:\n  --redis URL\n"));
    assert_non_null(strstr(text, "\nOutput:\n  --[no-]json\n      Write JSON. (PROG_JSON)\n"));
    assert_non_null(strstr(text, "\n  3    Not.\n"));
    free(text);
}
