/* test_crash.c -- what clients see when a process dies, freezes, fills up or leaves: no answer that
 * was given is taken back, no key takes effect twice, and the service comes back by itself. */
#include "support/fixture.h"
#include "support/keyed_load.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define REDIS_GONE_MAX_MS 5000  /* Redis gone: 503 within 5 s */
#define ANSWER_SLACK_MS   15000 /* on a loaded machine */

/* True if the children of a role are so many, and none of them is `gone`. */
static bool role_is_back(const char *role, int count, pid_t gone)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    int n = tservice_pids(&stack.service, role, pids, TSERVICE_CHILDREN_MAX);
    for (int i = 0; i < n; i++)
        if (pids[i] == gone)
            return false;
    return n == count;
}

/* --- processes of the service ----------------------------------------------------------------- */

static void workers_that_are_killed_are_replaced(void **state)
{
    serve(.workers = 2);
    keyed_load_start(api_item(a, 1000000, 0));
    for (int round = 0; round < 4; round++) {
        pid_t pids[TSERVICE_CHILDREN_MAX];
        keyed_load_await(150);
        assert_int_equal(
            tservice_pids(&stack.service, TSERVICE_WORKER, pids, TSERVICE_CHILDREN_MAX), 2);
        kill(pids[round % 2], SIGKILL);
        assert_true(await(role_is_back(TSERVICE_WORKER, 2, pids[round % 2]), RECOVERY_MS));
    }
    keyed_load_await(150);
    keyed_load_stop_and_check(1000000);
}

/* Both at once: for a moment nobody listens, yet the port must come back. */
static void all_workers_killed_at_once_come_back(void **state)
{
    serve(.workers = 2);
    keyed_load_start(api_item(a, 1000000, 0));
    keyed_load_await(100);
    pid_t pids[TSERVICE_CHILDREN_MAX];
    assert_int_equal(tservice_pids(&stack.service, TSERVICE_WORKER, pids, TSERVICE_CHILDREN_MAX),
                     2);
    kill(pids[0], SIGKILL);
    kill(pids[1], SIGKILL);
    assert_true(await(role_is_back(TSERVICE_WORKER, 2, pids[0]) &&
                          role_is_back(TSERVICE_WORKER, 2, pids[1]),
                      RECOVERY_MS));
    keyed_load_await(150);
    keyed_load_stop_and_check(1000000);
}

static void a_killed_keeper_is_replaced_and_expiry_goes_on(void **state)
{
    serve();
    const char *sku = api_item(a, 10, 0);
    for (int round = 0; round < 2; round++) {
        pid_t pids[TSERVICE_CHILDREN_MAX];
        const char *id = api_reserve(a, sku, 4, 1);
        assert_int_equal(
            tservice_pids(&stack.service, TSERVICE_KEEPER, pids, TSERVICE_CHILDREN_MAX), 1);
        kill(pids[0], SIGKILL);
        assert_true(await(role_is_back(TSERVICE_KEEPER, 1, pids[0]), RECOVERY_MS));
        assert_true(await(api_state_is(a, id, "expired"), 1000 + EXPIRY_TIMEOUT_MS));
        check_item(a, sku, 10, 10, 0, 0, 3 + 2 * round);
    }
}

static void a_killed_master_takes_its_children_along(void **state)
{
    serve(.workers = 2);
    const char *sku = api_item(a, 1000000, 0);
    const char *other = api_item(a, 10, 0);
    api_call(a, 200, "POST", DECREMENT(other), "Idempotency-Key: before-the-crash\r\n",
             "{\"quantity\":1}");
    const char *hold = api_reserve(a, other, 2, 1);
    keyed_load_start(sku);
    keyed_load_await(300);

    pid_t pids[TSERVICE_CHILDREN_MAX];
    int count = tservice_pids(&stack.service, NULL, pids, TSERVICE_CHILDREN_MAX);
    assert_true(count >= 3); /* two workers and the keeper */
    tservice_kill9(&stack.service);
    for (int i = 0; i < count; i++)
        assert_true(await(!tproc_pid_alive(pids[i]), RECOVERY_MS));

    serve_again(); /* looks at the log */
    keyed_load_aim(stack.service.port);
    keyed_load_await(300);
    keyed_load_stop_and_check(1000000);

    api_call(a, 200, "POST", DECREMENT(other), "Idempotency-Key: before-the-crash\r\n",
             "{\"quantity\":1}");
    check_header(a, "Idempotent-Replayed", "true");
    assert_true(await(api_state_is(a, hold, "expired"), 1000 + EXPIRY_TIMEOUT_MS));
    check_item(a, other, 9, 9, 0, 1, 4);
}

