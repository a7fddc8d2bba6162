/* test_history_troubles.c -- what who asks about the past is told while the ledger is late, away or
 * hanging, and that nobody else notices. */
#include "clock.h"
#include "support/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool lag_is(int64_t events)
{
    get("/v1/reservations?limit=1");
    return api_int(a, "ledger.lag_events") == events;
}

static int list_status(void)
{
    int err = http_call(&a->conn, "GET", RESERVATIONS, NULL, NULL, &a->resp);
    return err ? err : a->resp.status;
}

static void a_ledger_that_is_late_says_how_much(void **state)
{
    serve(.ledger = *state, .apart = true);
    const char *sku = api_item(a, 10, 0);
    int64_t at_ms = api_time(a, "updated_at");
    await_in_sql(sku);
    applier_stop();
    const char *fresh = api_item(a, 10, 0);
    api_reserve(a, sku, 1, 0);
    api_reserve(a, sku, 1, 0);
    assert_true(await(lag_is(3), RECOVERY_MS));
    get(text("/v1/items/%s/movements", sku));
    check_like(a, "{'ledger':{'lag_events':3},'movements':[{}]}");
    assert_true(api_int(a, "ledger.lag_ms") > 0);
    assert_int_equal(api_time(a, "ledger.as_of"), at_ms);
    get_problem(404, "item-not-found", NULL, text("/v1/items/%s/movements", fresh));
    assert_non_null(strstr(api_str(a, "detail"), "3 events behind"));
    applier_start();
    assert_true(await(lag_is(0), RECOVERY_MS));
    get(text("/v1/items/%s/movements", sku));
    check_size(a, "movements", 3);
}

/* The path of the SQLite file. */
static const char *file_of(const char *url)
{
    return url + strlen("sqlite:");
}

static void sql_away(enum base_engine engine)
{
    if (engine == BASE_POSTGRES) {
        tpg_kill9(&bases.pg);
        return;
    }
    assert_int_equal(rename(file_of(bases.url), text("%s.away", file_of(bases.url))), 0);
    assert_int_equal(mkdir(file_of(bases.url), 0700), 0);
}

static void sql_back(enum base_engine engine)
{
    if (engine == BASE_POSTGRES) {
        assert_int_equal(tpg_restart(&bases.pg), 0);
        return;
    }
    assert_int_equal(rmdir(file_of(bases.url)), 0);
    assert_int_equal(rename(text("%s.away", file_of(bases.url)), file_of(bases.url)), 0);
}

static void without_sql_reservations_go_on(void **state)
{
    enum base_engine engine = engine_of(state);
    serve(.ledger = *state);
    const char *sku = api_item(a, 10, 0);
    await_in_sql(sku);
    if (engine == BASE_POSTGRES)
        get(RESERVATIONS); /* a connection is open, and will be lost */
    sql_away(engine);
    for (int i = 0; i < 3; i++) {
        get_problem(503, "ledger-unavailable", NULL, RESERVATIONS);
        check_header(a, "Retry-After", "2");
        get_problem(503, "ledger-unavailable", NULL,
                    text("/v1/items/%s?at=2026-01-01T00:00:00Z", sku));
        api_reserve(a, sku, 1, 0);
    }
    get(ITEM(sku));
    sql_back(engine);
    assert_true(await(list_status() == 200, RECOVERY_MS));
    await_in_sql(sku);
    get(text("/v1/reservations?sku=%s", sku));
    check_size(a, "reservations", 3);
}

/* Stops or continues the server and all that it has started. */
static void signal_postgres(int signo)
{
    char path[64], line[8192] = "";
    pid_t pid = bases.pg.proc.pid;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    assert_int_equal(kill(pid, signo), 0);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    (void)!fgets(line, sizeof(line), file);
    fclose(file);
    for (char *save, *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
        if (*word != '\n')
            kill((pid_t)strtol(word, NULL, 10), signo);
}

/* One worker, and more questions than it has connections: if any of them held up the loop, the
 * others would be answered when the database is let go, which is after all the answers. */
static void a_database_that_hangs_holds_up_nobody_else(void **state)
{
    enum { ASKING = 6 };
    struct http_conn asking[ASKING];
    struct http_resp resp = {.status = 0};
    serve(.ledger = *state, .flags = {"--request-timeout", "4s"});
    const char *sku = api_item(a, 100, 0);
    await_in_sql(sku);
    get(RESERVATIONS);
    signal_postgres(SIGSTOP);
    for (int i = 0; i < ASKING; i++) {
        http_conn_init(&asking[i], stack.service.port);
        assert_int_equal(http_send_call(&asking[i], "GET", RESERVATIONS, NULL, NULL, 0), 0);
        api_reserve(a, sku, 1, 0);
        get(ITEM(sku));
    }
    for (int i = 0; i < ASKING; i++) {
        assert_int_equal(http_receive(&asking[i], false, &resp), 0);
        assert_int_equal(resp.status, 503);
        assert_non_null(strstr(resp.body, "/problems/ledger-unavailable"));
        http_conn_close(&asking[i]);
    }
    http_resp_free(&resp);
    api_reserve(a, sku, 1, 0);
    signal_postgres(SIGCONT);
    assert_true(await(list_status() == 200, RECOVERY_MS));
    await_in_sql(sku);
    get(text("/v1/reservations?sku=%s", sku));
    check_size(a, "reservations", ASKING + 1);
}

/* The database hangs longer than the service has to leave: it leaves. */
static void a_service_stops_while_its_database_hangs(void **state)
{
    struct http_conn asking;
    struct http_resp resp = {.status = 0};
    serve(.ledger = *state, .apart = true, .flags = {"--drain=2s"});
    get(RESERVATIONS);
    signal_postgres(SIGSTOP);
    http_conn_init(&asking, stack.service.port);
    assert_int_equal(http_send_call(&asking, "GET", RESERVATIONS, NULL, NULL, 0), 0);
    assert_true(tservice_stop(&stack.service));
    assert_int_equal(http_receive(&asking, false, &resp), 0);
    assert_int_equal(resp.status, 503);
    signal_postgres(SIGCONT);
    http_resp_free(&resp);
    http_conn_close(&asking);
}

static void without_a_ledger_there_is_no_past(void **state)
{
    serve();
    const char *sku = api_item(a, 10, 0);
    get_problem(404, "ledger-missing", NULL, RESERVATIONS);
    get_problem(404, "ledger-missing", NULL, text("/v1/items/%s/movements", sku));
    get_problem(404, "ledger-missing", NULL, text("/v1/items/%s?at=2026-01-01T00:00:00Z", sku));
    get(ITEM(sku));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_ledger_that_is_late_says_how_much),
        ON_BOTH(without_sql_reservations_go_on),
        POSTGRES_TEST(a_database_that_hangs_holds_up_nobody_else),
        POSTGRES_TEST(a_service_stops_while_its_database_hangs),
        PLAIN_TEST(without_a_ledger_there_is_no_past),
    };
    return run_each("history in trouble", tests);
}
