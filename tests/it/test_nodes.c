/* test_nodes.c -- keeper, ledger process, audit and restore of a store that lies on three nodes of
 * a cluster: each node has its part of the work, and one that is away holds up its own part alone.
 */
#include "store/layout.h"
#include "support/cluster.h"
#include "support/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PARTITIONS 64 /* as a cluster has them */
#define ITEMS      48 /* some at every node */
#define STOCK      100
#define AWAY       1 /* a node */

static struct tcluster cluster;
static char held[ITEMS][64];

/* --- the cluster ------------------------------------------------------------------------------ */

static int places[PARTITIONS]; /* nobody moves them */

static const struct tredis *node_of(int partition)
{
    return &cluster.nodes[places[partition]];
}

static const char *meta(int partition, const char *field)
{
    redisReply *reply = redis_ask(node_of(partition), "HGET {p%d}:meta %s", partition, field);
    const char *value = text("%s", reply->type == REDIS_REPLY_STRING ? reply->str : "");
    freeReplyObject(reply);
    return value;
}

static void check_one_store(void)
{
    char store[64];
    KEEP(store, meta(0, "store"));
    assert_int_equal(strlen(store), 16);
    for (int p = 0; p < PARTITIONS; p++) {
        assert_true(await(strcmp(meta(p, "state"), "open") == 0, RECOVERY_MS));
        assert_string_equal(meta(p, "store"), store);
        assert_string_equal(meta(p, "partitions"), "64");
    }
}

static int begin(void **state)
{
    (void)state;
    if (tcluster_start(&cluster, &(struct tcluster_opts){.partly = true}) != 0)
        return -1;
    for (int p = 0; p < PARTITIONS; p++) {
        places[p] = tcluster_node_of(&cluster, tcluster_slot_of(&cluster, p));
        if (places[p] < 0)
            return -1;
    }
    return 0;
}

static int end(void **state)
{
    for (int i = 0; i < cluster.node_count; i++)
        tredis_thaw(&cluster.nodes[i]);
    int rc = serve_end(state);
    tcluster_stop(&cluster);
    return rc;
}

/* --- its clients ------------------------------------------------------------------------------ */

static const char *sku_of(int i)
{
    return text("nodes-%02d", i);
}

static int partition_of(int i)
{
    return layout_partition(PARTITIONS, str_of(sku_of(i)));
}

static bool is_away(int i)
{
    return places[partition_of(i)] == AWAY;
}

static void put_items(void)
{
    for (int i = 0; i < ITEMS; i++)
        api_call(a, 201, "PUT", ITEM(sku_of(i)), NULL, text("{\"on_hand\":%d}", STOCK));
}

static void hold_one_of_each(int ttl_s)
{
    for (int i = 0; i < ITEMS; i++)
        KEEP(held[i], api_reserve(a, sku_of(i), 1, ttl_s));
}

static bool says_expired(int i)
{
    const char *state = "";
    if (http_call(&a->conn, "GET", RESERVATION(held[i]), NULL, NULL, &a->resp) == 0 &&
        a->resp.status == 200)
        state = json_string_value(json_object_get(http_resp_json(&a->resp), "state"));
    return state && strcmp(state, "expired") == 0;
}

/* The keeper's work, not that of whoever asks. */
static bool keeper_swept(int i)
{
    redisReply *reply =
        redis_ask(node_of(partition_of(i)), "ZCARD {p%d}:holds:%s", partition_of(i), sku_of(i));
    bool empty = reply->integer == 0;
    freeReplyObject(reply);
    return empty;
}

static void check_swept_but(bool (*left_out)(int i))
{
    for (int i = 0; i < ITEMS; i++)
        if (!left_out || !left_out(i))
            assert_true(await(keeper_swept(i), RECOVERY_MS));
}

static void check_audit_of_all(int status)
{
    check_command(status, "audit", "--redis", cluster.url, "--ledger", ledger_url);
}

/* --- making ----------------------------------------------------------------------------------- */

static void a_store_lies_on_all_nodes(void **state)
{
    bool used[TCLUSTER_NODES_MAX] = {false};
    (void)state;
    serve(.redis_url = cluster.url);
    check_one_store();
    for (int p = 0; p < PARTITIONS; p++)
        used[places[p]] = true;
    assert_true(used[0] && used[1] && used[2]);
}

