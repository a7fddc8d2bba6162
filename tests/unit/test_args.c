/* test_args.c -- a small table of options, from every source, right and wrong. */
#include "args/args.h"
#include "support/command_line.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct config {
    char *listen;
    char *redis;
    char *key;
    int64_t batch_max;
    int64_t rate;
    int64_t drain_ms;
    int64_t body_max;
    bool metrics;
    int durability;
};

static const char *const durabilities[] = {"none", "local", "replica", NULL};
static const struct arg_spec specs[] = {
    {"listen", ARG_STRING, offsetof(struct config, listen), .default_text = "127.0.0.1:8080",
     .metavar = "ADDR:PORT", .help = "Where to serve."},
    {"redis", ARG_STRING, offsetof(struct config, redis), .help = "Redis URL.", .secret = true},
    {"key", ARG_STRING, offsetof(struct config, key), .help = "API key.", .secret = true},
    {"batch-max", ARG_INT, offsetof(struct config, batch_max), 1, 1024, .default_text = "256",
     .help = "Requests per batch."},
    {"rate", ARG_COUNT, offsetof(struct config, rate), .default_text = "1k", .help = "Per second."},
    {"drain", ARG_DURATION_MS, offsetof(struct config, drain_ms), 0, 60000, .default_text = "10s",
     .help = "Time to finish."},
    {"body-max", ARG_SIZE, offsetof(struct config, body_max), 1, 1 << 20, .default_text = "64k",
     .help = "Largest body."},
    {"metrics", ARG_BOOL, offsetof(struct config, metrics), .default_text = "yes",
     .help = "Serve /metrics."},
    {"durability", ARG_ENUM, offsetof(struct config, durability), .choices = durabilities,
     .default_text = "local", .help = "What an answer promises"},
};
enum { SPECS = sizeof specs / sizeof specs[0] };

static struct config config;
static char err[ARGS_ERR_SIZE];

/* Parses these words; a fresh config each time. */
static enum args_result parse(const char *const *words)
{
    static char program[] = "stockd";
    char *argv[WORDS_MAX];
    int argc = argv_of(argv, program, words);
    memset(&config, 0xee, sizeof config); /* args_parse must not rely on zeros */
    memset(err, 0, sizeof err);
    const struct args_input in = {
        .argc = argc, .argv = argv, .env = fake_getenv, .env_prefix = "STOCKD_"};
    return args_parse(specs, SPECS, &in, &config, err, sizeof err);
}
#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})
#define NO_WORDS                                                                                   \
    (const char *const[])                                                                          \
    {                                                                                              \
        NULL                                                                                       \
    }

static void done(void)
{
    args_free(specs, SPECS, &config);
    assert_null(config.listen);
    fake_environment = NULL;
}

static void assert_ok(enum args_result result)
{
    if (result != ARGS_OK)
        fail_msg("refused: %s", err);
}

static void assert_usage(enum args_result result, const char *expected)
{
    assert_int_equal(result, ARGS_USAGE);
    assert_string_equal(err, expected);
    assert_null(config.listen); /* nothing is left to free */
    fake_environment = NULL;
}

TEST(without_words_the_defaults_hold)
{
    assert_ok(parse(NO_WORDS));
    assert_string_equal(config.listen, "127.0.0.1:8080");
    assert_null(config.redis);
    assert_int_equal(config.batch_max, 256);
    assert_int_equal(config.rate, 1000);
    assert_int_equal(config.drain_ms, 10000);
    assert_int_equal(config.body_max, 65536);
    assert_true(config.metrics);
    assert_int_equal(config.durability, 1);
    done();
}

TEST(a_flag_takes_its_value_both_ways_and_the_last_one_wins)
{
    assert_ok(PARSE("--listen", "a:1", "--listen=b:2", "--batch-max=7", "--drain", "2s",
                    "--body-max", "1m", "--rate=5", "--no-metrics", "--durability", "replica",
                    "--key="));
    assert_string_equal(config.listen, "b:2");
    assert_int_equal(config.batch_max, 7);
    assert_int_equal(config.drain_ms, 2000);
    assert_int_equal(config.body_max, 1048576);
    assert_int_equal(config.rate, 5);
    assert_false(config.metrics);
    assert_int_equal(config.durability, 2);
    assert_string_equal(config.key, "");
    done();
    assert_ok(PARSE("--no-metrics", "--metrics"));
    assert_true(config.metrics);
    done();
    assert_ok(PARSE("--metrics=off"));
    assert_false(config.metrics);
    done();
}

