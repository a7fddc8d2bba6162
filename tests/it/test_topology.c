/* test_topology.c -- a Redis that is found through others: by Sentinels, by nodes of a cluster. */
#include "support/fixture.h"
#include "support/sentinel.h"

#include <stdio.h>
#include <string.h>

static struct tsentinel watched;
static char url[TSENTINEL_URL_SIZE + 64];

static void start_watched(void)
{
    if (tsentinel_start(&watched, &(struct tsentinel_opts){.replicas = 1, .down_after_ms = 1000}) <
        0) {
        tsentinel_print(&watched);
        fail_msg("Sentinels did not come up");
    }
}

static int end(void **state)
{
    int rc = serve_end(state);
    tsentinel_stop(&watched);
    memset(&watched, 0, sizeof(watched));
    return rc;
}

static void a_service_finds_the_primary_through_sentinels(void **state)
{
    (void)state;
    start_watched();
    /* The first one is nobody, and is skipped. */
    snprintf(url, sizeof(url), "redis+sentinel://127.0.0.1:1,%s",
             watched.url + strlen("redis+sentinel://"));
    serve(.redis_url = url);
    await_ready();
    char sku[64];
    KEEP(sku, api_item(a, 5, 0));
    assert_int_equal(hold_status(sku), 201);
    assert_true(log_has("primary found", "partitions=0"));
    assert_int_equal(tsentinel_failover(&watched), 0);
    assert_true(await(log_has("primary moved", "partitions=0"), RECOVERY_MS));
    assert_true(await(hold_status(sku) == 201, RECOVERY_MS));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        {"a_service_finds_the_primary_through_sentinels",
         a_service_finds_the_primary_through_sentinels, NULL, end, NULL},
    };
    return run_each("topology", tests);
}
