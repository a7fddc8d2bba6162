/* test_durability.c -- what an answer promises with --durability replicated and ledger, and what is
 * said when the promise cannot be kept.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define THREADS 4
#define IDS_MAX 4000

static struct tredis replica = {.proc = {.pidfd = -1, .out_fd = -1}};
static struct db *silencer; /* holds SQL's lock */

/* --- level ledger ----------------------------------------------------------------------------- */

#define start_ledger(level, timeout, ...)                                                          \
    serve(.redis.aof = (level), .workers = 2, .ledger = *state,                                    \
          .flags = {"--durability", "ledger", "--request-timeout", (timeout)}, __VA_ARGS__)

/* From here on nothing is committed to SQL, as if it hung. */
static void silence(void)
{
    silencer = base_open(bases.url);
    assert_int_equal(db_begin(silencer), DB_OK);
    assert_int_equal(db_script(silencer, STR("UPDATE checkpoints SET at_ms = at_ms")), DB_OK);
}

static void speak(void)
{
    db_close(silencer);
    silencer = NULL;
}

static int64_t version_in_sql(const char *sku)
{
    return sql_int(text("SELECT version FROM items WHERE sku = '%s'", sku));
}

static const char *state_in_sql(const char *rid, const char *right)
{
    int64_t n = sql_int(
        text("SELECT COUNT(*) FROM reservations WHERE rid = '%s' AND state = '%s'", rid, right));
    return n == 1 ? right : "another";
}

static void what_was_answered_is_in_sql(void **state)
{
    start_ledger(TREDIS_AOF_EVERYSEC, "20s");
    const char *sku = api_item(a, 1000, 0);
    assert_int_equal(version_in_sql(sku), 1);
    for (int i = 0; i < 10; i++) {
        const char *rid = api_reserve(a, sku, 2, 0);
        assert_string_equal(state_in_sql(rid, "held"), "held");
        const char *end = i % 2 ? "confirm" : "release";
        post(200, text("/v1/reservations/%s/%s", rid, end), "{}");
        assert_string_equal(state_in_sql(rid, i % 2 ? "confirmed" : "released"),
                            i % 2 ? "confirmed" : "released");
        post(200, DECREMENT(sku), "{\"quantity\":1}");
        assert_int_equal(version_in_sql(sku), api_int(a, "version"));
    }
    post(200, ADJUST(sku), "{\"delta\":5,\"reason\":\"restock\"}");
    assert_int_equal(version_in_sql(sku), api_int(a, "version"));
}

static void a_silent_ledger_is_an_unknown_outcome(void **state)
{
    static const char key[] = "Idempotency-Key: k-1\r\n";
    start_ledger(TREDIS_AOF_EVERYSEC, "3s");
    const char *sku = api_item(a, 10, 0);
    const char *body = LINE(sku, 3);
    silence();
    api_problem(a, 504, "outcome-unknown", NULL, "POST", RESERVATIONS, key, body);
    check_str(a, "operation", "k-1");
    /* A repeat would promise what the first answer could not. */
    api_problem(a, 504, "outcome-unknown", NULL, "POST", RESERVATIONS, key, body);
    /* What promises nothing is answered. */
    post_problem(409, "insufficient-stock", NULL, RESERVATIONS,
                 text("{\"sku\":\"%s\",\"quantity\":30}", sku));
    check_item(a, sku, 10, 7, 3, 0, 2);
    assert_true(await(!api_ready(a), RECOVERY_MS));
    speak();
    await_ready();
    api_call(a, 201, "POST", RESERVATIONS, key, body);
    check_header(a, "Idempotent-Replayed", "true");
    assert_string_equal(state_in_sql(api_str(a, "id"), "held"), "held");
    check_item(a, sku, 10, 7, 3, 0, 2);
}

