/* test_operations.c -- what docs/operations.md and docs/durability.md promise to whoever runs the
 * service, each broken on purpose: copies, a second service, levels of the log, a drain that is too
 * short, a Redis whose settings are changed under a running service. */
#include "support/api.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define RECOVERY_MS 180000
#define SAID_MAX    65536

static char dir[TEST_PATH_MAX];
static struct tproc service; /* with a Redis of its own */
static struct api own;       /* its client */
static struct stack stack;   /* with a Redis of ours */
static struct api *a = &stack.api;

/* --- a service with its own Redis ------------------------------------------------------------- */

static const char *in_dir(const char *name)
{
    return text("%s/%s", dir, name);
}

static void serve(const char *data_dir)
{
    char line[128];
    const char *const argv[] = {getenv("STOCKD"), "serve",          "--listen",
                                "127.0.0.1:0",    "--workers",      "1",
                                "--data-dir",     in_dir(data_dir), NULL};
    assert_int_equal(tproc_start(&service, argv, in_dir("err")), 0);
    assert_int_equal(
        tproc_await_line(&service, "listening on http://", line, sizeof(line), RECOVERY_MS), 0);
    api_open(&own, (int)strtol(strrchr(line, ':') + 1, NULL, 10));
    assert_true(await(api_ready(&own), RECOVERY_MS));
}

static void stop_serving(void)
{
    api_close(&own);
    assert_true(tproc_stop(&service, RECOVERY_MS));
}

/* What a process has said so far. */
static const char *said(const char *path)
{
    static char log[SAID_MAX];
    FILE *file = fopen(path, "re");
    log[file ? fread(log, 1, sizeof(log) - 1, file) : 0] = '\0';
    if (file)
        fclose(file);
    return log;
}

/* `serve` on that directory ends with status 1 and says these words. */
static void check_refused(const char *data_dir, const char *words)
{
    struct tproc p;
    const char *const argv[] = {getenv("STOCKD"), "serve",          "--listen", "127.0.0.1:0",
                                "--data-dir",     in_dir(data_dir), NULL};
    assert_int_equal(tproc_start(&p, argv, in_dir("refused")), 0);
    assert_int_equal(tproc_wait(&p, RECOVERY_MS), 0);
    assert_true(WIFEXITED(p.status));
    assert_int_equal(WEXITSTATUS(p.status), EXIT_FAILURE);
    if (!strstr(said(in_dir("refused")), words))
        fail_msg("no \"%s\" in: %s", words, said(in_dir("refused")));
}

static void shell(const char *command)
{
    int status = system(command);
    if (status != 0)
        print_error("%s\n", command);
    assert_int_equal(status, 0);
}

/* The commands of docs/operations.md, "Backup", while customers go on. */
static void copy_while_it_runs(void)
{
    struct tservice s = {.proc = service};
    pid_t ledger;
    const char *cli = text("redis-cli -s %s", in_dir("data/redis.sock"));
    assert_int_equal(tservice_pids(&s, TSERVICE_LEDGER, &ledger, 1), 1);
    kill(ledger, SIGSTOP);
    api_reserve(&own, "apple", 1, 0);
    shell(text("%s config set auto-aof-rewrite-percentage 0 >/dev/null", cli));
    shell(text("%s info persistence | grep -q aof_rewrite_in_progress:0", cli));
    shell(text("mkdir -p %s/redis && cp -a %s/ledger.db* %s", in_dir("backup"), in_dir("data"),
               in_dir("backup")));
    shell(text("cp -a %s %s/redis", in_dir("data/redis/appendonlydir"), in_dir("backup")));
    shell(text("%s config set auto-aof-rewrite-percentage 100 >/dev/null", cli));
    kill(ledger, SIGCONT);
}

