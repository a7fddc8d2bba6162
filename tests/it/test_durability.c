/* test_durability.c -- what an answer promises with --durability replicated and ledger, and what is
 * said when the promise cannot be kept.
 */
#include "support/api.h"
#include "support/ledger_base.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define RECOVERY_MS 180000
#define THREADS     4
#define IDS_MAX     4000

static struct bases bases;
static struct stack stack;
static struct api *a = &stack.api;
static struct tredis replica;
static struct db *silencer; /* holds SQL's lock */

/* --- level ledger ----------------------------------------------------------------------------- */

static void start_ledger(void **state, enum tredis_aof aof, const char *timeout)
{
    struct tredis_opts redis = {.aof = aof};
    db_close(bases_ledger(&bases, engine_of(state)));
    const char *const extra[] = {
        "--ledger", bases.url, "--durability", "ledger", "--request-timeout", timeout, NULL};
    assert_int_equal(stack_start(&stack, &redis, 2, extra), 0);
    assert_true(await(api_ready(a), RECOVERY_MS));
}

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
    return base_int(bases.url, text("SELECT version FROM items WHERE sku = '%s'", sku));
}

static const char *state_in_sql(const char *rid, const char *right)
{
    int64_t n = base_int(
        bases.url,
        text("SELECT COUNT(*) FROM reservations WHERE rid = '%s' AND state = '%s'", rid, right));
    return n == 1 ? right : "another";
}

static void what_was_answered_is_in_sql(void **state)
{
    start_ledger(state, TREDIS_AOF_EVERYSEC, "20s");
    const char *sku = api_item(a, 1000, 0);
    assert_int_equal(version_in_sql(sku), 1);
    for (int i = 0; i < 10; i++) {
        const char *rid = api_reserve(a, sku, 2, 0);
        assert_string_equal(state_in_sql(rid, "held"), "held");
        const char *end = i % 2 ? "confirm" : "release";
        api_call(a, 200, "POST", text("/v1/reservations/%s/%s", rid, end), NULL, "{}");
        assert_string_equal(state_in_sql(rid, i % 2 ? "confirmed" : "released"),
                            i % 2 ? "confirmed" : "released");
        api_call(a, 200, "POST", text("/v1/items/%s/decrements", sku), NULL, "{\"quantity\":1}");
        assert_int_equal(version_in_sql(sku), api_int(a, "version"));
    }
    api_call(a, 200, "POST", text("/v1/items/%s/adjustments", sku), NULL,
             "{\"delta\":5,\"reason\":\"restock\"}");
    assert_int_equal(version_in_sql(sku), api_int(a, "version"));
}

static void a_silent_ledger_is_an_unknown_outcome(void **state)
{
    static const char key[] = "Idempotency-Key: k-1\r\n";
    start_ledger(state, TREDIS_AOF_EVERYSEC, "3s");
    const char *sku = api_item(a, 10, 0);
    const char *body = text("{\"sku\":\"%s\",\"quantity\":3}", sku);
    silence();
    api_problem(a, 504, "outcome-unknown", NULL, "POST", "/v1/reservations", key, body);
    check_str(a, "operation", "k-1");
    /* A repeat would promise what the first answer could not. */
    api_problem(a, 504, "outcome-unknown", NULL, "POST", "/v1/reservations", key, body);
    /* What promises nothing is answered. */
    api_problem(a, 409, "insufficient-stock", NULL, "POST", "/v1/reservations", NULL,
                text("{\"sku\":\"%s\",\"quantity\":30}", sku));
    check_item(a, sku, 10, 7, 3, 0, 2);
    assert_true(await(!api_ready(a), RECOVERY_MS));
    speak();
    assert_true(await(api_ready(a), RECOVERY_MS));
    api_call(a, 201, "POST", "/v1/reservations", key, body);
    check_header(a, "Idempotent-Replayed", "true");
    assert_string_equal(state_in_sql(api_str(a, "id"), "held"), "held");
    check_item(a, sku, 10, 7, 3, 0, 2);
}

static void send_hold(struct http_conn *c, const char *sku, int quantity)
{
    const char *body = text("{\"sku\":\"%s\",\"quantity\":%d}", sku, quantity);
    http_conn_init(c, stack.service.port);
    assert_int_equal(http_send_call(c, "POST", "/v1/reservations", NULL, body, strlen(body)), 0);
}

static int answer_to(struct http_conn *c)
{
    struct http_resp resp = {.status = 0};
    int rc = http_receive(c, false, &resp);
    int status = resp.status;
    http_resp_free(&resp);
    http_conn_close(c);
    return rc < 0 ? rc : status;
}

