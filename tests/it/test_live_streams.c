/* test_live_streams.c -- GET /v1/live as a stream: clients that leave, do not read, are too many,
 * or have a key that is good no more; what each tenant sees of it.
 */
#include "core/limits.h"
#include "core/live.h"
#include "support/api_keys.h"
#include "support/fixture.h"
#include "support/sse.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LIVE "/v1/live"

static bool live_answers(const char *headers, int status)
{
    return http_call(&a->conn, "GET", LIVE, headers, NULL, &a->resp) == 0 &&
           a->resp.status == status;
}

#define await_live() assert_true(await(live_answers(NULL, 200), RECOVERY_MS))

/* The item among the hottest; NULL: it is not there. */
static json_t *hot_item(json_t *sample, const char *sku)
{
    json_t *item;
    size_t i;
    json_array_foreach(json_object_get(sample, "hottest"), i,
                       item) if (strcmp(json_string_value(json_object_get(item, "sku")), sku) ==
                                 0) return item;
    return NULL;
}

/* --- streams ---------------------------------------------------------------------------------- */

static void stream_open(struct sse *s, const char *headers)
{
    sse_open(s, stack.service.port, "1.1", LIVE, headers);
}

/* When the next sample of a stream is of. */
static int64_t next_at(struct sse *s)
{
    char type[SSE_TYPE_MAX] = "";
    json_t *json = sse_next(s, type, RECOVERY_MS);
    if (!json)
        fail_msg("no sample came");
    assert_string_equal(type, "sample");
    assert_int_equal(json_integer_value(json_object_get(json, "services")), 1);
    int64_t at = time_parse_ms(json_string_value(json_object_get(json, "at")));
    json_decref(json);
    return at;
}

static void a_stream_has_one_sample_after_the_other(void **state)
{
    struct sse s, old;
    await_live();
    stream_open(&s, NULL);
    sse_open(&old, stack.service.port, "1.0", LIVE, NULL);
    int64_t before = 0, old_before = 0;
    for (int i = 0; i < 3; i++) {
        int64_t at = next_at(&s), old_at = next_at(&old);
        assert_true(at > before && old_at > old_before);
        before = at;
        old_before = old_at;
    }
    assert_non_null(strstr(s.in, "Content-Type: text/event-stream"));
    assert_non_null(strstr(s.in, "Cache-Control: no-store"));
    sse_close(&s);
    sse_close(&old);
    api_call(a, 200, "HEAD", LIVE, "Accept: text/event-stream\r\n", NULL);
    check_header(a, "Content-Type", "application/json");
    api_problem(a, 405, "method-not-allowed", NULL, "POST", LIVE, NULL, "{}");
}