static void it_is_made_though_its_makers_are_killed(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++) {
        struct tservice service = {.port = 0};
        const struct tservice_opts opts = {.redis_url = cluster.url, .workers = 1};
        const struct timespec pause = {.tv_nsec = (10 + 7 * i) * 1000000};
        assert_int_equal(tservice_launch(&service, &opts), 0);
        nanosleep(&pause, NULL);
        tservice_kill9(&service);
        (void)tservice_stop(&service);
    }
    serve(.redis_url = cluster.url);
    check_one_store();
    put_items();
}

/* --- at work ---------------------------------------------------------------------------------- */

static void holds_of_all_nodes_expire_and_reach_sql(void **state)
{
    serve(.redis_url = cluster.url, .ledger = *state);
    check_one_store();
    put_items();
    hold_one_of_each(1);
    check_swept_but(NULL);
    for (int i = 0; i < ITEMS; i++)
        assert_true(await(says_expired(i), RECOVERY_MS));
    for (int i = 0; i < ITEMS; i += 7)
        await_in_sql(sku_of(i));
    check_audit_of_all(0);
}

/* What SQL has of holds that ended. */
static int64_t expired_in_sql(int i)
{
    return base_int(bases.url,
                    text("SELECT count(*) FROM reservations WHERE rid = '%s' AND state = "
                         "'expired'",
                         held[i]));
}

static void a_node_that_stands_still_holds_up_its_own_alone(void **state)
{
    serve(.redis_url = cluster.url, .ledger = *state, .flags = {"--request-timeout", "60s"});
    check_one_store();
    put_items();
    hold_one_of_each(2);
    tredis_freeze(&cluster.nodes[AWAY]);
    check_swept_but(is_away);
    for (int i = 0; i < ITEMS; i++)
        if (!is_away(i))
            assert_true(await(expired_in_sql(i) == 1, RECOVERY_MS));
    tredis_thaw(&cluster.nodes[AWAY]);
    check_swept_but(NULL);
    check_audit_of_all(0);
}

/* --- slots that move -------------------------------------------------------------------------- */

static const char *id_of(int node)
{
    redisReply *reply = redis_ask(&cluster.nodes[node], "CLUSTER MYID");
    const char *id = text("%s", reply->str);
    freeReplyObject(reply);
    return id;
}

/* Begins to move the slot of a partition, and has moved nothing but its meta. */
static void begin_move(int partition, int to)
{
    const struct tredis *from = node_of(partition);
    int slot = tcluster_slot_of(&cluster, partition);
    redis_do(&cluster.nodes[to], "CLUSTER SETSLOT %d IMPORTING %s", slot, id_of(places[partition]));
    redis_do(from, "CLUSTER SETSLOT %d MIGRATING %s", slot, id_of(to));
    redis_do(from, "MIGRATE 127.0.0.1 %d {p%d}:meta 0 5000", cluster.nodes[to].port, partition);
}

static int moving; /* a partition */

static bool is_moving(int i)
{
    return partition_of(i) == moving;
}

static void slots_that_move_hold_up_their_own_alone(void **state)
{
    serve(.redis_url = cluster.url, .ledger = *state, .flags = {"--request-timeout", "60s"});
    put_items();
    moving = partition_of(0);
    int to = (places[moving] + 1) % 3;
    hold_one_of_each(2);
    begin_move(moving, to);
    check_swept_but(is_moving);
    for (int i = 0; i < ITEMS; i++)
        if (!is_moving(i))
            assert_true(await(expired_in_sql(i) == 1, RECOVERY_MS));
    for (int p = 0; p < PARTITIONS; p++)
        if (p == moving || (p % 9 == 0 && places[p] != to)) {
            assert_int_equal(tcluster_move_slot(&cluster, tcluster_slot_of(&cluster, p), to), 0);
            places[p] = to;
        }
    check_swept_but(NULL);
    check_audit_of_all(0);
}

/* --- restoring -------------------------------------------------------------------------------- */

static const char *available(int i)
{
    get(ITEM(sku_of(i)));
    return text("%lld", (long long)json_integer_value(
                            json_object_get(http_resp_json(&a->resp), "available")));
}

