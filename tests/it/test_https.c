/* test_https.c -- a service with TLS: files that are wrong, certificates of clients, SIGHUP,
 * answers that are larger than what a socket takes, and the commands that ask it. */
#include "support/certs.h"
#include "support/fixture.h"
#include "support/tls_client.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPIRY    "stockd_tls_certificate_expiry_timestamp_seconds"
#define RELOADS   30
#define PIPELINED 100

static struct certs certs;

/* "NAME.kind" in the folder; good until it was asked for three more. */
static const char *file(const char *name, const char *kind)
{
    static char paths[4][CERTS_PATH_MAX];
    static unsigned at;
    return certs_path(&certs, name, kind, paths[at++ % 4]);
}

/* --- files ------------------------------------------------------------------------------------ */

static void refused(const char *cert, const char *key, const char *words)
{
    check_command(64, "serve", "--tls-cert", cert, "--tls-key", key);
    check_said(words);
}

static void wrong_files_are_said_at_start(void **state)
{
    char cert[CERTS_PATH_MAX], key[CERTS_PATH_MAX];
    KEEP(cert, file("server", "pem"));
    KEEP(key, file("server", "key"));
    refused("/none.pem", key, "--tls-cert /none.pem: can not be read: No such file");
    refused(cert, "/none.key", "--tls-key /none.key: can not be read: No such file");
    refused(cert, file("other", "key"), "is not the key of the certificate in --tls-cert");
    refused(key, key, "has no certificate");
    refused(file("over", "pem"), file("over", "key"), "has expired");
    refused(cert, file("locked", "key"), "is encrypted; give it without a password");
    refused(cert, file("open", "key"), "may be read by others (mode 0644)");
    check_command(64, "serve", "--tls-cert", cert);
    check_said("--tls-cert and --tls-key belong together");
    check_command(64, "serve", "--tls-client-ca", file("ca", "pem"));
    check_said("give --tls-cert and --tls-key too");
    check_command(64, "serve", "--tls-cert", cert, "--tls-key", key, "--tls-client-ca", key);
    check_said("--tls-client-ca");
}

/* --- certificates of clients ------------------------------------------------------------------ */

/* What openssl s_client gets when it asks with that certificate; NULL: with none. */
static bool is_served_with(const char *name)
{
    char line[1024];
    snprintf(line, sizeof(line),
             "printf 'GET /healthz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' | timeout 60 openssl "
             "s_client -quiet -ign_eof -connect 127.0.0.1:%d -CAfile %s/ca.pem %s%s%s%s "
             "2>/dev/null | grep -q '^HTTP/1.1 200'",
             stack.service.port, certs.dir, name ? "-cert " : "", name ? file(name, "pem") : "",
             name ? " -key " : "", name ? file(name, "key") : "");
    return system(line) == 0;
}

static void only_clients_with_a_certificate_of_the_ca_come_in(void **state)
{
    serve(.flags = {"--tls-client-ca", file("ca", "pem"), "--log-level", "debug"});
    assert_true(is_served_with("client"));
    assert_true(log_has("TLS handshake", "client=dns:shop-7.example"));
    assert_false(is_served_with(NULL));
    assert_false(is_served_with("stranger"));
    assert_false(is_served_with("over"));
    assert_true(is_served_with("client"));
}

/* --- SIGHUP ----------------------------------------------------------------------------------- */

/* The number of the certificate that a new connection sees. */
static long serial_seen(void)
{
    struct http_conn c;
    http_conn_init(&c, stack.service.port);
    assert_int_equal(http_conn_open(&c), 0);
    X509 *cert = SSL_get1_peer_certificate(tls_client_ssl(c.tls));
    long serial = (long)X509_issuer_and_serial_hash(cert);
    X509_free(cert);
    http_conn_close(&c);
    return serial;
}

static void a_new_certificate_is_shown_after_sighup(void **state)
{
    assert_int_equal(certs_copy(&certs, "server", "shown"), 0);
    serve(.flags = {"--tls-cert", file("shown", "pem"), "--tls-key", file("shown", "key")});
    long before = serial_seen();
    int64_t expiry = metric(EXPIRY);
    assert_true(expiry > 0);
    assert_int_equal(certs_copy(&certs, "longer", "shown"), 0);
    int fd = a->conn.fd;
    kill(stack.service.proc.pid, SIGHUP);
    assert_true(await(serial_seen() != before, RECOVERY_MS));
    assert_true(metric(EXPIRY) > expiry);
    assert_int_equal(a->conn.fd, fd); /* connections that live keep what they have */
}

