/* test_crash.c -- what clients see when a process dies, freezes, fills up or leaves: no answer that
 * was given is taken back, no key takes effect twice, and the service comes back by itself. */
#include "support/api.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#define LOAD_THREADS      12
#define LOAD_KEYS_MAX     20000
#define RECOVERY_MS       180000
#define DECIDE_TIMEOUT_MS 80000
#define REDIS_GONE_MAX_MS 5000  /* Redis gone: 503 within 5 s */
#define ANSWER_SLACK_MS   15000 /* on a loaded machine */

static struct stack stack;
static struct api *a = &stack.api;

/* --- load in the background: one key after the other, each repeated until it is decided --------
 */

struct load {
    const char *sku;
    atomic_int port;
    atomic_bool stop;     /* no new keys */
    atomic_bool given_up; /* the test has failed: leave at once */
    bool running;
    atomic_int decided;  /* keys that were answered with 201 */
    atomic_int failures; /* answers that did not come, 503 and 504 */
    atomic_int complaints;
    pthread_mutex_t lock;
    char first[512]; /* the first complaint */
    pthread_t threads[LOAD_THREADS];
    struct load_member {
        struct load *load;
        int index;
    } members[LOAD_THREADS];
    char (*ids)[64]; /* of the reservations that were answered */
};

static struct load load;

static void load_complain(const char *what, int err, struct http_resp *resp)
{
    pthread_mutex_lock(&load.lock);
    if (atomic_fetch_add(&load.complaints, 1) == 0)
        snprintf(load.first, sizeof(load.first), "%s: %s, status %d, body %.300s", what,
                 err < 0 ? strerror(-err) : "answered", resp->status, resp->body ? resp->body : "");
    pthread_mutex_unlock(&load.lock);
}

/* Makes one keyed reservation, however often it takes; false if it is never decided. */
static bool load_one(struct http_conn *c, const char *key, struct http_resp *resp)
{
    char headers[96];
    char body[96];
    snprintf(headers, sizeof(headers), "Idempotency-Key: %s\r\n", key);
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", load.sku);
    int64_t deadline = test_now_ms() + DECIDE_TIMEOUT_MS;
    int err = 0;
    while (test_now_ms() < deadline && !atomic_load(&load.given_up)) {
        int port = atomic_load(&load.port);
        if (c->port != port) {
            http_conn_close(c);
            http_conn_init(c, port);
        }
        err = http_call(c, "POST", "/v1/reservations", headers, body, resp);
        if (resp->status == 201)
            return true;
        if (resp->status != 0 && resp->status != 503 && resp->status != 504)
            break;
        atomic_fetch_add(&load.failures, 1);
        test_pause();
    }
    if (!atomic_load(&load.given_up))
        load_complain(key, err, resp);
    return false;
}

static void *load_run(void *arg)
{
    struct load_member *member = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    http_conn_init(&c, atomic_load(&load.port));
    for (int n = 0; !atomic_load(&load.stop); n++) {
        char key[64];
        snprintf(key, sizeof(key), "load-%s-%d-%d", load.sku, member->index, n);
        if (!load_one(&c, key, &resp))
            break;
        const char *id = json_string_value(json_object_get(http_resp_json(&resp), "id"));
        int slot = atomic_fetch_add(&load.decided, 1);
        if (slot >= LOAD_KEYS_MAX - LOAD_THREADS)
            break;
        snprintf(load.ids[slot], sizeof(load.ids[0]), "%s", id ? id : "none");
    }
    http_resp_free(&resp);
    http_conn_close(&c);
    return NULL;
}

static void load_start(const char *sku)
{
    load = (struct load){.sku = sku, .lock = PTHREAD_MUTEX_INITIALIZER};
    load.ids = calloc(LOAD_KEYS_MAX, sizeof(*load.ids));
    assert_non_null(load.ids);
    atomic_store(&load.port, stack.service.port);
    load.running = true;
    for (int i = 0; i < LOAD_THREADS; i++) {
        load.members[i] = (struct load_member){&load, i};
        assert_int_equal(pthread_create(&load.threads[i], NULL, load_run, &load.members[i]), 0);
    }
}

