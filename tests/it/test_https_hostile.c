/* test_https_hostile.c -- clients of a service with TLS that do not shake hands as they should, or
 * at all: they get nothing, and others are served meanwhile. */
#include "support/certs.h"
#include "support/fixture.h"
#include "support/tls_raw.h"

#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HALF_OPEN     1000
#define HANDSHAKE_MS  30000
#define HANDSHAKES    "stockd_tls_handshakes_open"
#define FAILURES      "stockd_tls_handshake_failures_total"
#define SHORT_TIMEOUT "--request-timeout", "1s", "--read-timeout", "1s"

static struct certs certs;

static int connect_plain(void)
{
    return tls_raw_connect(stack.service.port);
}

/* All that comes until the end, which must come; how many bytes. */
static size_t read_to_end(int fd, char *to, size_t size)
{
    size_t had = 0;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, RECOVERY_MS), 1);
        ssize_t n = read(fd, to + had, size - 1 - had);
        if (n <= 0)
            break;
        had += (size_t)n;
    }
    to[had] = '\0';
    return had;
}

static void check_served(void)
{
    struct http_conn c;
    http_conn_init(&c, stack.service.port);
    assert_int_equal(http_call(&c, "GET", "/healthz", NULL, NULL, &a->resp), 0);
    assert_int_equal(a->resp.status, 200);
    http_conn_close(&c);
}

static void http_without_tls_is_told_so_and_not_served(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char answer[4096];
    serve();
    int fd = connect_plain();
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    read_to_end(fd, answer, sizeof(answer));
    assert_ptr_equal(strstr(answer, "HTTP/1.1 400 "), answer);
    assert_non_null(strstr(answer, "this port speaks TLS"));
    close(fd);
    fd = connect_plain();
    assert_int_equal(write(fd, "\r\n\r\n", 4), 4);
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    read_to_end(fd, answer, sizeof(answer));
    assert_null(strstr(answer, "200"));
    close(fd);
    check_served();
}

static void handshakes_that_stall_at_any_byte_are_ended(void **state)
{
    char hello[TLS_HELLO_MAX], waste[256];
    size_t n = tls_raw_hello(hello);
    int fds[TLS_HELLO_MAX];
    serve(.flags = {SHORT_TIMEOUT});
    for (size_t i = 0; i < n; i++) {
        fds[i] = connect_plain();
        assert_int_equal(send(fds[i], hello, i, 0), i);
    }
    check_served();
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(read_to_end(fds[i], waste, sizeof(waste)), 0);
        close(fds[i]);
    }
    assert_true(await(metric(HANDSHAKES) == 0, RECOVERY_MS));
    assert_true(metric(FAILURES) >= (int64_t)n);
}

static void a_reset_at_any_byte_costs_nobody_anything(void **state)
{
    char hello[TLS_HELLO_MAX];
    size_t n = tls_raw_hello(hello);
    const struct linger at_once = {.l_onoff = 1};
    serve();
    for (size_t i = 0; i <= n; i++) {
        int fd = connect_plain();
        assert_int_equal(send(fd, hello, i, 0), i);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(fd);
    }
    check_served();
    assert_true(await(metric(HANDSHAKES) == 0, RECOVERY_MS));
}

static void garbage_is_no_handshake(void **state)
{
    char bytes[1024], waste[4096];
    unsigned seed = 7;
    serve();
    for (int i = 0; i < 200; i++) {
        size_t n = 1 + (size_t)rand_r(&seed) % (sizeof(bytes) - 1);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (char)rand_r(&seed);
        if (i % 2)
            memcpy(bytes, "\x16\x03\x01", n < 3 ? n : 3);
        int fd = connect_plain();
        (void)!send(fd, bytes, n, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        read_to_end(fd, waste, sizeof(waste));
        close(fd);
    }
    check_served();
}

/* One more than there may be ends the oldest: whoever begins now has its turn. */
static void a_thousand_half_open_handshakes_keep_nobody_out(void **state)
{
    static int fds[HALF_OPEN];
    char hello[TLS_HELLO_MAX];
    size_t n = tls_raw_hello(hello);
    serve(.flags = {"--connections-max", "400"});
    for (int i = 0; i < HALF_OPEN; i++) {
        fds[i] = connect_plain();
        (void)!send(fds[i], hello, n / 2, MSG_NOSIGNAL);
        if (i % 100 == 0)
            check_served();
    }
    assert_true(metric(HANDSHAKES) <= 400 / 4);
    assert_true(metric(FAILURES) >= HALF_OPEN - 400 / 4 - 1);
    check_served();
    for (int i = 0; i < HALF_OPEN; i++)
        close(fds[i]);
    assert_true(await(metric(HANDSHAKES) == 0, RECOVERY_MS));
}

static void a_half_open_handshake_does_not_hold_up_the_end(void **state)
{
    char hello[TLS_HELLO_MAX];
    size_t n = tls_raw_hello(hello);
    serve(.flags = {"--drain", "60s"});
    int fd = connect_plain();
    assert_int_equal(send(fd, hello, n / 2, 0), n / 2);
    assert_true(await(metric(HANDSHAKES) == 1, RECOVERY_MS));
    stop_serving();
    assert_int_equal(tservice_log_count(&stack.service, "drain time is over", NULL), 0);
    close(fd);
}

/* --- versions, renegotiation, sessions -------------------------------------------------------- */

static struct tls_raw begin(int version, SSL_SESSION *session)
{
    return tls_raw_begin(stack.service.port, version, session);
}

static void only_tls_1_2_and_1_3_are_spoken(void **state)
{
    static const struct {
        int version;
        bool good;
    } rows[] = {{TLS1_VERSION, false},
                {TLS1_1_VERSION, false},
                {TLS1_2_VERSION, true},
                {TLS1_3_VERSION, true}};
    serve();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_raw s = begin(rows[i].version, NULL);
        assert_int_equal(SSL_connect(s.ssl) == 1, rows[i].good);
        tls_raw_end(&s);
    }
    struct tls_raw weak = begin(TLS1_2_VERSION, NULL);
    SSL_set_cipher_list(weak.ssl, "ECDHE-ECDSA-AES128-SHA256:AES128-GCM-SHA256:AES256-SHA");
    assert_int_not_equal(SSL_connect(weak.ssl), 1);
    tls_raw_end(&weak);
}