static void a_copy_of_a_running_store_is_a_store(void **state)
{
    serve("data");
    api_call(&own, 201, "PUT", "/v1/items/apple", NULL, "{\"on_hand\":10}");
    const char *id = api_reserve(&own, "apple", 2, 0);
    copy_while_it_runs();
    api_reserve(&own, "apple", 4, 0); /* behind the copy */
    stop_serving();

    shell(text("cp -a %s %s", in_dir("backup"), in_dir("restored")));
    serve("restored");
    check_item(&own, "apple", 10, 7, 3, 0, 3);
    api_call(&own, 200, "POST", text("/v1/reservations/%s/confirm", id), NULL, "{}");
    struct tproc audit;
    const char *const argv[] = {getenv("STOCKD"),
                                "audit",
                                "--redis",
                                text("unix:%s", in_dir("restored/redis.sock")),
                                "--ledger",
                                text("sqlite:%s", in_dir("restored/ledger.db")),
                                NULL};
    assert_int_equal(tproc_start(&audit, argv, in_dir("audit")), 0);
    assert_int_equal(tproc_wait(&audit, RECOVERY_MS), 0);
    assert_int_equal(WEXITSTATUS(audit.status), 0);
    stop_serving();

    /* Without its ledger, what is in Redis has no past that could be told. */
    shell(text("cp -a %s %s && rm %s/ledger.db*", in_dir("data"), in_dir("half"), in_dir("half")));
    check_refused("half", "writes to ledger");
}

static void two_services_never_run_on_one_directory(void **state)
{
    serve("data");
    api_call(&own, 201, "PUT", "/v1/items/apple", NULL, "{\"on_hand\":10}");
    check_refused("data", "is in use by another stockd (process ");
    check_item(&own, "apple", 10, 10, 0, 0, 1);
    api_reserve(&own, "apple", 1, 0);
    stop_serving();
}

/* --- signals ---------------------------------------------------------------------------------- */

/* A warning of each process that has heard of the new level. Their connections are broken again for
 * each look: the signal may arrive after the first time. */
static bool all_have_warned(void)
{
    redis_do(&stack.redis, "CLIENT KILL TYPE normal SKIPME yes");
    const char *log = said(stack.service.err_path);
    return strstr(log, "level=warn proc=keeper") && strstr(log, "level=warn proc=worker/0");
}

static void on_hup_every_process_reads_the_level_of_its_log(void **state)
{
    const char *file = in_dir("level");
    const char *const extra[] = {"--log-level-file", file, NULL};
    shell(text("echo error >%s", file));
    assert_int_equal(stack_start(&stack, NULL, 1, extra), 0);
    (void)api_item(a, 1, 0);
    assert_null(strstr(said(stack.service.err_path), "level=info"));
    shell(text("echo warn >%s", file));
    tproc_signal(&stack.service.proc, SIGHUP);
    assert_true(await(all_have_warned(), RECOVERY_MS));
    assert_int_equal(stack_stop(&stack), 0);
}