/* Waits until so many more keys are decided. */
static void load_await(int more)
{
    int goal = atomic_load(&load.decided) + more;
    if (goal > LOAD_KEYS_MAX - 2 * LOAD_THREADS)
        goal = LOAD_KEYS_MAX - 2 * LOAD_THREADS;
    bool reached =
        await(atomic_load(&load.decided) >= goal || atomic_load(&load.complaints) > 0, RECOVERY_MS);
    if (!reached || atomic_load(&load.complaints) > 0)
        print_error("%d keys decided, %d complaints: %s\n", atomic_load(&load.decided),
                    atomic_load(&load.complaints), load.first);
    assert_true(reached);
}

static void load_join(void)
{
    atomic_store(&load.stop, true);
    for (int i = 0; i < LOAD_THREADS; i++)
        pthread_join(load.threads[i], NULL);
    load.running = false;
}

/* Lets each thread finish its key; afterwards every key that was ever sent has had exactly one
 * effect: the books must agree, and every reservation that was answered must be there. */
static void load_stop_and_check(int64_t stock)
{
    load_join();
    int decided = atomic_load(&load.decided);
    int complaints = atomic_load(&load.complaints);
    if (complaints)
        print_error("%d complaints, the first: %s\n", complaints, load.first);
    assert_int_equal(complaints, 0);
    assert_true(decided > 0);
    check_item(a, load.sku, stock, stock - decided, decided, 0, 1 + decided);
    for (int i = 0; i < decided; i += 1 + decided / 500)
        assert_true(api_state_is(a, load.ids[i], "held"));
    free(load.ids);
    load.ids = NULL;
}

static int test_teardown(void **state)
{
    if (load.running) { /* the test failed on its way */
        atomic_store(&load.given_up, true);
        load_join();
    }
    free(load.ids);
    load.ids = NULL;
    tredis_thaw(&stack.redis);
    return stack_stop(&stack);
}

static int pids_of(const char *role, pid_t *pids)
{
    return tservice_pids(&stack.service, role, pids, TSERVICE_CHILDREN_MAX);
}

/* True if the children of a role are so many, and none of them is `gone`. */
static bool role_is_back(const char *role, int count, pid_t gone)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    int n = pids_of(role, pids);
    for (int i = 0; i < n; i++)
        if (pids[i] == gone)
            return false;
    return n == count;
}

/* --- processes of the service ------------------------------------------------------------------
 */

static void workers_that_are_killed_are_replaced(void **state)
{
    assert_int_equal(stack_start(&stack, NULL, 2, NULL), 0);
    load_start(api_item(a, 1000000, 0));
    for (int round = 0; round < 4; round++) {
        pid_t pids[TSERVICE_CHILDREN_MAX];
        load_await(150);
        assert_int_equal(pids_of(TSERVICE_WORKER, pids), 2);
        kill(pids[round % 2], SIGKILL);
        assert_true(await(role_is_back(TSERVICE_WORKER, 2, pids[round % 2]), RECOVERY_MS));
    }
    load_await(150);
    load_stop_and_check(1000000);
}

/* Both at once: for a moment nobody listens, yet the port must come back. */
static void all_workers_killed_at_once_come_back(void **state)
{
    assert_int_equal(stack_start(&stack, NULL, 2, NULL), 0);
    load_start(api_item(a, 1000000, 0));
    load_await(100);
    pid_t pids[TSERVICE_CHILDREN_MAX];
    assert_int_equal(pids_of(TSERVICE_WORKER, pids), 2);
    kill(pids[0], SIGKILL);
    kill(pids[1], SIGKILL);
    assert_true(await(role_is_back(TSERVICE_WORKER, 2, pids[0]) &&
                          role_is_back(TSERVICE_WORKER, 2, pids[1]),
                      RECOVERY_MS));
    load_await(150);
    load_stop_and_check(1000000);
}

