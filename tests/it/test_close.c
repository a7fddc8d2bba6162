/* test_close.c -- what a partition is closed as, and what may take the place of that. */
#include "store/admin/admin.h"
#include "support/redis_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct tredis redis;
static struct store_config config = {.partitions = 1};
static struct store_shared shared;
static struct admin *admin;

static int rig_start(void **state)
{
    char err[256];
    const char *why;
    (void)state;
    if (tredis_start(&redis, NULL) != 0)
        return -1;
    config.redis_url = redis.url;
    shared.store_id = 0;
    shared.epoch = 0;
    admin = admin_new(&config, &shared, err, sizeof(err));
    return admin && admin_open(admin, &why) == ADMIN_OK ? 0 : -1;
}

static int rig_stop(void **state)
{
    (void)state;
    if (admin)
        admin_free(admin);
    tredis_stop(&redis);
    return 0;
}

static enum admin_result close_as(const char *what)
{
    const char *why;
    return admin_close_partition(admin, 0, what, &why);
}

static void check_state(const char *what)
{
    redisContext *c = tredis_connect(&redis);
    assert_non_null(c);
    redisReply *reply = redisCommand(c, "HGET {p0}:meta state");
    assert_non_null(reply);
    assert_string_equal(reply->str, what);
    freeReplyObject(reply);
    redisFree(c);
}

/* It is not lost while it is not the primary; named again, its next epoch is opened, or not. */
static void what_was_deposed_stays_so_until_it_is_promoted(void **state)
{
    (void)state;
    assert_int_equal(close_as("closed: deposed: epoch 1 ended"), ADMIN_OK);
    assert_int_equal(close_as("lost: the stream ends at 1-3"), ADMIN_CLOSED);
    check_state("closed: deposed: epoch 1 ended");
}

static void what_was_lost_stays_lost(void **state)
{
    (void)state;
    assert_int_equal(close_as("lost: the stream ends at 1-3"), ADMIN_OK);
    assert_int_equal(close_as("closed: deposed: epoch 1 ended"), ADMIN_LOST);
    check_state("lost: the stream ends at 1-3");
}

static void what_a_person_closed_stays_as_it_is(void **state)
{
    (void)state;
    assert_int_equal(close_as("closed: stock count"), ADMIN_OK);
    assert_int_equal(close_as("lost: the stream ends at 1-3"), ADMIN_CLOSED);
    check_state("closed: stock count");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_deposed_stays_so_until_it_is_promoted, rig_start,
                                        rig_stop),
        cmocka_unit_test_setup_teardown(what_was_lost_stays_lost, rig_start, rig_stop),
        cmocka_unit_test_setup_teardown(what_a_person_closed_stays_as_it_is, rig_start, rig_stop),
    };
    return cmocka_run_group_tests_name("close", tests, NULL, NULL);
}
