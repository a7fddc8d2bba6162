/* test_config_file.c -- a file of settings: what its lines may be, where its values stand among
 * those of the environment and the flags, and what is refused, with its line.
 */
#include "cli/cli.h"
#include "config_file.h"
#include "support/command_line.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    int64_t workers, lanes;
    char *redis;
    bool json, only_now, all_workers;
    struct arg_list headers;
};

static const struct arg_spec serve_specs[] = {
    {"workers", ARG_INT, offsetof(struct options, workers), 1, 9, .default_text = "2",
     .help = "N."},
    {"lanes", ARG_INT, offsetof(struct options, lanes), .default_text = "1", .help = "N."},
    {"redis", ARG_STRING, offsetof(struct options, redis), .secret = true, .help = "URL."},
    {"header", ARG_LIST, offsetof(struct options, headers), .help = "Lines."},
    {0},
};
static const struct arg_spec audit_specs[] = {
    {"redis", ARG_STRING, offsetof(struct options, redis), .secret = true, .help = "URL."},
    {"json", ARG_BOOL, offsetof(struct options, json), .help = "JSON."},
    {"threads", ARG_REFUSED, .help = "means something else"},
    {"workers", ARG_BOOL, offsetof(struct options, all_workers), .flag_only = true, .help = "All."},
    {"only-now", ARG_BOOL, offsetof(struct options, only_now), .flag_only = true, .help = "Once."},
    {0},
};

static int run(const struct cli_call *call)
{
    return 0;
}

static const struct cli_command serve = {.name = "serve",
                                         .help = "serve",
                                         .specs = serve_specs,
                                         .options_size = sizeof(struct options),
                                         .run = run};
static const struct cli_command audit = {.name = "audit",
                                         .help = "audit",
                                         .specs = audit_specs,
                                         .options_size = sizeof(struct options),
                                         .run = run};
static const struct cli_command *const commands[] = {&serve, &audit, NULL};
static const struct cli_program program = {.name = "prog",
                                           .help = "a program",
                                           .env_prefix = "PROG_",
                                           .commands = commands,
                                           .otherwise = &serve};

static struct cli_call call;
static struct options *o;
static char err[CLI_ERR_SIZE], folder[] = "/tmp/config_file.XXXXXX", path[64];

static int make_folder(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/c", folder);
    return 0;
}

static int drop_folder(void **state)
{
    unlink(path);
    return rmdir(folder);
}

ALL_BETWEEN(make_folder, drop_folder)

static void write_bytes(const char *text, size_t n)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static enum cli_result read_words(const char *const *words)
{
    static char name[] = "prog";
    char *argv[WORDS_MAX];
    int argc = argv_of(argv, name, words);
    enum cli_result result = cli_read(&program, argc, argv, fake_getenv, &call, err, sizeof(err));
    o = call.options;
    fake_environment = NULL;
    return result;
}
#define READ(...) read_words((const char *const[]){__VA_ARGS__, NULL})

static void check_taken(enum cli_result result)
{
    if (result != CLI_RUN)
        fail_msg("refused: %s", err);
}

/* The file's text is refused with this, behind the file's name. */
static void check_refused(const char *text, const char *expected)
{
    char whole[CLI_ERR_SIZE];
    write_bytes(text, strlen(text));
    assert_int_equal(READ("serve", "--config", path), CLI_USAGE);
    snprintf(whole, sizeof(whole), "%s:%s", path, expected);
    assert_string_equal(err, whole);
}

TEST(blanks_comments_and_quotes)
{
    static const char text[] = "# a comment\n"
                               "\n"
                               "   # another one\n"
                               "workers=3\r\n"
                               "\t lanes \t=   4\t\n"
                               "redis = \" a # b=c \"\n"
                               "header = x=y\n"
                               "header = \"\"\n"
                               "header = a#b";
    write_bytes(text, strlen(text));
    check_taken(READ("serve", "--config", path));
    assert_true(o->workers == 3 && o->lanes == 4);
    assert_string_equal(o->redis, " a # b=c ");
    assert_int_equal(o->headers.n, 3);
    assert_string_equal(o->headers.text[0], "x=y");
    assert_string_equal(o->headers.text[1], "");
    assert_string_equal(o->headers.text[2], "a#b");
    assert_string_equal(err, "");
    cli_free(&call);
}

