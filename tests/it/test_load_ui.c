/* test_load_ui.c -- the live page of the load generator: what it shows is what the report says, it
 * takes no harm from its clients, and a run takes none from it.
 *
 * The programs are those that STOCKLOAD and STOCKD name. One Redis and one service for all.
 */
#include "support/http.h"
#include "support/load_run.h"
#include "support/redis_server.h"
#include "support/service.h"
#include "support/sse.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BOUND_MS 180000
#define RUN      "-p 2 -c 10 --settle 0 --mix decrement=80,get=20 " /* of which nothing runs out */
#define LONG_RUN RUN "-d 1h --ui "

struct world {
    struct tredis redis;
    struct tservice service;
    struct tload load; /* of the test that runs */
    struct tproc race;
    char dir[TEST_PATH_MAX], errors[TEST_PATH_MAX + 16];
};

static int set_up(void **state)
{
    static struct world world;
    *state = &world;
    if (temp_dir_make(world.dir) < 0 || tredis_start(&world.redis, NULL) < 0)
        return -1;
    snprintf(world.errors, sizeof(world.errors), "%s/stderr", world.dir);
    const struct tservice_opts opts = {.redis_url = world.redis.url, .workers = 1};
    return tservice_start(&world.service, &opts);
}

static int tear_down(void **state)
{
    struct world *world = *state;
    bool clean = tservice_stop(&world->service);
    tredis_stop(&world->redis);
    temp_dir_remove(world->dir);
    return clean ? 0 : -1;
}

/* What a test has left. */
static int end_programs(void **state)
{
    struct world *world = *state;
    if (tproc_alive(&world->load.proc))
        tproc_kill9(&world->load.proc);
    if (tproc_alive(&world->race))
        tproc_kill9(&world->race);
    tload_free(&world->load);
    unlink(world->errors);
    return 0;
}

/* The port that a program has said its page has; 0: it has not, yet. */
static int page_port(const char *err_path)
{
    static const char said[] = "live page: http://127.0.0.1:";
    char text[4096];
    FILE *file = fopen(err_path, "r");
    size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    text[n] = '\0';
    const char *at = strstr(text, said);
    return at && strchr(at, '/') ? atoi(at + strlen(said)) : 0;
}

static int await_port(const char *err_path)
{
    int port = 0;
    if (!await((port = page_port(err_path)) > 0, BOUND_MS))
        print_tail(err_path, 5);
    assert_in_range(port, 1, 65535);
    return port;
}

static int start_run(struct world *world, const char *flags)
{
    assert_int_equal(tload_start(&world->load, world->service.port, "flash", flags), 0);
    return await_port(world->load.err_path);
}

static void expect_end(struct world *world, int status)
{
    int got = tload_finish(&world->load);
    if (got != status)
        tload_print(&world->load);
    assert_int_equal(got, status);
}

/* The member that "a.b" names. */
static json_t *at(json_t *from, const char *path)
{
    char words[128];
    snprintf(words, sizeof(words), "%s", path);
    char *rest = words;
    for (char *word; from && (word = strtok_r(rest, ".", &rest));)
        from = json_is_array(from) ? json_array_get(from, (size_t)atoi(word))
                                   : json_object_get(from, word);
    return from;
}

static int get(int port, const char *path, struct http_resp *resp)
{
    struct http_conn c;
    http_conn_init(&c, port);
    int rc = http_call(&c, "GET", path, NULL, NULL, resp);
    http_conn_close(&c);
    return rc < 0 ? rc : resp->status;
}

/* A number of the page's document, 1 for true; -1: nobody answers. */
static int64_t shown(int port, const char *path)
{
    struct http_resp resp = {.status = 0};
    bool answered = get(port, "/state", &resp) == 200;
    json_t *value = answered ? at(http_resp_json(&resp), path) : NULL;
    int64_t number = json_is_true(value) ? 1 : json_integer_value(value);
    http_resp_free(&resp);
    return answered ? number : -1;
}

