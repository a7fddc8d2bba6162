/* test_load.c -- the load generator against the service: every scenario is right, whatever dies.
 *
 * One Redis and one service for all. What is checked is what a user relies on: the exit status, the
 * verdict, and that a run leaves no process behind.
 */
#include "options.h"
#include "support/http.h"
#include "support/load_run.h"
#include "support/redis_server.h"
#include "support/service.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COMMON      "-p 2 -c 20 --ttl 1s --settle 1s "
#define COMMON_LOST "-p 2 -c 20 --ttl 1s --settle 4s " /* some are not answered: they have 3 s */
#define BOUND_MS    180000

struct world {
    struct tredis redis;
    struct tservice service;
};

static int set_up(void **state)
{
    static struct world world;
    if (tredis_start(&world.redis, NULL) < 0)
        return -1;
    static const char *const extra[] = {"--request-timeout", "3s", NULL};
    const struct tservice_opts opts = {.redis_url = world.redis.url, .workers = 2, .extra = extra};
    *state = &world;
    return tservice_start(&world.service, &opts);
}

static int tear_down(void **state)
{
    struct world *world = *state;
    bool clean = tservice_stop(&world->service);
    tredis_stop(&world->redis);
    return clean ? 0 : -1;
}

/* The children of a process that call themselves so; returns how many. */
static int children(pid_t parent, const char *comm, pid_t *pids, int max)
{
    int n = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc && (e = readdir(proc)) && n < max;) {
        char path[300], name[32] = "";
        int pid = atoi(e->d_name), its_parent = 0;
        snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
        FILE *file = pid > 0 ? fopen(path, "r") : NULL;
        if (!file)
            continue;
        if (fscanf(file, "%*d (%31[^)]) %*c %d", name, &its_parent) == 2 && its_parent == parent &&
            strcmp(name, comm) == 0)
            pids[n++] = pid;
        fclose(file);
    }
    if (proc)
        closedir(proc);
    return n;
}

static void expect(struct tload *l, int status, int want, const char *word)
{
    bool as_wanted = status == want && strcmp(tload_word(l), word) == 0;
    if (!as_wanted) {
        tload_print(l);
        print_error("exit status %d instead of %d, verdict %s instead of %s\n", status, want,
                    tload_word(l), word);
    }
    assert_true(as_wanted);
}

/* What the service has done so far. */
static int64_t operations(const struct world *world)
{
    static const char name[] = "\nstockd_batch_operations_total ";
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    http_conn_init(&c, world->service.port);
    http_call(&c, "GET", "/metrics", NULL, NULL, &resp);
    const char *at = resp.status == 200 ? strstr(resp.body, name) : NULL;
    int64_t count = at ? strtoll(at + strlen(name), NULL, 10) : 0;
    http_resp_free(&resp);
    http_conn_close(&c);
    return count;
}

/* Two clients at work, and a while of it. */
static void await_clients(const struct world *world, struct tload *l, pid_t pids[2])
{
    assert_true(await(children(l->proc.pid, "load-client", pids, 2) == 2, BOUND_MS));
    int64_t before = operations(world);
    assert_true(await(operations(world) >= before + 1000, BOUND_MS));
}

static void expect_right(struct tload *load)
{
    expect(load, tload_finish(load), 0, "right");
    assert_true(tload_coverage(load, "successes") >= 100);
    assert_int_equal(tload_check(load), 0);
    tload_free(load);
}

static void every_scenario_is_right_at_closed_and_at_open_load(void **state)
{
    struct world *world = *state;
    static const char *const scenarios[] = {"flash", "zipf", "basket", "churn", "restock", "mixed"};
    for (size_t i = 0; i < 6; i++) {
        struct tload closed, open;
        /* The stock is small enough to sell out at the open load, too. */
        const char *stock = i == 0 ? " --stock 300" : "";
        char flags[2][200];
        snprintf(flags[0], sizeof(flags[0]), COMMON "-n 3k%s", stock);
        snprintf(flags[1], sizeof(flags[1]), COMMON "-n 2k -R 2k%s", stock);
        int port = world->service.port;
        assert_int_equal(tload_start(&closed, port, scenarios[i], flags[0]), 0);
        assert_int_equal(tload_start(&open, port, scenarios[i], flags[1]), 0);
        expect_right(&closed);
        expect_right(&open);
    }
}

