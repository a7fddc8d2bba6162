/* test_proxies.c -- services behind proxies: whom they take for the one that asks, by header fields
 * and by the PROXY protocol, and what they do with those who say it wrongly or have no right to.
 */
#include "support/access_noted.h"
#include "support/api_keys.h"
#include "support/certs.h"
#include "support/fixture.h"
#include "support/tls_client.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FROM_V4   SIGNATURE "\x21\x11\x00\x0c\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x67\x1f\x90"
#define FROM_V6                                                                                    \
    SIGNATURE "\x21\x21\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"                         \
              "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x67\x1f\x90"
#define LOCAL     SIGNATURE "\x20\x00\x00\x00"
#define UNIX_SIDE SIGNATURE "\x21\x31\x00\x00"
#define FAILURES  "stockd_proxy_header_failures_total"

static char dir[TEST_PATH_MAX], access_log[TEST_PATH_MAX + 8], keys[TEST_PATH_MAX + 8];
static struct certs certs;

/* --- who it was, by the access log ------------------------------------------------------------ */

static void check_address(const char *sku, const char *address)
{
    assert_true(await(access_noted(access_log, sku)[0], RECOVERY_MS));
    assert_string_equal(access_noted(access_log, sku), address);
}

/* --- header fields ---------------------------------------------------------------------------- */

static void check_field(const char *lines, const char *address)
{
    const char *sku = new_sku();
    api_call(a, 201, "PUT", ITEM(sku), lines, "{\"on_hand\":1}");
    check_address(sku, address);
}

static void a_trusted_proxy_says_who_asks(void **state)
{
    serve(.flags = {"--trusted-proxies", "127.0.0.0/8,10.0.0.0/8", "--access-log", access_log});
    check_field("", "127.0.0.1");
    check_field("X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7");
    check_field("X-Forwarded-For: 192.0.2.6, 192.0.2.7, 10.0.0.1\r\n", "192.0.2.7");
    check_field("X-Forwarded-For: 192.0.2.6\r\nX-Forwarded-For: 2001:db8::7\r\n", "2001:db8::7");
    check_field("X-Forwarded-For: rubbish\r\n", "127.0.0.1");
    check_field("Forwarded: for=192.0.2.7\r\n", "127.0.0.1");
}

static void or_says_it_in_the_other_field(void **state)
{
    serve(.flags = {"--trusted-proxies", "127.0.0.1", "--forwarded-header", "forwarded",
                    "--access-log", access_log});
    check_field("Forwarded: for=192.0.2.6, for=\"[2001:db8::7]:4711\"\r\n", "2001:db8::7");
    check_field("X-Forwarded-For: 192.0.2.7\r\n", "127.0.0.1");
}

static void nobody_else_is_believed(void **state)
{
    serve(.flags = {"--trusted-proxies", "192.0.2.0/24", "--access-log", access_log});
    check_field("X-Forwarded-For: 192.0.2.7\r\n", "127.0.0.1");
    serve(.flags = {"--access-log", access_log});
    check_field("X-Forwarded-For: 192.0.2.7\r\n", "127.0.0.1");
}

static int try_from(const char *address)
{
    uint8_t secret[API_KEY_SECRET_BYTES] = {1};
    char key[API_KEY_SIZE];
    api_key_write(ROLE_ADMIN, secret, key);
    const char *lines = text("Authorization: Bearer %s\r\nX-Forwarded-For: %s\r\n", key, address);
    assert_int_equal(http_call(&a->conn, "GET", "/v1/items", lines, NULL, &a->resp), 0);
    return a->resp.status;
}

static void failed_logins_are_those_of_who_asks(void **state)
{
    assert_int_equal(api_keys_write(keys), 0);
    serve(.flags = {"--trusted-proxies", "127.0.0.1", "--keys-file", keys, "--failed-logins", "1"});
    assert_int_equal(try_from("192.0.2.7"), 401);
    assert_true(await(try_from("192.0.2.7") == 429, RECOVERY_MS));
    assert_int_equal(try_from("192.0.2.8"), 401);
    assert_int_equal(try_from("2001:db8:0:1::7"), 401);
    assert_true(await(try_from("2001:db8:0:1::8") == 429, RECOVERY_MS));
    assert_int_equal(try_from("2001:db8:0:2::7"), 401);
}

/* --- the PROXY protocol ----------------------------------------------------------------------- */

