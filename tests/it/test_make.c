/* test_make.c -- a store is made partition by partition: whoever makes it may die at any step, and
 * any number may make it at once. It is one store in the end, and never a second one where a part
 * of one was lost.
 */
#include "log.h"
#include "store/admin/admin.h"
#include "support/refuseproxy.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PARTITIONS 4
#define MANY       64
#define MAKERS     6
#define STEPS_MAX  400 /* commands of a maker; reaching it means that it has no end */

static struct tredis redis;
static struct refuse_proxy proxy;
static redisContext *direct;

/* --- what lies in Redis ----------------------------------------------------------------------- */

static void run(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(direct, format, args);
    va_end(args);
    assert_non_null(reply);
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
}

/* A field of meta; empty if there is none. */
static const char *meta(unsigned partition, const char *field)
{
    static char text[4][64];
    static unsigned turn;
    char *out = text[turn++ % 4];
    redisReply *reply = redisCommand(direct, "HGET {p%u}:meta %s", partition, field);
    assert_non_null(reply);
    snprintf(out, sizeof(text[0]), "%s", reply->type == REDIS_REPLY_STRING ? reply->str : "");
    freeReplyObject(reply);
    return out;
}

static int64_t events(unsigned partition)
{
    char command[64];
    snprintf(command, sizeof(command), "XLEN {p%u}:events", partition);
    return tredis_int(&redis, command);
}

static void check_one_store(unsigned partitions)
{
    char store[64];
    snprintf(store, sizeof(store), "%s", meta(0, "store"));
    assert_int_equal(strlen(store), 16);
    for (unsigned p = 0; p < partitions; p++) {
        assert_string_equal(meta(p, "store"), store);
        assert_string_equal(meta(p, "state"), "open");
        assert_string_equal(meta(p, "epoch"), "1");
        assert_int_equal(events(p), 1);
    }
}

/* Nobody is served before all of it is there. */
static void check_none_is_open_too_early(void)
{
    bool all = strcmp(meta(0, "state"), "open") == 0;
    for (unsigned p = 1; p < PARTITIONS; p++) {
        if (all)
            assert_int_not_equal(strlen(meta(p, "store")), 0);
        else
            assert_string_not_equal(meta(p, "state"), "open");
    }
}

/* --- makers ----------------------------------------------------------------------------------- */

/* A process of its own, as far as Redis can tell. */
static enum admin_result make_at(const char *url, unsigned partitions)
{
    const struct store_config config = {.redis_url = url, .partitions = partitions};
    struct store_shared shared = {.store_id = 0};
    char err[256];
    const char *why;
    struct admin *admin = admin_new(&config, &shared, err, sizeof(err));
    assert_non_null(admin);
    enum admin_result result = admin_open(admin, &why);
    admin_free(admin);
    return result;
}

static int rig_start(void **state)
{
    (void)state;
    if (tredis_start(&redis, NULL) != 0 || refuse_proxy_start(&proxy, &redis) != 0)
        return -1;
    direct = tredis_connect(&redis);
    return direct ? 0 : -1;
}

static int rig_stop(void **state)
{
    (void)state;
    if (direct)
        redisFree(direct);
    direct = NULL;
    refuse_proxy_stop(&proxy);
    tredis_stop(&redis);
    return 0;
}

/* --- crashes ---------------------------------------------------------------------------------- */

static void another_maker_completes_it_wherever_the_first_one_died(void **state)
{
    int k = 0;
    (void)state;
    do {
        const struct refuse_rule rule = {.word = REFUSE_BUSY, .first = ++k};
        run("FLUSHALL");
        refuse_proxy_arm(&proxy, &rule);
        enum admin_result first = make_at(proxy.url, PARTITIONS);
        bool died = refuse_proxy_refused(&proxy) > 0;
        refuse_proxy_disarm(&proxy);
        assert_true(died == (first != ADMIN_OK));
        check_none_is_open_too_early();
        assert_int_equal(make_at(redis.url, PARTITIONS), ADMIN_OK);
        check_one_store(PARTITIONS);
        if (!died)
            break;
    } while (k < STEPS_MAX);
    print_message("a maker died at %d commands in turn\n", k - 1);
    assert_in_range(k, 10, STEPS_MAX - 1);
}

