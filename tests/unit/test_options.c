/* test_options.c -- the command line of stockload: what it takes, what it refuses and how. */
#include "commands.h"
#include "options.h"
#include "support/command_line.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cli_call call;
static struct options o; /* what the call has */
static char err[CLI_ERR_SIZE];

static enum cli_result parse(const char *const *words)
{
    static char program[] = "stockload";
    char *argv[WORDS_MAX];
    int argc = argv_of(argv, program, words);
    memset(err, 0, sizeof(err));
    enum cli_result result =
        cli_read(commands_stockload(), argc, argv, fake_getenv, &call, err, sizeof(err));
    if (result == CLI_RUN)
        o = *(struct options *)call.options;
    return result;
}
#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void assert_ok(enum cli_result result)
{
    if (result != CLI_RUN)
        fail_msg("refused: %s", err);
}

static void assert_refused(enum cli_result result, const char *expected)
{
    fake_environment = NULL;
    if (result == CLI_RUN)
        fail_msg("taken, though it should be: %s", expected);
    assert_string_equal(err, expected);
}

static void done(void)
{
    options_free(call.options);
    cli_free(&call);
    fake_environment = NULL;
}

TEST(a_run_has_defaults)
{
    assert_ok(PARSE("run"));
    assert_int_equal(o.command, COMMAND_RUN);
    assert_string_equal(o.url.text, "http://127.0.0.1:8080");
    assert_int_equal(o.connections, 50);
    assert_in_range(o.processes, 1, 50);
    assert_int_equal(o.duration_ms, 10000);
    assert_int_equal(o.requests, 0);
    assert_int_equal(o.grace_ms, 5000);
    assert_int_equal(o.rate, 0);
    assert_int_equal(o.arrival, ARRIVAL_POISSON);
    assert_int_equal(o.max_backlog, 10000);
    assert_string_equal(o.scenario, "churn");
    assert_int_equal(o.timeout_ms, 10000);
    assert_int_equal(o.settle_ms, 6000);
    assert_int_equal(o.verify, VERIFY_FULL);
    assert_int_equal(o.worker_death, DEATH_FAIL);
    assert_true(o.keepalive && o.tui);
    assert_false(o.quiet || o.verbose);
    assert_null(o.output);
    assert_int_equal(o.output_format, FORMAT_TEXT);
    assert_true(o.seed != 0);
    assert_string_equal(o.command_line, "stockload run");
    done();
}

TEST(what_the_scenario_decides_is_recognisable_as_unset)
{
    assert_ok(PARSE("run", "-d", "1s"));
    assert_true(o.skus == 0 && o.stock == 0 && o.ttl_ms == 0 && o.zipf < 0 && !o.mixed);
    assert_true(o.qty.max == 0 && o.basket.max == 0 && o.limit < 0 && o.customers == 0);
    assert_true(o.batch.min == 1 && o.batch.max == 10);
    assert_null(o.history);
    done();
    assert_ok(PARSE("--limit", "0", "--customers", "1k"));
    assert_true(o.limit == 0 && o.customers == 1000); /* that there is none was asked for */
    done();
    assert_ok(PARSE("--zipf", "0"));
    assert_true(o.zipf >= 0 && o.zipf <= 0); /* all alike was asked for */
    done();
}