/* A connection whose first bytes these are, and TLS behind them if TEST_TLS is there. */
static void connect_saying(struct http_conn *c, const char *bytes, size_t n, size_t piece)
{
    char *folder = getenv("TEST_TLS") ? strdup(getenv("TEST_TLS")) : NULL;
    unsetenv("TEST_TLS");
    http_conn_init(c, stack.service.port);
    assert_int_equal(http_conn_open(c), 0);
    for (size_t at = 0; at < n; at += piece)
        assert_int_equal(http_send(c, bytes + at, n - at < piece ? n - at : piece), 0);
    if (!folder)
        return;
    setenv("TEST_TLS", folder, 1);
    c->tls = tls_client_new(c->fd, c->timeout_ms);
    assert_non_null(c->tls);
    free(folder);
}

/* Two requests over one connection are both of whom its header says. */
static void check_header_says(const char *bytes, size_t n, size_t piece, const char *address)
{
    struct http_conn c;
    connect_saying(&c, bytes, n, piece);
    for (int i = 0; i < 2; i++) {
        const char *sku = new_sku();
        assert_int_equal(http_call(&c, "PUT", ITEM(sku), NULL, "{\"on_hand\":1}", &a->resp), 0);
        assert_int_equal(a->resp.status, 201);
        check_address(sku, address);
    }
    http_conn_close(&c);
}
#define check_says(bytes, address)                                                                 \
    check_header_says((bytes), sizeof(bytes) - 1, sizeof(bytes), (address))

static double failures(void)
{
    double n;
    struct http_conn c;
    connect_saying(&c, LOCAL, sizeof(LOCAL) - 1, 64);
    assert_int_equal(http_call(&c, "GET", "/metrics", NULL, NULL, &a->resp), 0);
    const char *at = strstr(a->resp.body, "\n" FAILURES " ");
    assert_non_null(at);
    n = strtod(at + strlen("\n" FAILURES " "), NULL);
    http_conn_close(&c);
    return n;
}

#define PROXIED "--trusted-proxies", "127.0.0.1", "--proxy-protocol", "--access-log", access_log

/* The fixture's own client says no header, so nothing may be waited for by it. */
static void serve_proxied(void)
{
    serve(.flags = {PROXIED});
}

static void a_header_says_who_asks(void **state)
{
    serve_proxied();
    check_says(FROM_V4, "192.0.2.7");
    check_says(FROM_V6, "2001:db8::7");
    check_says(LOCAL, "127.0.0.1");
    check_says(UNIX_SIDE, "127.0.0.1");
    check_header_says(FROM_V6, sizeof(FROM_V6) - 1, 1, "2001:db8::7");
}

/* The header and the request in one segment. */
static void a_header_may_come_with_its_request(void **state)
{
    static const char both[] = FROM_V4 "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct http_conn c;
    serve_proxied();
    connect_saying(&c, both, sizeof(both) - 1, sizeof(both));
    assert_int_equal(http_receive(&c, false, &a->resp), 0);
    assert_int_equal(a->resp.status, 200);
    http_conn_close(&c);
}

/* What the proxy's own fields say comes from whoever the header names. */
static void a_header_and_a_field_are_one_chain(void **state)
{
    struct http_conn c;
    serve(.flags = {"--trusted-proxies", "127.0.0.1,192.0.2.7", "--proxy-protocol", "--access-log",
                    access_log});
    const char *sku = new_sku();
    connect_saying(&c, FROM_V4, sizeof(FROM_V4) - 1, 64);
    assert_int_equal(http_call(&c, "PUT", ITEM(sku), "X-Forwarded-For: 203.0.113.9\r\n",
                               "{\"on_hand\":1}", &a->resp),
                     0);
    check_address(sku, "203.0.113.9");
    http_conn_close(&c);
}

static void who_begins_otherwise_is_told_so_and_not_served(void **state)
{
    static const char *const others[] = {"PUT /v1/items/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                         "PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n"};
    serve_proxied();
    double before = failures();
    for (int i = 0; i < 2; i++) {
        struct http_conn c;
        connect_saying(&c, others[i], strlen(others[i]), 512);
        assert_int_equal(http_receive(&c, false, &a->resp), 0);
        check_problem(a, 400, "malformed-request", NULL);
        assert_non_null(strstr(api_str(a, "detail"), "PROXY protocol, version 2"));
        assert_true(http_closed_within(&c, RECOVERY_MS));
        http_conn_close(&c);
    }
    assert_true(failures() == before + 2);
}

static void wrong_headers_end_the_connection(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
    } wrong[] = {
        {SIGNATURE "\x21\x11\x00\x04\x01\x02\x03\x04", 20}, /* too short for its addresses */
        {SIGNATURE "\x25\x11\x00\x0c", 16},
        {SIGNATURE "\x21\x12\x00\x0c", 16},
        {SIGNATURE "\x11\x11\x00\x0c", 16},
        {"\0", 1},
    };
    serve_proxied();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct http_conn c;
        connect_saying(&c, wrong[i].bytes, wrong[i].n, 64);
        assert_true(http_closed_within(&c, RECOVERY_MS));
        http_conn_close(&c);
    }
    check_says(FROM_V4, "192.0.2.7");
}

