/* test_memory_faults.c -- the n-th allocation of a worker fails, for every n of a request, from its
 * connection to its answer, whoever makes it: the client is told 503 or nothing, or what is true;
 * what was asked has happened once or not at all, and no memory is lost. Of what changes something
 * there is test_memory_faults_writes.c.
 */
#include "support/api_keys.h"
#include "support/certs.h"
#include "support/memory_walk.h"
#include "support/sse.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static struct certs certs;
static char dir[TEST_PATH_MAX], keys[TEST_PATH_MAX + 8], access_log[TEST_PATH_MAX + 8];

/* --- what is asked ---------------------------------------------------------------------------- */

static char apple[32], held[64], end[64];

static struct errand read_item(int turn)
{
    return (struct errand){.method = "GET", .path = ITEM(apple), .good = 200};
}

static struct errand list_items(int turn)
{
    return (struct errand){.method = "GET", .path = "/v1/items?limit=5", .good = 200};
}

static struct errand read_reservation(int turn)
{
    return (struct errand){.method = "GET", .path = RESERVATION(held), .good = 200};
}

static struct errand read_nothing(int turn)
{
    return (struct errand){.method = "GET", .path = "/v1/reservations/none", .good = 404};
}

static struct errand read_metrics(int turn)
{
    return (struct errand){.method = "GET", .path = "/metrics", .good = 200};
}

static struct errand read_live(int turn)
{
    return (struct errand){.method = "GET", .path = "/v1/live", .good = 200};
}

static struct errand decrement(int turn)
{
    return (struct errand){.method = "POST",
                           .path = DECREMENT(apple),
                           .headers = walk_key(turn),
                           .body = "{\"quantity\":1}",
                           .good = 200,
                           .has_effect = true};
}

static struct errand read_movements(int turn)
{
    return (struct errand){
        .method = "GET", .path = text("/v1/items/%s/movements?limit=3", apple), .good = 200};
}

static struct errand list_reservations(int turn)
{
    return (struct errand){.method = "GET", .path = "/v1/reservations?limit=3", .good = 200};
}

static struct errand read_events(int turn)
{
    return (struct errand){.method = "GET", .path = "/v1/events?limit=3", .good = 200};
}

/* --- tests ------------------------------------------------------------------------------------ */

static void make_stock(void)
{
    KEEP(apple, api_item(a, 1000000, 0));
    KEEP(held, api_reserve(a, apple, 1, 3600));
    walk_choose_worker();
}

static void reads_answer_or_refuse(void **state)
{
    serve(.preload = memory_faults_library(), .flags = {"--access-log", access_log});
    make_stock();
    check_walk_of(read_item);
    check_walk_of(list_items);
    check_walk_of(read_reservation);
    check_walk_of(read_nothing);
    check_walk_of(read_metrics);
    check_walk_of(read_live);
}

static void the_past_is_read_or_refused(void **state)
{
    serve(.preload = memory_faults_library(), .ledger = *state);
    make_stock();
    await_in_sql(apple);
    check_walk_of(read_movements);
    check_walk_of(list_reservations);
    check_walk_of(read_events);
}

static void write_until_done(void)
{
    struct errand write = decrement(++turns);
    do
        walk_ask(&write);
    while (a->resp.status != write.good);
}

/* Asks for what is behind `end`, and writes while that waits. */
static void poll_for_event(void)
{
    struct http_conn waiter;
    struct http_resp resp = {.status = 0};
    const char *path = text("/v1/events?after=%s&wait=30", end);
    http_conn_init(&waiter, stack.service.port);
    int rc = http_send_call(&waiter, "GET", path, NULL, NULL, 0);
    write_until_done();
    if (rc == 0)
        rc = http_receive(&waiter, false, &resp);
    if (rc < 0 ? !walk_is_end(rc) : resp.status != 200 && resp.status != 503)
        walk_blame("who waits got something else", rc < 0 ? rc : resp.status);
    http_resp_free(&resp);
    http_conn_close(&waiter);
}

static bool comes(struct sse *stream)
{
    char type[SSE_TYPE_MAX];
    json_t *event = sse_next(stream, type, 20);
    bool last = event && json_integer_value(json_object_get(event, "version")) == 2 + turns;
    json_decref(event);
    return last;
}

/* The same in a stream: it may end, and not go on as if nothing had been. */
static void stream_event(void)
{
    struct sse stream;
    sse_open(&stream, stack.service.port, "1.1", text("/v1/events?after=%s", end), NULL);
    write_until_done();
    if (!await(comes(&stream) || stream.closed ||
                   (stream.n > 0 && strstr(stream.in, "HTTP/1.1 503")),
               RECOVERY_MS))
        walk_blame("the stream is silent", 0);
    sse_close(&stream);
}