TEST(the_flag_beats_the_variable_and_that_the_default)
{
    ENVIRONMENT("STOCKD_BATCH_MAX", "9", "STOCKD_DRAIN", "1s", "STOCKD_METRICS", "false",
                "STOCKD_RATE", "", "STOCKD_DURABILITY", "none");
    assert_ok(PARSE("--drain", "3s"));
    assert_int_equal(config.batch_max, 9);
    assert_int_equal(config.drain_ms, 3000);
    assert_false(config.metrics);
    assert_int_equal(config.rate, 1000); /* an empty variable is none */
    assert_int_equal(config.durability, 0);
    done();
}

TEST(a_bad_value_is_named_with_its_source_and_what_would_be_right)
{
    assert_usage(PARSE("--batch-max", "abc"),
                 "--batch-max: \"abc\" is no number; give a whole number from 1 to 1024");
    assert_usage(PARSE("--batch-max=0"),
                 "--batch-max: \"0\" is out of range; give a whole number from 1 to 1024");
    assert_usage(PARSE("--drain", "2m"), "--drain: \"2m\" is out of range; give 0 to 60000 ms");
    assert_usage(PARSE("--body-max", "2m"),
                 "--body-max: \"2m\" is out of range; give 1 to 1048576 bytes");
    assert_usage(PARSE("--drain", "10"), "--drain: \"10\" is no duration; give a number and one "
                                         "of ms, s, m, h, d, as in 10s");
    assert_usage(PARSE("--durability", "full"),
                 "--durability: \"full\" is not known; give none, local or replica");
    assert_usage(PARSE("--metrics=maybe"), "--metrics: \"maybe\" is not known; give yes or no");
    ENVIRONMENT("STOCKD_BATCH_MAX", "-3");
    assert_usage(parse(NO_WORDS),
                 "STOCKD_BATCH_MAX: \"-3\" is out of range; give a whole number from 1 to 1024");
}

TEST(a_typo_gets_a_suggestion)
{
    assert_usage(PARSE("--batchmax", "3"), "--batchmax: no such option; did you mean --batch-max?");
    assert_usage(PARSE("--lisen=x"), "--lisen: no such option; did you mean --listen?");
    assert_usage(PARSE("--frobnicate"), "--frobnicate: no such option; --help lists them");
    assert_usage(PARSE("--no-listen"),
                 "--no-listen: only a switch can be negated, without a value; give --listen VALUE");
    assert_usage(PARSE("--no-metrics=yes"), "--no-metrics: only a switch can be negated, without "
                                            "a value; give --metrics=no");
}

TEST(a_missing_value_and_a_stray_word_are_refused)
{
    assert_usage(PARSE("--listen"),
                 "--listen: the value is missing; give --listen VALUE or --listen=VALUE");
    assert_usage(PARSE("--listen", "--metrics"),
                 "--listen: the value is missing; give --listen VALUE or --listen=VALUE");
    assert_usage(PARSE("--metrics", "yes"),
                 "\"yes\": unexpected; options are written --name VALUE");
    assert_usage(PARSE("--"), "\"--\": unexpected; options are written --name VALUE");
    assert_usage(PARSE("-x"), "\"-x\": unexpected; options are written --name VALUE");
}

TEST(help_is_seen_anywhere)
{
    assert_int_equal(PARSE("--bogus", "-h"), ARGS_HELP);
    assert_int_equal(PARSE("--help"), ARGS_HELP);
    assert_int_equal(PARSE("--version"), ARGS_VERSION);
    assert_int_equal(PARSE("--batch-max", "0", "-V"), ARGS_VERSION);
    assert_int_equal(PARSE("-V", "-h"), ARGS_HELP);
    assert_int_equal(PARSE("--", "--help"), ARGS_USAGE);
}