static void assert_answers_are(json_t *answers, json_t *expected)
{
    const char *name;
    json_t *count;
    assert_int_equal(json_object_size(answers), 5);
    json_object_foreach(answers, name, count) assert_int_equal(
        json_integer_value(count), json_integer_value(json_object_get(expected, name)));
}

/* --- what is shown ---------------------------------------------------------------------------- */

static void the_counters_at_the_end_are_those_of_the_report(void **state)
{
    struct world *world = *state;
    char type[SSE_TYPE_MAX] = "";
    struct sse stream;
    json_t *last = NULL, *done = NULL;
    int port = start_run(world, RUN "-n 3000 --ui --ui-linger 1h");
    sse_open(&stream, port, "1.1", "/events", NULL);
    for (json_t *d; (d = sse_next(&stream, type, BOUND_MS)) && strcmp(type, "state") == 0;) {
        json_decref(last);
        last = d;
        if (json_is_null(at(d, "verdict")) && !json_is_null(at(d, "step"))) {
            json_decref(done); /* a step behind the load, which is as it ended */
            done = json_is_null(at(d, "load")) ? NULL : json_incref(d);
        }
        if (json_is_true(at(last, "over")))
            break;
    }
    tproc_signal(&world->load.proc, SIGTERM); /* ends the lingering, not the run */
    json_t *end = sse_next(&stream, type, BOUND_MS);
    assert_non_null(end);
    assert_string_equal(type, "end");
    assert_true(await((sse_receive(&stream, 100), stream.closed), BOUND_MS));
    expect_end(world, 0);
    json_t *report = at(world->load.json, "runs.0");
    if (done) /* newer documents may have gone over it */
        assert_answers_are(at(done, "load.answers"), at(report, "outcomes"));
    assert_answers_are(at(last, "load.answers"), at(report, "outcomes"));
    for (int i = 0; i < 2; i++) {
        json_t *row = json_array_get(at(last, "load.processes"), (size_t)i);
        json_t *worker = json_array_get(at(report, "workers"), (size_t)i);
        assert_int_equal(json_integer_value(json_array_get(row, 2)),
                         json_integer_value(json_object_get(worker, "ok")));
    }
    assert_int_equal(json_integer_value(at(last, "load.requests")),
                     json_integer_value(at(report, "load.requests")));
    assert_string_equal(json_string_value(at(last, "verdict.word")),
                        json_string_value(at(report, "verdict.word")));
    assert_string_equal(json_string_value(at(last, "verdict.sentence")),
                        json_string_value(at(report, "verdict.sentence")));
    assert_int_equal(json_integer_value(at(last, "exit_status")), 0);
    json_decref(end);
    json_decref(last);
    json_decref(done);
    sse_close(&stream);
}