TEST(every_flag_of_a_run_reaches_its_field)
{
    assert_ok(PARSE("run", "-p4", "-c", "1k", "--max-tasks-per-child=9", "--worker-death",
                    "respawn", "-n", "20k", "--warmup", "2s", "-d30s", "--arrival", "const", "-R",
                    "1k", "--max-backlog", "5", "--seed", "7", "http://h:81/p/"));
    assert_int_equal(o.processes, 4);
    assert_int_equal(o.connections, 1000);
    assert_int_equal(o.max_tasks_per_child, 9);
    assert_int_equal(o.worker_death, DEATH_RESPAWN);
    assert_int_equal(o.requests, 20000);
    assert_int_equal(o.duration_ms, 30000);
    assert_int_equal(o.warmup_ms, 2000);
    assert_int_equal(o.arrival, ARRIVAL_CONST);
    assert_int_equal(o.rate, 1000);
    assert_int_equal(o.max_backlog, 5);
    assert_int_equal(o.seed, 7);
    assert_string_equal(o.url.host, "h");
    assert_int_equal(o.url.port, 81);
    assert_string_equal(o.url.prefix, "/p");
    done();
    assert_ok(PARSE("--scenario", "basket", "--skus", "1k", "--stock=5", "--qty", "2-4", "--basket",
                    "3", "--mix", "reserve=70,get=5", "--ttl", "2s", "--think", "10ms", "--dup",
                    "1%", "--abort=0.5", "--zipf", "1.2", "--batch", "2-100"));
    assert_string_equal(o.scenario, "basket");
    assert_true(o.skus == 1000 && o.stock == 5 && o.ttl_ms == 2000 && o.think_ms == 10);
    assert_true(o.qty.min == 2 && o.qty.max == 4 && o.basket.min == 3 && o.basket.max == 3);
    assert_true(o.batch.min == 2 && o.batch.max == 100);
    assert_true(o.mixed && o.mix[WORK_RESERVE] == 70 && o.mix[WORK_GET] == 5);
    assert_int_equal(o.mix[WORK_ADJUST], 0);
    assert_true(o.dup > 0.0099 && o.dup < 0.0101 && o.abort > 0.49 && o.abort < 0.51);
    assert_true(o.zipf > 1.19 && o.zipf < 1.21);
    done();
    assert_ok(PARSE("-H", "A: 1", "-HB: 2", "--timeout", "1s", "--no-keepalive", "--token-file",
                    "t", "--verify", "counts", "--history", "h", "--settle", "0", "--threshold",
                    "p99<5ms", "--threshold=errors<1"));
    assert_int_equal(o.headers.n, 2);
    assert_string_equal(o.headers.text[1], "B: 2");
    assert_int_equal(o.timeout_ms, 1000);
    assert_false(o.keepalive);
    assert_string_equal(o.token_file, "t");
    assert_int_equal(o.verify, VERIFY_COUNTS);
    assert_string_equal(o.history, "h");
    assert_int_equal(o.settle_ms, 0);
    assert_int_equal(o.thresholds.n, 2);
    assert_string_equal(o.thresholds.text[0], "p99<5ms");
    done();
    assert_ok(PARSE("-o", "-", "--output-format", "json", "--html", "f", "--hgrm", "g", "--no-tui",
                    "-qv"));
    assert_string_equal(o.output, "-");
    assert_int_equal(o.output_format, FORMAT_JSON);
    assert_string_equal(o.html, "f");
    assert_string_equal(o.hgrm, "g");
    assert_true(!o.tui && o.quiet && o.verbose);
    done();
}

TEST(stages_add_up_to_the_duration)
{
    assert_ok(PARSE("--stages", "30s:500,1m:2k,500ms:0"));
    assert_int_equal(o.stages.count, 3);
    assert_int_equal(o.stages.stage[0].duration_ms, 30000);
    assert_int_equal(o.stages.stage[0].rate, 500);
    assert_int_equal(o.stages.stage[1].rate, 2000);
    assert_int_equal(o.stages.stage[2].rate, 0);
    assert_int_equal(o.duration_ms, 90500);
    done();
}

TEST(requests_alone_end_a_run)
{
    assert_ok(PARSE("-n", "100"));
    assert_true(o.requests == 100 && o.duration_ms == 0);
    done();
    assert_ok(PARSE("-n", "100", "-d", "3s"));
    assert_true(o.requests == 100 && o.duration_ms == 3000);
    done();
}

TEST(there_are_never_more_processes_than_connections)
{
    assert_ok(PARSE("-p", "64", "-c", "3"));
    assert_true(o.processes == 3 && o.connections == 3);
    done();
}

