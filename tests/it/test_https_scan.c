/* test_https_scan.c -- what somebody finds who asks a service with TLS for everything that TLS ever
 * had: only what is good, whatever is offered, and however it is cut into records.
 *
 * HALF_OPEN says how many handshakes are left half open at once, 1,000 without it.
 */
#include "support/certs.h"
#include "support/env_number.h"
#include "support/fixture.h"
#include "support/tls_client.h"
#include "support/tls_raw.h"

#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HALF_OPEN_MAX 10000
#define ROUNDS_MAX    12
#define GROWTH_MAX    (1 << 20)
#define REQUEST       "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct certs certs;

static struct tls_raw begin(int version)
{
    return tls_raw_begin(stack.service.port, version, NULL);
}

static void serve_with(const char *name)
{
    char cert[CERTS_PATH_MAX], key[CERTS_PATH_MAX];
    serve(.flags = {"--tls-cert", certs_path(&certs, name, "pem", cert), "--tls-key",
                    certs_path(&certs, name, "key", key)});
}

/* Asks on a connection that is made, and is answered. */
static void check_asked(SSL *ssl)
{
    char answer[512] = "";
    assert_int_equal(SSL_write(ssl, REQUEST, (int)strlen(REQUEST)), strlen(REQUEST));
    assert_true(SSL_read(ssl, answer, sizeof(answer) - 1) > 0);
    assert_ptr_equal(strstr(answer, "HTTP/1.1 200 "), answer);
}

/* --- ciphers ---------------------------------------------------------------------------------- */

static bool connects_with(int version, const char *cipher)
{
    struct tls_raw client = begin(version);
    int set = version == TLS1_3_VERSION ? SSL_set_ciphersuites(client.ssl, cipher)
                                        : SSL_set_cipher_list(client.ssl, cipher);
    bool connected = set == 1 && SSL_connect(client.ssl) == 1;
    if (connected) {
        assert_string_equal(SSL_get_cipher_name(client.ssl), cipher);
        assert_null(SSL_get_current_compression(client.ssl));
        check_asked(client.ssl);
    }
    tls_raw_end(&client);
    return connected;
}

static bool is_good(const char *cipher)
{
    return strncmp(cipher, "ECDHE-", 6) == 0 && !strstr(cipher, "-PSK-") &&
           ((strstr(cipher, "-AES") && strstr(cipher, "-GCM-")) || strstr(cipher, "-CHACHA20-"));
}

/* Of TLS 1.2, each that OpenSSL still has: with RSA as exchange, CBC, anonymous, without any
 * secrecy. prefix: of those that suit the certificate. */
static void scan_1_2(const char *certificate, const char *prefix)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    unsigned good = 0, bad = 0;
    serve_with(certificate);
    SSL_CTX_set_security_level(context, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(context, "ALL:COMPLEMENTOFALL"), 1);
    STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(context);
    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const char *cipher = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i));
        if (strncmp(cipher, "TLS_", 4) == 0)
            continue;
        bool expected = is_good(cipher) && strncmp(cipher, prefix, strlen(prefix)) == 0;
        if (connects_with(TLS1_2_VERSION, cipher) != expected)
            fail_msg("%s was %s", cipher, expected ? "refused" : "taken");
        good += expected;
        bad += !expected;
    }
    SSL_CTX_free(context);
    assert_int_equal(good, 3);
    assert_true(bad > 50);
}

static void only_good_ciphers_of_tls_1_2_are_taken_with_a_key_of_ec(void **state)
{
    scan_1_2("server", "ECDHE-ECDSA-");
}

static void only_good_ciphers_of_tls_1_2_are_taken_with_a_key_of_rsa(void **state)
{
    scan_1_2("rsa", "ECDHE-RSA-");
}