static void files_are_served_and_nothing_else(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *method, *path, *headers;
        int status;
        const char *type;
    } rows[] = {
        {"GET", "/", NULL, 200, "text/html; charset=utf-8"},
        {"GET", "/ui.css", NULL, 200, "text/css; charset=utf-8"},
        {"GET", "/ui.js", NULL, 200, "text/javascript; charset=utf-8"},
        {"GET", "/chart.js", NULL, 200, "text/javascript; charset=utf-8"},
        {"GET", "/state", NULL, 200, "application/json"},
        {"GET", "/?x=1", NULL, 200, "text/html; charset=utf-8"},
        {"GET", "/", "Host: localhost:1\r\n", 200, "text/html; charset=utf-8"},
        {"GET", "/", "Host: evil.example\r\n", 421, "text/plain; charset=utf-8"},
        {"GET", "/events", "Host: 127.0.0.1.evil.example\r\n", 421, "text/plain; charset=utf-8"},
        {"GET", "/../etc/passwd", NULL, 404, "text/plain; charset=utf-8"},
        {"GET", "/ui.js/", NULL, 404, "text/plain; charset=utf-8"},
        {"POST", "/", NULL, 405, "text/plain; charset=utf-8"},
        {"DELETE", "/state", NULL, 405, "text/plain; charset=utf-8"},
        {"OPTIONS", "/events", NULL, 405, "text/plain; charset=utf-8"},
    };
    int port = start_run(world, LONG_RUN);
    assert_true(await(shown(port, "load.requests") >= 1, BOUND_MS));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_conn c;
        struct http_resp resp = {.status = 0};
        char value[512];
        http_conn_init(&c, port);
        assert_int_equal(http_call(&c, rows[i].method, rows[i].path, rows[i].headers, NULL, &resp),
                         0);
        if (resp.status != rows[i].status)
            print_error("%s %s: %d\n", rows[i].method, rows[i].path, resp.status);
        assert_int_equal(resp.status, rows[i].status);
        assert_string_equal(http_resp_header(&resp, "Content-Type", value, sizeof(value)),
                            rows[i].type);
        assert_non_null(http_resp_header(&resp, "Content-Security-Policy", value, sizeof(value)));
        assert_null(strstr(value, "unsafe"));
        assert_non_null(http_resp_header(&resp, "X-Content-Type-Options", value, sizeof(value)));
        assert_null(http_resp_header(&resp, "Access-Control-Allow-Origin", value, sizeof(value)));
        if (resp.status == 405)
            assert_string_equal(http_resp_header(&resp, "Allow", value, sizeof(value)),
                                "GET, HEAD");
        assert_true(resp.body_bytes > 0);
        http_resp_free(&resp);
        http_conn_close(&c);
    }
    assert_true(
        await(shown(port, "load.requests") >= 5000, BOUND_MS)); /* something was contended */
    tproc_signal(&world->load.proc, SIGINT);
    expect_end(world, 105);
}

static void head_has_the_headers_of_get_and_no_body(void **state)
{
    struct world *world = *state;
    static const char *const paths[] = {"/", "/chart.js", "/state", "/events", "/nothing"};
    int port = start_run(world, LONG_RUN);
    assert_true(await(shown(port, "load.requests") >= 1, BOUND_MS));
    struct http_conn c;
    http_conn_init(&c, port);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct http_resp resp = {.status = 0};
        char request[128];
        int n = snprintf(request, sizeof(request), "HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                         paths[i]);
        assert_int_equal(http_conn_open(&c), 0);
        assert_int_equal(http_send(&c, request, (size_t)n), 0);
        assert_int_equal(http_receive(&c, true, &resp), 0);
        assert_int_equal(resp.status, i < 4 ? 200 : 404);
        assert_int_equal(resp.body_bytes, 0);
        http_resp_free(&resp);
        http_conn_close(&c);
    }
    tproc_kill9(&world->load.proc);
}

/* --- clients that mean no good ---------------------------------------------------------------- */

static int connect_and_send(int port, const char *bytes)
{
    struct http_conn c;
    http_conn_init(&c, port);
    if (http_conn_open(&c) < 0)
        return -1;
    if (http_send(&c, bytes, strlen(bytes)) < 0) {
        http_conn_close(&c);
        return -1;
    }
    return c.fd;
}

static void reset(int fd)
{
    const struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
}

