/* test_race_redis.c -- `stockload race` on a real Redis: its books balance, also when workers are
 * killed, and when somebody tampers with the stock it says so. The program is the one that the
 * environment variable STOCKLOAD names. */
#include "support/redis_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define BOUND_MS 120000 /* nothing here takes this long unless it hangs */
#define MILLION  1000000

static struct tredis redis;
static struct tproc race;
static char dir[TEST_PATH_MAX];
static char errors[TEST_PATH_MAX + 16];
static char line[512];

static int before_all(void **state)
{
    if (temp_dir_make(dir) < 0)
        return -1;
    snprintf(errors, sizeof(errors), "%s/stderr", dir);
    return tredis_start(&redis, NULL);
}

static int after_all(void **state)
{
    tredis_stop(&redis);
    temp_dir_remove(dir);
    return 0;
}

static int after_each(void **state)
{
    if (tproc_alive(&race))
        tproc_kill9(&race);
    return 0;
}

/* Starts `stockload race --redis URL WORDS...`. */
static void start(const char *url, const char *const *words)
{
    const char *argv[24] = {getenv("STOCKLOAD"), "race", "--redis", url};
    assert_non_null(argv[0]);
    for (size_t n = 4; *words; words++)
        argv[n++] = *words;
    assert_int_equal(tproc_start(&race, argv, errors), 0);
}
#define START(...) start(redis.url, (const char *const[]){__VA_ARGS__, NULL})

/* The next line that begins like this must come. */
static void expect_line(const char *prefix)
{
    if (tproc_await_line(&race, prefix, line, sizeof(line), BOUND_MS) == 0)
        return;
    print_tail(errors, 5);
    fail_msg("no line \"%s\"", prefix);
}

static void expect_exit(int status)
{
    assert_int_equal(tproc_wait(&race, BOUND_MS), 0);
    assert_true(WIFEXITED(race.status));
    assert_int_equal(WEXITSTATUS(race.status), status);
}

/* Waits until the race has begun to sell and gives the name of its key. */
static void await_sales(char key[64], int64_t stock)
{
    redisContext *c = tredis_connect(&redis);
    bool found = false;
    assert_non_null(c);
    assert_true(await(tredis_int(&redis, "DBSIZE") == 1, BOUND_MS));
    redisReply *reply = redisCommand(c, "RANDOMKEY");
    if (reply && reply->type == REDIS_REPLY_STRING) {
        snprintf(key, 64, "%s", reply->str);
        found = true;
    }
    freeReplyObject(reply);
    redisFree(c);
    assert_true(found);
    char get[80];
    snprintf(get, sizeof(get), "GET %s", key);
    assert_true(await(tredis_int(&redis, get) < stock - 10, BOUND_MS));
}

static void run_command(const char *verb, const char *key, const char *rest)
{
    char command[120];
    snprintf(command, sizeof(command), "%s %s%s", verb, key, rest);
    assert_true(tredis_int(&redis, command) != INT64_MIN);
}

static void every_strategy_sells_exactly_what_there_is(void **state)
{
    static const char *const names[] = {"watch", "watch-batch", "turn", "script"};
    START("-p", "8", "--stock", "500", "--batch-max", "7");
    for (int i = 0; i < 4; i++)
        expect_line("  right: 500 sold + 0 left = 500");
    for (int i = 0; i < 4; i++) {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "%-12s ", names[i]);
        expect_line(prefix);
        assert_non_null(strstr(line, "right"));
    }
    expect_exit(0);
    assert_int_equal(tredis_int(&redis, "DBSIZE"), 0);
}

static void many_watchers_of_one_key_run_into_each_other(void **state)
{
    START("-p", "8", "--stock", "500", "--strategy", "watch");
    expect_line("  500 units in ");
    const char *conflicts = strstr(line, "/s, ");
    assert_non_null(conflicts);
    assert_true(strtod(conflicts + 4, NULL) > 0);
    expect_exit(0);
}

static void time_ends_a_race_with_books_that_balance(void **state)
{
    START("-p", "4", "--stock", "1m", "--strategy", "watch", "-d", "1s");
    expect_line("  Time was over with ");
    expect_line("  right, not sold out: ");
    int64_t sold = 0, left = 0;
    for (char *c = line; *c; c++) /* "1,234" to "1234" */
        while (*c == ',')
            memmove(c, c + 1, strlen(c));
    assert_int_equal(
        sscanf(line, "  right not sold out: %" SCNd64 " sold + %" SCNd64, &sold, &left), 2);
    assert_int_equal(sold + left, MILLION);
    assert_true(sold > 0);
    expect_exit(0);
    assert_int_equal(tredis_int(&redis, "DBSIZE"), 0);
}