static void a_killed_keeper_is_replaced_and_expiry_goes_on(void **state)
{
    assert_int_equal(stack_start(&stack, NULL, 1, NULL), 0);
    const char *sku = api_item(a, 10, 0);
    for (int round = 0; round < 2; round++) {
        pid_t pids[TSERVICE_CHILDREN_MAX];
        const char *id = api_reserve(a, sku, 4, 1);
        assert_int_equal(pids_of(TSERVICE_KEEPER, pids), 1);
        kill(pids[0], SIGKILL);
        assert_true(await(role_is_back(TSERVICE_KEEPER, 1, pids[0]), RECOVERY_MS));
        assert_true(await(api_state_is(a, id, "expired"), 1000 + EXPIRY_TIMEOUT_MS));
        check_item(a, sku, 10, 10, 0, 0, 3 + 2 * round);
    }
}

static void a_killed_master_takes_its_children_along(void **state)
{
    assert_int_equal(stack_start(&stack, NULL, 2, NULL), 0);
    const char *sku = api_item(a, 1000000, 0);
    const char *other = api_item(a, 10, 0);
    api_call(a, 200, "POST", text("/v1/items/%s/decrements", other),
             "Idempotency-Key: before-the-crash\r\n", "{\"quantity\":1}");
    const char *hold = api_reserve(a, other, 2, 1);
    load_start(sku);
    load_await(300);

    pid_t pids[TSERVICE_CHILDREN_MAX];
    int count = pids_of(NULL, pids);
    assert_true(count >= 3); /* two workers and the keeper */
    tservice_kill9(&stack.service);
    for (int i = 0; i < count; i++)
        assert_true(await(!tproc_pid_alive(pids[i]), RECOVERY_MS));

    assert_true(tservice_stop(&stack.service)); /* looks at the log */
    struct tservice_opts opts = {.redis_url = stack.redis.url, .workers = 2};
    assert_int_equal(tservice_start(&stack.service, &opts), 0);
    api_close(a);
    api_open(a, stack.service.port);
    atomic_store(&load.port, stack.service.port);
    load_await(300);
    load_stop_and_check(1000000);

    api_call(a, 200, "POST", text("/v1/items/%s/decrements", other),
             "Idempotency-Key: before-the-crash\r\n", "{\"quantity\":1}");
    check_header(a, "Idempotent-Replayed", "true");
    assert_true(await(api_state_is(a, hold, "expired"), 1000 + EXPIRY_TIMEOUT_MS));
    check_item(a, other, 9, 9, 0, 1, 4);
}

/* --- leaving -----------------------------------------------------------------------------------
 */

enum { DRAIN_THREADS = 32 };

/* Longer than a test waits: who needs the drain time has not left at once. */
static const char *const long_drain[] = {"--drain", "5m", NULL};

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
    assert_int_equal(stack_start(&stack, NULL, 2, long_drain), 0);
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
    assert_true(tservice_stop(&stack.service));
    struct tservice_opts opts = {.redis_url = stack.redis.url};
    assert_int_equal(tservice_start(&stack.service, &opts), 0);
    api_close(a);
    api_open(a, stack.service.port);
    int sold = atomic_load(&drain.sold);
    check_item(a, drain.sku, 10000000 - sold, 10000000 - sold, 0, sold, 1 + sold);
}

static void on_sigterm_an_idle_service_leaves_at_once(void **state)
{
    assert_int_equal(stack_start(&stack, NULL, 2, long_drain), 0);
    api_call(a, 200, "GET", "/healthz", NULL, NULL); /* leaves an idle connection open */
    tproc_signal(&stack.service.proc, SIGTERM);
    assert_int_equal(tproc_wait(&stack.service.proc, RECOVERY_MS), 0);
    assert_true(WIFEXITED(stack.service.proc.status));
    assert_int_equal(WEXITSTATUS(stack.service.proc.status), 0);
    struct http_conn c;
    http_conn_init(&c, stack.service.port);
    assert_int_equal(http_conn_open(&c), -ECONNREFUSED);
}