/* One lane, held up by a frozen Redis, so that what is sent meanwhile is decided together. */
static void a_refusal_does_not_wait_with_its_batch(void **state)
{
    struct http_conn first, sold, refused;
    serve(.redis.aof = TREDIS_AOF_EVERYSEC, .ledger = *state,
          .flags = {"--durability", "ledger", "--lanes", "1", "--request-timeout", "20s"});
    char sku[64];
    KEEP(sku, api_item(a, 10, 0));
    silence();
    tredis_freeze(&stack.redis);
    int64_t begun = metric("stockd_operation_queue_seconds_count");
    send_hold(&first, NULL, sku, 100);
    bool alone = await(metric("stockd_operation_queue_seconds_count") > begun, RECOVERY_MS);
    send_hold(&sold, NULL, sku, 4);
    send_hold(&refused, NULL, sku, 7);
    bool together = await(metric("stockd_queue_depth") == 2, RECOVERY_MS);
    tredis_thaw(&stack.redis);
    assert_true(alone && together);
    assert_int_equal(answer_to(&first, NULL), 409);
    assert_int_equal(answer_to(&refused, NULL), 409);
    speak();
    assert_int_equal(answer_to(&sold, NULL), 201);
    check_item(a, sku, 10, 6, 4, 0, 2);
}

static void a_repeat_is_answered_once_sql_has_the_first(void **state)
{
    start_ledger(TREDIS_AOF_EVERYSEC, "20s");
    const char *sku = api_item(a, 10, 0);
    const char *rid = api_reserve(a, sku, 1, 0);
    for (int i = 0; i < 2; i++)
        post(200, CONFIRM(rid), "{}");
    check_header(a, "Idempotent-Replayed", "true");
    assert_string_equal(state_in_sql(rid, "confirmed"), "confirmed");
}

static void an_answer_outlives_redis_that_crashed_while_it_waited(void **state)
{
    start_ledger(TREDIS_AOF_ALWAYS, "20s");
    const char *sku = api_item(a, 10, 0);
    struct http_conn late;
    silence();
    send_hold(&late, NULL, sku, 4);
    assert_true(await(redis_int("XLEN {p0}:events") > 1, RECOVERY_MS));
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    speak();
    assert_int_equal(answer_to(&late, NULL), 201);
    await_ready();
    check_item(a, sku, 10, 6, 4, 0, 2);
    assert_int_equal(version_in_sql(sku), 2);
}

/* --- all of Redis is lost --------------------------------------------------------------------- */

static struct {
    atomic_bool stop;
    atomic_int count;
    char ids[IDS_MAX][64];
    char sku[64];
} held;

static void *hold_many(void *arg)
{
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    char body[128];
    (void)arg;
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", held.sku);
    http_conn_init(&c, stack.service.port);
    while (!atomic_load(&held.stop)) {
        http_call(&c, "POST", RESERVATIONS, NULL, body, &resp);
        const char *id = resp.status == 201
                             ? json_string_value(json_object_get(http_resp_json(&resp), "id"))
                             : NULL;
        int slot = id ? atomic_fetch_add(&held.count, 1) : IDS_MAX;
        if (slot < IDS_MAX)
            snprintf(held.ids[slot], sizeof(held.ids[0]), "%s", id);
        if (!id)
            test_pause();
    }
    http_resp_free(&resp);
    http_conn_close(&c);
    return NULL;
}

static void nothing_answered_is_lost_with_all_of_redis(void **state)
{
    pthread_t threads[THREADS];
    start_ledger(TREDIS_AOF_NO, "20s");
    memset(&held, 0, sizeof(held));
    KEEP(held.sku, api_item(a, 1000000, 0));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_many, NULL), 0);
    bool many = await(atomic_load(&held.count) >= 200, RECOVERY_MS);
    (void)redis_int("FLUSHALL");
    bool lost = await(!api_ready(a), RECOVERY_MS);
    atomic_store(&held.stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(many);
    assert_true(lost);
    int count = atomic_load(&held.count);
    for (int i = 0; i < count && i < IDS_MAX; i++)
        if (strcmp(state_in_sql(held.ids[i], "held"), "held") != 0)
            fail_msg("%s was answered with 201, and SQL has not got it", held.ids[i]);
}

/* --- level replicated ------------------------------------------------------------------------- */

static void start_replicated(const char *timeout)
{
    static const char *const at_once[] = {"--repl-diskless-sync-delay", "0", NULL};
    struct tredis_opts redis = {.aof = TREDIS_AOF_ALWAYS, .tcp = true, .extra = at_once};
    assert_int_equal(tredis_start(&stack.redis, &redis), 0);
    assert_int_equal(tredis_start(&replica, &redis), 0);
    redis_do(&replica, "REPLICAOF 127.0.0.1 %d", stack.redis.port);
    serve(.workers = 2, .flags = {"--durability", "replicated", "--request-timeout", timeout});
    assert_true(await(api_ready(a), RECOVERY_MS));
}

