/* test_reader_nodes.c -- a store on the nodes of a cluster is read as one: while a node is away,
 * what lies on the others is served, what lies there is named, and nothing is left out unsaid. */
#include "support/cluster.h"
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS 12
#define NONE       (-1)
#define REQUEST    "3s" /* what is not answered costs a test that long */

static struct tcluster cluster;
static char skus[PARTITIONS][32]; /* one of each */
static int nodes[PARTITIONS];     /* where they lie, at the start */

/* The partition of the item, as the id of a hold of it says. */
static int partition_of(const char *sku)
{
    int partition = -1;
    const char *id = api_reserve(a, sku, 1, 0);
    assert_int_equal(sscanf(id, "r%d-", &partition), 1);
    post(200, RELEASE(id), NULL);
    return partition;
}

static void make_items(void)
{
    int left = PARTITIONS;
    memset(skus, 0, sizeof(skus));
    for (int p = 0; p < PARTITIONS; p++)
        nodes[p] = tcluster_node_of(&cluster, tcluster_slot_of(&cluster, p));
    while (left > 0) {
        const char *sku = api_item(a, 100, 0);
        int p = partition_of(sku);
        assert_in_range(p, 0, PARTITIONS - 1);
        left -= !*skus[p];
        KEEP(skus[p], sku);
    }
}

static bool answers(int status, const char *path)
{
    return http_call(&a->conn, "GET", path, NULL, NULL, &a->resp) == 0 && a->resp.status == status;
}

/* /readyz names the partitions of the node, and them alone. */
static bool names(int node)
{
    if (!answers(200, "/readyz"))
        return false;
    json_t *shut = json_object_get(http_resp_json(&a->resp), "not_open");
    size_t at = 0;
    for (int p = 0; p < PARTITIONS; p++) {
        if (nodes[p] != node)
            continue;
        json_t *row = json_array_get(shut, at++);
        if (json_integer_value(json_object_get(row, "partition")) != p || !row ||
            !*json_string_value(json_object_get(row, "why")))
            return false;
    }
    return json_array_size(shut) == at;
}

static void start(const struct tcluster_opts *opts)
{
    assert_int_equal(tcluster_start(&cluster, opts), 0);
    serve(.redis_url = cluster.url, .partitions = PARTITIONS, .workers = 1,
          .flags = {"--request-timeout", REQUEST, opts->min_replicas ? "--durability" : NULL,
                    "replicated"});
    assert_true(await(names(NONE), RECOVERY_MS));
    make_items();
}

/* Three nodes that nobody fails over: what they have is served, or is away. */
static void start_alone(void)
{
    start(&(struct tcluster_opts){
        .partly = true, .node_timeout_ms = 600000, .aof = TREDIS_AOF_ALWAYS});
}

static int end(void **state)
{
    int rc = serve_end(state);
    tcluster_stop(&cluster);
    memset(&cluster, 0, sizeof(cluster));
    return rc;
}

static void record(int partition)
{
    api_call(a, 201, "POST", RESERVATIONS, text("Idempotency-Key: key-%d\r\n", partition),
             LINE(skus[partition], 1));
}

/* --- with all of them ------------------------------------------------------------------------- */

static void lists_are_merged_over_the_nodes(void **state)
{
    enum { ITEMS = 50 };
    start_alone();
    for (int i = ITEMS - 1; i >= 0; i--)
        api_call(a, 201, "PUT", ITEM(text("list-%03d", i)), NULL, text("{\"on_hand\":%d}", i));
    for (int limit = 7; limit <= 100; limit *= 3) {
        int next = 0;
        for (const char *cursor = ""; cursor;) {
            json_t *page = get(text("/v1/items?prefix=list-&limit=%d%s%s", limit,
                                    *cursor ? "&cursor=" : "", cursor));
            int count = (int)json_array_size(json_object_get(page, "items"));
            assert_int_equal(count, ITEMS - next < limit ? ITEMS - next : limit);
            for (int i = 0; i < count; i++, next++) {
                check_str(a, text("items[%d].sku", i), text("list-%03d", next));
                check_int(a, text("items[%d].on_hand", i), next);
            }
            cursor = next < ITEMS ? api_str(a, "next_cursor") : NULL;
        }
        check_null(a, "next_cursor");
    }
}

static void what_a_key_has_recorded_is_found_on_every_node(void **state)
{
    start_alone();
    for (int p = 0; p < PARTITIONS; p++) {
        record(p);
        const char *id = api_str(a, "id");
        get(text("/v1/operations/key-%d", p));
        check_str(a, "body.id", id);
        get(RESERVATION(id));
    }
    get_problem(404, "operation-not-found", NULL, "/v1/operations/never-used");
    /* Of a partition that is not: no node could tell. */
    get_problem(404, "reservation-not-found", NULL, RESERVATION("r99-00dc0hb5n1hrpnm3ev2l4q0"));
}

/* --- without one ------------------------------------------------------------------------------ */

/* A page without the names of a node would be a lie, and so would a "not found". */
static void check_it_is_refused(int away)
{
    int away_first = 0;
    while (nodes[away_first] != away)
        away_first++;
    get_problem(503, "redis-unavailable", NULL, ITEM(skus[away_first]));
    get_problem(503, "redis-unavailable", NULL, "/v1/items");
    assert_non_null(strstr(api_str(a, "detail"), "partition "));
    get_problem(503, "redis-unavailable", NULL, "/v1/operations/never-used");
    assert_non_null(strstr(api_str(a, "detail"), "partition "));
}

static void check_the_others_work(int away)
{
    for (int p = 0; p < PARTITIONS; p++) {
        if (nodes[p] == away)
            continue;
        get(ITEM(skus[p]));
        api_call(a, 200, "POST", DECREMENT(skus[p]), NULL, "{\"quantity\":1}");
        get(text("/v1/operations/key-%d", p));
    }
}

