/* test_load_balancer.c -- two services on one store, and stockload before both of them: conflicts
 * are those of both, or not known. */
#include "support/balancer.h"
#include "support/fixture.h"
#include "support/load_run.h"

/* Each request is a transaction, and nobody waits for another's. */
#define CONTENDED                                                                                  \
    {                                                                                              \
        "--batch-max", "1", "--lanes", "2", "--turns", "off", "--relay", "off"                     \
    }
#define LOAD "-p 2 -c 16 -n 3k --stock 1k --mix decrement=1 --settle 1s --threshold conflicts<1m"

static struct tservice other;
static struct balancer balancer;
static struct tload run;

static int end(void **state)
{
    tload_free(&run);
    balancer_stop(&balancer);
    bool well = tservice_stop(&other);
    return serve_end(state) == 0 && well ? 0 : -1;
}

static void begin(const char *apart)
{
    serve(.workers = 2, .flags = CONTENDED);
    serve_beside(&other, .workers = 2, .flags = CONTENDED);
    const struct balancer_target both[] = {{"127.0.0.1", stack.service.port},
                                           {"127.0.0.1", other.port}};
    assert_int_equal(balancer_start(&balancer, both, 2, apart), 0);
}

static int64_t lost_at(int port)
{
    struct api there;
    api_open(&there, port);
    api_call(&there, 200, "GET", "/metrics", NULL, NULL);
    const char *at = strstr(there.resp.body, "\nstockd_conflicts_total ");
    assert_non_null(at);
    int64_t lost = strtoll(strchr(at, ' '), NULL, 10);
    api_close(&there);
    return lost;
}

static int64_t lost_by_both(void)
{
    return lost_at(stack.service.port) + lost_at(other.port);
}

static const json_t *of_run(const char *name)
{
    return json_object_get(json_array_get(json_object_get(run.json, "runs"), 0), name);
}

static void conflicts_are_those_of_all_services(void **state)
{
    begin(NULL);
    int64_t before = lost_by_both();
    int status = tload_run(&run, balancer.port, "flash", LOAD);
    int64_t lost = lost_by_both() - before;
    if (status != 0)
        tload_print(&run);
    assert_int_equal(status, 0);
    assert_true(lost > 0);
    assert_true(json_is_null(of_run("conflicts_doubt")));
    assert_int_equal(json_integer_value(json_object_get(of_run("conflicts"), "lost")), lost);
}

static void conflicts_of_a_service_that_nobody_sees_are_not_known(void **state)
{
    begin("GET /metrics");
    int status = tload_run(&run, balancer.port, "flash", LOAD);
    if (status != 2)
        tload_print(&run);
    assert_int_equal(status, 2);
    assert_string_equal(tload_word(&run), "right");
    assert_true(json_is_null(of_run("conflicts")));
    assert_non_null(strstr(json_string_value(of_run("conflicts_doubt")), "never seen"));
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(of_run("gates"), 0), "result")),
        "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(conflicts_are_those_of_all_services, end),
        cmocka_unit_test_teardown(conflicts_of_a_service_that_nobody_sees_are_not_known, end),
    };
    return run_each("load_balancer", tests);
}