static void a_broken_file_keeps_the_one_of_before(void **state)
{
    assert_int_equal(certs_copy(&certs, "server", "shown"), 0);
    serve(.flags = {"--tls-cert", file("shown", "pem"), "--tls-key", file("shown", "key")});
    long before = serial_seen();
    FILE *broken = fopen(file("shown", "pem"), "we");
    assert_non_null(broken);
    fclose(broken);
    kill(stack.service.proc.pid, SIGHUP);
    assert_true(
        await(log_has("HTTPS goes on with the certificate of before", "proc=worker"), RECOVERY_MS));
    assert_true(log_has("level=error", "has no certificate"));
    assert_int_equal(serial_seen(), before);
    assert_true(metric(EXPIRY) > 0);
}

static void nobody_is_refused_while_it_is_read_again(void **state)
{
    serve(.workers = 2);
    for (int i = 0; i < RELOADS; i++) {
        struct http_conn c;
        kill(stack.service.proc.pid, SIGHUP);
        http_conn_init(&c, stack.service.port);
        assert_int_equal(http_call(&c, "GET", "/healthz", NULL, NULL, &a->resp), 0);
        assert_int_equal(a->resp.status, 200);
        http_conn_close(&c);
    }
}

/* --- the port of `stockd ledger` -------------------------------------------------------------- */

static void the_port_of_the_ledger_process_has_it_too(void **state)
{
    struct http_conn c;
    char line[128];
    serve(.ledger = *state, .apart = true,
          .applier_flags = {"--ledger-listen", "127.0.0.1:0", "--tls-cert", file("server", "pem"),
                            "--tls-key", file("server", "key")});
    assert_int_equal(tproc_await_line(&applier, "listening on https://127.0.0.1:", line,
                                      sizeof(line), RECOVERY_MS),
                     0);
    http_conn_init(&c, atoi(strrchr(line, ':') + 1));
    assert_int_equal(http_call(&c, "GET", "/metrics", NULL, NULL, &a->resp), 0);
    assert_int_equal(a->resp.status, 200);
    assert_non_null(strstr(a->resp.body, "\nstockd_tls_handshakes_total 1\n"));
    http_conn_close(&c);
}

/* --- large answers ---------------------------------------------------------------------------- */

/* More than sockets hold, so records are left half sent, in the middle of heads and of bodies. */
static void pipelined_answers_come_whole_to_a_slow_reader(void **state)
{
    struct http_conn c;
    static const char request[] = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    serve();
    get("/openapi.json");
    char *whole = strdup(a->resp.body);
    http_conn_init(&c, stack.service.port);
    for (int i = 0; i < PIPELINED; i++)
        assert_int_equal(http_send(&c, request, strlen(request)), 0);
    usleep(300000);
    for (int i = 0; i < PIPELINED; i++) {
        assert_int_equal(http_receive(&c, false, &a->resp), 0);
        assert_string_equal(a->resp.body, whole);
    }
    free(whole);
    http_conn_close(&c);
}

static void a_client_that_does_not_read_is_cut_off(void **state)
{
    struct http_conn c;
    static const char request[] = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    serve(.flags = {"--write-timeout", "1s"});
    http_conn_init(&c, stack.service.port);
    for (int i = 0; i < 10 * PIPELINED; i++)
        if (http_send(&c, request, strlen(request)) != 0)
            break;
    assert_true(await(metric("stockd_http_connections_open") == 1, RECOVERY_MS));
    http_conn_close(&c);
}

