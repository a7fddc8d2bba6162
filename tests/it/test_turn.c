/* test_turn.c -- lanes that contend take turns that Redis queues: whoever holds one and dies, hangs
 * or is refused holds up nobody for long, and nothing but the queue hangs on it. Other suites run
 * again with turns always asked for.
 */
#include "support/api.h"
#include "support/faultproxy.h"
#include "support/rerun.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TURN_KEY "{p0}:turn"
#define KEEP_MS  10000 /* a turn that nobody asks for */
#define CLIENTS  32
#define CALLS    50

static struct tredis redis;
static struct tservice services[2];
static struct api apis[2];

static int start(const char *turns, const char *first_url)
{
    const char *const extra[] = {"--turns", turns, "--request-timeout", "30s", NULL};
    for (int i = 0; i < 2; i++) {
        struct tservice_opts opts = {
            .redis_url = i == 0 && first_url ? first_url : redis.url, .workers = 2, .extra = extra};
        services[i] = (struct tservice){.port = 0};
        if (tservice_start(&services[i], &opts) != 0)
            return -1;
        api_open(&apis[i], services[i].port);
    }
    return 0;
}

static int start_auto(void **state)
{
    return tredis_start(&redis, NULL) != 0 ? -1 : start("auto", NULL);
}

static int start_always(void **state)
{
    return tredis_start(&redis, NULL) != 0 ? -1 : start("always", NULL);
}

static int start_off(void **state)
{
    return tredis_start(&redis, NULL) != 0 ? -1 : start("off", NULL);
}

static int stop(void **state)
{
    bool fine = true;
    for (int i = 0; i < 2; i++) {
        api_close(&apis[i]);
        fine = tservice_stop(&services[i]) && fine;
    }
    tredis_stop(&redis);
    return fine ? 0 : -1;
}

static void sell(struct api *a, const char *sku)
{
    api_call(a, 200, "POST", text("/v1/items/%s/decrements", sku), NULL, "{\"quantity\":1}");
}

/* --- contention ------------------------------------------------------------------------------- */

struct rush {
    const char *sku;
    _Atomic int others;
};

/* Decrements, a unit each; whatever is not answered so counts among the others. */
static void ask_for_units(int index, struct rush *rush, int status)
{
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    http_conn_init(&c, services[index % 2].port);
    for (int n = 0; n < CALLS; n++) {
        int err = http_call(&c, "POST", text("/v1/items/%s/decrements", rush->sku), NULL,
                            "{\"quantity\":1}", &resp);
        rush->others += err != 0 || resp.status != status;
    }
    http_resp_free(&resp);
    http_conn_close(&c);
}

static void sell_many(int index, void *arg)
{
    ask_for_units(index, arg, 200);
}

static double sum(const char *metric)
{
    return api_metric(&apis[0], metric) + api_metric(&apis[1], metric);
}

static void nobody_waits_for_a_turn_who_meets_nobody(void **state)
{
    const char *sku = api_item(&apis[0], 1000, 0);
    for (int i = 0; i < 100; i++)
        sell(&apis[0], sku);
    assert_int_equal((int)sum("stockd_turn_wait_seconds_count"), 0);
    assert_int_equal(tredis_int(&redis, "EXISTS " TURN_KEY), 0);
}

static bool turns_were_taken(struct rush *rush)
{
    rush->others = 0;
    rush->sku = api_item(&apis[0], CLIENTS * CALLS, 0);
    http_crowd(CLIENTS, sell_many, rush);
    assert_int_equal(rush->others, 0);
    check_item(&apis[1], rush->sku, 0, 0, 0, CLIENTS * CALLS, CLIENTS * CALLS + 1);
    return sum("stockd_turn_wait_seconds_count") > 0;
}

/* Again until they have met, as few do on an idle machine. */
static void who_contends_takes_turns(void **state)
{
    static struct rush rush;
    assert_true(await(turns_were_taken(&rush), 60000));
    assert_true(tredis_int(&redis, "PTTL " TURN_KEY) <= KEEP_MS);
    print_message("%d conflicts in %d transactions, %d turns, %d missed\n",
                  (int)sum("stockd_conflicts_total"), (int)sum("stockd_batches_total"),
                  (int)sum("stockd_turn_wait_seconds_count"),
                  (int)sum("stockd_turns_missed_total"));
}

static bool transactions_were_lost(struct rush *rush)
{
    (void)turns_were_taken(rush);
    return sum("stockd_conflicts_total") > 0;
}