TEST(the_environment_is_read_and_flags_beat_it)
{
    ENVIRONMENT("STOCKLOAD_CONNECTIONS", "7", "STOCKLOAD_SCENARIO", "zipf", "STOCKLOAD_REDIS",
                "redis://h", "STOCKLOAD_HEADER", "A: 1");
    assert_ok(PARSE("--scenario", "churn", "-H", "B: 2"));
    assert_int_equal(o.connections, 7);
    assert_string_equal(o.scenario, "churn");
    assert_null(o.redis);
    assert_int_equal(o.headers.n, 2);
    done();
    ENVIRONMENT("STOCKLOAD_DUP", "2");
    assert_refused(PARSE("run"), "STOCKLOAD_DUP: \"2\" is out of range; give 0 to 1");
}

TEST(t_is_refused_because_it_means_two_things)
{
    const char *hint = "-t: means threads in wrk and a timeout in hey; give -p, --processes and "
                       "-c, --connections, or --timeout";
    assert_refused(PARSE("-t4"), hint);
    assert_refused(PARSE("-c", "9", "-t", "4"), hint);
    assert_refused(PARSE("race", "-t", "4"), hint);
}

TEST(wrong_values_are_refused_with_what_would_be_right)
{
    assert_refused(PARSE("--scenario", "flsh"), "--scenario: \"flsh\" is not known; give flash, "
                                                "zipf, basket, churn, restock or mixed");
    assert_refused(PARSE("--qty", "3-1"),
                   "--qty: \"3-1\" is no range; give a number, or two as in 1-3, the smaller one "
                   "first, from 1 to 1000000000");
    assert_refused(PARSE("--basket", "101"),
                   "--basket: \"101\" is no range; give a number, or two as in 1-3, the smaller "
                   "one first, from 1 to 100");
    assert_refused(PARSE("--batch", "0-5"),
                   "--batch: \"0-5\" is no range; give a number, or two as in 1-3, the smaller one "
                   "first, from 1 to 100");
    assert_refused(PARSE("--stages", "30s:1,x"), "--stages: \"30s:1,x\" is wrong at stage 2; give "
                                                 "TIME:RATE,TIME:RATE as in 30s:500,1m:2k");
    assert_refused(PARSE("--stages", "30s:0"),
                   "--stages: \"30s:0\" sends nothing; give at least one rate above 0");
    assert_int_equal(PARSE("--mix", "reserve=1,buy=2"), CLI_USAGE);
    assert_non_null(strstr(err, "has an unknown kind at buy; give KIND=WEIGHT"));
    assert_int_equal(PARSE("--mix", "get=1,get=2"), CLI_USAGE);
    assert_non_null(strstr(err, "names a kind twice"));
    assert_int_equal(PARSE("--mix", "get=0"), CLI_USAGE);
    assert_non_null(strstr(err, "asks for nothing"));
    assert_refused(PARSE("--ttl", "1500ms"), "--ttl: give whole seconds, as in 2s");
    assert_refused(PARSE("-H", "Cookie"), "--header: number 1 is no header; give 'NAME: VALUE'");
    assert_refused(PARSE("-H", "A: 1", "-H", "B: 2\r\nC: 3"),
                   "--header: number 2 holds a line end; give one header each");
    assert_refused(PARSE("--verify", "all"),
                   "--verify: \"all\" is not known; give full, counts or off");
    assert_refused(PARSE("--conections", "5"),
                   "--conections: no such option; did you mean --connections?");
}

TEST(what_does_not_go_together_is_refused)
{
    assert_refused(PARSE("--stages", "1s:5", "-R", "5"),
                   "--stages and --rate: both say how fast; give one");
    assert_refused(PARSE("--stages", "1s:5", "-n", "5"),
                   "--stages and --requests: both say when to end; give one");
    assert_refused(PARSE("--stages", "1s:5", "-d", "5s"),
                   "--stages and --duration: both say how long; give one");
    assert_refused(PARSE("--think", "1s", "-R", "5"),
                   "--think: clients of an open loop do not wait; drop it, or --rate and --stages");
    assert_refused(PARSE("report", "a", "b", "--output-format", "csv"),
                   "--output-format: csv holds the attempts of one run; give one history");
    assert_refused(PARSE("check", "a", "b", "--hgrm", "f"),
                   "--hgrm: holds the percentiles of one run; give one history");
    assert_refused(PARSE("--skus", "2", "--basket", "3-4"),
                   "--basket: asks for more different items than --skus has");
    assert_refused(PARSE("-o", "f", "--output-format", "quiet"),
                   "--output: nothing would be written to it with --output-format quiet");
}

