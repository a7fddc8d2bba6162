/* test_redis_groups.c -- what the suites of Sentinel and of clusters stand on: a failover happens,
 * slots move, and a split is a split. */
#include "support/cluster.h"
#include "support/sentinel.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

#define LIMIT_MS 180000

static struct thosts hosts;
static struct tsentinel group;
static struct tcluster cluster;

static int end(void **state)
{
    tsentinel_stop(&group);
    tcluster_stop(&cluster);
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
    assert_true(await(tsentinel_replica(&group) == 3 - next, LIMIT_MS));
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
    assert_true(await(tsentinel_replica(&group) == 0, LIMIT_MS));
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

TEST_BETWEEN(a_cluster_promotes_a_replica_when_its_primary_dies, NULL, end)
{
    const struct tcluster_opts opts = {.replicas = 1};
    assert_int_equal(tcluster_start(&cluster, &opts), 0);
    int slot = tcluster_slot_of(&cluster, 3);
    int primary = tcluster_node_of(&cluster, slot);
    assert_in_range(primary, 0, 2);
    assert_true(await(tcluster_replica_of(&cluster, primary) == primary + 3, LIMIT_MS));
    assert_true(wrote(&cluster.nodes[primary], "{p3}:x"));
    assert_true(await(tredis_int(&cluster.nodes[primary + 3], "DBSIZE") == 1, LIMIT_MS));
    tredis_kill9(&cluster.nodes[primary]);
    assert_true(await(tcluster_node_of(&cluster, slot) == primary + 3, LIMIT_MS));
    assert_true(await(tcluster_is_settled(&cluster), LIMIT_MS));
    assert_int_equal(tredis_int(&cluster.nodes[primary + 3], "EXISTS {p3}:x"), 1);
    assert_int_equal(tredis_restart(&cluster.nodes[primary]), 0);
    assert_true(await(tcluster_is_settled(&cluster) &&
                          tcluster_replica_of(&cluster, primary + 3) == primary,
                      LIMIT_MS));
}

/* A cluster gives it up after five seconds; on a busy machine it is asked again. */
static bool takes_over(int replica, int primary, const char *how)
{
    for (int tries = 0; tries < 6; tries++) {
        (void)!tcluster_failover(&cluster, replica, how);
        if (await(tcluster_is_settled(&cluster) &&
                      tcluster_replica_of(&cluster, replica) == primary,
                  20000))
            return true;
    }
    tcluster_print(&cluster);
    return false;
}

TEST_BETWEEN(a_cluster_fails_over_when_it_is_asked, NULL, end)
{
    static const char *const ways[] = {"", "FORCE", "TAKEOVER"};
    const struct tcluster_opts opts = {.replicas = 1, .min_replicas = 1};
    assert_int_equal(tcluster_start(&cluster, &opts), 0);
    for (int i = 0; i < 3; i++)
        assert_true(takes_over(3 + i, i, ways[i]));
}

TEST_BETWEEN(slots_move_and_a_node_is_added, NULL, end)
{
    const struct tcluster_opts opts = {.primaries = 1};
    assert_int_equal(tcluster_start(&cluster, &opts), 0);
    int slot = tcluster_slot_of(&cluster, 0);
    for (int i = 0; i < 20; i++) {
        char key[32];
        snprintf(key, sizeof(key), "{p0}:%d", i);
        assert_true(wrote(&cluster.nodes[0], key));
    }
    assert_int_equal(tcluster_add_node(&cluster), 1);
    assert_int_equal(tcluster_move_slot(&cluster, slot, 1), 0);
    assert_true(await(tcluster_is_settled(&cluster), LIMIT_MS));
    assert_int_equal(tcluster_node_of(&cluster, slot), 1);
    assert_int_equal(tredis_int(&cluster.nodes[1], "DBSIZE"), 20);
    assert_int_equal(tredis_int(&cluster.nodes[0], "DBSIZE"), 0);
}

TEST_BETWEEN(a_host_that_is_cut_off_loses_its_primary_to_another, NULL, end)
{
    if (thosts_start(&hosts, 3) != 0)
        skip();
    const struct tcluster_opts opts = {.replicas = 1, .on = &hosts};
    assert_int_equal(tcluster_start(&cluster, &opts), 0);
    assert_ptr_equal(cluster.nodes[3].opts.on, &hosts.host[1]);
    thost_cut(&hosts.host[0]);
    assert_true(await(tcluster_node_of(&cluster, 0) == 3, LIMIT_MS));
    thost_mend(&hosts.host[0]);
    assert_true(
        await(tcluster_is_settled(&cluster) && tcluster_replica_of(&cluster, 3) == 0, LIMIT_MS));
}