static void unanswered_requests_and_repeats_are_settled(void **state)
{
    struct world *world = *state;
    struct tload load;
    int status =
        tload_run(&load, world->service.port, "mixed", COMMON_LOST "-n 6k --abort 0.02 --dup 0.1");
    expect(&load, status, 0, "right");
    assert_true(tload_coverage(&load, "unknown") > 10);
    assert_true(tload_coverage(&load, "replays") > 10);
    assert_true(tload_coverage(&load, "happened") > 0);
    assert_int_equal(tload_coverage(&load, "unresolved"), 0);
    assert_true(tload_coverage(&load, "batches") > 10);
    tload_free(&load);
}

/* Each batch of reads takes room for its answers in the service: too many at once are refused. */
static void more_reservations_than_are_read_at_once_are_read_back(void **state)
{
    struct world *world = *state;
    struct tload load;
    int status = tload_run(&load, world->service.port, "zipf",
                           "-p 2 -c 64 -n 16k --skus 1 --stock 1m --mix reserve=1 --ttl 10m "
                           "--settle 1s");
    expect(&load, status, 0, "right");
    assert_int_equal(tload_coverage(&load, "read_back"), tload_coverage(&load, "reservations"));
    assert_true(tload_coverage(&load, "reservations") >= 12000);
    tload_free(&load);
}

/* By rate and number, holds have the time to expire on any machine, and all is sent on any. */
static void what_expired_is_taken_again_for_who_asks_for_it(void **state)
{
    struct world *world = *state;
    struct tload load;
    int status = tload_run(&load, world->service.port, "mixed", COMMON "-R 2k -n 10k --dup 0.05");
    expect(&load, status, 0, "right");
    assert_true(tload_coverage(&load, "taken_again") > 0);
    tload_free(&load);
}

static void churn_lets_a_good_part_of_its_holds_expire(void **state)
{
    struct world *world = *state;
    struct tload load;
    int status = tload_run(&load, world->service.port, "churn", COMMON "-R 1k -n 3k");
    expect(&load, status, 0, "right");
    int64_t made = tload_coverage(&load, "reservations");
    assert_true(made > 20);
    assert_true(tload_coverage(&load, "expired") >= made / 10);
    tload_free(&load);
}

/* In how many intervals of the last quarter of the load another stock of the hottest item is seen
 * than in the one before. */
static size_t moves_at_the_end(const struct tload *load)
{
    const json_t *run = json_array_get(json_object_get(load->json, "runs"), 0);
    const json_t *list = json_object_get(json_object_get(run, "series"), "intervals");
    size_t n = json_array_size(list), moves = 0;
    json_int_t before = -1;
    for (size_t i = n * 3 / 4; i < n; i++) {
        const json_t *left = json_object_get(json_array_get(list, i), "left");
        json_int_t now = json_integer_value(json_array_get(left, 0));
        moves += before >= 0 && now != before;
        before = now;
    }
    return moves;
}

/* What runs without --scenario is not over when its first units are sold. */
static void the_default_load_lasts_to_its_end(void **state)
{
    struct world *world = *state;
    struct options o;
    char err[OPTIONS_ERR_SIZE];
    char *argv[] = {(char[]){"stockload"}};
    struct tload load;
    assert_int_equal(options_parse(&o, 1, argv, NULL, err, sizeof(err)), OPTIONS_OK);
    int status = tload_run(&load, world->service.port, o.scenario, "-p 2 -d 4s --settle 1s");
    options_free(&o);
    expect(&load, status, 0, "right");
    assert_true(moves_at_the_end(&load) > 0);
    tload_free(&load);
}