/* A file in /tmp with this text; the caller unlinks it. */
static void write_file(char path[32], const char *text)
{
    strcpy(path, "/tmp/test_args.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

TEST(a_secret_is_read_from_the_file_its_variable_names)
{
    char path[32], expected[200];
    write_file(path, "s3cret word\r\n\n");
    ENVIRONMENT("STOCKD_KEY_FILE", path);
    assert_ok(parse(NO_WORDS));
    assert_string_equal(config.key, "s3cret word");
    done();

    ENVIRONMENT("STOCKD_KEY_FILE", path, "STOCKD_KEY", "x");
    assert_usage(parse(NO_WORDS), "STOCKD_KEY and STOCKD_KEY_FILE are both set; keep one");
    unlink(path);

    ENVIRONMENT("STOCKD_KEY_FILE", path);
    snprintf(expected, sizeof expected, "STOCKD_KEY_FILE: can not read %s: %s", path,
             "No such file or directory");
    assert_usage(parse(NO_WORDS), expected);

    ENVIRONMENT("STOCKD_LISTEN_FILE", path);
    assert_ok(parse(NO_WORDS)); /* only secrets come from files */
    done();
}

TEST(an_empty_secret_file_is_refused)
{
    char path[32];
    write_file(path, "\n");
    ENVIRONMENT("STOCKD_KEY_FILE", path);
    assert_int_equal(parse(NO_WORDS), ARGS_USAGE);
    assert_non_null(strstr(err, "holds no usable text"));
    fake_environment = NULL;
    unlink(path);
}

TEST(the_values_in_force_are_described_without_secrets)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_ok(PARSE("--redis", "redis://app:p@ss/w@host:6379/0", "--key", "s3cret", "--listen",
                    "a b", "--no-metrics"));
    args_describe(specs, SPECS, &config, &out);
    buf_putc(&out, '\0');
    assert_false(out.failed);
    assert_string_equal(out.p, "listen=\"a b\" redis=redis://app:***@host:6379/0 key=*** "
                               "batch-max=256 rate=1k drain=10s body-max=64k metrics=no "
                               "durability=local");
    buf_free(&out);
    done();
}

TEST(numbers_are_described_in_the_units_of_the_command_line)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_ok(PARSE("--rate=2000", "--drain", "60s", "--body-max=65535"));
    args_describe(specs, SPECS, &config, &out);
    buf_putc(&out, '\0');
    assert_non_null(strstr(out.p, " rate=2k drain=1m body-max=65535 "));
    buf_free(&out);
    done();
}

TEST(passwords_in_urls_are_masked)
{
    static const char *const urls[][2] = {
        {"redis://host:6379/0", "redis://host:6379/0"},
        {"redis://app@host", "redis://app@host"},
        {"redis://:pw@host", "redis://:***@host"},
        {"unix:/run/redis.sock", "unix:/run/redis.sock"},
        {"postgresql://u:pw@h/db?sslmode=on", "postgresql://u:***@h/db?sslmode=on"},
        {"postgresql://h/db?user=u&password=pw&x=1", "postgresql://h/db?user=u&password=***&x=1"},
        {"postgresql://h/db?PASSWORD=pw", "postgresql://h/db?PASSWORD=***"},
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct buf out;
        buf_init(&out, 200);
        args_put_url(&out, urls[i][0]);
        buf_putc(&out, '\0');
        assert_string_equal(out.p, urls[i][1]);
        buf_free(&out);
    }
}

TEST(help_names_every_option_its_default_and_its_variable)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    struct paragraph p = paragraph_on(f);
    args_print_help(&p, specs, SPECS, "STOCKD_");
    fclose(f);
    assert_non_null(strstr(text, "  --listen ADDR:PORT\n      Where to serve. (default "
                                 "127.0.0.1:8080; STOCKD_LISTEN)\n"));
    assert_non_null(strstr(text, "  --[no-]metrics\n"));
    assert_non_null(strstr(text, "STOCKD_KEY, or a file named by STOCKD_KEY_FILE"));
    assert_non_null(strstr(text, "What an answer promises: none, local, replica (default local"));
    free(text);
}