/* --- leaving -----------------------------------------------------------------------------------
 */

enum { DRAIN_THREADS = 32 };

/* Longer than a test waits: who needs the drain time has not left at once. */
#define LONG_DRAIN "--drain", "5m"

struct drain {
    const char *sku;
    atomic_int sent;
    atomic_int answered;
    atomic_int sold;
    char first[256]; /* what went wrong first */
    atomic_int wrong;
};

/* Sends on one connection until the server says or shows that it leaves. A request whose bytes were
 * all sent must be answered. */
static void sell_until_it_leaves(int index, void *arg)
{
    struct drain *d = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    char path[96];
    snprintf(path, sizeof(path), "/v1/items/%s/decrements", d->sku);
    http_conn_init(&c, stack.service.port);
    int opened = http_conn_open(&c);
    while (opened == 0 && http_conn_usable(&c)) {
        int err = http_send_call(&c, "POST", path, NULL, "{\"quantity\":1}", 14);
        if (err)
            break;
        atomic_fetch_add(&d->sent, 1);
        err = http_receive(&c, false, &resp);
        if (!err)
            atomic_fetch_add(&d->answered, 1);
        if (!err && resp.status == 200)
            atomic_fetch_add(&d->sold, 1);
        else if (atomic_fetch_add(&d->wrong, 1) == 0)
            snprintf(d->first, sizeof(d->first), "%s, status %d", err ? strerror(-err) : "answered",
                     resp.status);
    }
    http_resp_free(&resp);
    http_conn_close(&c);
}

static void *drain_crowd(void *arg)
{
    http_crowd(DRAIN_THREADS, sell_until_it_leaves, arg);
    return NULL;
}

static void on_sigterm_every_request_is_answered(void **state)
{
    serve(.workers = 2, .flags = {LONG_DRAIN});
    struct drain drain = {.sku = api_item(a, 10000000, 0)};
    http_conn_close(&a->conn);
    pthread_t crowd;
    assert_int_equal(pthread_create(&crowd, NULL, drain_crowd, &drain), 0);
    assert_true(await(atomic_load(&drain.answered) > 500, RECOVERY_MS));

    tproc_signal(&stack.service.proc, SIGTERM);
    int late = tproc_wait(&stack.service.proc, RECOVERY_MS);
    pthread_join(crowd, NULL);
    assert_int_equal(late, 0);
    assert_true(WIFEXITED(stack.service.proc.status));
    assert_int_equal(WEXITSTATUS(stack.service.proc.status), 0);
    if (atomic_load(&drain.wrong))
        print_error("%d of %d went wrong, the first: %s\n", atomic_load(&drain.wrong),
                    atomic_load(&drain.sent), drain.first);
    assert_int_equal(atomic_load(&drain.answered), atomic_load(&drain.sent));
    assert_int_equal(atomic_load(&drain.wrong), 0);

    /* And each of those answers is true. */
    serve();
    int sold = atomic_load(&drain.sold);
    check_item(a, drain.sku, 10000000 - sold, 10000000 - sold, 0, sold, 1 + sold);
}

static void on_sigterm_an_idle_service_leaves_at_once(void **state)
{
    serve(.workers = 2, .flags = {LONG_DRAIN});
    get("/healthz"); /* leaves an idle connection open */
    tproc_signal(&stack.service.proc, SIGTERM);
    assert_int_equal(tproc_wait(&stack.service.proc, RECOVERY_MS), 0);
    assert_true(WIFEXITED(stack.service.proc.status));
    assert_int_equal(WEXITSTATUS(stack.service.proc.status), 0);
    struct http_conn c;
    http_conn_init(&c, stack.service.port);
    assert_int_equal(http_conn_open(&c), -ECONNREFUSED);
}