static void hostile_clients_disturb_neither_the_page_nor_the_run(void **state)
{
    struct world *world = *state;
    static const char stream[] = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char *const rubbish[] = {
        "GET /chart.js HTTP/1.1\r\nHost: localhost\r\n\r\n", /* and reads nothing */
        "GET / HTTP/1.1\r\nHo",
        "\x16\x03\x01\x02\xff\xff\xff",
        "GET / HTTP/1.1\r\n\r\n",
        "POST /state HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    };
    enum { STREAMS = 40, STALLED = 20, KINDS_OF = sizeof(rubbish) / sizeof(rubbish[0]) };
    int stalled[STALLED];
    int port = start_run(world, RUN "-n 5000 --ui --ui-linger 1h");
    for (int i = 0; i < STALLED; i++) /* that never read what they asked for */
        stalled[i] = connect_and_send(port, i % 2 ? stream : rubbish[0]);
    for (int i = 0; i < STREAMS; i++) {
        int fd = connect_and_send(port, stream);
        if (i % 2)
            reset(fd);
        else
            close(fd);
        reset(connect_and_send(port, rubbish[i % KINDS_OF]));
    }
    struct http_conn c;
    http_conn_init(&c, port);
    assert_int_equal(http_conn_open(&c), 0);
    assert_int_equal(http_send(&c, "GET /", 5), 0);
    for (int i = 0; i < 20000 && http_send(&c, "aaaaaaaaaaaaaaaa", 16) == 0; i++)
        ;
    http_conn_close(&c);
    assert_true(await(shown(port, "load.requests") >= 5000, BOUND_MS));
    assert_true(await(shown(port, "over") == 1, BOUND_MS));
    tproc_signal(&world->load.proc, SIGTERM);
    expect_end(world, 0);
    for (int i = 0; i < STALLED; i++)
        close(stalled[i]);
}

/* --- processes that end ----------------------------------------------------------------------- */

/* The process of the page: the child of a stockload that calls itself so. */
static pid_t page_process(pid_t parent)
{
    char path[64], name[32] = "";
    int child = 0, its_parent = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%d", &child) == 1) {
        snprintf(path, sizeof(path), "/proc/%d/stat", child);
        FILE *stat = fopen(path, "r");
        bool read = stat && fscanf(stat, "%*d (%31[^)]) %*c %d", name, &its_parent) == 2;
        if (stat)
            fclose(stat);
        if (read && strcmp(name, "load-ui") == 0)
            break;
        child = 0;
    }
    if (file)
        fclose(file);
    assert_true(child > 0);
    return child;
}

static void a_page_that_dies_leaves_the_run_as_it_is(void **state)
{
    struct world *world = *state;
    int port = start_run(world, RUN "-n 5000 --ui --ui-linger 1h");
    assert_true(await(shown(port, "load.requests") >= 1, BOUND_MS));
    pid_t page = page_process(world->load.proc.pid);
    kill(page, SIGKILL);
    expect_end(world, 0); /* and nobody lingers for a page that is gone */
    assert_string_equal(tload_word(&world->load), "right");
}

/* Longer than it takes to answer anybody, and not for ever: a machine may leave it no time. */
static void a_page_that_stood_still_tells_of_the_end(void **state)
{
    struct world *world = *state;
    char type[SSE_TYPE_MAX] = "";
    struct sse stream;
    int port = start_run(world, RUN "-n 3000 --ui --ui-linger 1h");
    pid_t page = page_process(world->load.proc.pid);
    assert_true(await(shown(port, "over") == 1, BOUND_MS));
    sse_open(&stream, port, "1.1", "/events", NULL);
    json_decref(sse_next(&stream, type, BOUND_MS));
    kill(page, SIGSTOP);
    tproc_signal(&world->load.proc, SIGTERM);
    assert_false(await(!tproc_alive(&world->load.proc), 5000)); /* it waits for the page */
    kill(page, SIGCONT);
    json_decref(sse_next(&stream, type, BOUND_MS));
    assert_string_equal(type, "end");
    expect_end(world, 0);
    sse_close(&stream);
}

static void the_page_ends_with_a_run_that_is_killed(void **state)
{
    struct world *world = *state;
    int port = start_run(world, LONG_RUN);
    pid_t page = page_process(world->load.proc.pid);
    tproc_kill9(&world->load.proc);
    assert_true(await(!tproc_pid_alive(page), BOUND_MS));
    struct http_conn c;
    http_conn_init(&c, port);
    assert_true(http_conn_open(&c) < 0);
}