static void what_a_drain_does_not_end_is_cut(void **state)
{
    static const char *const extra[] = {"--drain", "300ms", "--request-timeout", "60s", NULL};
    static const char request[] = "POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                                  "application/json\r\nContent-Length: 100\r\n\r\n{";
    struct http_conn slow;
    assert_int_equal(stack_start(&stack, NULL, 1, extra), 0);
    http_conn_init(&slow, stack.service.port);
    assert_int_equal(http_send(&slow, request, sizeof(request) - 1), 0);
    api_call(a, 200, "GET", "/healthz", NULL, NULL);
    tproc_signal(&stack.service.proc, SIGTERM);
    assert_int_equal(tproc_wait(&stack.service.proc, RECOVERY_MS), 0);
    assert_true(WIFEXITED(stack.service.proc.status));
    assert_int_equal(WEXITSTATUS(stack.service.proc.status), 0);
    assert_non_null(
        strstr(said(stack.service.err_path), "drain time is over; connections are cut"));
    http_conn_close(&slow);
    (void)stack_stop(&stack);
}

/* A load balancer learns that it should look elsewhere while the door is still open. */
static void before_a_drain_readyz_says_so_and_the_rest_goes_on(void **state)
{
    static const char *const extra[] = {"--drain-delay", "10m", NULL};
    assert_int_equal(stack_start(&stack, NULL, 2, extra), 0);
    const char *sku = api_item(a, 10, 0);
    tproc_signal(&stack.service.proc, SIGTERM);
    for (int i = 0; i < 8; i++) { /* of both workers, most likely */
        http_conn_close(&a->conn);
        assert_true(await(!api_ready(a), RECOVERY_MS));
        api_problem(a, 503, "stopping", NULL, "GET", "/readyz", NULL, NULL);
    }
    http_conn_close(&a->conn);
    api_call(a, 200, "POST", text("/v1/items/%s/decrements", sku), NULL, "{\"quantity\":1}");
    api_call(a, 200, "GET", "/healthz", NULL, NULL);
    tproc_kill9(&stack.service.proc); /* instead of ten minutes */
}

/* --- a Redis that is changed under it --------------------------------------------------------- */

/* docs/durability.md: the level is checked at start, and on each new connection of the keeper. */
static void a_level_that_redis_does_not_keep_any_more_stops_the_keeper(void **state)
{
    static const char *const extra[] = {"--durability", "everysec", NULL};
    struct tredis_opts redis = {.aof = TREDIS_AOF_EVERYSEC};
    assert_int_equal(stack_start(&stack, &redis, 1, extra), 0);
    const char *sku = api_item(a, 10, 0);
    redis_do(&stack.redis, "CONFIG SET appendfsync no");
    redis_do(&stack.redis, "CLIENT KILL TYPE normal SKIPME yes");
    assert_true(await(strstr(said(stack.service.err_path), "--durability everysec needs a Redis"),
                      RECOVERY_MS));
    assert_true(await(api_metric(a, "stockd_expiry_lag_seconds") > 2, RECOVERY_MS));
    const char *id = NULL;
    assert_true(await(api_ready(a), RECOVERY_MS));
    id = api_reserve(a, sku, 1, 1);
    assert_true(await(api_metric(a, "stockd_expiry_lag_seconds") > 5, RECOVERY_MS));
    assert_true(api_state_is(a, id, "held")); /* it is due, and nobody gives it back */
    redis_do(&stack.redis, "CONFIG SET appendfsync everysec");
    assert_true(await(api_state_is(a, id, "expired"), RECOVERY_MS));
    assert_int_equal(stack_stop(&stack), 0);
}

/* docs/durability.md, "What is not noticed": no promise, but a warning that must stay true. */
static void without_a_ledger_an_old_copy_is_not_noticed(void **state)
{
    struct tredis_opts redis = {.aof = TREDIS_AOF_ALWAYS};
    assert_int_equal(stack_start(&stack, &redis, 1, NULL), 0);
    const char *sku = api_item(a, 10, 0);
    shell(text("cp -a %s/appendonlydir %s", stack.redis.dir, in_dir("old")));
    api_call(a, 200, "POST", text("/v1/items/%s/decrements", sku), NULL, "{\"quantity\":4}");
    tredis_kill9(&stack.redis);
    shell(text("rm -r %s/appendonlydir && cp -a %s %s/appendonlydir", stack.redis.dir,
               in_dir("old"), stack.redis.dir));
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_true(await(api_metric(a, "stockd_epoch") == 2 && api_ready(a), RECOVERY_MS));
    check_item(a, sku, 10, 10, 0, 0, 1);
    assert_int_equal(stack_stop(&stack), 0);
}

static int test_setup(void **state)
{
    return temp_dir_make(dir);
}

static int test_teardown(void **state)
{
    if (tproc_alive(&service))
        tproc_kill9(&service);
    (void)stack_stop(&stack);
    temp_dir_remove(dir);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void)
{
    service = (struct tproc){.pidfd = -1, .out_fd = -1};
    const struct CMUnitTest tests[] = {
        TEST(a_copy_of_a_running_store_is_a_store),
        TEST(two_services_never_run_on_one_directory),
        TEST(on_hup_every_process_reads_the_level_of_its_log),
        TEST(what_a_drain_does_not_end_is_cut),
        TEST(before_a_drain_readyz_says_so_and_the_rest_goes_on),
        TEST(a_level_that_redis_does_not_keep_any_more_stops_the_keeper),
        TEST(without_a_ledger_an_old_copy_is_not_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