/* --- Redis ------------------------------------------------------------------------------------ */

static void redis_may_crash_and_come_back(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .workers = 2, .flags = {"--request-timeout", "5s"});
    const char *sku = api_item(a, 1000000, 0);
    const char *other = api_item(a, 10, 0);
    keyed_load_start(sku);
    for (int round = 0; round < 2; round++) {
        keyed_load_await(150);
        int64_t epoch = redis_int("HGET {p0}:meta epoch");
        tredis_kill9(&stack.redis);
        int err = http_call(&a->conn, "POST", DECREMENT(other), NULL, "{\"quantity\":1}", &a->resp);
        assert_int_equal(err, 0);
        check_problem(a, 503, "redis-unavailable", NULL);
        char value[16];
        assert_non_null(http_resp_header(&a->resp, "Retry-After", value, sizeof(value)));
        assert_true(a->resp.took_ms < REDIS_GONE_MAX_MS + ANSWER_SLACK_MS);
        assert_true(await(!api_ready(a), RECOVERY_MS));
        api_call(a, 503, "GET", "/readyz", NULL, NULL);
        get("/healthz");
        assert_int_equal(tredis_restart(&stack.redis), 0);
        await_ready();
        keyed_load_await(150);
        assert_int_equal(redis_int("HGET {p0}:meta epoch"), epoch + 1);
    }
    keyed_load_stop_and_check(1000000);
    check_item(a, other, 10, 10, 0, 0, 1); /* 503: nothing was changed */
}

static void a_frozen_redis_is_told_in_time(void **state)
{
    enum { REQUEST_TIMEOUT_MS = 5000 };
    serve(.flags = {"--request-timeout", "5s"});
    const char *sku = api_item(a, 1000000, 0);
    const char *other = api_item(a, 10, 0);
    keyed_load_start(sku);
    keyed_load_await(150);
    tredis_freeze(&stack.redis);
    int unknown = 0;
    for (int i = 0; i < 2; i++) {
        api_close(a);
        api_open(a, stack.service.port);
        int err = http_call(&a->conn, "POST", DECREMENT(other), NULL, "{\"quantity\":1}", &a->resp);
        assert_int_equal(err, 0);
        assert_true(a->resp.took_ms < REQUEST_TIMEOUT_MS + ANSWER_SLACK_MS);
        if (a->resp.status == 504) {
            check_problem(a, 504, "outcome-unknown", NULL);
            check_null(a, "operation");
            unknown++;
        } else {
            check_problem(a, 503, "redis-unavailable", NULL);
        }
    }
    assert_true(await(!api_ready(a), RECOVERY_MS));
    get("/healthz"); /* it does not wait for Redis */
    tredis_thaw(&stack.redis);
    await_ready();
    keyed_load_await(300);
    assert_true(keyed_load_failures() > 0);
    keyed_load_stop_and_check(1000000);
    get(ITEM(other));
    int64_t effects = api_int(a, "version") - 1;
    assert_true(effects >= 0 && effects <= unknown); /* 503 means no, 504 means perhaps */
    assert_int_equal(api_int(a, "sold"), effects);
}

/* A keyed request that ends in 504 is settled by its key. */
static void an_unknown_outcome_is_settled_by_its_key(void **state)
{
    serve(.flags = {"--request-timeout", "3s"});
    const char *sku = api_item(a, 10, 0);
    const char *path = DECREMENT(sku);
    tredis_freeze(&stack.redis);
    int err = http_call(&a->conn, "POST", path, "Idempotency-Key: settle-me\r\n",
                        "{\"quantity\":1}", &a->resp);
    assert_int_equal(err, 0);
    if (a->resp.status == 504) {
        check_problem(a, 504, "outcome-unknown", NULL);
        check_str(a, "operation", "settle-me");
    } else {
        check_problem(a, 503, "redis-unavailable", NULL);
    }
    tredis_thaw(&stack.redis);
    assert_true(await((http_call(&a->conn, "POST", path, "Idempotency-Key: settle-me\r\n",
                                 "{\"quantity\":1}", &a->resp),
                       a->resp.status == 200),
                      RECOVERY_MS));
    check_int(a, "remaining", 9);
    check_int(a, "version", 2);
    get("/v1/operations/settle-me");
    check_int(a, "body.version", 2);
    check_item(a, sku, 9, 9, 0, 1, 2);
}