TEST(a_secret_is_never_repeated_in_a_message)
{
    static const struct arg_spec pin[] = {{"pin", ARG_INT, offsetof(struct config, batch_max), 1, 9,
                                           .default_text = "1", .help = "A number.",
                                           .secret = true}};
    char program[] = "x", flag[] = "--pin", value[] = "1234";
    char *argv[] = {program, flag, value, NULL};
    const struct args_input in = {.argc = 3, .argv = argv, .env_prefix = "STOCKD_"};
    assert_int_equal(args_parse(pin, 1, &in, &config, err, sizeof err), ARGS_USAGE);
    assert_null(strstr(err, "1234"));
    assert_non_null(strstr(err, "--pin"));
}

/* A table with all that a load generator's command line has and a service's has not. */
struct extra {
    int64_t processes;
    bool quiet, verbose, dry_run;
    double share, theta;
    struct arg_list headers;
    char *file;
};
static const struct arg_spec extra_specs[] = {
    {"processes", ARG_INT, offsetof(struct extra, processes), 0, 64, .default_text = "2",
     .short_name = 'p', .help = "How many."},
    {"quiet", ARG_BOOL, offsetof(struct extra, quiet), .short_name = 'q', .help = "Say less."},
    {"verbose", ARG_BOOL, offsetof(struct extra, verbose), .short_name = 'v', .help = "More."},
    {"share", ARG_NUMBER, offsetof(struct extra, share), .number_max = 1, .default_text = "0.25",
     .help = "A part."},
    {"theta", ARG_NUMBER, offsetof(struct extra, theta), .help = "Any."},
    {"header", ARG_LIST, offsetof(struct extra, headers), .short_name = 'H', .secret = true,
     .metavar = "LINE", .help = "A header; repeatable."},
    {"file", ARG_STRING, offsetof(struct extra, file), .short_name = 'o', .help = "Where."},
    {"threads", ARG_REFUSED, .short_name = 't', .help = "no threads here; give -p"},
    {"dry-run", ARG_BOOL, offsetof(struct extra, dry_run), .flag_only = true, .help = "Try."},
};
enum { EXTRA_SPECS = sizeof extra_specs / sizeof extra_specs[0] };

static struct extra extra;
static struct arg_list rest;

static enum args_result parse_extra(const char *const *words)
{
    static char program[] = "load";
    char *argv[WORDS_MAX];
    int argc = argv_of(argv, program, words);
    memset(&extra, 0xee, sizeof extra);
    memset(&rest, 0xee, sizeof rest);
    const struct args_input in = {
        .argc = argc, .argv = argv, .env = fake_getenv, .env_prefix = "LOAD_", .positional = &rest};
    return args_parse(extra_specs, EXTRA_SPECS, &in, &extra, err, sizeof err);
}
#define PARSE_EXTRA(...) parse_extra((const char *const[]){__VA_ARGS__, NULL})

static void extra_done(void)
{
    args_free(extra_specs, EXTRA_SPECS, &extra);
    args_list_free(&rest);
    assert_null(extra.headers.text);
    fake_environment = NULL;
}

static void assert_extra_usage(enum args_result result, const char *expected)
{
    assert_int_equal(result, ARGS_USAGE);
    assert_string_equal(err, expected);
    assert_null(extra.headers.text);
    assert_null(extra.file);
    assert_null(rest.text);
    fake_environment = NULL;
}

TEST(short_names_take_the_rest_of_the_word_or_the_next_one)
{
    assert_ok(PARSE_EXTRA("-p8", "-qv", "-o", "out"));
    assert_int_equal(extra.processes, 8);
    assert_true(extra.quiet && extra.verbose);
    assert_string_equal(extra.file, "out");
    extra_done();
    assert_ok(PARSE_EXTRA("-p", "3", "-qo-", "--no-quiet"));
    assert_int_equal(extra.processes, 3);
    assert_false(extra.quiet || extra.verbose);
    assert_string_equal(extra.file, "-");
    extra_done();
    assert_extra_usage(PARSE_EXTRA("-px"),
                       "-p: \"x\" is no number; give a whole number from 0 to 64");
    assert_extra_usage(PARSE_EXTRA("-oa", "-p"), "-p: the value is missing; give -p VALUE");
    assert_extra_usage(PARSE_EXTRA("-p", "--quiet"), "-p: the value is missing; give -p VALUE");
    assert_extra_usage(PARSE_EXTRA("-qz"), "\"-qz\": no option -z; --help lists them");
}