/* --- Redis -------------------------------------------------------------------------------------
 */

/* The number that meta holds under `epoch`. */
static int64_t epoch_now(void)
{
    int64_t epoch = INT64_MIN;
    redisContext *c = tredis_connect(&stack.redis);
    assert_non_null(c);
    redisReply *keys = redisCommand(c, "KEYS %s", "*:meta");
    assert_non_null(keys);
    assert_int_equal(keys->type, REDIS_REPLY_ARRAY);
    assert_int_equal(keys->elements, 1);
    redisReply *field = redisCommand(c, "HGET %s epoch", keys->element[0]->str);
    assert_non_null(field);
    if (field->type == REDIS_REPLY_STRING)
        epoch = strtoll(field->str, NULL, 10);
    freeReplyObject(field);
    freeReplyObject(keys);
    redisFree(c);
    assert_true(epoch > 0);
    return epoch;
}

static void redis_may_crash_and_come_back(void **state)
{
    static const char *const extra[] = {"--request-timeout", "5s", NULL};
    struct tredis_opts opts = {.aof = TREDIS_AOF_ALWAYS};
    assert_int_equal(stack_start(&stack, &opts, 2, extra), 0);
    const char *sku = api_item(a, 1000000, 0);
    const char *other = api_item(a, 10, 0);
    load_start(sku);
    for (int round = 0; round < 2; round++) {
        load_await(150);
        int64_t epoch = epoch_now();
        tredis_kill9(&stack.redis);
        int err = http_call(&a->conn, "POST", text("/v1/items/%s/decrements", other), NULL,
                            "{\"quantity\":1}", &a->resp);
        assert_int_equal(err, 0);
        check_problem(a, 503, "redis-unavailable", NULL);
        char value[16];
        assert_non_null(http_resp_header(&a->resp, "Retry-After", value, sizeof(value)));
        assert_true(a->resp.took_ms < REDIS_GONE_MAX_MS + ANSWER_SLACK_MS);
        assert_true(await(!api_ready(a), RECOVERY_MS));
        api_call(a, 503, "GET", "/readyz", NULL, NULL);
        api_call(a, 200, "GET", "/healthz", NULL, NULL);
        assert_int_equal(tredis_restart(&stack.redis), 0);
        assert_true(await(api_ready(a), RECOVERY_MS));
        load_await(150);
        assert_int_equal(epoch_now(), epoch + 1);
    }
    load_stop_and_check(1000000);
    check_item(a, other, 10, 10, 0, 0, 1); /* 503: nothing was changed */
}

