/* test_http_memory.c -- clients that ask for much, send without end or do not read: a worker's
 * memory stays within its budget and comes back, and those who ask little are served beside them.
 */
#include "support/fixture.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BUDGET_MIB      32
#define CONNECTIONS_MAX 300
#define GREEDY          60
#define LINES           100
#define GETS            1000

static pid_t worker;
static const char *skus[LINES];

static void make_items(void)
{
    worker = pid_of(TSERVICE_WORKER);
    assert_true(worker > 0);
    for (int i = 0; i < LINES; i++)
        skus[i] = strdup(api_item(a, 1000000, 0));
}

static void free_items(void)
{
    for (int i = 0; i < LINES; i++)
        free((char *)(uintptr_t)skus[i]);
}

static int64_t resident_bytes(void)
{
    return metric("stockd_process_resident_memory_bytes{process=\"worker\",slot=\"0\"}");
}

/* A hold of the longest kind. */
static const char *longest_hold(void)
{
    char *body = malloc(32 * 1024);
    assert_non_null(body);
    int n =
        sprintf(body, "{\"ttl_seconds\":3600,\"metadata\":{\"m\":\"%0*d\"},\"lines\":[", 4000, 1);
    for (int i = 0; i < LINES; i++)
        n += sprintf(body + n, "%s{\"sku\":\"%s\",\"quantity\":1}", i ? "," : "", skus[i]);
    strcpy(body + n, "]}");
    post(201, RESERVATIONS, body);
    free(body);
    return api_str(a, "id");
}

/* A batch that does the same many times; freed by the caller. */
static char *batch_of(const char *op, const char *id, int count)
{
    char *body = malloc((size_t)count * 80 + 64);
    assert_non_null(body);
    int n = sprintf(body, "{\"operations\":[");
    for (int i = 0; i < count; i++)
        n += sprintf(body + n, "%s{\"op\":\"%s\",\"id\":\"%s\"}", i ? "," : "", op, id);
    strcpy(body + n, "]}");
    return body;
}

static void batches_answer_what_fits_and_name_the_rest(void **state)
{
    char *body = batch_of("get", longest_hold(), GETS);
    json_t *results = json_object_get(post(200, "/v1/batch", body), "results");
    size_t good = 0, i = 0;
    json_t *result;
    assert_int_equal(json_array_size(results), GETS);
    assert_true(a->resp.body_bytes < 9 << 20);
    json_array_foreach(results, i, result)
    {
        int64_t status = json_integer_value(json_object_get(result, "status"));
        if (status == 200) {
            assert_int_equal(i, good); /* never one behind one that was refused */
            good++;
            continue;
        }
        assert_int_equal(status, 503);
        assert_string_equal(json_string_value(json_at(result, "body.type")),
                            "/problems/overloaded");
    }
    assert_in_range(good, 100, GETS - 1);
    free(body);
}

/* 503 says that nothing was changed: so whatever was refused must still be as it was. */
static void what_a_batch_refuses_for_its_answer_was_not_done(void **state)
{
    enum { HOLDS = 260, READS = 700 };
    char **ids = calloc(HOLDS, sizeof(*ids));
    char *body = malloc(HOLDS * 80 + 64);
    assert_true(ids && body);
    int n = sprintf(body, "{\"operations\":[");
    for (int i = 0; i < HOLDS; i++) {
        ids[i] = strdup(longest_hold());
        n += sprintf(body + n, "%s{\"op\":\"release\",\"id\":\"%s\"}", i ? "," : "", ids[i]);
    }
    char *gets = malloc((size_t)n + (READS + 1) * 80); /* reads in front that use up the room */
    assert_non_null(gets);
    int at = sprintf(gets, "{\"operations\":[");
    for (int i = 0; i < READS; i++)
        at += sprintf(gets + at, "{\"op\":\"get\",\"id\":\"%s\"},", ids[0]);
    strcpy(gets + at, body + strlen("{\"operations\":["));
    strcat(gets, "]}");
    json_t *results = json_object_get(post(200, "/v1/batch", gets), "results");
    int released = 0, refused = 0, status[HOLDS];
    for (int i = 0; i < HOLDS; i++)
        status[i] = (int)json_integer_value(
            json_object_get(json_array_get(results, (size_t)(READS + i)), "status"));
    for (int i = 0; i < HOLDS; i++) {
        released += status[i] == 200;
        refused += status[i] == 503;
        assert_true(api_state_is(a, ids[i], status[i] == 200 ? "released" : "held"));
        free(ids[i]);
    }
    assert_int_equal(released + refused, HOLDS);
    assert_true(refused > 0);
    free(ids);
    free(body);
    free(gets);
}