TEST(flags_win_over_environment_over_file_over_default)
{
    static const char text[] = "workers = 3\nlanes = 30\n";
    write_bytes(text, strlen(text));
    ENVIRONMENT("PROG_CONFIG", path);
    check_taken(READ("serve"));
    assert_true(o->workers == 3 && o->lanes == 30);
    cli_free(&call);
    ENVIRONMENT("PROG_CONFIG", path, "PROG_WORKERS", "4", "PROG_LANES", "40");
    check_taken(READ("serve", "--lanes", "50"));
    assert_true(o->workers == 4 && o->lanes == 50);
    cli_free(&call);
    ENVIRONMENT("PROG_CONFIG", "/nowhere");
    check_taken(READ("--config", path)); /* the flag names another file */
    assert_true(o->workers == 3);
    cli_free(&call);
    ENVIRONMENT("PROG_CONFIG", "");
    check_taken(READ("serve"));
    assert_true(o->workers == 2 && o->lanes == 1);
    cli_free(&call);
}

/* A file is named by one of the others itself; lists have more than one. */
TEST(each_value_is_known_with_where_it_comes_from)
{
    static const char text[] = "workers = 3\nlanes = 2\nheader = a\n";
    enum { WORKERS, LANES, REDIS, HEADER, CONFIG };
    write_bytes(text, strlen(text));
    ENVIRONMENT("PROG_CONFIG", path, "PROG_LANES", "4", "PROG_REDIS", "r:1");
    check_taken(READ("serve", "--redis", "r:2"));
    assert_int_equal(call.from[WORKERS], ARG_FROM_FILE);
    assert_int_equal(call.from[LANES], ARG_FROM_ENVIRONMENT);
    assert_int_equal(call.from[REDIS], ARG_FROM_FLAG);
    assert_int_equal(call.from[HEADER], ARG_FROM_FILE);
    assert_int_equal(call.from[CONFIG], ARG_FROM_ENVIRONMENT);
    cli_free(&call);
    ENVIRONMENT("PROG_HEADER", "c");
    check_taken(READ("serve", "--config", path, "--workers", "2"));
    assert_int_equal(call.from[WORKERS], ARG_FROM_FLAG); /* also where it is the default */
    assert_int_equal(call.from[LANES], ARG_FROM_FILE);
    assert_int_equal(call.from[REDIS], ARG_FROM_DEFAULT);
    assert_int_equal(call.from[HEADER], ARG_FROM_ENVIRONMENT);
    assert_int_equal(call.from[CONFIG], ARG_FROM_FLAG);
    cli_free(&call);
}

TEST(a_file_may_hold_what_other_commands_take)
{
    static const char text[] = "workers = 3\nredis = r:1\njson = yes\nheader = a\nheader = b\n";
    write_bytes(text, strlen(text));
    check_taken(READ("audit", "--config", path));
    assert_true(o->json);
    assert_string_equal(o->redis, "r:1");
    cli_free(&call);
    check_taken(READ("serve", "--config", path));
    cli_free(&call);
}

TEST(what_is_meant_for_one_call_comes_from_flags_alone)
{
    static const char text[] = "workers = 3\n"; /* of serve, where a file may say it */
    write_bytes(text, strlen(text));
    ENVIRONMENT("PROG_WORKERS", "nonsense", "PROG_ONLY_NOW", "yes");
    check_taken(READ("audit", "--config", path));
    assert_true(!o->all_workers && !o->only_now);
    cli_free(&call);
    check_taken(READ("audit", "--config", path, "--workers", "--only-now"));
    assert_true(o->all_workers && o->only_now);
    cli_free(&call);
    check_refused("only-now = yes\n", "1: only-now: no such option; --help lists them");
}

TEST(what_is_wrong_is_told_with_its_line)
{
    check_refused("workers = 3\n\nworkrs = 4\n",
                  "3: workrs: no such option; did you mean workers?");
    check_refused("frobnicate = 4\n", "1: frobnicate: no such option; --help lists them");
    check_refused("threads = 4\n", "1: threads: no such option; --help lists them");
    check_refused("#\nworkers = many\n",
                  "2: workers: \"many\" is no number; give a whole number from 1 to 9");
    check_refused("workers = 3\n#\nlanes = 2\nworkers = 3\n",
                  "4: workers: already given in line 1; keep one");
    check_refused("json = yes\njson = yes\n", "2: json: already given in line 1; keep one");
    check_refused("config = /x\n", "1: config: a file of settings names no other one");
    check_refused("workers 3\n", "1: there is no = in the line; write name = value");
    check_refused("= 3\n", "1: there is no name before =; write name = value");
    check_refused("--workers = 3\n", "1: a name is written without the dashes of its flag");
    check_refused("Work ers = 3\n", "1: what stands before = is no name; write name = value");
    check_refused("workers =\n",
                  "1: workers: the value is missing; leave the line out for the default");
    check_refused(
        "workers = 3 # three\n",
        "1: workers: a comment has a line of its own; a value with \" #\" in it stands in "
        "double quotes");
    const char *quotes =
        "1: redis: the value begins with a double quote; end it with one, and have "
        "no other in it";
    check_refused("redis = \"\n", quotes);
    check_refused("redis = \"a\n", quotes);
    check_refused("redis = \"a\" b\n", quotes);
    check_refused("redis = \"a\"b\"\n", quotes);
}