TEST(a_list_grows_from_the_environment_and_each_flag)
{
    ENVIRONMENT("LOAD_HEADER", "A: 1");
    assert_ok(PARSE_EXTRA("-H", "B: 2", "--header=C: 3", "-HD: 4"));
    assert_int_equal(extra.headers.n, 4);
    assert_string_equal(extra.headers.text[0], "A: 1");
    assert_string_equal(extra.headers.text[1], "B: 2");
    assert_string_equal(extra.headers.text[3], "D: 4");
    extra_done();
    assert_extra_usage(PARSE_EXTRA("-H", "B: 2", "x", "-o", "f", "-p99"),
                       "-p: \"99\" is out of range; give a whole number from 0 to 64");
}

TEST(numbers_are_decimal_or_percent_and_within_bounds)
{
    assert_ok(PARSE_EXTRA("--theta", "1.5e2"));
    assert_true(extra.share > 0.2499 && extra.share < 0.2501);
    assert_true(extra.theta > 149.9 && extra.theta < 150.1);
    extra_done();
    assert_ok(PARSE_EXTRA("--share=5%"));
    assert_true(extra.share > 0.0499 && extra.share < 0.0501);
    assert_true(extra.theta != extra.theta); /* nothing was said */
    extra_done();
    assert_extra_usage(PARSE_EXTRA("--share", "101%"),
                       "--share: \"101%\" is out of range; give 0 to 1");
    assert_extra_usage(PARSE_EXTRA("--theta", "-1"),
                       "--theta: \"-1\" is out of range; give 0 to inf");
    static const char *const wrong[] = {"", "nan", "inf", "0x1p3", " 1", "1 ", "1x", "1%%", "--"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char word[32];
        snprintf(word, sizeof word, "--theta=%s", wrong[i]);
        assert_int_equal(PARSE_EXTRA(word), ARGS_USAGE);
        assert_non_null(strstr(err, "is no number; give one as in 0.05 or 5%"));
    }
}

TEST(positional_words_are_kept_in_order_when_there_may_be_some)
{
    assert_ok(PARSE_EXTRA("a", "-q", "-", "--", "-v", "--"));
    assert_int_equal(rest.n, 4);
    assert_string_equal(rest.text[0], "a");
    assert_string_equal(rest.text[1], "-");
    assert_string_equal(rest.text[2], "-v");
    assert_string_equal(rest.text[3], "--");
    assert_true(extra.quiet);
    assert_false(extra.verbose);
    extra_done();
}

TEST(a_refused_option_says_why_and_is_shown_nowhere)
{
    assert_extra_usage(PARSE_EXTRA("-t8"), "-t: no threads here; give -p");
    assert_extra_usage(PARSE_EXTRA("-t"), "-t: no threads here; give -p");
    assert_extra_usage(PARSE_EXTRA("--threads=2"), "--threads: no threads here; give -p");
    assert_extra_usage(PARSE_EXTRA("--threadz"), "--threadz: no such option; --help lists them");
    ENVIRONMENT("LOAD_THREADS", "4");
    assert_ok(PARSE_EXTRA("-H", "Authorization: x", "--no-quiet"));
    struct buf out;
    buf_init(&out, 4096);
    args_describe(extra_specs, EXTRA_SPECS, &extra, &out);
    buf_putc(&out, '\0');
    assert_string_equal(out.p, "processes=2 quiet=no verbose=no share=0.25 header=*** dry-run=no");
    buf_free(&out);
    extra_done();

    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    struct paragraph p = paragraph_on(f);
    args_print_help(&p, extra_specs, EXTRA_SPECS, "LOAD_");
    fclose(f);
    assert_non_null(strstr(text, "  -p, --processes N\n"));
    assert_non_null(strstr(text, "  -q, --[no-]quiet\n"));
    assert_non_null(strstr(text, "  -H, --header LINE\n      A header; repeatable. (LOAD_HEADER"));
    assert_null(strstr(text, "threads"));
    assert_non_null(strstr(text, "  --[no-]dry-run\n      Try.\n"));
    free(text);
}