TEST(a_warm_up_comes_before_the_duration_and_may_be_longer)
{
    assert_ok(PARSE("--warmup", "10s", "-d", "5s"));
    assert_int_equal(o.warmup_ms, 10000);
    assert_int_equal(o.duration_ms, 5000);
    done();
    assert_ok(PARSE("--warmup", "10s", "-n", "5"));
    done();
}

TEST(no_process_is_left_without_a_request_to_send)
{
    assert_ok(PARSE("-n", "3", "-p", "8", "-c", "16"));
    assert_int_equal(o.processes, 3);
    done();
    assert_ok(PARSE("-n", "8", "-p", "8", "-c", "16"));
    assert_int_equal(o.processes, 8);
    done();
}

TEST(headers_that_each_request_says_for_itself_are_refused)
{
    assert_refused(PARSE("-H", "host: x"),
                   "--header: number 1 is Host, which every request says for itself; leave it out");
    assert_refused(PARSE("-H", "A: 1", "-H", "IDEMPOTENCY-KEY:x"),
                   "--header: number 2 is Idempotency-Key, which every request says for itself; "
                   "leave it out");
    assert_ok(PARSE("-H", "Hosts: x", "-H", "Hos: y"));
    done();
}

TEST(commands_take_their_own_words_and_flags)
{
    assert_ok(PARSE("check", "a", "b", "--verify", "counts"));
    assert_int_equal(o.command, COMMAND_CHECK);
    assert_int_equal(o.words.n, 2);
    assert_string_equal(o.words.text[1], "b");
    assert_true(o.processes >= 1 && o.checkers == o.processes);
    done();
    assert_ok(PARSE("check", "a", "-p", "1"));
    assert_int_equal(o.checkers, 1);
    done();
    assert_ok(PARSE("check", "a", "-p", "256"));
    assert_in_range(o.checkers, 1, sysconf(_SC_NPROCESSORS_ONLN));
    done();
    assert_ok(PARSE("report", "a", "--html", "f"));
    assert_int_equal(o.command, COMMAND_REPORT);
    done();
    assert_ok(PARSE("race", "--redis", "unix:/s", "--strategy", "watch-batch"));
    assert_int_equal(o.strategy, STRATEGY_WATCH_BATCH);
    assert_true(o.processes == 16 && o.stock == 10000 && o.batch_max == 64);
    assert_int_equal(o.duration_ms, 10000);
    done();
    assert_refused(PARSE("check"), "something is missing; give stockload check HISTORY...");
    assert_refused(PARSE("race"), "--redis: needed; give redis://host:port or unix:/path.sock");
    assert_refused(PARSE("race", "--redis", "h:1"),
                   "--redis: unknown scheme: those are redis, redis+sentinel, redis+cluster, each "
                   "with rediss for TLS, and unix; a Redis URL is "
                   "redis://[user:pass@]host:port[/db] or unix:/path.sock");
    assert_refused(PARSE("race", "--redis", "redis://h", "--redis-ca", "ca.pem"),
                   "--redis-ca is for a Redis with TLS: give --redis a URL that begins with "
                   "rediss, or leave it out");
    assert_refused(PARSE("race", "--redis", "rediss://h", "--redis-cert", "c.pem"),
                   "--redis-cert and --redis-key belong together: give both");
    assert_refused(PARSE("race", "x"), "\"x\": unexpected; options are written --name VALUE");
    assert_refused(PARSE("--redis", "unix:/s"), "--redis: is an option of `stockload race`");
    assert_refused(PARSE("report", "a", "--verify=off"),
                   "--verify: is an option of `stockload run`");
    assert_refused(PARSE("check", "a", "-c5"), "-c: is an option of `stockload run`");
    assert_refused(PARSE("http://a", "http://b"), "\"http://b\": unexpected; give stockload [URL]");
    assert_refused(PARSE("chekc", "a"), "\"chekc\": no such command; did you mean check?");
    assert_refused(PARSE("x"), "\"x\": no such command; give run, check, report, race, capacity, "
                               "clean, list, completion, help or version");
}

