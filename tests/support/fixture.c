/* fixture.c -- see fixture.h. */
#include "support/fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_PROCESS                                                                                 \
    {                                                                                              \
        .pidfd = -1, .out_fd = -1                                                                  \
    }

struct stack stack = {.redis.proc = NO_PROCESS, .service.proc = NO_PROCESS, .api.conn.fd = -1};
struct api *a = &stack.api;
struct bases bases;
struct ledger_load load;
struct tproc applier = NO_PROCESS;

static struct fixture said; /* what the service was started with */
char ledger_url[BASE_URL_SIZE];

/* --- a service -------------------------------------------------------------------------------- */

/* Its arguments; good until the next call. */
static const char *const *flags_of(const struct fixture *words)
{
    static const char *flags[FIXTURE_FLAGS_MAX + 8];
    size_t n = 0;
    if (words->ledger || words->ledger_url) {
        flags[n++] = "--ledger";
        flags[n++] = words->ledger_url ? words->ledger_url : ledger_url;
    }
    if (words->partitions) {
        flags[n++] = "--partitions";
        flags[n++] = text("%d", words->partitions);
    }
    if (words->apart)
        flags[n++] = "--no-ledger-apply";
    for (size_t i = 0; i < FIXTURE_FLAGS_MAX && words->flags[i]; i++)
        flags[n++] = words->flags[i];
    flags[n] = NULL;
    return flags;
}

static int service_start(struct tservice *service, const struct fixture *words)
{
    const char *url = words->behind ? words->behind->url : stack.redis.url;
    const struct tservice_opts opts = {.redis_url = words->redis_url ? words->redis_url : url,
                                       .workers = words->workers,
                                       .preload = words->preload,
                                       .extra = flags_of(words)};
    return tservice_start(service, &opts);
}

void stop_serving(void)
{
    api_close(&stack.api); /* an open connection would be waited for */
    assert_true(tservice_stop(&stack.service));
}

int serve_try(const struct fixture *words)
{
    stop_serving();
    if (!*stack.redis.dir && tredis_start(&stack.redis, &words->redis) != 0)
        return -1;
    if (words->behind && !words->behind->pid &&
        fault_proxy_start(words->behind, stack.redis.url, 7))
        return -1;
    if (words->ledger && !*ledger_url) {
        db_close(bases_ledger(&bases, *words->ledger));
        snprintf(ledger_url, sizeof(ledger_url), "%s", bases.url);
    }
    if (!load.stack)
        ledger_load_init(&load, &stack, &bases, words->partitions ? words->partitions : 1);
    said = *words;
    if (words->apart && applier.pid == 0)
        applier_start(); /* nobody else makes the store, which the service waits for */
    if (service_start(&stack.service, words) != 0)
        return -1;
    api_open(&stack.api, stack.service.port);
    return 0;
}

void serve_as(const struct fixture *words)
{
    assert_int_equal(serve_try(words), 0);
    if (words->ledger || words->ledger_url)
        await_ready();
}

void serve_again(void)
{
    struct fixture words = said;
    assert_int_equal(serve_try(&words), 0);
}

void serve_beside_as(struct tservice *service, const struct fixture *words)
{
    struct fixture all = *words;
    if (*ledger_url)
        all.ledger = said.ledger;
    assert_int_equal(service_start(service, &all), 0);
}

void applier_start(void)
{
    char line[128];
    const char *argv[9 + APPLIER_FLAGS_MAX] = {getenv("STOCKD"), "ledger",   "--redis",
                                               stack.redis.url,  "--ledger", ledger_url};
    size_t n = 6;
    if (said.partitions) {
        argv[n++] = "--partitions";
        argv[n++] = text("%d", said.partitions);
    }
    for (size_t i = 0; i < APPLIER_FLAGS_MAX && said.applier_flags[i]; i++)
        argv[n++] = said.applier_flags[i];
    assert_int_equal(tproc_start(&applier, argv, text("%s/applier.err", bases.dir)), 0);
    int err = tproc_await_line(&applier, "carrying events", line, sizeof(line), RECOVERY_MS);
    if (err)
        print_tail(text("%s/applier.err", bases.dir), 30);
    assert_int_equal(err, 0);
}

void applier_stop(void)
{
    assert_true(tproc_stop(&applier, RECOVERY_MS));
}

int serve_end(void **state)
{
    (void)state;
    ledger_load_free(&load);
    if (applier.pid > 0)
        tproc_stop(&applier, RECOVERY_MS);
    tredis_thaw(&stack.redis); /* the service would wait for it */
    int rc = stack_stop(&stack);
    if (said.behind) {
        fault_proxy_stop(said.behind);
        *said.behind = (struct fault_proxy){.pid = 0};
    }
    said = (struct fixture){.workers = 0};
    applier = (struct tproc)NO_PROCESS;
    stack = (struct stack){.redis.proc = NO_PROCESS, .service.proc = NO_PROCESS, .api.conn.fd = -1};
    load = (struct ledger_load){.stack = NULL};
    *ledger_url = '\0';
    a = &stack.api;
    return rc;
}

/* --- suites ----------------------------------------------------------------------------------- */

static struct fixture suite; /* the words of the one that runs */