static void with_turns_off_none_is_taken_or_made(void **state)
{
    static struct rush rush;
    assert_true(await(transactions_were_lost(&rush), 60000));
    assert_int_equal((int)sum("stockd_turn_wait_seconds_count"), 0);
    /* Not even once made: the key would be there for KEEP_MS. */
    assert_int_equal(tredis_int(&redis, "EXISTS " TURN_KEY), 0);
}

static void a_turn_that_nobody_asks_for_expires(void **state)
{
    sell(&apis[0], api_item(&apis[0], 10, 0));
    int64_t left_ms = tredis_int(&redis, "PTTL " TURN_KEY);
    assert_in_range(left_ms, 1, KEEP_MS);
    assert_int_equal(tredis_int(&redis, "LLEN " TURN_KEY), 1);
}

/* Reads and refusals write nothing, so no EXEC passes the turn on. */
static void who_writes_nothing_passes_it_on_all_the_same(void **state)
{
    const char *sku = api_item(&apis[0], 0, 0);
    double missed = sum("stockd_turns_missed_total");
    for (int i = 0; i < 20; i++)
        api_problem(&apis[i % 2], 409, "insufficient-stock", NULL, "POST",
                    text("/v1/items/%s/decrements", sku), NULL, "{\"quantity\":1}");
    assert_true(await(tredis_int(&redis, "LLEN " TURN_KEY) == 1, 10000));
    /* One was made; a machine that stands still for long may have had to make more. */
    assert_true(sum("stockd_turns_missed_total") - missed < 20);
}

static int64_t exec_calls(void)
{
    redisReply *info = redis_ask(&redis, "INFO commandstats");
    const char *at = strstr(info->str, "cmdstat_exec:calls=");
    int64_t calls = at ? strtoll(at + strlen("cmdstat_exec:calls="), NULL, 10) : 0;
    freeReplyObject(info);
    return calls;
}

static void ask_for_what_is_gone(int index, void *arg)
{
    ask_for_units(index, arg, 409);
}

static bool refusals_were_confirmed(void)
{
    static struct rush rush;
    rush.others = 0;
    rush.sku = api_item(&apis[0], 0, 0);
    int64_t before = exec_calls();
    http_crowd(CLIENTS, ask_for_what_is_gone, &rush);
    assert_int_equal(rush.others, 0);
    return exec_calls() > before;
}

/* A refusal alone is answered from one command of reads. One that came after them, and joined while
 * the lane waited for its turn, must not be: what was read is older than it. */
static void a_refusal_that_joins_is_confirmed_by_an_exec(void **state)
{
    assert_true(await(refusals_were_confirmed(), 60000));
}

/* --- what may be at the key ------------------------------------------------------------------- */

static void of_many_turns_one_stays(void **state)
{
    const char *sku = api_item(&apis[0], 10000, 0);
    for (int i = 0; i < 8; i++)
        redis_do(&redis, "LPUSH %s %016x%016x%016x", TURN_KEY, 1 + i, 7, 7);
    assert_true(await((sell(&apis[0], sku), tredis_int(&redis, "LLEN " TURN_KEY) == 1), 30000));
}

static void what_is_no_turn_is_dropped(void **state)
{
    const char *sku = api_item(&apis[0], 100, 0);
    redis_do(&redis, "LPUSH %s %s %b", TURN_KEY, "nonsense", "\0\r\n", (size_t)3);
    assert_true(await((sell(&apis[0], sku), tredis_int(&redis, "LLEN " TURN_KEY) == 1), 30000));
}

/* In its place, or pushed aside: the key is nothing but a queue. */
static void a_key_of_another_type_holds_up_nobody(void **state)
{
    const char *sku = api_item(&apis[0], 100, 0);
    redis_do(&redis, "SET %s %s", TURN_KEY, "x");
    for (int i = 0; i < 8; i++)
        sell(&apis[i % 2], sku);
    check_item(&apis[0], sku, 92, 92, 0, 8, 9);
    redis_do(&redis, "DEL %s", TURN_KEY);
    for (int i = 0; i < 8; i++)
        sell(&apis[i % 2], sku);
}

/* --- who may not ------------------------------------------------------------------------------ */

static void without_the_right(const char *command)
{
    const char *sku = api_item(&apis[0], 100, 0);
    redis_do(&redis, "ACL SETUSER default -%s", command);
    for (int i = 0; i < 8; i++)
        sell(&apis[i % 2], sku);
    check_item(&apis[0], sku, 92, 92, 0, 8, 9);
    redis_do(&redis, "ACL SETUSER default +%s", command);
}

static void a_user_without_blpop_is_served(void **state)
{
    without_the_right("blpop");
}