/* Many that never come to their end: each has its time, and others are served meanwhile. */
static void headers_that_never_end_cost_a_while(void **state)
{
    static struct http_conn slow[50];
    serve_proxied();
    double before = failures();
    for (size_t i = 0; i < 50; i++)
        connect_saying(&slow[i], FROM_V6, i < sizeof(FROM_V6) - 1 ? i : 5, 64);
    check_says(FROM_V4, "192.0.2.7");
    for (int i = 0; i < 50; i++) {
        assert_true(http_closed_within(&slow[i], RECOVERY_MS));
        http_conn_close(&slow[i]);
    }
    assert_true(failures() == before + 50);
}

static void who_is_not_trusted_must_not_say_one(void **state)
{
    struct http_conn c;
    serve(.flags = {"--trusted-proxies", "192.0.2.7", "--proxy-protocol", "--access-log",
                    access_log});
    check_field("X-Forwarded-For: 203.0.113.9\r\n", "127.0.0.1");
    connect_saying(&c, FROM_V4, sizeof(FROM_V4) - 1, 64);
    const char *get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    (void)!http_send(&c, get, strlen(get));
    if (http_receive(&c, false, &a->resp) == 0)
        check_problem(a, 400, "malformed-request", NULL);
    assert_true(http_closed_within(&c, RECOVERY_MS));
    http_conn_close(&c);
}

/* --- before TLS ------------------------------------------------------------------------------- */

static void a_header_stands_before_tls(void **state)
{
    assert_int_equal(setenv("TEST_TLS", certs.dir, 1), 0);
    serve_proxied();
    check_says(FROM_V4, "192.0.2.7");
    check_header_says(FROM_V6, sizeof(FROM_V6) - 1, 1, "2001:db8::7");
    check_says(LOCAL, "127.0.0.1");
    double before = failures();
    struct http_conn c;
    http_conn_init(&c, stack.service.port); /* TLS without a header */
    assert_true(http_conn_open(&c) < 0);
    http_conn_close(&c);
    assert_true(failures() == before + 1);
    unsetenv("TEST_TLS");
}

/* --- starts ----------------------------------------------------------------------------------- */

static void options_that_make_no_sense_are_no_start(void **state)
{
    check_command(64, "serve", "--trusted-proxies", "proxy.example");
    check_said("--trusted-proxies: \"proxy.example\" is no network");
    check_command(64, "serve", "--proxy-protocol");
    check_said("--trusted-proxies");
    check_command(64, "serve", "--forwarded-header", "x-real-ip");
    check_said("x-forwarded-for");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(a_trusted_proxy_says_who_asks),
        PLAIN_TEST(or_says_it_in_the_other_field),
        PLAIN_TEST(nobody_else_is_believed),
        PLAIN_TEST(failed_logins_are_those_of_who_asks),
        PLAIN_TEST(a_header_says_who_asks),
        PLAIN_TEST(a_header_may_come_with_its_request),
        PLAIN_TEST(a_header_and_a_field_are_one_chain),
        PLAIN_TEST(who_begins_otherwise_is_told_so_and_not_served),
        PLAIN_TEST(wrong_headers_end_the_connection),
        PLAIN_TEST(headers_that_never_end_cost_a_while),
        PLAIN_TEST(who_is_not_trusted_must_not_say_one),
        PLAIN_TEST(a_header_stands_before_tls),
        PLAIN_TEST(options_that_make_no_sense_are_no_start),
    };
    unsetenv("TEST_KEYS"); /* connections are made here */
    unsetenv("TEST_TLS");
    if (temp_dir_make(dir) < 0 || certs_begin(&certs) < 0 || certs_make_ca(&certs, "ca") < 0 ||
        certs_make(&certs, "server", "ca", "IP:127.0.0.1,DNS:localhost", 30) < 0)
        return EXIT_FAILURE;
    snprintf(access_log, sizeof(access_log), "%s/log", dir);
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    int failed = run_each("proxies", tests);
    certs_end(&certs);
    temp_dir_remove(dir);
    return failed;
}