/* Those who go, by a reset or without a word, leave nothing behind; others go on. */
static void clients_may_leave_at_any_time(void **state)
{
    struct sse s[40], stays;
    stream_open(&stays, NULL);
    for (int i = 0; i < 40; i++) {
        stream_open(&s[i], NULL);
        if (i % 2 == 0)
            (void)next_at(&s[i]);
    }
    for (int i = 0; i < 40; i++) {
        const struct linger reset = {.l_onoff = 1};
        if (i % 3 == 0)
            setsockopt(s[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        sse_close(&s[i]);
    }
    assert_true(await(metric("stockd_http_connections_open") == 2, RECOVERY_MS));
    assert_true(await(metric("stockd_http_memory_bytes") < 100000, RECOVERY_MS));
    (void)next_at(&stays);
    (void)next_at(&stays);
    sse_close(&stays);
}

/* What it is sent fills buffers of the kernel for minutes: nobody else waits, and nothing gathers
 * here. */
static void who_does_not_read_is_in_nobodys_way(void **state)
{
    struct sse slow[5], quick;
    await_live();
    for (int i = 0; i < 5; i++) {
        int small = 1;
        struct http_conn c;
        http_conn_init(&c, stack.service.port);
        assert_int_equal(http_conn_open(&c), 0);
        setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        slow[i] = (struct sse){.fd = c.fd, .tls = c.tls};
        const char *request = "GET " LIVE " HTTP/1.1\r\nHost: localhost\r\n"
                              "Accept: text/event-stream\r\n\r\n";
        assert_int_equal(http_send(&c, request, strlen(request)), 0);
    }
    stream_open(&quick, NULL);
    for (int i = 0; i < 2; i++)
        (void)next_at(&quick);
    assert_true(metric("stockd_http_memory_bytes") < 100000);
    sse_close(&quick);
    for (int i = 0; i < 5; i++)
        sse_close(&slow[i]);
    assert_true(await(metric("stockd_http_connections_open") == 1, RECOVERY_MS));
}

/* By segments and a window so small that what the kernels keep between is full after some samples.
 */
static void stream_open_narrow(struct sse *s)
{
    static const char request[] = "GET " LIVE " HTTP/1.1\r\nHost: localhost\r\n"
                                  "Accept: text/event-stream\r\n\r\n";
    const int segment = 88, window = 1;
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)stack.service.port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const ssize_t length = sizeof(request) - 1;
    *s = (struct sse){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(s->fd >= 0);
    assert_int_equal(setsockopt(s->fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment)), 0);
    assert_int_equal(setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window)), 0);
    assert_int_equal(connect(s->fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(write(s->fd, request, (size_t)length), length);
}

/* One of ten that make samples long while they are hot. */
static const char *long_sku(int i)
{
    return text("%0*d", SKU_MAX_BYTES, i);
}

/* Also sells one of each. */
static bool are_open(int64_t connections)
{
    for (int i = 0; i < LIVE_TENANT_ITEMS; i++)
        post(200, DECREMENT(long_sku(i)), "{\"quantity\":1}");
    return metric("stockd_http_connections_open") == connections;
}

static void who_does_not_read_is_cut_off_at_last(void **state)
{
    struct sse slow[3], quick;
    serve(.workers = 1, .flags = {"--write-timeout", "1s"});
    for (int i = 0; i < LIVE_TENANT_ITEMS; i++)
        api_call(a, 201, "PUT", ITEM(long_sku(i)), NULL, "{\"on_hand\":1000000}");
    await_live();
    stream_open(&quick, NULL);
    for (int i = 0; i < 3; i++)
        stream_open_narrow(&slow[i]);
    assert_true(await(metric("stockd_http_connections_open") == 5, RECOVERY_MS));
    assert_true(await(((void)next_at(&quick), are_open(2)), RECOVERY_MS));
    for (int i = 0; i < 3; i++) {
        assert_true(await((sse_receive(&slow[i], 50), slow[i].closed), RECOVERY_MS));
        sse_close(&slow[i]);
    }
    (void)next_at(&quick);
    sse_close(&quick);
}

static void sigterm_ends_streams(void **state)
{
    struct sse s[5];
    serve(.workers = 1, .flags = {"--drain", "5m"});
    await_live();
    for (int i = 0; i < 5; i++) {
        stream_open(&s[i], NULL);
        (void)next_at(&s[i]);
    }
    tproc_signal(&stack.service.proc, SIGTERM);
    for (int i = 0; i < 5; i++) {
        assert_true(await((sse_receive(&s[i], 50), s[i].closed), RECOVERY_MS));
        sse_close(&s[i]);
    }
    assert_int_equal(tproc_wait(&stack.service.proc, RECOVERY_MS), 0);
    assert_int_equal(stack.service.proc.status, 0);
}

static void streams_have_a_limit_and_give_their_place_back(void **state)
{
    enum { LIMIT = 1000 };
    static struct sse s[LIMIT];
    await_live();
    for (int i = 0; i < LIMIT; i++)
        stream_open(&s[i], NULL);
    /* They are woken in groups, and nobody is left out for long. */
    int64_t until = test_now_ms() + RECOVERY_MS;
    for (int i = 0; i < 3 * LIMIT; i++) {
        (void)next_at(&s[i % LIMIT]);
        assert_true(test_now_ms() < until);
    }
    api_problem(a, 503, "overloaded", NULL, "GET", LIVE, "Accept: text/event-stream\r\n", NULL);
    get(LIVE);
    sse_close(&s[0]);
    struct sse late;
    assert_true(await((stream_open(&late, NULL), sse_receive(&late, RECOVERY_MS),
                       strstr(late.in, " 200 ") || (sse_close(&late), false)),
                      RECOVERY_MS));
    sse_close(&late);
    for (int i = 1; i < LIMIT; i++)
        sse_close(&s[i]);
    assert_true(await(metric("stockd_http_connections_open") == 1, RECOVERY_MS));
}

/* --- with keys -------------------------------------------------------------------------------- */

enum who { ACME = 20, UMBRA, STORE };
static const struct api_key_spec specs[] = {
    {ACME, ROLE_ADMIN, "acme"}, {UMBRA, ROLE_ADMIN, "umbra"}, {STORE, ROLE_ADMIN, "default"}};
static char dir[TEST_PATH_MAX], keys[TEST_PATH_MAX + 8];

static const char *key_of(int who)
{
    char key[API_KEY_SIZE];
    api_key_of(who, key);
    return text("Authorization: Bearer %s\r\n", key);
}

/* Sells one of each, and looks as one of them until its own is there: and no other. */
static void check_sees_own(enum who who)
{
    json_t *sample, *hottest;
    int64_t until = test_now_ms() + RECOVERY_MS;
    do {
        for (int seller = ACME; seller <= STORE; seller++)
            api_call(a, 200, "POST", DECREMENT(text("of-%d", seller)), key_of(seller),
                     "{\"quantity\":1}");
        int rc = http_call(&a->conn, "GET", LIVE, key_of(who), NULL, &a->resp);
        sample = rc == 0 && a->resp.status == 200 ? http_resp_json(&a->resp) : NULL;
        hottest = sample ? json_at(sample, "hottest") : NULL;
        if (json_array_size(hottest) > 1)
            fail_msg("it sees more than its own: %s", a->resp.body);
        assert_true(test_now_ms() < until);
    } while (!hot_item(sample, text("of-%d", who)));
    assert_null(strstr(a->resp.body, "acme"));
    assert_null(strstr(a->resp.body, "umbra"));
}

static void a_tenant_sees_its_own_items_alone(void **state)
{
    struct sse s;
    char type[SSE_TYPE_MAX];
    for (int who = ACME; who <= STORE; who++)
        api_call(a, 201, "PUT", ITEM(text("of-%d", who)), key_of(who), "{\"on_hand\":1000000}");
    for (int who = ACME; who <= STORE; who++)
        check_sees_own((enum who)who);
    stream_open(&s, key_of(UMBRA));
    json_t *json = sse_next(&s, type, RECOVERY_MS);
    assert_non_null(hot_item(json, text("of-%d", UMBRA)));
    assert_null(hot_item(json, text("of-%d", ACME)));
    json_decref(json);
    sse_close(&s);
}

/* The stream, and perhaps not its connection. */
static bool has_ended(struct sse *s)
{
    sse_receive(s, 50);
    return s->closed || (s->in && strstr(s->in, "\r\n0\r\n"));
}

static void a_key_that_is_revoked_ends_its_streams(void **state)
{
    struct sse s, other;
    assert_true(await(live_answers(key_of(ACME), 200), RECOVERY_MS));
    api_problem(a, 401, "unauthenticated", NULL, "GET", LIVE, "Authorization: Bearer x\r\n", NULL);
    stream_open(&s, key_of(ACME));
    stream_open(&other, key_of(UMBRA));
    (void)next_at(&s);
    (void)next_at(&other);
    assert_false(has_ended(&s));
    assert_int_equal(api_keys_write_specs(keys, specs + 1, 2), 0);
    assert_true(await(has_ended(&s), RECOVERY_MS));
    (void)next_at(&other);
    (void)next_at(&other);
    sse_close(&s);
    sse_close(&other);
}

/* A keeper that stands still: streams live on, and whoever asks is told that there is nothing. */
static void a_keeper_that_stands_still_is_seen(void **state)
{
    struct sse s;
    stream_open(&s, NULL);
    (void)next_at(&s);
    pid_t keeper = pid_of(TSERVICE_KEEPER);
    kill(keeper, SIGSTOP);
    assert_true(await((sse_receive(&s, 50), s.text && strstr(s.text, "\n:\n\n")), RECOVERY_MS));
    assert_true(await(live_answers(NULL, 503), RECOVERY_MS));
    check_problem(a, 503, "live-unavailable", NULL);
    check_header(a, "Retry-After", "1");
    kill(keeper, SIGCONT);
    (void)next_at(&s);
    await_live();
    kill(pid_of(TSERVICE_KEEPER), SIGKILL);
    (void)next_at(&s);
    (void)next_at(&s);
    sse_close(&s);
}

int main(void)
{
    const struct CMUnitTest open[] = {
        cmocka_unit_test(a_stream_has_one_sample_after_the_other),
        cmocka_unit_test(clients_may_leave_at_any_time),
        cmocka_unit_test(who_does_not_read_is_in_nobodys_way),
        cmocka_unit_test(streams_have_a_limit_and_give_their_place_back),
        cmocka_unit_test(a_keeper_that_stands_still_is_seen),
    };
    const struct CMUnitTest with_keys[] = {
        cmocka_unit_test(a_tenant_sees_its_own_items_alone),
        cmocka_unit_test(a_key_that_is_revoked_ends_its_streams),
    };
    const struct CMUnitTest ends[] = {PLAIN_TEST(sigterm_ends_streams),
                                      PLAIN_TEST(who_does_not_read_is_cut_off_at_last)};
    if (temp_dir_make(dir) < 0)
        return EXIT_FAILURE;
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    int failed = api_keys_write_specs(keys, specs, 3) < 0;
    failed += run_suite("live: streams", open, .workers = 1);
    failed += run_suite("live: streams, keys", with_keys, .workers = 2,
                        .flags = {"--keys-file", keys, "--tenant-items", "own"});
    failed += run_each("live: streams, ends", ends);
    temp_dir_remove(dir);
    return failed;
}