static int suite_begin(void **state)
{
    (void)state;
    serve_as(&suite);
    if (suite.begun)
        suite.begun();
    return 0;
}

static int suite_end(void **state)
{
    if (suite.over)
        suite.over();
    return serve_end(state);
}

int run_suite_as(const char *name, const struct CMUnitTest *tests, size_t count,
                 const struct fixture *words)
{
    suite = *words;
    bool postgres = words->ledger == ON_POSTGRES;
    if ((postgres ? bases_start(&bases) : bases_start_files(&bases)) != 0) {
        print_message("no place for databases: %s is NOT RUN\n", name);
        return postgres ? 0 : 1;
    }
    int failed = _cmocka_run_group_tests(name, tests, count, suite_begin, suite_end);
    bases_stop(&bases);
    return failed;
}

static int tests_begin(void **state)
{
    (void)state;
    suite.begun();
    return 0;
}

static int tests_end(void **state)
{
    (void)state;
    suite.over();
    return 0;
}

int run_each_as(const char *name, const struct CMUnitTest *tests, size_t count, void (*begun)(void),
                void (*over)(void))
{
    bool postgres = false;
    for (size_t i = 0; i < count; i++)
        postgres = postgres || tests[i].initial_state == ON_POSTGRES;
    suite = (struct fixture){.begun = begun, .over = over};
    if (postgres)
        bases_start_or_skip(&bases);
    else if (bases_start_files(&bases) != 0)
        return 1;
    int failed = _cmocka_run_group_tests(name, tests, count, begun ? tests_begin : NULL,
                                         over ? tests_end : NULL);
    bases_stop(&bases);
    return failed;
}

uint64_t seed_of_run(void)
{
    const char *given = getenv("SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)test_now_ms();
    print_message("SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* The version that Redis has. */
static int64_t version_of(const char *path)
{
    get(path);
    return api_int(a, "version");
}

void await_in_sql(const char *sku)
{
    char path[96], sql[160]; /* text() does not bear so many looks */
    snprintf(path, sizeof(path), "/v1/items/%s", sku);
    snprintf(sql, sizeof(sql), "SELECT version FROM items WHERE sku = '%s'", stored_item(sku));
    assert_true(await(sql_int(sql) == version_of(path), RECOVERY_MS));
}

/* --- questions -------------------------------------------------------------------------------- */

void await_ready_at(const char *file, int line)
{
    if (await(api_ready(a), RECOVERY_MS))
        return;
    print_error("not ready: %s\n", a->resp.body ? a->resp.body : "no answer");
    print_tail(stack.service.err_path, 40);
    _fail(file, line);
}

pid_t pid_of(const char *role)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    return tservice_pids(&stack.service, role, pids, TSERVICE_CHILDREN_MAX) > 0 ? pids[0] : 0;
}

int64_t metric(const char *name)
{
    char line[128];
    get("/metrics");
    snprintf(line, sizeof(line), "\n%s ", name);
    const char *at = strstr(a->resp.body, line);
    if (!at)
        fail_msg("/metrics has no %s", name);
    return (int64_t)strtod(at + strlen(line), NULL);
}

bool has_answered(int status)
{
    char label[32];
    get("/metrics");
    snprintf(label, sizeof(label), ",status=\"%d\"} ", status);
    return strstr(a->resp.body, label) != NULL;
}

void await_replicated(const struct tredis *primary, const struct tredis *replica)
{
    int64_t written = tredis_info(primary, "master_repl_offset");
    assert_true(written >= 0);
    assert_true(await(tredis_acknowledged(primary, replica) > 0 &&
                          tredis_acknowledged(primary, replica) >= written,
                      RECOVERY_MS));
}

int hold_status(const char *sku)
{
    char body[128];
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", sku);
    int err = http_call(&a->conn, "POST", "/v1/reservations", NULL, body, &a->resp);
    return err ? err : a->resp.status;
}

bool problem_is(const char *sku, const char *name)
{
    if (hold_status(sku) != 503)
        return false;
    const char *type = json_string_value(json_object_get(http_resp_json(&a->resp), "type"));
    return type && strncmp(type, "/problems/", 10) == 0 && strcmp(type + 10, name) == 0;
}

void send_hold(struct http_conn *c, const char *headers, const char *sku, int quantity)
{
    char body[128];
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":%d}", sku, quantity);
    http_conn_init(c, stack.service.port);
    c->timeout_ms = RECOVERY_MS;
    assert_int_equal(http_send_call(c, "POST", "/v1/reservations", headers, body, strlen(body)), 0);
}

int answer_to(struct http_conn *c, char problem[64])
{
    struct http_resp resp = {.status = 0};
    int rc = http_receive(c, false, &resp);
    int status = rc < 0 ? rc : resp.status;
    json_t *type = rc < 0 ? NULL : json_object_get(http_resp_json(&resp), "type");
    if (problem)
        snprintf(problem, 64, "%s", type ? json_string_value(type) : "");
    http_resp_free(&resp);
    http_conn_close(c);
    return status;
}

void check_audit(int status)
{
    check_command(status, "audit", "--redis", stack.redis.url, "--ledger", ledger_url);
}

bool log_has(const char *word, const char *other)
{
    return tservice_log_count(&stack.service, word, other) > 0;
}