static void full_memory_stops_new_holds_only(void **state)
{
    enum { HOLDS = 20 };
    serve();
    const char *sku = api_item(a, 1000, 0);
    char ids[HOLDS][64];
    for (int i = 0; i < HOLDS; i++)
        KEEP(ids[i], api_reserve(a, sku, 1, 0));
    /* 64 MiB of ballast, so that 5 % of the memory is more than noise. */
    assert_int_equal(redis_int("SETRANGE ballast 67108863 x"), 64 << 20);
    redis_do(&stack.redis, "CONFIG SET maxmemory %lld",
             (long long)(tredis_info(&stack.redis, "used_memory") / 95 * 100));
    assert_true(await(hold_status(sku) == 503, RECOVERY_MS));
    char value[16];
    assert_non_null(http_resp_header(&a->resp, "Retry-After", value, sizeof(value)));
    get(ITEM(sku));
    int64_t held = api_int(a, "held"); /* some came through before the service noticed */
    int64_t version = api_int(a, "version");
    for (int i = 0; i < HOLDS; i++) {
        assert_int_equal(hold_status(sku), 503);
        post(200, text("/v1/reservations/%s/%s", ids[i], i % 2 ? "confirm" : "release"), "{}");
    }
    check_item(a, sku, 1000 - HOLDS / 2, 1000 - held + HOLDS / 2, held - HOLDS, HOLDS / 2,
               version + HOLDS);
    redis_do(&stack.redis, "CONFIG SET maxmemory %lld", (long long)(0));
    assert_true(await(hold_status(sku) == 201, RECOVERY_MS));
    const char *last = api_str(a, "id");

    /* Beyond the brim Redis itself says OOM: a clean no, and reads go on. */
    redis_do(&stack.redis, "CONFIG SET maxmemory %lld", (long long)(1 << 20));
    assert_true(await(hold_status(sku) == 503, RECOVERY_MS));
    get(ITEM(sku));
    version = api_int(a, "version");
    post(503, CONFIRM(last), "{}");
    get(ITEM(sku));
    check_int(a, "version", version);
    redis_do(&stack.redis, "CONFIG SET maxmemory %lld", (long long)(0));
    assert_true(await(
        (http_call(&a->conn, "POST", CONFIRM(last), NULL, "{}", &a->resp), a->resp.status == 200),
        RECOVERY_MS));
    assert_true(await(hold_status(sku) == 201, RECOVERY_MS));
}

static bool state_is_lost(const char *sku)
{
    if (hold_status(sku) != 503)
        return false;
    const char *type = json_string_value(json_object_get(http_resp_json(&a->resp), "type"));
    return type && strcmp(type, "/problems/state-lost") == 0;
}

static void an_emptied_redis_is_not_taken_for_a_new_one(void **state)
{
    serve(.workers = 2);
    const char *sku = api_item(a, 10, 0);
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_int_equal(redis_int("DBSIZE"), 0);
    assert_true(await(state_is_lost(sku), RECOVERY_MS));
    for (int i = 0; i < 5; i++)
        assert_true(state_is_lost(sku));
    api_problem(a, 503, "state-lost", NULL, "PUT", ITEM(sku), NULL, "{\"on_hand\":10}");
    api_call(a, 503, "GET", "/readyz", NULL, NULL);

    /* Starting it anew is the operator's word that the loss is accepted. */
    serve();
    get_problem(404, "item-not-found", NULL, ITEM(sku));
    api_call(a, 201, "PUT", ITEM(sku), NULL, "{\"on_hand\":3}");
    api_reserve(a, sku, 3, 0);
    check_item(a, sku, 3, 0, 3, 0, 2);
}

/* --- many connections --------------------------------------------------------------------------
 */