static void makers_at_once_make_one_store(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        pid_t makers[MAKERS];
        run("FLUSHALL");
        for (int i = 0; i < MAKERS; i++) {
            makers[i] = fork();
            assert_true(makers[i] >= 0);
            if (makers[i] == 0) {
                enum admin_result result;
                for (int tries = 0; (result = make_at(redis.url, MANY)) != ADMIN_OK && tries < 200;)
                    tries += admin_passes(result) ? 1 : 200;
                _exit(result == ADMIN_OK ? 0 : 1);
            }
        }
        for (int i = 0; i < MAKERS; i++) {
            int status;
            assert_int_equal(waitpid(makers[i], &status, 0), makers[i]);
            assert_int_equal(status, 0);
        }
        check_one_store(MANY);
    }
}

/* --- what was lost is not made again ---------------------------------------------------------- */

static void a_partition_that_is_gone_from_a_store_that_was_open_is_lost(void **state)
{
    (void)state;
    for (unsigned gone = 0; gone < PARTITIONS; gone++) {
        run("FLUSHALL");
        assert_int_equal(make_at(redis.url, PARTITIONS), ADMIN_OK);
        run("DEL {p%u}:meta", gone);
        assert_int_equal(make_at(redis.url, PARTITIONS), ADMIN_LOST);
        assert_string_equal(meta(gone, "store"), "");
    }
}

/* So it is in a Redis that was restarted meanwhile. */
static void one_that_was_not_opened_yet_is_opened_for_the_redis_that_is_there(void **state)
{
    (void)state;
    assert_int_equal(make_at(redis.url, PARTITIONS), ADMIN_OK);
    char run_id[64];
    snprintf(run_id, sizeof(run_id), "%s", meta(0, "run_id"));
    run("HSET {p2}:meta run_id before state %s", "closed: making");
    run("DEL {p2}:events");
    assert_int_equal(make_at(redis.url, PARTITIONS), ADMIN_OK);
    check_one_store(PARTITIONS);
    assert_string_equal(meta(2, "run_id"), run_id);
}

/* Whoever was first decides, also on how many partitions there are. */
static void a_store_that_others_have_begun_is_completed_as_they_began_it(void **state)
{
    (void)state;
    assert_int_equal(make_at(redis.url, PARTITIONS), ADMIN_OK);
    run("HSET {p0}:meta state %s", "closed: making");
    for (unsigned p = 1; p < PARTITIONS; p++)
        run("DEL {p%u}:meta {p%u}:events", p, p);
    run("DEL {p0}:events");
    assert_int_equal(make_at(redis.url, PARTITIONS + 1), ADMIN_REFUSED);
    assert_string_equal(meta(1, "store"), "");
    assert_int_equal(make_at(redis.url, PARTITIONS), ADMIN_OK);
    check_one_store(PARTITIONS);
}

int main(void)
{
    log_configure(LOG_LOGFMT, LOG_ERROR);
#define MAKE_TEST(name) cmocka_unit_test_setup_teardown(name, rig_start, rig_stop)
    const struct CMUnitTest tests[] = {
        MAKE_TEST(another_maker_completes_it_wherever_the_first_one_died),
        MAKE_TEST(makers_at_once_make_one_store),
        MAKE_TEST(a_partition_that_is_gone_from_a_store_that_was_open_is_lost),
        MAKE_TEST(one_that_was_not_opened_yet_is_opened_for_the_redis_that_is_there),
        MAKE_TEST(a_store_that_others_have_begun_is_completed_as_they_began_it),
    };
    return cmocka_run_group_tests_name("make", tests, NULL, NULL);
}