/* Asks on many connections and reads nothing. */
static void ask(struct http_conn *greedy, const char *body)
{
    for (int i = 0; i < GREEDY; i++) {
        int small = 4096;
        http_conn_init(&greedy[i], stack.service.port);
        assert_int_equal(http_conn_open(&greedy[i]), 0);
        setsockopt(greedy[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        assert_int_equal(http_send_call(&greedy[i], "POST", "/v1/batch", NULL, body, strlen(body)),
                         0);
    }
}

static void check_little_is_served(const char *sku)
{
    for (int i = 0; i < 20; i++) {
        post(200, DECREMENT(sku), "{\"quantity\":1}");
        api_reserve(a, sku, 1, 0);
        assert_true(metric("stockd_http_memory_bytes") <= BUDGET_MIB << 20);
    }
}

static void answers_that_nobody_reads_stay_in_the_budget_and_go(void **state)
{
    static struct http_conn greedy[GREEDY];
    const char *sku = api_item(a, 1000000, 0);
    char *body = batch_of("get", longest_hold(), GETS);
    int64_t before = resident_bytes(), highest = 0;
    ask(greedy, body);
    check_little_is_served(sku);
    highest = resident_bytes();
    /* Cut off by --write-timeout, though some of them take a byte now and then. */
    for (int turn = 0; turn < 8; turn++) {
        for (int i = 0; i < GREEDY; i += 2) {
            char byte;
            struct pollfd ready = {.fd = greedy[i].fd, .events = POLLIN};
            if (poll(&ready, 1, 0) == 1)
                (void)!recv(greedy[i].fd, &byte, 1, MSG_DONTWAIT);
        }
        test_pause();
    }
    assert_true(await(metric("stockd_http_memory_bytes") < 1 << 20, RECOVERY_MS));
    for (int i = 0; i < GREEDY; i++)
        http_conn_close(&greedy[i]);
    assert_true(await(metric("stockd_http_connections_open") == 1, RECOVERY_MS));
    int64_t after = resident_bytes();
    print_message("resident: %" PRId64 " KiB before, %" PRId64 " at most, %" PRId64 " after\n",
                  before >> 10, highest >> 10, after >> 10);
    if (!tservice_is_slow()) { /* a sanitizer keeps what is freed */
        assert_true(highest - before < (int64_t)(3 * BUDGET_MIB) << 20);
        assert_true(after - before < (int64_t)(BUDGET_MIB / 2) << 20);
    }
    free(body);
}

static void bodies_that_never_end_stay_in_the_budget_and_go(void **state)
{
    static struct http_conn greedy[GREEDY];
    static char part[900 * 1024];
    const char *sku = api_item(a, 1000000, 0);
    static const char head[] = "POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                               "application/json\r\nContent-Length: 1000000\r\n\r\n";
    memset(part, ' ', sizeof(part));
    for (int i = 0; i < GREEDY; i++) {
        http_conn_init(&greedy[i], stack.service.port);
        assert_int_equal(http_send(&greedy[i], head, strlen(head)), 0);
        (void)!http_send(&greedy[i], part, sizeof(part));
    }
    check_little_is_served(sku);
    assert_true(await(metric("stockd_http_connections_open") == 1, RECOVERY_MS));
    assert_true(await(metric("stockd_http_memory_bytes") < 1 << 20, RECOVERY_MS));
    for (int i = 0; i < GREEDY; i++)
        http_conn_close(&greedy[i]);
}

/* The most that the worker ever had in RAM since the last call. */
static int64_t most_resident_bytes(void)
{
    char path[64], line[128];
    long long kib = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)worker);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        (void)sscanf(line, "VmHWM: %lld", &kib);
    fclose(file);
    assert_true(kib > 0);
    snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)worker);
    file = fopen(path, "we");
    assert_true(file && fputs("5", file) >= 0 && fclose(file) == 0);
    return kib * 1024;
}