static void without_a_redis_it_exits_255(void **state)
{
    start("unix:/nowhere/redis.sock", (const char *const[]){"-q", NULL});
    expect_exit(255);
}

static void a_signal_ends_it_with_105_and_the_key_is_gone(void **state)
{
    char key[64];
    START("-p", "4", "--stock", "1m", "-d", "50s");
    await_sales(key, MILLION);
    tproc_signal(&race, SIGINT);
    expect_line("  Interrupted with ");
    expect_line("  right, not sold out: ");
    expect_exit(105);
    assert_int_equal(tredis_int(&redis, "DBSIZE"), 0);
}

/* Some child of the race. */
static pid_t a_worker(void)
{
    char path[64];
    int pid = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", race.pid, race.pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &pid), 1);
    fclose(f);
    return pid;
}

static void a_killed_worker_takes_no_unit_out_of_the_books(void **state)
{
    static const char *const strategies[] = {"watch", "watch-batch", "turn", "script"};
    for (int i = 0; i < 4; i++) {
        char key[64];
        START("-p", "4", "--stock", "1g", "-d", "10m", "--strategy", strategies[i]);
        await_sales(key, 1000 * (int64_t)MILLION);
        pid_t first = a_worker();
        assert_int_equal(kill(first, SIGKILL), 0);
        assert_true(await(a_worker() != first, BOUND_MS)); /* it was waited for */
        pid_t second = a_worker();
        assert_int_equal(kill(second, SIGKILL), 0);
        assert_true(await(a_worker() != second, BOUND_MS));
        tproc_signal(&race, SIGINT);
        expect_line("  2 workers were killed");
        expect_line("  right, not sold out: ");
        expect_exit(105);
        assert_int_equal(tredis_int(&redis, "DBSIZE"), 0);
    }
}

static void units_that_somebody_adds_or_takes_are_found_out(void **state)
{
    static const char *const verbs[] = {"INCRBY", "DECRBY"};
    static const char *const notes[] = {"  5 units were sold that were not there, 0 are missing",
                                        "  0 units were sold that were not there, 5 are missing"};
    for (int i = 0; i < 2; i++) {
        char key[64];
        START("-p", "4", "--stock", "1m", "--strategy", "watch", "-d", "10m");
        await_sales(key, MILLION);
        run_command(verbs[i], key, " 5");
        tproc_signal(&race, SIGINT);
        expect_line(notes[i]);
        expect_line("  wrong: ");
        expect_exit(1);
    }
}

static void a_key_that_vanishes_is_no_sold_out_item(void **state)
{
    char key[64];
    START("-p", "4", "--stock", "1m", "--strategy", "watch", "-d", "50s");
    await_sales(key, MILLION);
    run_command("DEL", key, "");
    expect_exit(255);
}

static void a_redis_that_dies_is_reported(void **state)
{
    char key[64];
    START("-p", "4", "--stock", "1m", "--strategy", "script", "-d", "50s");
    await_sales(key, MILLION);
    tredis_kill9(&redis);
    expect_exit(255);
    assert_int_equal(tredis_restart(&redis), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_strategy_sells_exactly_what_there_is, after_each),
        cmocka_unit_test_teardown(many_watchers_of_one_key_run_into_each_other, after_each),
        cmocka_unit_test_teardown(time_ends_a_race_with_books_that_balance, after_each),
        cmocka_unit_test_teardown(without_a_redis_it_exits_255, after_each),
        cmocka_unit_test_teardown(a_signal_ends_it_with_105_and_the_key_is_gone, after_each),
        cmocka_unit_test_teardown(a_killed_worker_takes_no_unit_out_of_the_books, after_each),
        cmocka_unit_test_teardown(units_that_somebody_adds_or_takes_are_found_out, after_each),
        cmocka_unit_test_teardown(a_key_that_vanishes_is_no_sold_out_item, after_each),
        cmocka_unit_test_teardown(a_redis_that_dies_is_reported, after_each),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