static void a_killed_worker_of_the_service_breaks_no_promise(void **state)
{
    struct world *world = *state;
    struct tload load;
    pid_t clients[2], victim;
    assert_int_equal(
        tload_start(&load, world->service.port, "churn", COMMON_LOST "-d 60s --dup 0.02"), 0);
    await_clients(world, &load, clients);
    assert_int_equal(tservice_pids(&world->service, TSERVICE_WORKER, &victim, 1), 1);
    kill(victim, SIGKILL);
    await_clients(world, &load, clients);
    tproc_signal(&load.proc, SIGINT);
    expect(&load, tload_finish(&load), 105, "right");
    assert_true(tload_coverage(&load, "unknown") > 0);
    tload_free(&load);
}

static void a_killed_client_process_ends_the_run_but_not_the_proof(void **state)
{
    struct world *world = *state;
    struct tload load;
    pid_t clients[2];
    assert_int_equal(tload_start(&load, world->service.port, "churn", COMMON_LOST "-d 60s"), 0);
    await_clients(world, &load, clients);
    kill(clients[0], SIGKILL);
    expect(&load, tload_finish(&load), 255, "right");
    assert_false(tproc_pid_alive(clients[1]));
    assert_int_equal(tload_coverage(&load, "unresolved"), 0);
    tload_free(&load);
}

static void a_killed_client_process_is_forked_again_when_asked_for(void **state)
{
    struct world *world = *state;
    struct tload load;
    pid_t clients[2], now[2];
    assert_int_equal(tload_start(&load, world->service.port, "churn",
                                 COMMON_LOST "-d 60s --worker-death respawn"),
                     0);
    await_clients(world, &load, clients);
    kill(clients[0], SIGKILL);
    assert_true(await(children(load.proc.pid, "load-client", now, 2) == 2 && now[0] != clients[0] &&
                          now[1] != clients[0],
                      BOUND_MS));
    tproc_signal(&load.proc, SIGINT);
    expect(&load, tload_finish(&load), 105, "right");
    assert_true(tload_coverage(&load, "unknown") > 0); /* what the dead one had in flight */
    tload_free(&load);
}

static void a_killed_parent_takes_its_clients_along(void **state)
{
    struct world *world = *state;
    struct tload load;
    pid_t clients[2];
    assert_int_equal(tload_start(&load, world->service.port, "zipf", COMMON "-d 60s"), 0);
    await_clients(world, &load, clients);
    tproc_kill9(&load.proc);
    assert_true(await(!tproc_pid_alive(clients[0]) && !tproc_pid_alive(clients[1]), BOUND_MS));
    /* The history tells what was lost: it can be read, and nobody takes it for a proof. */
    assert_int_equal(tload_check(&load), 2);
    tload_free(&load);
}

static void an_interrupted_run_is_settled_and_reported(void **state)
{
    struct world *world = *state;
    struct tload load;
    pid_t clients[2];
    assert_int_equal(tload_start(&load, world->service.port, "churn", COMMON "-d 60s"), 0);
    await_clients(world, &load, clients);
    tproc_signal(&load.proc, SIGINT);
    expect(&load, tload_finish(&load), 105, "right");
    assert_true(tload_coverage(&load, "successes") > 100);
    tload_free(&load);
}

static void processes_leave_after_their_share_and_are_forked_again(void **state)
{
    struct world *world = *state;
    struct tload load;
    int status =
        tload_run(&load, world->service.port, "churn", COMMON "-n 4k --max-tasks-per-child 200");
    expect(&load, status, 0, "right");
    const json_t *run = json_array_get(json_object_get(load.json, "runs"), 0);
    const json_t *worker = json_array_get(json_object_get(run, "workers"), 0);
    assert_true(json_integer_value(json_object_get(worker, "lives")) > 2);
    tload_free(&load);
}

static void a_number_of_requests_ends_a_run_exactly(void **state)
{
    struct world *world = *state;
    struct tload load;
    int status = tload_run(&load, world->service.port, "flash", COMMON "-n 5001 --stock 100");
    expect(&load, status, 0, "right");
    assert_int_equal(tload_coverage(&load, "operations"), 5001);
    tload_free(&load);
}