TEST(a_wrong_secret_is_not_repeated)
{
    static const struct arg_spec specs[] = {{"pin", ARG_INT, 0, 1, 9, .secret = true, .help = "N."},
                                            {0}};
    static const struct cli_command pin = {
        .name = "pin", .help = "x", .specs = specs, .options_size = 8, .run = run};
    static const struct cli_command *const list[] = {&pin, NULL};
    static const struct cli_program other = {.name = "prog", .env_prefix = "P_", .commands = list};
    char name[] = "prog", word[] = "pin", flag[] = "--config";
    char *argv[] = {name, word, flag, path, NULL};
    write_bytes("pin = 1234\n", 11);
    assert_int_equal(cli_read(&other, 4, argv, NULL, &call, err, sizeof(err)), CLI_USAGE);
    assert_null(strstr(err, "1234"));
    assert_non_null(strstr(err, ":1: pin: the value (hidden)"));
}

TEST(what_is_no_file_of_settings_is_refused)
{
    char *text = malloc(CONFIG_FILE_BYTES_MAX + 2);
    memset(text, '#', CONFIG_FILE_BYTES_MAX + 2);
    write_bytes(text, CONFIG_FILE_BYTES_MAX + 1);
    assert_int_equal(READ("--config", path), CLI_USAGE);
    assert_non_null(strstr(err, "is no file of settings: it has more than 65536 bytes"));
    write_bytes(text, CONFIG_FILE_BYTES_MAX); /* all of it one comment */
    check_taken(READ("--config", path));
    cli_free(&call);
    memcpy(text, "redis=", 6);
    write_bytes(text, CONFIG_FILE_LINE_MAX + 1);
    assert_int_equal(READ("--config", path), CLI_USAGE);
    assert_non_null(strstr(err, ":1: the line is longer than 4096 bytes"));
    memset(text + 6, 'a', CONFIG_FILE_LINE_MAX - 6);
    write_bytes(text, CONFIG_FILE_LINE_MAX);
    check_taken(READ("--config", path));
    assert_int_equal(strlen(o->redis), CONFIG_FILE_LINE_MAX - 6);
    cli_free(&call);
    memset(text, 'n', 60);
    text[60] = '=';
    write_bytes(text, 62);
    assert_int_equal(READ("--config", path), CLI_USAGE);
    assert_non_null(strstr(err, ":1: no name is as long as that"));
    free(text);
    write_bytes("lanes = 2\nworkers\0 = 3\n", 23);
    assert_int_equal(READ("--config", path), CLI_USAGE);
    assert_non_null(strstr(err, ":2: there is a NUL in the line; this is no text"));
    assert_int_equal(READ("--config", folder), CLI_USAGE);
    assert_non_null(strstr(err, " can not be read: Is a directory"));
    assert_int_equal(READ("--config=/nowhere/x"), CLI_USAGE);
    assert_string_equal(err, "--config: /nowhere/x can not be read: No such file or directory");
}

TEST(a_secret_that_everybody_may_read_gets_a_warning)
{
    static const char text[] = "workers = 3\nredis = redis://:pw@h:1\n";
    char expected[CLI_ERR_SIZE];
    write_bytes(text, strlen(text));
    assert_int_equal(chmod(path, 0640), 0);
    check_taken(READ("--config", path));
    assert_string_equal(err, "");
    cli_free(&call);
    assert_int_equal(chmod(path, 0644), 0);
    check_taken(READ("--config", path));
    snprintf(expected, sizeof(expected),
             "warning: %s:2: everybody on this machine may read redis; give the file to the "
             "service's group and make it mode 0640",
             path);
    assert_string_equal(err, expected);
    cli_free(&call);
    write_bytes("redis = redis://h:1\n", 20); /* nothing secret in it */
    assert_int_equal(chmod(path, 0644), 0);
    check_taken(READ("--config", path));
    assert_string_equal(err, "");
    cli_free(&call);
}