static void an_address_that_is_taken_is_said_before_anything_is_sent(void **state)
{
    struct world *world = *state;
    char flags[128], text[4096] = "";
    snprintf(flags, sizeof(flags), RUN "-n 10 --ui-listen 127.0.0.1:%d", world->service.port);
    assert_int_equal(tload_run(&world->load, world->service.port, "flash", flags), 255);
    FILE *file = fopen(world->load.err_path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, "Address already in use; port 0 takes one that is free"));
    assert_null(world->load.json);
}

/* --- the race --------------------------------------------------------------------------------- */

static void a_race_is_shown_while_it_runs_and_saved_as_it_ended(void **state)
{
    struct world *world = *state;
    char html[TEST_PATH_MAX + 16], type[SSE_TYPE_MAX] = "";
    snprintf(html, sizeof(html), "%s/race.html", world->dir);
    const char *const argv[] = {getenv("STOCKLOAD"),
                                "race",
                                "--redis",
                                world->redis.url,
                                "-p",
                                "4",
                                "--stock",
                                "2000",
                                "--ui",
                                "--html",
                                html,
                                "--ui-linger",
                                "1h",
                                "-d",
                                "1h",
                                NULL};
    assert_int_equal(tproc_start(&world->race, argv, world->errors), 0);
    struct sse stream;
    sse_open(&stream, await_port(world->errors), "1.1", "/events", NULL);
    json_t *last = NULL;
    while (!json_is_true(at(last, "over"))) {
        json_decref(last);
        last = sse_next(&stream, type, BOUND_MS);
        assert_non_null(last);
        assert_string_equal(type, "state");
    }
    for (size_t i = 0; i < 4; i++) {
        json_t *strategy = json_array_get(at(last, "strategies"), i), *worker;
        int64_t sold = 0;
        size_t w;
        json_array_foreach(at(strategy, "workers"), w, worker) sold +=
            json_integer_value(json_array_get(worker, 0));
        assert_string_equal(json_string_value(at(strategy, "verdict")), "right");
        assert_int_equal(json_integer_value(at(strategy, "sold")), 2000);
        assert_int_equal(sold, 2000);
    }
    char *shown = json_dumps(at(last, "strategies"), JSON_COMPACT);
    tproc_signal(&world->race, SIGTERM);
    assert_int_equal(tproc_wait(&world->race, BOUND_MS), 0);
    assert_int_equal(WEXITSTATUS(world->race.status), 0);
    FILE *file = fopen(html, "r");
    char *page = calloc(1, 1 << 20);
    assert_true(file && fread(page, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    char *saved = strstr(page, "id=\"document\">");
    assert_non_null(saved);
    json_t *document = json_loads(saved + 14, JSON_DISABLE_EOF_CHECK, NULL);
    char *kept = json_dumps(at(document, "strategies"), JSON_COMPACT);
    assert_string_equal(kept, shown);
    free(kept);
    free(shown);
    free(page);
    json_decref(document);
    json_decref(last);
    sse_close(&stream);
}

int main(void)
{
#define UI_TEST(test) cmocka_unit_test_teardown(test, end_programs)
    const struct CMUnitTest tests[] = {
        UI_TEST(the_counters_at_the_end_are_those_of_the_report),
        UI_TEST(files_are_served_and_nothing_else),
        UI_TEST(head_has_the_headers_of_get_and_no_body),
        UI_TEST(hostile_clients_disturb_neither_the_page_nor_the_run),
        UI_TEST(a_page_that_dies_leaves_the_run_as_it_is),
        UI_TEST(a_page_that_stood_still_tells_of_the_end),
        UI_TEST(the_page_ends_with_a_run_that_is_killed),
        UI_TEST(an_address_that_is_taken_is_said_before_anything_is_sent),
        UI_TEST(a_race_is_shown_while_it_runs_and_saved_as_it_ended),
    };
    return cmocka_run_group_tests_name("load_ui", tests, set_up, tear_down);
}