static void send_many_values(int index, void *arg)
{
    enum { BYTES = 1000 * 1000 };
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    _Atomic int *refused = arg;
    static const char *const values[] = {"{},", "[],", "{\"a\":{}},", "1,"};
    const char *value = values[index % 4];
    char *body = malloc(BYTES + 64);
    size_t n = (size_t)sprintf(body, "{\"operations\":[");
    while (n < BYTES)
        n += (size_t)sprintf(body + n, "%s", value);
    strcpy(body + n - 1, "]}");
    http_conn_init(&c, stack.service.port);
    if (http_call(&c, "POST", "/v1/batch", NULL, body, &resp) == 0 &&
        (resp.status == 503 || resp.status == 422))
        ++*refused;
    http_resp_free(&resp);
    http_conn_close(&c);
    free(body);
}

/* What a body is parsed into may be eighty times as long as the body. */
static void bodies_of_many_values_stay_in_the_budget(void **state)
{
    enum { CLIENTS = 24, SLACK_MIB = 12 };
    _Atomic int refused = 0;
    const char *sku = api_item(a, 1000000, 0);
    (void)most_resident_bytes();
    int64_t before = resident_bytes();
    http_crowd(CLIENTS, send_many_values, &refused);
    int64_t most = most_resident_bytes() - before;
    print_message("%.1f MiB more\n", (double)most / (1 << 20));
    assert_int_equal(refused, CLIENTS);
    if (!tservice_is_slow()) /* a sanitizer keeps what is freed */
        assert_true(most < (BUDGET_MIB + SLACK_MIB) << 20);
    post_problem(422, "invalid-field", "operations", "/v1/batch", "{\"operations\":{}}");
    check_little_is_served(sku);
    assert_true(await(metric("stockd_http_memory_bytes") < 1 << 20, RECOVERY_MS));
}

/* Nor do those that began to ask and never go on keep everybody else out. */
static void unfinished_requests_make_room_for_new_ones(void **state)
{
    enum { SLOW = 2 * CONNECTIONS_MAX };
    static struct http_conn slow[SLOW];
    http_conn_close(&a->conn);
    for (int i = 0; i < SLOW; i++) {
        http_conn_init(&slow[i], stack.service.port);
        assert_int_equal(http_conn_open(&slow[i]), 0);
        (void)!http_send(&slow[i], "GET /healthz HT", 15);
    }
    for (int i = 0; i < 20; i++) {
        get("/healthz");
        http_conn_close(&a->conn);
    }
    for (int i = 0; i < SLOW; i++)
        http_conn_close(&slow[i]);
}

static void idle_connections_make_room_for_new_ones(void **state)
{
    enum { IDLE = 3 * CONNECTIONS_MAX };
    static struct http_conn idle[IDLE];
    http_conn_close(&a->conn);
    for (int i = 0; i < IDLE; i++) {
        http_conn_init(&idle[i], stack.service.port);
        assert_int_equal(http_conn_open(&idle[i]), 0);
        if (i % 2 == 0) /* some have asked for something once */
            (void)!http_send_call(&idle[i], "GET", "/healthz", NULL, NULL, 0);
    }
    int64_t begin = test_now_ms();
    get("/healthz");
    print_message("a new connection was served after %" PRId64 " ms\n", test_now_ms() - begin);
    assert_true(metric("stockd_http_connections_open") <= CONNECTIONS_MAX);
    assert_true(metric("stockd_http_connections_shed_total") >= IDLE - CONNECTIONS_MAX);
    /* The youngest are still there. */
    struct http_resp resp = {0};
    assert_int_equal(http_call(&idle[IDLE - 1], "GET", "/healthz", NULL, NULL, &resp), 0);
    assert_int_equal(resp.status, 200);
    http_resp_free(&resp);
    for (int i = 0; i < IDLE; i++)
        http_conn_close(&idle[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_answer_what_fits_and_name_the_rest),
        cmocka_unit_test(what_a_batch_refuses_for_its_answer_was_not_done),
        cmocka_unit_test(answers_that_nobody_reads_stay_in_the_budget_and_go),
        cmocka_unit_test(bodies_that_never_end_stay_in_the_budget_and_go),
        cmocka_unit_test(bodies_of_many_values_stay_in_the_budget),
        cmocka_unit_test(unfinished_requests_make_room_for_new_ones),
        cmocka_unit_test(idle_connections_make_room_for_new_ones),
    };
    return run_suite("http: memory", tests, .begun = make_items, .over = free_items,
                     .flags = {"--memory-max", "32m", "--connections-max", "300", "--read-timeout",
                               "1s", "--write-timeout", "5s", "--request-timeout", "8s"});
}
