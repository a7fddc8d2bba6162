/* test_redis_groups.c -- what the suites of Sentinel and of clusters stand on: a failover happens,
 * slots move, and a split is a split. */
#include "support/leftover.h"
#include "support/sentinel.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

#define LIMIT_MS 180000

static struct thosts hosts;
static struct tsentinel group;

static int end(void **state)
{
    tsentinel_stop(&group);
    thosts_stop(&hosts);
    return 0;
}

static bool wrote(const struct tredis *r, const char *key)
{
    redisReply *reply = tredis_try(r, "SET %s 1", key);
    bool ok = reply && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    return ok;
}

TEST_BETWEEN(sentinels_promote_a_replica_when_the_primary_dies, NULL, end)
{
    const struct tsentinel_opts opts = {.replicas = 2};
    assert_int_equal(tsentinel_start(&group, &opts), 0);
    assert_int_equal(tsentinel_primary(&group), 0);
    assert_true(wrote(&group.nodes[0], "before"));
    assert_true(await(tredis_int(&group.nodes[1], "EXISTS before") == 1, LIMIT_MS));
    tredis_kill9(&group.nodes[0]);
    assert_true(await(tsentinel_primary(&group) > 0 && tsentinel_is_settled(&group), LIMIT_MS));
    int next = tsentinel_primary(&group);
    assert_int_equal(tsentinel_replica(&group), 3 - next);
    assert_int_equal(tredis_restart(&group.nodes[0]), 0);
    assert_true(await(tsentinel_is_settled(&group), LIMIT_MS));
    assert_int_equal(tsentinel_primary(&group), next);
}

TEST_BETWEEN(sentinels_fail_over_when_they_are_asked, NULL, end)
{
    const struct tsentinel_opts opts = {.min_replicas = 1};
    assert_int_equal(tsentinel_start(&group, &opts), 0);
    assert_int_equal(tsentinel_failover(&group), 0);
    assert_true(await(tsentinel_primary(&group) == 1 && tsentinel_is_settled(&group), LIMIT_MS));
    assert_int_equal(tsentinel_replica(&group), 0);
}

/* The primary does not know it, writes on, and is a replica when it is back. */
TEST_BETWEEN(a_primary_that_is_cut_off_is_replaced, NULL, end)
{
    if (thosts_start(&hosts, 3) != 0)
        skip();
    const struct tsentinel_opts opts = {.on = &hosts};
    assert_int_equal(tsentinel_start(&group, &opts), 0);
    assert_string_equal(tredis_address(&group.nodes[1]), "10.78.0.2");
    thost_cut(&hosts.host[0]);
    assert_true(await(tsentinel_primary(&group) == 1, LIMIT_MS));
    assert_true(await(wrote(&group.nodes[1], "new"), LIMIT_MS));
    assert_true(wrote(&group.nodes[0], "old"));
    assert_int_equal(tredis_int(&group.nodes[1], "EXISTS old"), 0);
    thost_mend(&hosts.host[0]);
    assert_true(await(tsentinel_is_settled(&group), LIMIT_MS));
    assert_int_equal(tredis_int(&group.nodes[0], "EXISTS old new"), 1);
}