static void begin_without_one(void)
{
    start_alone();
    for (int p = 0; p < PARTITIONS; p++)
        record(p);
}

static void check_all_is_well_again(void)
{
    assert_true(await(names(NONE), RECOVERY_MS));
    for (int p = 0; p < PARTITIONS; p++)
        assert_true(await(answers(200, ITEM(skus[p])), RECOVERY_MS));
    assert_true(await(answers(200, "/v1/items"), RECOVERY_MS));
    get_problem(404, "operation-not-found", NULL, "/v1/operations/never-used");
}

static void a_node_that_is_frozen_leaves_the_others_alone(void **state)
{
    begin_without_one();
    int away = nodes[0];
    tredis_freeze(&cluster.nodes[away]);
    assert_true(await(names(away), RECOVERY_MS));
    check_the_others_work(away);
    check_it_is_refused(away);
    check_the_others_work(away);
    tredis_thaw(&cluster.nodes[away]);
    check_all_is_well_again();
}

static void a_node_that_is_dead_leaves_the_others_alone(void **state)
{
    begin_without_one();
    int away = nodes[1];
    tredis_kill9(&cluster.nodes[away]);
    assert_true(await(names(away), RECOVERY_MS));
    check_the_others_work(away);
    check_it_is_refused(away);
    assert_int_equal(tredis_restart(&cluster.nodes[away]), 0);
    check_all_is_well_again();
}

static void without_any_node_it_is_not_ready(void **state)
{
    start_alone();
    for (int i = 0; i < cluster.node_count; i++)
        tredis_freeze(&cluster.nodes[i]);
    assert_true(await(answers(503, "/readyz"), RECOVERY_MS));
    get_problem(503, "redis-unavailable", NULL, "/readyz");
    for (int i = 0; i < cluster.node_count; i++)
        tredis_thaw(&cluster.nodes[i]);
    check_all_is_well_again();
}

/* --- what moves ------------------------------------------------------------------------------- */

struct reading {
    const char *sku;
    _Atomic bool stop;
    _Atomic int found, missed, others;
};

static void keep_reading(int index, void *arg)
{
    struct reading *reading = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    if (index == 0) { /* the one that moves the slot */
        int slot = tcluster_slot_of(&cluster, 0), from = tcluster_node_of(&cluster, slot);
        for (int i = 1; i <= 2; i++)
            reading->others += tcluster_move_slot(&cluster, slot, (from + i) % 3) != 0;
        reading->stop = true;
        return;
    }
    http_conn_init(&c, stack.service.port);
    while (!reading->stop) {
        int err = http_call(&c, "GET", ITEM(reading->sku), NULL, NULL, &resp);
        ++*(err == 0 && resp.status == 200   ? &reading->found
            : err == 0 && resp.status == 404 ? &reading->missed
                                             : &reading->others);
    }
    http_resp_free(&resp);
    http_conn_close(&c);
}

static void reads_follow_a_slot_that_moves(void **state)
{
    start_alone();
    for (int i = 0; i < 60; i++) /* some keys more on the way */
        api_call(a, 201, "POST", RESERVATIONS, NULL, LINE(skus[0], 1));
    struct reading reading = {.sku = skus[0]};
    http_crowd(4, keep_reading, &reading);
    assert_int_equal(reading.missed, 0);
    assert_int_equal(reading.others, 0);
    assert_true(reading.found > 0);
    assert_true(await(names(NONE), RECOVERY_MS));
    get("/v1/items");
}

static int replica_of(int node)
{
    int replica;
    assert_true(await((replica = tcluster_replica_of(&cluster, node)) >= 0, RECOVERY_MS));
    return replica;
}

static void reads_follow_a_failover(void **state)
{
    start(&(struct tcluster_opts){.replicas = 1, .partly = true});
    for (int p = 0; p < PARTITIONS; p++)
        record(p);
    int dead = nodes[0];
    await_replicated(&cluster.nodes[dead], &cluster.nodes[replica_of(dead)]);
    tredis_kill9(&cluster.nodes[dead]);
    check_all_is_well_again();
    for (int p = 0; p < PARTITIONS; p++)
        get(text("/v1/operations/key-%d", p));
}

static void a_primary_without_its_replica_leaves_the_others_alone(void **state)
{
    start(&(struct tcluster_opts){.replicas = 1, .min_replicas = 1, .aof = TREDIS_AOF_ALWAYS});
    for (int p = 0; p < PARTITIONS; p++)
        record(p);
    int alone = nodes[0], replica = replica_of(alone);
    tredis_kill9(&cluster.nodes[replica]);
    assert_true(await(names(alone), RECOVERY_MS));
    check_the_others_work(alone);
    assert_int_equal(tredis_restart(&cluster.nodes[replica]), 0);
    check_all_is_well_again();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(lists_are_merged_over_the_nodes, end),
        cmocka_unit_test_teardown(what_a_key_has_recorded_is_found_on_every_node, end),
        cmocka_unit_test_teardown(a_node_that_is_frozen_leaves_the_others_alone, end),
        cmocka_unit_test_teardown(a_node_that_is_dead_leaves_the_others_alone, end),
        cmocka_unit_test_teardown(without_any_node_it_is_not_ready, end),
        cmocka_unit_test_teardown(a_primary_without_its_replica_leaves_the_others_alone, end),
        cmocka_unit_test_teardown(reads_follow_a_slot_that_moves, end),
        cmocka_unit_test_teardown(reads_follow_a_failover, end),
    };
    return run_each("reader nodes", tests);
}