static void the_same_seed_sends_the_same_requests(void **state)
{
    struct world *world = *state;
    int64_t demand[2];
    for (int i = 0; i < 2; i++) {
        struct tload load;
        int status = tload_run(&load, world->service.port, "zipf",
                               "-p 1 -c 1 -n 500 --mix decrement=1 --seed 42 --stock 10000");
        assert_true(status == 0 || status == 2);
        demand[i] = tload_coverage(&load, "sold_units");
        tload_free(&load);
    }
    assert_true(demand[0] > 500);
    assert_int_equal(demand[0], demand[1]);
}

static void a_missed_threshold_is_99_and_a_met_one_is_not(void **state)
{
    struct world *world = *state;
    struct tload load;
    int status = tload_run(&load, world->service.port, "flash",
                           COMMON "-n 3k --stock 300 --threshold p50<1us");
    expect(&load, status, 99, "right");
    tload_free(&load);
    status = tload_run(&load, world->service.port, "flash",
                       COMMON "-n 3k --stock 300 --threshold p50<10s --threshold errors<1%");
    expect(&load, status, 0, "right");
    tload_free(&load);
}

static void a_load_without_contention_proves_nothing(void **state)
{
    struct world *world = *state;
    struct tload load;
    int status = tload_run(&load, world->service.port, "flash", "-p 1 -c 1 -n 50");
    expect(&load, status, 2, "unknown");
    tload_free(&load);
}

static void other_ways_to_load_check_and_report_work(void **state)
{
    struct world *world = *state;
    static const char *const flags[] = {
        COMMON "-n 3k --warmup 300ms --think 5ms -H X-Shop:test --verify counts",
        COMMON "-n 3k --verify off",
        COMMON "--stages 2s:500,4s:1k --warmup 200ms --stock 50",
    };
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        struct tload load;
        char html[TEST_PATH_MAX + 16], hgrm[TEST_PATH_MAX + 16], all[512], dir[TEST_PATH_MAX];
        assert_int_equal(temp_dir_make(dir), 0);
        snprintf(html, sizeof(html), "%s/r.html", dir);
        snprintf(hgrm, sizeof(hgrm), "%s/r.hgrm", dir);
        snprintf(all, sizeof(all), "%s --html %s --hgrm %s", flags[i], html, hgrm);
        int status = tload_run(&load, world->service.port, "restock", all);
        expect(&load, status, 0, "right");
        assert_int_equal(access(html, R_OK), 0);
        assert_int_equal(access(hgrm, R_OK), 0);
        tload_free(&load);
        temp_dir_remove(dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scenario_is_right_at_closed_and_at_open_load),
        cmocka_unit_test(unanswered_requests_and_repeats_are_settled),
        cmocka_unit_test(more_reservations_than_are_read_at_once_are_read_back),
        cmocka_unit_test(what_expired_is_taken_again_for_who_asks_for_it),
        cmocka_unit_test(churn_lets_a_good_part_of_its_holds_expire),
        cmocka_unit_test(the_default_load_lasts_to_its_end),
        cmocka_unit_test(a_killed_worker_of_the_service_breaks_no_promise),
        cmocka_unit_test(a_killed_client_process_ends_the_run_but_not_the_proof),
        cmocka_unit_test(a_killed_client_process_is_forked_again_when_asked_for),
        cmocka_unit_test(a_killed_parent_takes_its_clients_along),
        cmocka_unit_test(an_interrupted_run_is_settled_and_reported),
        cmocka_unit_test(processes_leave_after_their_share_and_are_forked_again),
        cmocka_unit_test(a_number_of_requests_ends_a_run_exactly),
        cmocka_unit_test(the_same_seed_sends_the_same_requests),
        cmocka_unit_test(a_missed_threshold_is_99_and_a_met_one_is_not),
        cmocka_unit_test(a_load_without_contention_proves_nothing),
        cmocka_unit_test(other_ways_to_load_check_and_report_work),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