static bool answers(int i)
{
    return http_call(&a->conn, "GET", ITEM(sku_of(i)), NULL, NULL, &a->resp) == 0 &&
           a->resp.status == 200;
}

static void lose_all(void)
{
    for (int i = 0; i < cluster.node_count; i++)
        redis_do(&cluster.nodes[i], "FLUSHALL");
}

static void prepare_restore(void **state)
{
    serve(.redis_url = cluster.url, .ledger = *state);
    put_items();
    hold_one_of_each(3600);
    for (int i = 0; i < ITEMS; i++)
        await_in_sql(sku_of(i));
}

static void check_restored(void)
{
    check_one_store();
    for (int i = 0; i < ITEMS; i++) {
        assert_true(await(answers(i), RECOVERY_MS));
        assert_string_equal(available(i), text("%d", STOCK - 1));
    }
    check_audit_of_all(0);
}

static void all_of_it_is_restored(void **state)
{
    prepare_restore(state);
    lose_all();
    redis_do(node_of(3), "SET {p3}:op:left-over x");
    check_command(0, "restore", "--redis", cluster.url, "--ledger", ledger_url);
    check_restored();
    redisReply *reply = redis_ask(node_of(3), "EXISTS {p3}:op:left-over");
    assert_int_equal(reply->integer, 0);
    freeReplyObject(reply);
}

static void what_one_node_lost_is_restored(void **state)
{
    prepare_restore(state);
    redis_do(&cluster.nodes[AWAY], "FLUSHALL");
    assert_true(await(strncmp(meta(0, "state"), "open", 4) == 0, RECOVERY_MS));
    check_command(0, "restore", "--redis", cluster.url, "--ledger", ledger_url);
    check_restored();
}

static void a_restore_that_was_killed_is_done_by_the_next(void **state)
{
    prepare_restore(state);
    for (int i = 0; i < 6; i++) {
        struct command restore;
        const struct timespec pause = {.tv_nsec = (20 + 40 * i) * 1000000};
        lose_all();
        command_start(&restore, (const char *const[]){"restore", "--redis", cluster.url, "--ledger",
                                                      ledger_url, NULL});
        nanosleep(&pause, NULL);
        tproc_kill9(&restore.proc);
        (void)command_end(&restore);
    }
    int status;
    assert_true(await(
        (status = command_run("restore", "--redis", cluster.url, "--ledger", ledger_url)) == 0 ||
            strstr(command_said, "nothing to restore"),
        RECOVERY_MS));
    check_restored();
}

/* --- settings --------------------------------------------------------------------------------- */

static void replicas_that_no_primary_waits_for_are_refused(void **state)
{
    (void)state;
    serve(.redis_url = cluster.url); /* what it has started ends with the test */
    stop_serving();
    for (int i = 0; i < cluster.node_count; i++) {
        redis_do(&cluster.nodes[i], "CONFIG SET appendonly yes");
        redis_do(&cluster.nodes[i], "CONFIG SET appendfsync always");
        redis_do(&cluster.nodes[i], "CONFIG SET min-replicas-to-write %d", i == AWAY ? 0 : 1);
    }
    check_command(1, "serve", "--listen", "127.0.0.1:0", "--redis", cluster.url, "--durability",
                  "replicated");
    check_said("min-replicas-to-write");
}

int main(void)
{
#define NODES_TEST(test, engine)                                                                   \
    {                                                                                              \
#test, test, begin, end, engine                                                            \
    }
    const struct CMUnitTest tests[] = {
        NODES_TEST(a_store_lies_on_all_nodes, NULL),
        NODES_TEST(it_is_made_though_its_makers_are_killed, NULL),
        NODES_TEST(holds_of_all_nodes_expire_and_reach_sql, ON_SQLITE),
        NODES_TEST(a_node_that_stands_still_holds_up_its_own_alone, ON_SQLITE),
        NODES_TEST(slots_that_move_hold_up_their_own_alone, ON_SQLITE),
        NODES_TEST(all_of_it_is_restored, ON_SQLITE),
        NODES_TEST(what_one_node_lost_is_restored, ON_SQLITE),
        NODES_TEST(a_restore_that_was_killed_is_done_by_the_next, ON_SQLITE),
        NODES_TEST(replicas_that_no_primary_waits_for_are_refused, NULL),
    };
    return run_each("nodes", tests);
}