static void the_three_ciphers_of_tls_1_3_are_taken(void **state)
{
    serve();
    assert_true(connects_with(TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"));
    assert_true(connects_with(TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384"));
    assert_true(connects_with(TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256"));
    assert_false(connects_with(TLS1_3_VERSION, "TLS_AES_128_CCM_SHA256"));
    assert_false(connects_with(TLS1_3_VERSION, "TLS_AES_128_CCM_8_SHA256"));
}

/* --- groups ----------------------------------------------------------------------------------- */

static void only_good_groups_are_taken(void **state)
{
    static const struct {
        const char *group;
        bool good;
    } rows[] = {{"X25519", true},          {"P-256", true},  {"P-384", true},
                {"P-521", false},          {"X448", false},  {"secp256k1", false},
                {"ffdhe2048", false},      {"P-224", false}, {"sect283r1", false},
                {"brainpoolP256r1", false}};
    serve_with("rsa"); /* a key of P-256 asks for that group as well */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            struct tls_raw client = begin(version);
            bool taken = SSL_set1_groups_list(client.ssl, rows[i].group) == 1 &&
                         SSL_connect(client.ssl) == 1;
            if (taken != rows[i].good)
                fail_msg("%s in %x was %s", rows[i].group, (unsigned)version,
                         taken ? "taken" : "refused");
            tls_raw_end(&client);
        }
}

/* --- renegotiation ---------------------------------------------------------------------------- */

/* Refused each time, and at no more cost than a record: the connection goes on, or ends. */
static void a_client_that_renegotiates_for_ever_gets_no_handshake(void **state)
{
    serve();
    struct tls_raw client = begin(TLS1_2_VERSION);
    assert_int_equal(SSL_connect(client.ssl), 1);
    int64_t before = metric("stockd_tls_handshakes_total");
    for (int i = 0; i < 100; i++)
        if (SSL_renegotiate(client.ssl) != 1 || SSL_do_handshake(client.ssl) != 1)
            break;
    assert_true(metric("stockd_tls_handshakes_total") <= before + 1);
    tls_raw_end(&client);
    get("/healthz");
}

/* --- sessions --------------------------------------------------------------------------------- */

/* Neither a ticket nor an id, so nothing to be resumed, before a new key and after it; and nothing
 * that early data could be sent with. */
static void there_is_no_ticket_and_no_early_data(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    serve();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2; i++) {
            struct tls_raw client = begin(versions[i]);
            assert_int_equal(SSL_connect(client.ssl), 1);
            check_asked(client.ssl);
            SSL_SESSION *session = SSL_get1_session(client.ssl);
            assert_int_equal(SSL_SESSION_has_ticket(session), 0);
            assert_int_equal(SSL_SESSION_is_resumable(session), 0);
            assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
            SSL_SESSION_free(session);
            tls_raw_end(&client);
        }
        kill(stack.service.proc.pid, SIGHUP);
    }
}

/* --- names and protocols ---------------------------------------------------------------------- */

static void any_name_of_a_host_is_answered(void **state)
{
    char longest[256];
    const char *const names[] = {"localhost", "127.0.0.1", "::1",   "a..b",     "-",
                                 "*.example", "\x01\xff",  longest, "a b\"%s%n"};
    memset(longest, 'a', 255);
    longest[255] = '\0';
    serve();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            struct tls_raw client = begin(version);
            assert_int_equal(SSL_set_tlsext_host_name(client.ssl, names[i]), 1);
            assert_int_equal(SSL_connect(client.ssl), 1);
            check_asked(client.ssl);
            tls_raw_end(&client);
        }
}

static bool connects_with_protocols(const unsigned char *list, unsigned n)
{
    struct tls_raw client = begin(TLS1_3_VERSION);
    assert_int_equal(SSL_set_alpn_protos(client.ssl, list, n), 0);
    bool connected = SSL_connect(client.ssl) == 1;
    tls_raw_end(&client);
    return connected;
}

static void odd_lists_of_protocols_are_refused_unless_ours_is_in_them(void **state)
{
    static unsigned char many[2 * 9000 + 9];
    static const unsigned char capitals[] = "\x08HTTP/1.1", part[] = "\x07http/1.";
    static const unsigned char longer[] = "\x09http/1.1x", none[] = "\x01\0";
    serve();
    assert_false(connects_with_protocols(capitals, sizeof(capitals) - 1));
    assert_false(connects_with_protocols(part, sizeof(part) - 1));
    assert_false(connects_with_protocols(longer, sizeof(longer) - 1));
    assert_false(connects_with_protocols(none, sizeof(none) - 1));
    for (size_t i = 0; i < 9000; i++)
        memcpy(many + 2 * i, "\x01x", 2);
    assert_false(connects_with_protocols(many, 2 * 1000));
    memcpy(many + 2 * 1000, "\x08http/1.1", 9);
    assert_true(connects_with_protocols(many, 2 * 1000 + 9));
}

/* --- records ---------------------------------------------------------------------------------- */

/* Records of a handshake that are not encrypted yet, as records of a byte each. Returns the bytes
 * written. */
static size_t fragment(const unsigned char *from, size_t n, unsigned char *to)
{
    size_t written = 0;
    while (n >= 5) {
        size_t body = (size_t)from[3] << 8 | from[4];
        assert_true(body + 5 <= n);
        for (size_t i = 0; i < body; i++) {
            const unsigned char record[] = {from[0], from[1], from[2], 0, 1, from[5 + i]};
            memcpy(to + written, record, sizeof(record));
            written += sizeof(record);
        }
        from += body + 5;
        n -= body + 5;
    }
    assert_int_equal(n, 0);
    return written;
}

static void records_of_a_byte_are_put_together(void **state)
{
    static unsigned char records[6 * TLS_HELLO_MAX];
    unsigned char bytes[TLS_HELLO_MAX], answer[1];
    struct pollfd p;
    serve();
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct tls_raw client = begin(version);
        SSL_set_bio(client.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(client.ssl);
        assert_int_equal(SSL_do_handshake(client.ssl), -1);
        int n = BIO_read(SSL_get_wbio(client.ssl), bytes, sizeof(bytes));
        size_t all = fragment(bytes, (size_t)n, records);
        for (size_t i = 0; i < all; i++) /* and each byte of them by itself */
            assert_int_equal(send(client.fd, records + i, 1, MSG_NOSIGNAL), 1);
        p = (struct pollfd){.fd = client.fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, RECOVERY_MS), 1);
        assert_int_equal(recv(client.fd, answer, 1, MSG_PEEK), 1);
        assert_int_equal(answer[0], 22); /* a handshake, no alert */
        tls_raw_end(&client);
    }
}

static void a_request_of_records_of_a_byte_is_answered(void **state)
{
    char answer[512] = "";
    serve();
    struct tls_raw client = begin(TLS1_3_VERSION);
    assert_int_equal(SSL_connect(client.ssl), 1);
    for (size_t i = 0; i < strlen(REQUEST); i++)
        assert_int_equal(SSL_write(client.ssl, &REQUEST[i], 1), 1);
    assert_true(SSL_read(client.ssl, answer, sizeof(answer) - 1) > 0);
    assert_ptr_equal(strstr(answer, "HTTP/1.1 200 "), answer);
    tls_raw_end(&client);
}

/* --- very many -------------------------------------------------------------------------------- */

static int64_t resident_bytes(void)
{
    return metric("stockd_process_resident_memory_bytes{process=\"worker\",slot=\"0\"}");
}

static void leave_half_open(int count)
{
    static int fds[HALF_OPEN_MAX];
    char hello[TLS_HELLO_MAX];
    size_t n = tls_raw_hello(hello);
    for (int i = 0; i < count; i++) {
        fds[i] = tls_raw_connect(stack.service.port);
        /* Half of it, or all of it and then nothing: what is signed is never read. */
        (void)!send(fds[i], hello, i % 2 ? n : n / 2, MSG_NOSIGNAL);
        if (i % 100 == 0)
            get("/healthz");
    }
    get("/healthz");
    for (int i = 0; i < count; i++)
        close(fds[i]);
    assert_true(await(metric("stockd_tls_handshakes_open") == 0, RECOVERY_MS));
}

/* How many are open at once at most, and so how large it grows, is a matter of the machine; but
 * what a round leaves behind, each of them leaves. */
static void memory_is_back_after_very_many_half_open_handshakes(void **state)
{
    int count = (int)env_number("HALF_OPEN", 1000);
    int64_t grown = INT64_MAX;
    serve();
    assert_in_range(count, 1, HALF_OPEN_MAX);
    leave_half_open(count);
    for (int i = 0; i < ROUNDS_MAX && grown > GROWTH_MAX; i++) {
        int64_t before = resident_bytes();
        leave_half_open(count);
        grown = resident_bytes() - before;
    }
    if (!tservice_is_slow()) /* a sanitizer keeps what was freed */
        assert_true(grown <= GROWTH_MAX);
}

static void make_certificates(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    assert_int_equal(certs_begin(&certs), 0);
    assert_int_equal(certs_make_ca(&certs, "ca"), 0);
    assert_int_equal(certs_make(&certs, "server", "ca", "IP:127.0.0.1,DNS:localhost", 30), 0);
    assert_int_equal(system(text("cd %s && openssl req -newkey rsa:2048 -nodes -keyout rsa.key "
                                 "-out rsa.csr -subj /CN=rsa 2>/dev/null && openssl x509 -req "
                                 "-in rsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 "
                                 "-extfile server.ext -out rsa.pem 2>/dev/null",
                                 certs.dir)),
                     0);
    assert_int_equal(setenv("TEST_TLS", certs.dir, 1), 0);
}

static void remove_certificates(void)
{
    certs_end(&certs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(only_good_ciphers_of_tls_1_2_are_taken_with_a_key_of_ec),
        PLAIN_TEST(only_good_ciphers_of_tls_1_2_are_taken_with_a_key_of_rsa),
        PLAIN_TEST(the_three_ciphers_of_tls_1_3_are_taken),
        PLAIN_TEST(only_good_groups_are_taken),
        PLAIN_TEST(a_client_that_renegotiates_for_ever_gets_no_handshake),
        PLAIN_TEST(there_is_no_ticket_and_no_early_data),
        PLAIN_TEST(any_name_of_a_host_is_answered),
        PLAIN_TEST(odd_lists_of_protocols_are_refused_unless_ours_is_in_them),
        PLAIN_TEST(records_of_a_byte_are_put_together),
        PLAIN_TEST(a_request_of_records_of_a_byte_is_answered),
        PLAIN_TEST(memory_is_back_after_very_many_half_open_handshakes),
    };
    signal(SIGPIPE, SIG_IGN);
    return run_each_with("https scan", tests, make_certificates, remove_certificates);
}