/* A number of /metrics, which the service answers without Redis. */
static long long metric(const char *name)
{
    api_call(a, 200, "GET", "/metrics", NULL, NULL);
    const char *line = strstr(a->resp.body, text("\n%s ", name));
    return line ? strtoll(line + strlen(name) + 2, NULL, 10) : -1;
}

/* One lane, held up by a frozen Redis, so that what is sent meanwhile is decided together. */
static void a_refusal_does_not_wait_with_its_batch(void **state)
{
    struct tredis_opts redis = {.aof = TREDIS_AOF_EVERYSEC};
    struct http_conn first, sold, refused;
    db_close(bases_ledger(&bases, engine_of(state)));
    const char *const extra[] = {"--ledger", bases.url, "--durability",      "ledger",
                                 "--lanes",  "1",       "--request-timeout", "20s",
                                 NULL};
    assert_int_equal(stack_start(&stack, &redis, 1, extra), 0);
    assert_true(await(api_ready(a), RECOVERY_MS));
    char sku[64];
    snprintf(sku, sizeof(sku), "%s", api_item(a, 10, 0));
    silence();
    tredis_freeze(&stack.redis);
    long long begun = metric("stockd_operation_queue_seconds_count");
    send_hold(&first, sku, 100);
    bool alone = await(metric("stockd_operation_queue_seconds_count") > begun, RECOVERY_MS);
    send_hold(&sold, sku, 4);
    send_hold(&refused, sku, 7);
    bool together = await(metric("stockd_queue_depth") == 2, RECOVERY_MS);
    tredis_thaw(&stack.redis);
    assert_true(alone && together);
    assert_int_equal(answer_to(&first), 409);
    assert_int_equal(answer_to(&refused), 409);
    speak();
    assert_int_equal(answer_to(&sold), 201);
    check_item(a, sku, 10, 6, 4, 0, 2);
}

static void a_repeat_is_answered_once_sql_has_the_first(void **state)
{
    start_ledger(state, TREDIS_AOF_EVERYSEC, "20s");
    const char *sku = api_item(a, 10, 0);
    const char *rid = api_reserve(a, sku, 1, 0);
    for (int i = 0; i < 2; i++)
        api_call(a, 200, "POST", text("/v1/reservations/%s/confirm", rid), NULL, "{}");
    check_header(a, "Idempotent-Replayed", "true");
    assert_string_equal(state_in_sql(rid, "confirmed"), "confirmed");
}

static void an_answer_outlives_redis_that_crashed_while_it_waited(void **state)
{
    start_ledger(state, TREDIS_AOF_ALWAYS, "20s");
    const char *sku = api_item(a, 10, 0);
    struct http_conn late;
    struct http_resp resp = {.status = 0};
    silence();
    http_conn_init(&late, stack.service.port);
    const char *body = text("{\"sku\":\"%s\",\"quantity\":4}", sku);
    assert_int_equal(http_send_call(&late, "POST", "/v1/reservations", NULL, body, strlen(body)),
                     0);
    assert_true(await(tredis_int(&stack.redis, "XLEN {p0}:events") > 1, RECOVERY_MS));
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    speak();
    assert_int_equal(http_receive(&late, false, &resp), 0);
    assert_int_equal(resp.status, 201);
    http_resp_free(&resp);
    http_conn_close(&late);
    assert_true(await(api_ready(a), RECOVERY_MS));
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
        http_call(&c, "POST", "/v1/reservations", NULL, body, &resp);
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
    start_ledger(state, TREDIS_AOF_NO, "20s");
    memset(&held, 0, sizeof(held));
    snprintf(held.sku, sizeof(held.sku), "%s", api_item(a, 1000000, 0));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_many, NULL), 0);
    bool many = await(atomic_load(&held.count) >= 200, RECOVERY_MS);
    (void)tredis_int(&stack.redis, "FLUSHALL");
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
    const char *const extra[] = {"--durability", "replicated", "--request-timeout", timeout, NULL};
    assert_int_equal(stack_start(&stack, &redis, 2, extra), 0);
    assert_int_equal(tredis_start(&replica, &redis), 0);
    redisContext *c = tredis_connect(&replica);
    assert_non_null(c);
    freeReplyObject(redisCommand(c, "REPLICAOF 127.0.0.1 %d", stack.redis.port));
    redisFree(c);
    assert_true(
        await(tredis_info(&stack.redis, "connected_slaves") == 1 && api_ready(a), RECOVERY_MS));
}