static void another_protocol_than_http_1_1_is_refused(void **state)
{
    static const unsigned char h2[] = "\x02h2", both[] = "\x02h2\x08http/1.1";
    serve();
    struct tls_raw s = begin(TLS1_3_VERSION, NULL);
    SSL_set_alpn_protos(s.ssl, h2, sizeof(h2) - 1);
    assert_int_not_equal(SSL_connect(s.ssl), 1);
    tls_raw_end(&s);
    s = begin(TLS1_3_VERSION, NULL);
    SSL_set_alpn_protos(s.ssl, both, sizeof(both) - 1);
    assert_int_equal(SSL_connect(s.ssl), 1);
    tls_raw_end(&s);
}

static void renegotiation_is_refused(void **state)
{
    char byte;
    serve();
    struct tls_raw s = begin(TLS1_2_VERSION, NULL);
    assert_int_equal(SSL_connect(s.ssl), 1);
    assert_int_equal(SSL_renegotiate(s.ssl), 1);
    int rc = SSL_do_handshake(s.ssl);
    if (rc == 1) /* it was begun; the answer is read here */
        rc = SSL_read(s.ssl, &byte, 1);
    assert_true(rc <= 0);
    tls_raw_end(&s);
    check_served();
}

static void no_session_is_resumed(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char answer[512];
    serve(.workers = 2);
    for (int i = 0; i < 2; i++) {
        struct tls_raw s = begin(versions[i], NULL);
        assert_int_equal(SSL_connect(s.ssl), 1);
        assert_int_equal(SSL_write(s.ssl, request, (int)strlen(request)), strlen(request));
        assert_true(SSL_read(s.ssl, answer, sizeof(answer)) > 0);
        SSL_SESSION *session = SSL_get1_session(s.ssl);
        tls_raw_end(&s);
        s = begin(versions[i], session);
        assert_int_equal(SSL_connect(s.ssl), 1);
        assert_int_equal(SSL_session_reused(s.ssl), 0);
        tls_raw_end(&s);
        SSL_SESSION_free(session);
    }
}

/* Changes of keys, which give nothing back, and ask for an answer that is not read. */
static void a_client_that_only_changes_keys_is_cut_off(void **state)
{
    serve();
    struct tls_raw s = begin(TLS1_3_VERSION, NULL);
    assert_int_equal(SSL_connect(s.ssl), 1);
    bool alive = true;
    for (int i = 0; alive && i < 1000 * 1000; i++)
        alive =
            SSL_key_update(s.ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(s.ssl) == 1;
    assert_false(alive);
    tls_raw_end(&s);
    check_served();
}

static void certs_make_all(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < 8192 ? files.rlim_max : 8192;
    setrlimit(RLIMIT_NOFILE, &files);
    assert_int_equal(certs_begin(&certs), 0);
    assert_int_equal(certs_make_ca(&certs, "ca"), 0);
    assert_int_equal(certs_make(&certs, "server", "ca", "IP:127.0.0.1,DNS:localhost", 30), 0);
    assert_int_equal(setenv("TEST_TLS", certs.dir, 1), 0);
}

static void certs_remove(void)
{
    certs_end(&certs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(http_without_tls_is_told_so_and_not_served),
        PLAIN_TEST(handshakes_that_stall_at_any_byte_are_ended),
        PLAIN_TEST(a_reset_at_any_byte_costs_nobody_anything),
        PLAIN_TEST(garbage_is_no_handshake),
        PLAIN_TEST(a_thousand_half_open_handshakes_keep_nobody_out),
        PLAIN_TEST(a_half_open_handshake_does_not_hold_up_the_end),
        PLAIN_TEST(only_tls_1_2_and_1_3_are_spoken),
        PLAIN_TEST(another_protocol_than_http_1_1_is_refused),
        PLAIN_TEST(renegotiation_is_refused),
        PLAIN_TEST(no_session_is_resumed),
        PLAIN_TEST(a_client_that_only_changes_keys_is_cut_off),
    };
    signal(SIGPIPE, SIG_IGN);
    return run_each_with("https hostile", tests, certs_make_all, certs_remove);
}