TEST(a_live_page_is_served_to_this_machine_alone)
{
    char at[UI_PLACE_TEXT_SIZE];
    assert_ok(PARSE("run"));
    assert_false(o.ui);
    done();
    assert_ok(PARSE("run", "--ui", "--ui-linger", "1m"));
    ui_place_format(&o.ui_at, at);
    assert_true(o.ui && o.ui_linger_ms == 60000);
    assert_string_equal(at, "127.0.0.1:0");
    done();
    assert_ok(PARSE("race", "--redis", "unix:/s", "--ui-listen", "[::1]:9000", "--html", "f"));
    ui_place_format(&o.ui_at, at);
    assert_true(o.ui);
    assert_string_equal(at, "[::1]:9000");
    done();
    assert_ok(PARSE("capacity", "--ui"));
    done();
    assert_refused(PARSE("--ui-listen", "0.0.0.0:80"),
                   "--ui-listen: \"0.0.0.0:80\" is no loopback address; give ADDR:PORT of this "
                   "machine, as in 127.0.0.1:9000; port 0 takes a free one");
    assert_refused(PARSE("--ui-linger", "1m"), "--ui-linger: there is no live page; give --ui");
    assert_refused(PARSE("check", "a", "--ui"), "--ui: is an option of `stockload run`");
}

TEST(cleaning_takes_an_address_and_the_name_of_a_run)
{
    assert_ok(PARSE("run"));
    assert_false(o.clean);
    done();
    assert_ok(PARSE("run", "--clean"));
    assert_true(o.clean);
    done();
    ENVIRONMENT("STOCKLOAD_RUN", "0123456789", "STOCKLOAD_CLEAN", "yes", "STOCKLOAD_SCENARIO", "x");
    assert_ok(PARSE("clean", "http://a:1/b", "--dry-run"));
    assert_int_equal(o.command, COMMAND_CLEAN);
    assert_string_equal(o.url.text, "http://a:1/b");
    assert_true(o.dry_run && !o.run && !o.clean);
    done();
    assert_ok(PARSE("clean", "--run", "0123456abv"));
    assert_string_equal(o.run, "0123456abv");
    done();
    assert_refused(
        PARSE("clean", "--run", "0123456abw"),
        "--run: \"0123456abw\" is no name of a run: those are 10 characters of 0-9 and a-v");
    assert_refused(PARSE("clean", "-d5s"), "-d: is an option of `stockload run`");
    assert_refused(PARSE("--dry-run"), "--dry-run: is an option of `stockload clean`");
}

TEST(a_search_for_capacity_has_defaults_and_flags_of_its_own)
{
    assert_ok(PARSE("capacity"));
    assert_int_equal(o.command, COMMAND_CAPACITY);
    assert_string_equal(o.url.text, "http://127.0.0.1:8080");
    assert_string_equal(o.scenario, "zipf");
    assert_true(o.goal_ns == 5000000 && o.rate == 1000 && o.rate_max == 1000000);
    assert_true(o.rate_min == 40 && o.tries == 2 && o.connections == 200);
    assert_true(o.duration_ms == 5000 && o.warmup_ms == 1000 && o.requests == 0);
    assert_true(o.precision > 0.0499 && o.precision < 0.0501);
    assert_true(o.think_ms == 0 && o.stages.count == 0 && o.thresholds.n == 0);
    done();
    assert_ok(PARSE("capacity", "http://h:81", "--p99", "1.5s", "-R", "7", "--rate-max", "20k",
                    "--precision", "0.2", "--tries", "3", "-d", "10s", "--mix", "reserve=1"));
    assert_true(o.goal_ns == 1500000000 && o.rate == 7 && o.rate_max == 20000 && o.tries == 3);
    assert_true(o.rate_min == 20 && o.mixed && o.url.port == 81);
    done();
    assert_ok(PARSE("capacity", "--p99=750us", "--html", "f", "--output-format", "json"));
    assert_int_equal(o.goal_ns, 750000);
    done();
    const char *no_time = "is no time of an answer; give 1us to 60s, as in 750us, 5ms or 1.5s";
    static const char *const wrong[] = {"5",
                                        "ms",
                                        "0ms",
                                        "5.ms",
                                        "1h",
                                        "61s",
                                        "1e3ms",
                                        "-1ms",
                                        "5 ms",
                                        "0.5us",
                                        "99999999999999999999s"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char expected[200];
        snprintf(expected, sizeof(expected), "--p99: \"%s\" %s", wrong[i], no_time);
        assert_refused(PARSE("capacity", "--p99", wrong[i]), expected);
    }
    assert_refused(PARSE("capacity", "-R", "0"), "--rate: the first rate to try; give 1 at least");
    assert_refused(PARSE("capacity", "--rate-max", "39"),
                   "--rate-max: a step would have fewer than 200 requests; give 40 at least, or a "
                   "longer --duration");
    assert_refused(
        PARSE("capacity", "--output-format", "csv"),
        "--output-format: csv holds the attempts of one run, and capacity makes several");
    assert_refused(PARSE("capacity", "-n", "5"), "-n: is an option of `stockload run`");
    assert_refused(PARSE("run", "--p99", "5ms"), "--p99: is an option of `stockload capacity`");
    assert_refused(PARSE("capacity", "http://a", "http://b"),
                   "\"http://b\": unexpected; give stockload capacity [URL]");
}