static void waiting_connections_do_not_stand_in_the_way(void **state)
{
    enum { CONNS = 500, ROUNDS = 3 };
    serve(.flags = {"--request-timeout", "60s"});
    const char *sku = api_item(a, CONNS, 0);
    struct http_conn *waiting = calloc(CONNS, sizeof(*waiting));
    struct http_conn *active = calloc(CONNS, sizeof(*active));
    const char *body = LINE(sku, 1);
    for (int i = 0; i < CONNS; i++) {
        http_conn_init(&waiting[i], stack.service.port);
        http_conn_init(&active[i], stack.service.port);
        assert_int_equal(http_conn_open(&waiting[i]), 0);
        assert_int_equal(http_conn_open(&active[i]), 0);
    }
    tredis_freeze(&stack.redis);
    for (int i = 0; i < CONNS; i++)
        assert_int_equal(
            http_send_call(&waiting[i], "POST", RESERVATIONS, NULL, body, strlen(body)), 0);
    /* All at once, and none is passed over: Redis stays silent until they are answered. */
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CONNS; i++)
            assert_int_equal(http_send_call(&active[i], "GET", "/healthz", NULL, NULL, 0), 0);
        for (int i = 0; i < CONNS; i++) {
            assert_int_equal(http_receive(&active[i], false, &a->resp), 0);
            assert_int_equal(a->resp.status, 200);
        }
    }
    tredis_thaw(&stack.redis);
    for (int i = 0; i < CONNS; i++) {
        assert_int_equal(http_receive(&waiting[i], false, &a->resp), 0);
        assert_int_equal(a->resp.status, 201);
    }
    check_item(a, sku, CONNS, 0, CONNS, 0, 1 + CONNS);
    for (int i = 0; i < CONNS; i++) {
        http_conn_close(&waiting[i]);
        http_conn_close(&active[i]);
    }
    free(waiting);
    free(active);
}

/* A client that leaves while its request waits: the request may take effect, the service lives. */
static void clients_that_leave_do_no_harm(void **state)
{
    enum { CONNS = 100 };
    serve();
    const char *sku = api_item(a, 1000, 0);
    const char *body = LINE(sku, 1);
    tredis_freeze(&stack.redis);
    for (int i = 0; i < CONNS; i++) {
        struct http_conn c;
        http_conn_init(&c, stack.service.port);
        assert_int_equal(http_send_call(&c, "POST", RESERVATIONS, NULL, body, strlen(body)), 0);
        http_conn_close(&c);
    }
    tredis_thaw(&stack.redis);
    pid_t before[TSERVICE_CHILDREN_MAX];
    assert_int_equal(tservice_pids(&stack.service, TSERVICE_WORKER, before, TSERVICE_CHILDREN_MAX),
                     1);
    for (int i = 0; i < CONNS; i++)
        api_reserve(a, sku, 1, 0);
    get(ITEM(sku));
    int64_t held = api_int(a, "held");
    assert_in_range(held, CONNS, 2 * CONNS);
    assert_int_equal(api_int(a, "version"), 1 + held);
    pid_t after[TSERVICE_CHILDREN_MAX];
    assert_int_equal(tservice_pids(&stack.service, TSERVICE_WORKER, after, TSERVICE_CHILDREN_MAX),
                     1);
    assert_int_equal(before[0], after[0]); /* it did not crash */
}

#define CRASH_TEST(test) cmocka_unit_test_teardown(test, keyed_load_end)

int main(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* the service inherits it */
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    const struct CMUnitTest tests[] = {
        CRASH_TEST(workers_that_are_killed_are_replaced),
        CRASH_TEST(all_workers_killed_at_once_come_back),
        CRASH_TEST(a_killed_keeper_is_replaced_and_expiry_goes_on),
        CRASH_TEST(a_killed_master_takes_its_children_along),
        CRASH_TEST(on_sigterm_every_request_is_answered),
        CRASH_TEST(on_sigterm_an_idle_service_leaves_at_once),
        CRASH_TEST(redis_may_crash_and_come_back),
        CRASH_TEST(a_frozen_redis_is_told_in_time),
        CRASH_TEST(an_unknown_outcome_is_settled_by_its_key),
        CRASH_TEST(full_memory_stops_new_holds_only),
        CRASH_TEST(an_emptied_redis_is_not_taken_for_a_new_one),
        CRASH_TEST(waiting_connections_do_not_stand_in_the_way),
        CRASH_TEST(clients_that_leave_do_no_harm),
    };
    return run_each("crash", tests);
}