/* Asked before SIGTERM, answered after it; then the good-bye, by TLS and not by a reset. */
static void what_was_asked_is_answered_before_the_end(void **state)
{
    struct http_conn c;
    static const char request[] = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    serve();
    http_conn_init(&c, stack.service.port);
    assert_int_equal(http_send(&c, request, strlen(request)), 0);
    kill(stack.service.proc.pid, SIGTERM);
    assert_int_equal(http_receive(&c, false, &a->resp), 0);
    assert_int_equal(a->resp.status, 200);
    assert_true(http_closed_within(&c, RECOVERY_MS));
    assert_int_equal(SSL_get_shutdown(tls_client_ssl(c.tls)) & SSL_RECEIVED_SHUTDOWN,
                     SSL_RECEIVED_SHUTDOWN);
    http_conn_close(&c);
}

/* --- commands --------------------------------------------------------------------------------- */

static void commands_ask_by_https(void **state)
{
    const char *ca = file("ca", "pem");
    char url[64], listen[64];
    serve();
    snprintf(url, sizeof(url), "https://127.0.0.1:%d", stack.service.port);
    snprintf(listen, sizeof(listen), "127.0.0.1:%d", stack.service.port);
    check_command(0, "items", "set", "tls", "--on-hand", "3", "--url", url, "--ca", ca);
    check_command(0, "items", "get", "tls", "--url", url, "--ca", ca);
    check_command(0, "health", "--url", url, "--ca", ca, "--ready", "--timeout", "1m");
    check_command(0, "health", "--listen", listen, "--tls-cert", file("server", "pem"), "--timeout",
                  "1m");
    check_command(1, "health", "--url", url, "--timeout", "1m");
    check_said("its certificate is not of a CA that is trusted here");
    check_command(2, "items", "get", "tls", "--url", url, "--timeout", "1s");
    check_command(1, "health", "--url", url, "--ca", "/none.pem");
    check_said("the file of --ca");
}

static void commands_show_their_certificate(void **state)
{
    char url[64];
    serve(.flags = {"--tls-client-ca", file("ca", "pem")});
    snprintf(url, sizeof(url), "https://127.0.0.1:%d", stack.service.port);
    check_command(0, "health", "--url", url, "--ca", file("ca", "pem"), "--cert",
                  file("client", "pem"), "--cert-key", file("client", "key"));
    check_command(1, "health", "--url", url, "--ca", file("ca", "pem"));
}

static void certs_make_all(void)
{
    static const struct {
        const char *name, *ca, *san;
        int days;
    } rows[] = {{"server", "ca", "IP:127.0.0.1,DNS:localhost", 30},
                {"longer", "ca", "IP:127.0.0.1,DNS:localhost", 60},
                {"other", "ca", "DNS:other", 30},
                {"over", "ca", "IP:127.0.0.1", -1},
                {"client", "ca", "DNS:shop-7.example", 30},
                {"stranger", "ca2", "DNS:shop-7.example", 30}};
    assert_int_equal(certs_begin(&certs), 0);
    assert_int_equal(certs_make_ca(&certs, "ca"), 0);
    assert_int_equal(certs_make_ca(&certs, "ca2"), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(certs_make(&certs, rows[i].name, rows[i].ca, rows[i].san, rows[i].days),
                         0);
    assert_int_equal(
        system(text("cd %s && openssl pkey -in server.key -aes256 -passout pass:x -out "
                    "locked.key && chmod 600 locked.key && cp server.key open.key && "
                    "chmod 644 open.key",
                    certs.dir)),
        0);
    assert_int_equal(setenv("TEST_TLS", certs.dir, 1), 0);
}

static void certs_remove(void)
{
    certs_end(&certs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(wrong_files_are_said_at_start),
        PLAIN_TEST(only_clients_with_a_certificate_of_the_ca_come_in),
        PLAIN_TEST(a_new_certificate_is_shown_after_sighup),
        PLAIN_TEST(a_broken_file_keeps_the_one_of_before),
        PLAIN_TEST(nobody_is_refused_while_it_is_read_again),
        SQLITE_TEST(the_port_of_the_ledger_process_has_it_too),
        PLAIN_TEST(pipelined_answers_come_whole_to_a_slow_reader),
        PLAIN_TEST(a_client_that_does_not_read_is_cut_off),
        PLAIN_TEST(what_was_asked_is_answered_before_the_end),
        PLAIN_TEST(commands_ask_by_https),
        PLAIN_TEST(commands_show_their_certificate),
    };
    signal(SIGPIPE, SIG_IGN);
    return run_each_with("https", tests, certs_make_all, certs_remove);
}
