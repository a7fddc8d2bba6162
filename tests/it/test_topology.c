/* test_topology.c -- a Redis that is found through others: by Sentinels, by nodes of a cluster.
 *
 * At the first host of each URL nobody listens, and the second one never says a word.
 */
#include "support/cluster.h"
#include "support/fixture.h"
#include "support/sentinel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tsentinel watched;
static struct tcluster cluster;
static char url[TCLUSTER_URL_SIZE + 64];
static char sku[64];

static int silent = -1; /* a socket that is listened on, and no more */

/* Its port. */
static int listen_silently(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(silent >= 0);
    assert_int_equal(bind(silent, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(silent, 128), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&at, &size), 0);
    return ntohs(at.sin_port);
}

/* The URL with both of no use in front of its hosts. */
static void put_no_use_first(const char *of)
{
    const char *hosts = strstr(of, "://") + 3;
    snprintf(url, sizeof(url), "%.*s127.0.0.1:1,127.0.0.1:%d,%s", (int)(hosts - of), of,
             listen_silently(), hosts);
}

static void start_watched(void)
{
    const struct tsentinel_opts opts = {.replicas = 1, .down_after_ms = 1000};
    if (tsentinel_start(&watched, &opts) < 0) {
        tsentinel_print(&watched);
        fail_msg("Sentinels did not come up");
    }
    put_no_use_first(watched.url);
}

static void start_cluster(void)
{
    const struct tcluster_opts opts = {.primaries = 3, .replicas = 1};
    if (tcluster_start(&cluster, &opts) < 0) {
        tcluster_print(&cluster);
        fail_msg("the cluster did not come up");
    }
    put_no_use_first(cluster.url);
}

static int end(void **state)
{
    int rc = serve_end(state);
    tsentinel_stop(&watched);
    tcluster_stop(&cluster);
    close(silent);
    memset(&watched, 0, sizeof(watched));
    memset(&cluster, 0, sizeof(cluster));
    return rc;
}

/* Each goes to Redis by itself. */
static void check_commands(void)
{
    check_command(0, "audit", "--redis", url, "--ledger", ledger_url);
    check_command(1, "restore", "--redis", url, "--ledger", ledger_url, "--dry-run");
    check_said("the store is open: nothing to restore");
    command_variable = "STOCKLOAD";
    check_command(0, "race", "--redis", url, "--stock", "200", "--processes", "2", "--strategy",
                  "script", "--duration", "60s");
    command_variable = "STOCKD";
}

/* No line is about a Redis that nobody has named. */
static void check_log_names_redis(void)
{
    const char *lost = "redis connection lost", *level = "redis durability";
    assert_int_equal(tservice_log_count(&stack.service, lost, "host=\"\""), 0);
    assert_true(tservice_log_count(&stack.service, level, NULL) > 0);
    assert_int_equal(tservice_log_count(&stack.service, level, "host=127.0.0.1 port="),
                     tservice_log_count(&stack.service, level, NULL));
}

static void check_serves(void)
{
    await_ready();
    KEEP(sku, api_item(a, 100, 0));
    assert_int_equal(hold_status(sku), 201);
    assert_true(log_has("primary found", "to=127.0.0.1:"));
    assert_true(metric("stockd_topology_questions_total") > 0);
    assert_true(metric("stockd_topology_failures_total") > 0);
    assert_true(metric("stockd_topology_changes_total") > 0);
    check_log_names_redis();
}

static void a_primary_is_found_through_sentinels_and_followed(void **state)
{
    (void)state;
    start_watched();
    serve(.redis_url = url);
    check_serves();
    await_replicated(&watched.nodes[0], &watched.nodes[1]);
    assert_int_equal(tsentinel_failover(&watched), 0);
    assert_true(await(log_has("primary moved", "partitions=0"), RECOVERY_MS));
    assert_true(await(hold_status(sku) == 201, RECOVERY_MS));
}

static int64_t epoch_in(const struct tredis *redis)
{
    return tredis_int(redis, "HGET {p0}:meta epoch");
}

/* It stood still while another one took its place, and that one is gone before it was a replica.
 * Nothing may be sent to it before its next epoch is open: what it finds when it goes on it carries
 * out, and what it takes in the epoch that is over in SQL makes it `state-lost`. */
static void a_primary_that_is_named_again_gets_what_it_lacks(void **state)
{
    start_watched();
    serve(.redis_url = url, .ledger = *state);
    check_serves();
    tredis_freeze(&watched.nodes[0]);
    assert_true(await(tsentinel_primary(&watched) == 1, RECOVERY_MS));
    assert_true(
        await(tservice_log_count(&stack.service, "proc=worker", "primary moved") > 0, RECOVERY_MS));
    assert_true(await(hold_status(sku) == 201, RECOVERY_MS));
    await_in_sql(sku);
    int64_t over = epoch_in(&watched.nodes[1]);
    tredis_kill9(&watched.nodes[1]);
    tredis_thaw(&watched.nodes[0]);
    assert_true(await(tsentinel_primary(&watched) == 0, RECOVERY_MS));
    assert_true(await(epoch_in(&watched.nodes[0]) > over, RECOVERY_MS));
    assert_true(await(hold_status(sku) == 201, RECOVERY_MS));
    await_in_sql(sku);
    check_commands();
}

static void commands_find_the_primary_through_sentinels(void **state)
{
    start_watched();
    serve(.redis_url = url, .ledger = *state);
    check_serves();
    await_in_sql(sku);
    check_commands();
}

static void a_name_that_no_sentinel_watches_is_said(void **state)
{
    (void)state;
    start_watched();
    char *name = strrchr(url, '/');
    snprintf(name, sizeof(url) - (size_t)(name - url), "/nobody");
    assert_int_not_equal(
        command_run("serve", "--redis", url, "--listen", "127.0.0.1:0", "--startup-timeout", "8s"),
        0);
    check_said("this Sentinel knows no primary of the name nobody");
    check_said("have the Sentinels watch it");
}

static void every_partition_is_found_through_nodes_of_a_cluster(void **state)
{
    start_cluster();
    serve(.redis_url = url, .ledger = *state);
    check_serves();
    await_in_sql(sku);
    check_commands();
}

int main(void)
{
#define ROW(test, engine)                                                                          \
    {                                                                                              \
#test, test, NULL, end, engine                                                             \
    }
    static const struct CMUnitTest tests[] = {
        ROW(a_primary_is_found_through_sentinels_and_followed, NULL),
        ROW(a_primary_that_is_named_again_gets_what_it_lacks, ON_SQLITE),
        ROW(commands_find_the_primary_through_sentinels, ON_SQLITE),
        ROW(a_name_that_no_sentinel_watches_is_said, NULL),
        ROW(every_partition_is_found_through_nodes_of_a_cluster, ON_SQLITE),
    };
    return run_each("topology", tests);
}