/* The version in the text of an item: "1 available held sold version ...". */
static int64_t version_on_replica(const char *sku)
{
    long long version = -1;
    redisReply *reply = redis_ask(&replica, "GET {p0}:item:%s", sku);
    if (reply->type == REDIS_REPLY_STRING)
        sscanf(reply->str, "%*s %*s %*s %*s %lld", &version);
    freeReplyObject(reply);
    return version;
}

static void what_was_answered_is_on_the_replica(void **state)
{
    start_replicated("20s");
    const char *sku = api_item(a, 1000, 0);
    for (int i = 0; i < 30; i++) {
        post(200, DECREMENT(sku), "{\"quantity\":1}");
        assert_true(version_on_replica(sku) >= api_int(a, "version"));
    }
}

static void too_few_copies_are_an_unknown_outcome(void **state)
{
    static const char key[] = "Idempotency-Key: k-2\r\n";
    start_replicated("3s");
    const char *sku = api_item(a, 10, 0);
    const char *path = DECREMENT(sku);
    tredis_freeze(&replica);
    api_problem(a, 504, "outcome-unknown", NULL, "POST", path, key, "{\"quantity\":2}");
    check_str(a, "operation", "k-2");
    api_problem(a, 504, "outcome-unknown", NULL, "POST", path, key, "{\"quantity\":2}");
    tredis_thaw(&replica);
    assert_true(await(http_call(&a->conn, "POST", path, key, "{\"quantity\":2}", &a->resp) == 0 &&
                          a->resp.status == 200,
                      RECOVERY_MS));
    check_header(a, "Idempotent-Replayed", "true");
    check_int(a, "remaining", 8);
    assert_int_equal(version_on_replica(sku), 2);
}

static void without_its_replicas_a_service_is_not_ready(void **state)
{
    start_replicated("1s");
    tredis_stop(&replica);
    assert_true(await(!api_ready(a), RECOVERY_MS));
    api_call(a, 503, "GET", "/readyz", NULL, NULL);
    assert_non_null(strstr(a->resp.body, "replicas"));
}

/* --- at start --------------------------------------------------------------------------------- */

#define SERVE "serve", "--listen", "127.0.0.1:0"

static void a_level_that_cannot_be_kept_is_refused(void **state)
{
    struct tredis redis;
    assert_int_equal(tredis_start(&redis, NULL), 0);
    check_command(64, SERVE, "--redis", redis.url, "--durability", "ledger");
    check_said("--durability ledger needs a ledger");
    check_command(64, SERVE, "--durability", "replicated", "--data-dir", bases.dir);
    check_said("--durability replicated needs a Redis with replicas");
    check_command(1, SERVE, "--redis", redis.url, "--durability", "replicated");
    check_said("appendfsync always");
    tredis_stop(&redis);
}

static int end(void **state)
{
    if (silencer)
        speak();
    int rc = serve_end(state);
    tredis_stop(&replica);
    replica = (struct tredis){.proc = {.pidfd = -1, .out_fd = -1}};
    return rc;
}

#define ON_EACH(test) ON_ENGINES(test, NULL, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(what_was_answered_is_in_sql),
        ON_EACH(a_silent_ledger_is_an_unknown_outcome),
        ON_EACH(a_refusal_does_not_wait_with_its_batch),
        ON_EACH(a_repeat_is_answered_once_sql_has_the_first),
        ON_EACH(an_answer_outlives_redis_that_crashed_while_it_waited),
        ON_EACH(nothing_answered_is_lost_with_all_of_redis),
        cmocka_unit_test_teardown(what_was_answered_is_on_the_replica, end),
        cmocka_unit_test_teardown(too_few_copies_are_an_unknown_outcome, end),
        cmocka_unit_test_teardown(without_its_replicas_a_service_is_not_ready, end),
        PLAIN_TEST(a_level_that_cannot_be_kept_is_refused),
    };
    return run_each("durability", tests);
}