static char *help_of(const char *name)
{
    char *text = NULL;
    size_t n = 0;
    assert_int_equal(PARSE(name, "--help"), CLI_HELP);
    FILE *f = open_memstream(&text, &n);
    cli_print_help(f, commands_stockload(), call.command, call.path);
    fclose(f);
    return text;
}

TEST(help_shows_a_command_its_own_flags_only)
{
    char *text = help_of("race");
    assert_non_null(strstr(text, "--redis URL"));
    assert_non_null(strstr(text, "watch, watch-batch, turn, script, all (default all"));
    assert_null(strstr(text, "--connections N"));
    assert_non_null(strstr(text, "\nRedis:\n"));
    free(text);
    text = help_of("run");
    assert_non_null(strstr(text, "-c, --connections N"));
    assert_non_null(strstr(text, "STOCKLOAD_CONNECTIONS"));
    assert_null(strstr(text, "--redis URL\n"));
    assert_null(strstr(text, "--threads"));
    free(text);
}

TEST(nothing_at_all_is_no_load)
{
    assert_int_equal(parse((const char *const[]){NULL}), CLI_BARE);
    assert_ok(PARSE("http://127.0.0.1:1/x")); /* an address is no command */
    done();
}

TEST(the_command_line_is_kept_without_secrets)
{
    assert_ok(PARSE("run", "-H", "Authorization: Bearer s3cret", "-HX: s3cret", "-qHX: s3cret",
                    "--header=X: s3cret", "--header", "-H: s3cret", "--threshold", "p99<5ms",
                    "--mix", "get=1"));
    assert_string_equal(o.command_line,
                        "stockload run -H *** -H*** -qH*** --header=*** --header *** --threshold "
                        "'p99<5ms' --mix get=1");
    done();
    assert_ok(PARSE("race", "--redis", "redis://u:s3cret@h", "-q"));
    assert_string_equal(o.command_line, "stockload race --redis redis://u:***@h -q");
    done();
    assert_ok(PARSE("--html", "it's", "--history="));
    assert_string_equal(o.command_line, "stockload --html 'it'\\''s' --history=");
    done();
}

TEST(the_worst_exit_status_wins_in_the_documented_order)
{
    static const int order[] = {1, 255, 2, 105, 99, 0};
    enum { CODES = sizeof(order) / sizeof(order[0]) };
    for (size_t i = 0; i < CODES; i++) {
        for (size_t j = 0; j < CODES; j++) {
            int worst = order[i < j ? i : j];
            assert_int_equal(exit_worst(order[i], order[j]), worst);
        }
    }
    assert_int_equal(exit_worst(254, 2), 254);
    assert_int_equal(exit_worst(77, 2), 255); /* a status nobody knows */
}
