/* test_take_store.c -- which store a service goes on with, when its processes have looked at Redis
 * at different times: the latest, though one that stood still for long comes with an earlier one.
 */
#include "store/admin/admin_make.h"
#include "support/redis_server.h"
#include "support/suite.h"

#include <stdio.h>

#define LEDGER "5ed2fae8310e3f24d20701164308ac4c"

static struct tredis redis;
static struct store_config config = {.partitions = 1, .ledger = true};
static struct store_shared shared;
static struct admin *admin;

static int start(void **state)
{
    char err[256];
    const char *why;
    (void)state;
    if (tredis_start(&redis, NULL) != 0)
        return -1;
    config.redis_url = redis.url;
    shared = (struct store_shared){.ledger_known = true, .ledger_id = LEDGER};
    admin = admin_new(&config, &shared, err, sizeof(err));
    return admin && admin_open_partition(admin, 0, ADMIN_CREATE, &why) == ADMIN_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    if (admin)
        admin_free(admin);
    tredis_stop(&redis);
    return 0;
}

static enum admin_result look(void)
{
    const char *why;
    return admin_open_partition(admin, 0, ADMIN_LOOK, &why);
}

/* As a restore does at its end. */
static void put_another(const char *store, int epoch)
{
    freeReplyObject(tredis_try(&redis, "HSET {p0}:meta store %s epoch %d", store, epoch));
}

TEST_BETWEEN(what_was_read_before_a_restore_is_not_gone_back_to, start, end)
{
    struct meta before;
    assert_true(meta_look(admin, 0, &before));
    put_another("000000000000beef", 2);
    assert_int_equal(look(), ADMIN_OK);
    assert_int_equal(shared.store_id, 0xbeef);
    assert_false(admin_take_store(admin, &before));
    assert_int_equal(shared.store_id, 0xbeef);
    assert_int_equal(look(), ADMIN_OK);
}

/* It knew of the epoch, and did not live to say of which store. */
TEST_BETWEEN(what_a_process_that_died_has_begun_is_done_by_the_next, start, end)
{
    put_another("000000000000beef", 2);
    shared.epoch = 2;
    assert_int_equal(look(), ADMIN_OK);
    assert_int_equal(shared.store_id, 0xbeef);
}

/* Of an epoch that has been: nobody knows whether it is whole. */
TEST_BETWEEN(another_store_of_an_earlier_epoch_is_not_taken, start, end)
{
    shared.epoch = 3;
    put_another("000000000000beef", 2);
    assert_int_equal(look(), ADMIN_LOST);
    assert_int_not_equal(shared.store_id, 0xbeef);
}