static void a_user_without_lpush_is_served(void **state)
{
    without_the_right("lpush");
}

static void a_user_without_pexpire_is_served(void **state)
{
    without_the_right("pexpire");
}

/* --- a holder that hangs ---------------------------------------------------------------------- */

static struct fault_proxy proxy;

static int start_held(void **state)
{
    return tredis_start(&redis, NULL) != 0 || fault_proxy_start(&proxy, redis.url, 1) != 0
               ? -1
               : start("always", proxy.url);
}

static int stop_held(void **state)
{
    int result = stop(state);
    fault_proxy_stop(&proxy);
    return result;
}

/* Its EXEC, which would pass the turn on, is on its way for long; then the process is killed. */
static void a_holder_that_hangs_or_dies_holds_up_nobody_for_long(void **state)
{
    const char *sku = api_item(&apis[1], 100, 0);
    const struct fault_rule hold = {.action = FAULT_HOLD,
                                    .direction = FAULT_UP,
                                    .anchor = FAULT_AT_PATTERN,
                                    .pattern = "$4\r\nEXEC"};
    static const char body[] = "{\"quantity\":1}";
    pid_t workers[2];
    fault_proxy_arm(&proxy, &hold);
    http_conn_open(&apis[0].conn);
    assert_int_equal(http_send_call(&apis[0].conn, "POST", text("/v1/items/%s/decrements", sku),
                                    NULL, body, strlen(body)),
                     0);
    assert_true(await(fault_proxy_struck_on(&proxy) > 0, 10000));
    for (int i = 0; i < 10; i++) {
        sell(&apis[1], sku);
        assert_true(apis[1].resp.took_ms < 15000); /* half of what the service would wait for */
    }
    assert_int_equal(tservice_pids(&services[0], TSERVICE_WORKER, workers, 2), 2);
    kill(workers[0], SIGKILL);
    kill(workers[1], SIGKILL);
    for (int i = 0; i < 10; i++) {
        sell(&apis[1], sku);
        assert_true(apis[1].resp.took_ms < 15000);
    }
    check_item(&apis[1], sku, 80, 80, 0, 20, 21); /* the late EXEC was dropped with its worker */
}

/* --- other suites ----------------------------------------------------------------------------- */

static int set_always(void **state)
{
    return setenv("STOCKD_TURNS", "always", 1) < 0 ? -1 : tredis_start(&redis, NULL);
}

static int unset_always(void **state)
{
    tredis_stop(&redis);
    return unsetenv("STOCKD_TURNS");
}

static void cuts_and_late_execs_with_turns(void **state)
{
    rerun("test_sweep", "test_late_exec");
}

static void crashes_and_audits_with_turns(void **state)
{
    rerun("test_crash", "test_audit");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest contended[] = {
        cmocka_unit_test(nobody_waits_for_a_turn_who_meets_nobody),
        cmocka_unit_test(who_contends_takes_turns),
    };
    const struct CMUnitTest off[] = {
        cmocka_unit_test(with_turns_off_none_is_taken_or_made),
    };
    const struct CMUnitTest always[] = {
        cmocka_unit_test(a_turn_that_nobody_asks_for_expires),
        cmocka_unit_test(who_writes_nothing_passes_it_on_all_the_same),
        cmocka_unit_test(a_refusal_that_joins_is_confirmed_by_an_exec),
        cmocka_unit_test(of_many_turns_one_stays),
        cmocka_unit_test(what_is_no_turn_is_dropped),
        cmocka_unit_test(a_key_of_another_type_holds_up_nobody),
        cmocka_unit_test(a_user_without_blpop_is_served),
        cmocka_unit_test(a_user_without_lpush_is_served),
        cmocka_unit_test(a_user_without_pexpire_is_served),
    };
    const struct CMUnitTest held[] = {
        cmocka_unit_test(a_holder_that_hangs_or_dies_holds_up_nobody_for_long),
    };
    const struct CMUnitTest again[] = {
        cmocka_unit_test(cuts_and_late_execs_with_turns),
        cmocka_unit_test(crashes_and_audits_with_turns),
    };
    (void)argc;
    rerun_begin(argv[0]);
    int failed = cmocka_run_group_tests(contended, start_auto, stop);
    failed += cmocka_run_group_tests(off, start_off, stop);
    failed += cmocka_run_group_tests(always, start_always, stop);
    failed += cmocka_run_group_tests(held, start_held, stop_held);
    failed += cmocka_run_group_tests(again, set_always, unset_always);
    return failed;
}