static void a_frozen_redis_is_told_in_time(void **state)
{
    enum { REQUEST_TIMEOUT_MS = 5000 };
    static const char *const extra[] = {"--request-timeout", "5s", NULL};
    assert_int_equal(stack_start(&stack, NULL, 1, extra), 0);
    const char *sku = api_item(a, 1000000, 0);
    const char *other = api_item(a, 10, 0);
    load_start(sku);
    load_await(150);
    tredis_freeze(&stack.redis);
    int unknown = 0;
    for (int i = 0; i < 2; i++) {
        api_close(a);
        api_open(a, stack.service.port);
        int err = http_call(&a->conn, "POST", text("/v1/items/%s/decrements", other), NULL,
                            "{\"quantity\":1}", &a->resp);
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
    api_call(a, 200, "GET", "/healthz", NULL, NULL); /* it does not wait for Redis */
    tredis_thaw(&stack.redis);
    assert_true(await(api_ready(a), RECOVERY_MS));
    load_await(300);
    assert_true(atomic_load(&load.failures) > 0);
    load_stop_and_check(1000000);
    api_call(a, 200, "GET", text("/v1/items/%s", other), NULL, NULL);
    int64_t effects = api_int(a, "version") - 1;
    assert_true(effects >= 0 && effects <= unknown); /* 503 means no, 504 means perhaps */
    assert_int_equal(api_int(a, "sold"), effects);
}

/* A keyed request that ends in 504 is settled by its key. */
static void an_unknown_outcome_is_settled_by_its_key(void **state)
{
    static const char *const extra[] = {"--request-timeout", "3s", NULL};
    assert_int_equal(stack_start(&stack, NULL, 1, extra), 0);
    const char *sku = api_item(a, 10, 0);
    const char *path = text("/v1/items/%s/decrements", sku);
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
    api_call(a, 200, "GET", "/v1/operations/settle-me", NULL, NULL);
    check_int(a, "body.version", 2);
    check_item(a, sku, 9, 9, 0, 1, 2);
}

static void redis_set(const char *name, int64_t value)
{
    redisContext *c = tredis_connect(&stack.redis);
    assert_non_null(c);
    redisReply *reply = redisCommand(c, "CONFIG SET %s %s", name, text("%" PRId64, value));
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
    redisFree(c);
}

/* The status of a new hold of one unit. */
static int hold_status(const char *sku)
{
    const char *body = text("{\"sku\":\"%s\",\"quantity\":1}", sku);
    int err = http_call(&a->conn, "POST", "/v1/reservations", NULL, body, &a->resp);
    return err ? err : a->resp.status;
}

static void full_memory_stops_new_holds_only(void **state)
{
    enum { HOLDS = 20 };
    assert_int_equal(stack_start(&stack, NULL, 1, NULL), 0);
    const char *sku = api_item(a, 1000, 0);
    char ids[HOLDS][64];
    for (int i = 0; i < HOLDS; i++)
        snprintf(ids[i], sizeof(ids[i]), "%s", api_reserve(a, sku, 1, 0));
    /* 64 MiB of ballast, so that 5 % of the memory is more than noise. */
    assert_int_equal(tredis_int(&stack.redis, "SETRANGE ballast 67108863 x"), 64 << 20);
    redis_set("maxmemory", tredis_info(&stack.redis, "used_memory") / 95 * 100);
    assert_true(await(hold_status(sku) == 503, RECOVERY_MS));
    char value[16];
    assert_non_null(http_resp_header(&a->resp, "Retry-After", value, sizeof(value)));
    api_call(a, 200, "GET", text("/v1/items/%s", sku), NULL, NULL);
    int64_t held = api_int(a, "held"); /* some came through before the service noticed */
    int64_t version = api_int(a, "version");
    for (int i = 0; i < HOLDS; i++) {
        assert_int_equal(hold_status(sku), 503);
        api_call(a, 200, "POST",
                 text("/v1/reservations/%s/%s", ids[i], i % 2 ? "confirm" : "release"), NULL, "{}");
    }
    check_item(a, sku, 1000 - HOLDS / 2, 1000 - held + HOLDS / 2, held - HOLDS, HOLDS / 2,
               version + HOLDS);
    redis_set("maxmemory", 0);
    assert_true(await(hold_status(sku) == 201, RECOVERY_MS));
    const char *last = api_str(a, "id");

    /* Beyond the brim Redis itself says OOM: a clean no, and reads go on. */
    redis_set("maxmemory", 1 << 20);
    assert_true(await(hold_status(sku) == 503, RECOVERY_MS));
    api_call(a, 200, "GET", text("/v1/items/%s", sku), NULL, NULL);
    version = api_int(a, "version");
    api_call(a, 503, "POST", text("/v1/reservations/%s/confirm", last), NULL, "{}");
    api_call(a, 200, "GET", text("/v1/items/%s", sku), NULL, NULL);
    check_int(a, "version", version);
    redis_set("maxmemory", 0);
    assert_true(await((http_call(&a->conn, "POST", text("/v1/reservations/%s/confirm", last), NULL,
                                 "{}", &a->resp),
                       a->resp.status == 200),
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
    assert_int_equal(stack_start(&stack, NULL, 2, NULL), 0);
    const char *sku = api_item(a, 10, 0);
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_int_equal(tredis_int(&stack.redis, "DBSIZE"), 0);
    assert_true(await(state_is_lost(sku), RECOVERY_MS));
    for (int i = 0; i < 5; i++)
        assert_true(state_is_lost(sku));
    api_problem(a, 503, "state-lost", NULL, "PUT", text("/v1/items/%s", sku), NULL,
                "{\"on_hand\":10}");
    api_call(a, 503, "GET", "/readyz", NULL, NULL);

    /* Starting it anew is the operator's word that the loss is accepted. */
    assert_true(tservice_stop(&stack.service));
    struct tservice_opts opts = {.redis_url = stack.redis.url};
    assert_int_equal(tservice_start(&stack.service, &opts), 0);
    api_close(a);
    api_open(a, stack.service.port);
    api_problem(a, 404, "item-not-found", NULL, "GET", text("/v1/items/%s", sku), NULL, NULL);
    api_call(a, 201, "PUT", text("/v1/items/%s", sku), NULL, "{\"on_hand\":3}");
    api_reserve(a, sku, 3, 0);
    check_item(a, sku, 3, 0, 3, 0, 2);
}

/* --- many connections --------------------------------------------------------------------------
 */

static void waiting_connections_do_not_stand_in_the_way(void **state)
{
    enum { CONNS = 500, ROUNDS = 3 };
    static const char *const extra[] = {"--request-timeout", "60s", NULL};
    assert_int_equal(stack_start(&stack, NULL, 1, extra), 0);
    const char *sku = api_item(a, CONNS, 0);
    struct http_conn *waiting = calloc(CONNS, sizeof(*waiting));
    struct http_conn *active = calloc(CONNS, sizeof(*active));
    const char *body = text("{\"sku\":\"%s\",\"quantity\":1}", sku);
    for (int i = 0; i < CONNS; i++) {
        http_conn_init(&waiting[i], stack.service.port);
        http_conn_init(&active[i], stack.service.port);
        assert_int_equal(http_conn_open(&waiting[i]), 0);
        assert_int_equal(http_conn_open(&active[i]), 0);
    }
    tredis_freeze(&stack.redis);
    for (int i = 0; i < CONNS; i++)
        assert_int_equal(
            http_send_call(&waiting[i], "POST", "/v1/reservations", NULL, body, strlen(body)), 0);
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
    assert_int_equal(stack_start(&stack, NULL, 1, NULL), 0);
    const char *sku = api_item(a, 1000, 0);
    const char *body = text("{\"sku\":\"%s\",\"quantity\":1}", sku);
    tredis_freeze(&stack.redis);
    for (int i = 0; i < CONNS; i++) {
        struct http_conn c;
        http_conn_init(&c, stack.service.port);
        assert_int_equal(http_send_call(&c, "POST", "/v1/reservations", NULL, body, strlen(body)),
                         0);
        http_conn_close(&c);
    }
    tredis_thaw(&stack.redis);
    pid_t before[TSERVICE_CHILDREN_MAX];
    assert_int_equal(pids_of(TSERVICE_WORKER, before), 1);
    for (int i = 0; i < CONNS; i++)
        api_reserve(a, sku, 1, 0);
    api_call(a, 200, "GET", text("/v1/items/%s", sku), NULL, NULL);
    int64_t held = api_int(a, "held");
    assert_in_range(held, CONNS, 2 * CONNS);
    assert_int_equal(api_int(a, "version"), 1 + held);
    pid_t after[TSERVICE_CHILDREN_MAX];
    assert_int_equal(pids_of(TSERVICE_WORKER, after), 1);
    assert_int_equal(before[0], after[0]); /* it did not crash */
}

int main(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* the service inherits it */
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
#define CRASH_TEST(name) cmocka_unit_test_teardown(name, test_teardown)
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
    return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
