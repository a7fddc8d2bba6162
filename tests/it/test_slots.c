/* test_slots.c -- a partition is a slot of a cluster, and slots move while the service writes to
 * them: clients wait, and see nothing else.
 */
#include "store/layout.h"
#include "support/cluster.h"
#include "support/fixture.h"
#include "support/keyed_load.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PARTITIONS 2
#define CLIENTS    8
#define MOVES      20

static struct tcluster cluster;
static char sku[64];

/* --- the scene -------------------------------------------------------------------------------- */

static int start(void **state)
{
    (void)state;
    assert_int_equal(tcluster_start(&cluster, &(struct tcluster_opts){.primaries = 3}), 0);
    serve(.redis_url = cluster.url, .partitions = PARTITIONS, .flags = {"--lanes", "1"});
    await_ready();
    KEEP(sku, api_item(a, 1000000, 0));
    return 0;
}

static int end(void **state)
{
    int rc = keyed_load_end(state);
    tcluster_stop(&cluster);
    return rc;
}

static int slot_of(const char *name)
{
    return tcluster_slot_of(&cluster, layout_partition(PARTITIONS, str_of(name)));
}

static int another_node(int node)
{
    return (node + 1) % cluster.node_count;
}

static void move(int slot)
{
    int to = another_node(tcluster_node_of(&cluster, slot));
    assert_int_equal(tcluster_move_slot(&cluster, slot, to), 0);
}

/* How often the node has answered with this error. */
static int64_t errors(int node, const char *word)
{
    int64_t count = 0;
    redisReply *info = redis_ask(&cluster.nodes[node], "INFO errorstats");
    const char *at = strstr(info->str, text("errorstat_%s:count=", word));
    if (at)
        count = strtoll(strchr(at, '=') + 1, NULL, 10);
    freeReplyObject(info);
    return count;
}

/* The id that a node has in the cluster. */
static const char *id_of(int node)
{
    redisReply *id = redis_ask(&cluster.nodes[node], "CLUSTER MYID");
    const char *kept = text("%s", id->str);
    freeReplyObject(id);
    return kept;
}

/* As a move begins: what the node has not got is asked of the other one. */
static void begin_to_move(int slot, int from, int to)
{
    redis_do(&cluster.nodes[to], "CLUSTER SETSLOT %d IMPORTING %s", slot, id_of(from));
    redis_do(&cluster.nodes[from], "CLUSTER SETSLOT %d MIGRATING %s", slot, id_of(to));
}

static void send_put(struct http_conn *c, const char *name)
{
    static const char body[] = "{\"on_hand\":7}";
    http_conn_init(c, stack.service.port);
    c->timeout_ms = RECOVERY_MS;
    assert_int_equal(http_send_call(c, "PUT", ITEM(name), NULL, body, strlen(body)), 0);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void a_slot_that_has_moved_is_followed(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        move(slot_of(sku));
        post(200, DECREMENT(sku), "{\"quantity\":1}");
        check_int(a, "version", 2 + i);
    }
    check_item(a, sku, 1000000 - 4, 1000000 - 4, 0, 4, 5);
}

/* An item that is not there may be at the other node by now: half of what the batch asks for is
 * here. When the move is over, it is made there. */
static void what_a_moving_slot_does_not_have_is_waited_for(void **state)
{
    struct http_conn c;
    (void)state;
    int slot = slot_of(sku), from = tcluster_node_of(&cluster, slot), to = another_node(from);
    char name[80];
    do
        snprintf(name, sizeof(name), "%s", text("%s.%d", sku, rand()));
    while (slot_of(name) != slot);
    begin_to_move(slot, from, to);
    send_put(&c, name);
    assert_true(await(errors(from, "TRYAGAIN") >= 1, RECOVERY_MS));
    assert_int_equal(tcluster_move_slot(&cluster, slot, to), 0);
    assert_int_equal(answer_to(&c, NULL), 201);
    check_item(a, name, 7, 7, 0, 0, 1);
}

static void slots_that_move_under_load_are_no_error(void **state)
{
    (void)state;
    keyed_load_start(sku);
    for (int i = 0; i < 6; i++) {
        keyed_load_await(50);
        move(slot_of(sku));
    }
    keyed_load_await(50);
    assert_int_equal(keyed_load_failures(), 0);
    keyed_load_stop_and_check(1000000);
}

static void *move_often(void *arg)
{
    int slot = *(int *)arg;
    for (int i = 0; i < MOVES; i++)
        if (tcluster_move_slot(&cluster, slot, another_node(tcluster_node_of(&cluster, slot))) < 0)
            return NULL;
    return arg;
}

/* Nothing is left behind whose outcome nobody could find out without a key. */
static void nor_are_they_to_requests_without_a_key(void **state)
{
    static const char body[] = "{\"quantity\":1}";
    struct http_conn c[CLIENTS];
    int64_t sold = 0;
    int slot = slot_of(sku);
    pthread_t mover;
    void *moved;
    (void)state;
    for (int i = 0; i < CLIENTS; i++)
        http_conn_init(&c[i], stack.service.port);
    assert_int_equal(pthread_create(&mover, NULL, move_often, &slot), 0);
    do {
        for (int i = 0; i < CLIENTS; i++, sold++)
            assert_int_equal(
                http_send_call(&c[i], "POST", DECREMENT(sku), NULL, body, strlen(body)), 0);
        for (int i = 0; i < CLIENTS; i++) {
            assert_int_equal(http_receive(&c[i], false, &a->resp), 0);
            if (a->resp.status != 200)
                fail_msg("status %d: %s", a->resp.status, a->resp.body);
        }
    } while (pthread_tryjoin_np(mover, &moved) != 0);
    assert_non_null(moved);
    check_item(a, sku, 1000000 - sold, 1000000 - sold, 0, sold, 1 + sold);
    for (int i = 0; i < CLIENTS; i++)
        http_conn_close(&c[i]);
}

#define SLOTS_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SLOTS_TEST(a_slot_that_has_moved_is_followed),
        SLOTS_TEST(what_a_moving_slot_does_not_have_is_waited_for),
        SLOTS_TEST(slots_that_move_under_load_are_no_error),
        SLOTS_TEST(nor_are_they_to_requests_without_a_key),
    };
    return run_each("slots", tests);
}
