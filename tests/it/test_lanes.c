/* test_lanes.c -- a service of many partitions connects to those that it writes to, and one whose
 * Redis is gone holds nobody up but those who want something of it.
 */
#include "store/layout.h"
#include "support/cluster.h"
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS 32
#define STOCK      100

static struct tcluster cluster;

static int end(void **state)
{
    int rc = serve_end(state);
    tcluster_stop(&cluster);
    return rc;
}

/* A new item that lies in this partition. */
static const char *item_in(unsigned partition)
{
    static unsigned number;
    char name[32];
    do
        snprintf(name, sizeof(name), "lane-%u", number++);
    while (layout_partition(PARTITIONS, str_of(name)) != partition);
    api_call(a, 201, "PUT", ITEM(name), NULL, text("{\"on_hand\":%d}", STOCK));
    return text("%s", name);
}

/* --- connections ------------------------------------------------------------------------------ */

static void a_lane_is_opened_when_something_waits_for_it(void **state)
{
    (void)state;
    serve(.partitions = PARTITIONS, .flags = {"--lanes", "1"});
    await_ready();
    int64_t before = tredis_info(&stack.redis, "connected_clients");
    assert_true(before < PARTITIONS);
    for (unsigned p = 0; p < PARTITIONS; p++)
        item_in(p);
    assert_true(tredis_info(&stack.redis, "connected_clients") >= before + PARTITIONS);
}

static void one_lane_is_enough_for_one_client(void **state)
{
    (void)state;
    serve(.partitions = PARTITIONS, .flags = {"--lanes", "4"});
    await_ready();
    int64_t before = tredis_info(&stack.redis, "connected_clients");
    const char *sku = item_in(7);
    for (int i = 0; i < 20; i++)
        post(200, DECREMENT(sku), "{\"quantity\":1}");
    assert_true(tredis_info(&stack.redis, "connected_clients") <= before + 1);
}

/* --- a node that is gone ---------------------------------------------------------------------- */

static int node_of(unsigned partition)
{
    return tcluster_node_of(&cluster, tcluster_slot_of(&cluster, (int)partition));
}

/* Somebody may be promoted any moment, so nobody is told at once; here it comes back itself. */
static void who_wants_a_partition_without_a_node_waits_for_one(void **state)
{
    struct http_conn c;
    (void)state;
    const struct tcluster_opts opts = {.primaries = 3, .partly = true, .aof = TREDIS_AOF_ALWAYS};
    assert_int_equal(tcluster_start(&cluster, &opts), 0);
    serve(.redis_url = cluster.url, .partitions = PARTITIONS,
          .flags = {"--request-timeout", "60s"});
    await_ready();
    unsigned other = 1;
    while (node_of(other) == node_of(0))
        other++;
    char gone[32], there[32], port[32];
    KEEP(gone, item_in(0));
    KEEP(there, item_in(other));
    struct tredis *node = &cluster.nodes[node_of(0)];
    snprintf(port, sizeof(port), "port=%d", node->port);
    tredis_kill9(node);
    send_hold(&c, NULL, gone, 1);
    for (int i = 1; i <= 6; i++) {
        assert_true(await(tservice_log_count(&stack.service, "redis connection lost", port) >= i,
                          RECOVERY_MS));
        post(200, DECREMENT(there), "{\"quantity\":1}");
    }
    assert_int_equal(tredis_restart(node), 0);
    assert_int_equal(answer_to(&c, NULL), 201);
    check_item(a, there, STOCK - 6, STOCK - 6, 0, 6, 7);
}

#define LANES_TEST(test) cmocka_unit_test_teardown(test, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LANES_TEST(a_lane_is_opened_when_something_waits_for_it),
        LANES_TEST(one_lane_is_enough_for_one_client),
        LANES_TEST(who_wants_a_partition_without_a_node_waits_for_one),
    };
    return run_each("lanes", tests);
}