/* Whatever became of those who waited, no event is lost to them. */
static void check_waiting(const char *name, void (*wait)(void))
{
    long at;
    bool came = true;
    walk_begin(name);
    for (at = 0; came; at++) {
        assert_true(at < ALLOCATIONS_MAX);
        walk_at(at);
        memory_faults_arm(&faults, at, 1);
        wait();
        came = memory_faults_disarm(&faults);
        await_ready();
        get(text("/v1/events?after=%s&wait=30", end));
        check_size(a, "events", 1);
        check_int(a, "events[0].version", 2 + turns);
        KEEP(end, api_str(a, "next_cursor"));
    }
    assert_true(at > 50);
    walk_check_worker();
}

static void who_waits_gets_the_event_or_comes_again(void **state)
{
    serve(.preload = memory_faults_library(), .ledger = *state);
    make_stock();
    await_in_sql(apple);
    get("/v1/events?after=latest");
    KEEP(end, api_str(a, "next_cursor"));
    check_waiting("poll for an event", poll_for_event);
    check_waiting("stream of events", stream_event);
    check_audit(0);
}

/* Opens a stream of samples: one comes, or its end does. */
static void watch(void)
{
    struct sse stream;
    char type[SSE_TYPE_MAX];
    json_t *sample = NULL;
    sse_open(&stream, stack.service.port, "1.1", "/v1/live", NULL);
    if (!await((sample = sse_next(&stream, type, 20)) || stream.closed ||
                   (stream.n > 0 && strstr(stream.in, "HTTP/1.1 503")),
               RECOVERY_MS))
        walk_blame("the stream is silent", 0);
    json_decref(sample);
    sse_close(&stream);
}

static void who_watches_gets_a_sample_or_the_end(void **state)
{
    serve(.preload = memory_faults_library());
    make_stock();
    long at;
    bool came = true;
    walk_begin("stream of samples");
    for (at = 0; came; at++) {
        assert_true(at < ALLOCATIONS_MAX);
        walk_at(at);
        memory_faults_arm(&faults, at, 1);
        watch();
        came = memory_faults_disarm(&faults);
    }
    await_ready();
    watch();
    assert_true(at > 10);
    walk_check_worker();
}

static const char *authorization;

static struct errand read_with_key(int turn)
{
    return (struct errand){
        .method = "GET", .path = ITEM(apple), .headers = authorization, .good = 200};
}

static struct errand read_with_none(int turn)
{
    return (struct errand){.method = "GET", .path = ITEM(apple), .good = 401};
}

static struct errand write_as_reader(int turn)
{
    return (struct errand){.method = "POST",
                           .path = DECREMENT(apple),
                           .headers = authorization,
                           .body = "{\"quantity\":1}",
                           .good = 403};
}

static const char *key_line(int whose)
{
    static char line[API_KEY_SIZE + 32];
    char key[API_KEY_SIZE];
    api_key_of(whose, key);
    KEEP(line, text("Authorization: Bearer %s\r\n", key));
    return line;
}

static void nobody_comes_in_for_want_of_memory(void **state)
{
    serve(.preload = memory_faults_library(), .flags = {"--keys-file", keys});
    KEEP(apple, new_sku());
    api_call(a, 201, "PUT", ITEM(apple), key_line(ROLE_ADMIN), "{\"on_hand\":5}");
    walk_choose_worker();
    authorization = key_line(ROLE_READER);
    check_walk_of(read_with_key);
    check_walk_of(write_as_reader);
    check_walk_of(read_with_none);
    api_call(a, 200, "GET", ITEM(apple), authorization, NULL);
    check_like(a, "{'on_hand':5,'version':1}");
}

static void a_handshake_comes_off_or_ends(void **state)
{
    assert_int_equal(setenv("TEST_TLS", certs.dir, 1), 0);
    serve(.preload = memory_faults_library());
    make_stock();
    check_walk_of(read_item);
    check_walk_of(decrement);
    check_item(a, apple, 1000000 - turns, 1000000 - 1 - turns, 1, turns, 2 + turns);
    stop_serving();
    unsetenv("TEST_TLS");
}

/* --- what they share -------------------------------------------------------------------------- */

static int begin(void)
{
    if (temp_dir_make(dir) < 0 || certs_begin(&certs) < 0)
        return -1;
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    snprintf(access_log, sizeof(access_log), "%s/log", dir);
    if (certs_make_ca(&certs, "ca") < 0 ||
        certs_make(&certs, "server", "ca", "IP:127.0.0.1", 30) < 0)
        return -1;
    return api_keys_write(keys) < 0 || memory_faults_begin(&faults) < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(reads_answer_or_refuse),
        ON_BOTH(the_past_is_read_or_refused),
        SQLITE_TEST(who_waits_gets_the_event_or_comes_again),
        PLAIN_TEST(who_watches_gets_a_sample_or_the_end),
        PLAIN_TEST(nobody_comes_in_for_want_of_memory),
        PLAIN_TEST(a_handshake_comes_off_or_ends),
    };
    signal(SIGPIPE, SIG_IGN);
    unsetenv("TEST_KEYS"); /* who asks is said each time */
    unsetenv("TEST_TLS");
    int failed =
        memory_faults_library() && begin() == 0 ? run_each("memory_faults", tests) : EXIT_FAILURE;
    memory_faults_end(&faults);
    certs_end(&certs);
    temp_dir_remove(dir);
    return failed;
}