/* The version in the text of an item: "1 available held sold version ...". */
static int64_t version_on_replica(const char *sku)
{
    long long version = -1;
    redisContext *c = tredis_connect(&replica);
    assert_non_null(c);
    redisReply *reply = redisCommand(c, "GET {p0}:item:%s", sku);
    if (reply && reply->type == REDIS_REPLY_STRING)
        sscanf(reply->str, "%*s %*s %*s %*s %lld", &version);
    freeReplyObject(reply);
    redisFree(c);
    return version;
}

static void what_was_answered_is_on_the_replica(void **state)
{
    (void)state;
    start_replicated("20s");
    const char *sku = api_item(a, 1000, 0);
    for (int i = 0; i < 30; i++) {
        api_call(a, 200, "POST", text("/v1/items/%s/decrements", sku), NULL, "{\"quantity\":1}");
        assert_true(version_on_replica(sku) >= api_int(a, "version"));
    }
}

static void too_few_copies_are_an_unknown_outcome(void **state)
{
    static const char key[] = "Idempotency-Key: k-2\r\n";
    (void)state;
    start_replicated("3s");
    const char *sku = api_item(a, 10, 0);
    const char *path = text("/v1/items/%s/decrements", sku);
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
    (void)state;
    start_replicated("1s");
    tredis_stop(&replica);
    assert_true(await(!api_ready(a), RECOVERY_MS));
    api_call(a, 503, "GET", "/readyz", NULL, NULL);
    assert_non_null(strstr(a->resp.body, "replicas"));
}

/* --- at start --------------------------------------------------------------------------------- */

/* Runs `serve` with these options, which must end it with that status and these words. */
static void check_refused(const char *const *options, int status, const char *words)
{
    char path[TEST_PATH_MAX + 16], log[16384] = "";
    const char *argv[16] = {getenv("STOCKD"), "serve", "--listen", "127.0.0.1:0"};
    struct tproc p;
    for (size_t i = 4; *options; i++)
        argv[i] = *options++;
    snprintf(path, sizeof(path), "%s/refused.err", bases.dir);
    remove(path);
    assert_int_equal(tproc_start(&p, argv, path), 0);
    assert_int_equal(tproc_wait(&p, RECOVERY_MS), 0);
    assert_true(WIFEXITED(p.status));
    assert_int_equal(WEXITSTATUS(p.status), status);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    log[fread(log, 1, sizeof(log) - 1, file)] = '\0';
    fclose(file);
    if (!strstr(log, words))
        fail_msg("no \"%s\" in: %s", words, log);
}

static void a_level_that_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    struct tredis redis;
    assert_int_equal(tredis_start(&redis, NULL), 0);
    check_refused((const char *const[]){"--redis", redis.url, "--durability", "ledger", NULL}, 64,
                  "--durability ledger needs a ledger");
    check_refused(
        (const char *const[]){"--durability", "replicated", "--data-dir", bases.dir, NULL}, 64,
        "--durability replicated needs a Redis with replicas");
    check_refused((const char *const[]){"--redis", redis.url, "--durability", "replicated", NULL},
                  1, "appendfsync always");
    tredis_stop(&redis);
}

static int test_teardown(void **state)
{
    (void)state;
    if (silencer)
        speak();
    int rc = stack_stop(&stack);
    tredis_stop(&replica);
    replica = (struct tredis){.proc = {.pidfd = -1, .out_fd = -1}};
    return rc;
}

static int group_teardown(void **state)
{
    (void)state;
    bases_stop(&bases);
    return 0;
}

#define ON_BOTH(test) ON_ENGINES(test, NULL, test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(what_was_answered_is_in_sql),
        ON_BOTH(a_silent_ledger_is_an_unknown_outcome),
        ON_BOTH(a_refusal_does_not_wait_with_its_batch),
        ON_BOTH(a_repeat_is_answered_once_sql_has_the_first),
        ON_BOTH(an_answer_outlives_redis_that_crashed_while_it_waited),
        ON_BOTH(nothing_answered_is_lost_with_all_of_redis),
        cmocka_unit_test_teardown(what_was_answered_is_on_the_replica, test_teardown),
        cmocka_unit_test_teardown(too_few_copies_are_an_unknown_outcome, test_teardown),
        cmocka_unit_test_teardown(without_its_replicas_a_service_is_not_ready, test_teardown),
        cmocka_unit_test(a_level_that_cannot_be_kept_is_refused),
    };
    replica = (struct tredis){.proc = {.pidfd = -1, .out_fd = -1}};
    bases_start_or_skip(&bases);
    return cmocka_run_group_tests_name("durability", tests, NULL, group_teardown);
}
