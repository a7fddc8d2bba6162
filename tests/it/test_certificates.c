/* test_certificates.c -- clients that show a certificate instead of a key: whom they are taken for,
 * and until when.
 */
#include "support/api_keys.h"
#include "support/certs.h"
#include "support/fixture.h"
#include "support/sse.h"
#include "support/tls_client.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct certs certs;
static char keys[CERTS_PATH_MAX], ca[CERTS_PATH_MAX];

/* --- who asks --------------------------------------------------------------------------------- */

/* The key of a client of that name, and where `certificate` is one the certificate of that. */
static void add(const char *name, const char *role, const char *certificate, char key[API_KEY_SIZE])
{
    if (certificate)
        check_command(0, "keys", "add", "--keys-file", keys, "--name", name, "--role", role,
                      "--certificate", certificate);
    else
        check_command(0, "keys", "add", "--keys-file", keys, "--name", name, "--role", role);
    snprintf(key, API_KEY_SIZE, "%.*s", API_KEY_CHARS, command_said);
}

static char id[API_KEY_ID_CHARS + 1];

/* Of a key, for the command line. */
static const char *id_of(const char *key)
{
    snprintf(id, sizeof(id), "%.*s", API_KEY_ID_CHARS, key + strlen("sk_"));
    return id;
}

static char seller_key[API_KEY_SIZE], reader_key[API_KEY_SIZE], stock_key[API_KEY_SIZE];

static void begin_on(const enum base_engine *ledger)
{
    unlink(keys);
    add("till", "seller", "dns:till-7.example", seller_key);
    add("mesh", "reader", "uri:spiffe://example/mesh", reader_key);
    add("stock", "stock", NULL, stock_key);
    tls_client_show("other"); /* for who looks whether it is ready */
    serve(.ledger = ledger, .flags = {"--tls-client-ca", ca, "--keys-file", keys});
}

static void begin(void)
{
    begin_on(NULL);
}

/* On a connection of its own, with that certificate and that key; NULL: none. The status. */
static int ask_by(struct http_conn *c, const char *key, const char *method, const char *path,
                  const char *body)
{
    char line[API_KEY_SIZE + 96];
    snprintf(line, sizeof(line), "Authorization: Bearer %s\r\n", key ? key : "");
    assert_int_equal(http_call(c, method, path, key ? line : NULL, body, &a->resp), 0);
    return a->resp.status;
}

static int ask(const char *certificate, const char *key, const char *method, const char *path,
               const char *body)
{
    struct http_conn c;
    tls_client_show(certificate);
    http_conn_init(&c, stack.service.port);
    int status = ask_by(&c, key, method, path, body);
    http_conn_close(&c);
    return status;
}

/* --- whom they are taken for ------------------------------------------------------------------ */

static void a_certificate_does_what_its_client_may(void **state)
{
    begin();
    assert_int_equal(ask("till", stock_key, "PUT", "/v1/items/a", "{\"on_hand\":5}"), 201);
    assert_int_equal(ask("till", NULL, "GET", "/v1/items/a", NULL), 200);
    assert_int_equal(ask("till", NULL, "POST", DECREMENT("a"), "{\"quantity\":1}"), 200);
    assert_int_equal(ask("till", NULL, "PUT", "/v1/items/a", "{\"on_hand\":9}"), 403);
    assert_int_equal(ask("mesh", NULL, "GET", "/v1/items/a", NULL), 200);
    assert_int_equal(ask("mesh", NULL, "POST", DECREMENT("a"), "{\"quantity\":1}"), 403);
    assert_int_equal(ask("mesh", NULL, "GET", "/metrics", NULL), 200);
}

/* Of the same CA: one that no key names, one whose name is of another kind, one that has the right
 * name behind another, and one of which that is only the common name. */
static void a_certificate_that_no_key_names_is_nobody(void **state)
{
    static const char *const strangers[] = {"other", "till-7.example", "second", "kinds"};
    begin();
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        assert_int_equal(ask(strangers[i], NULL, "GET", "/v1/items/a", NULL), 401);
        check_problem(a, 401, "unauthenticated", NULL);
        check_str(a, "detail",
                  "there is no Authorization, and no key is of the client's certificate");
    }
    assert_int_equal(ask("other", reader_key, "GET", "/v1/items", NULL), 200);
    assert_int_equal(ask("other", NULL, "GET", "/healthz", NULL), 200);
}

static void names_of_hosts_are_the_same_in_any_case(void **state)
{
    begin();
    assert_int_equal(ask("capitals", NULL, "GET", "/v1/items", NULL), 200);
}

/* --- keys beside it --------------------------------------------------------------------------- */

static void a_key_counts_and_not_the_certificate(void **state)
{
    char wrong[API_KEY_SIZE];
    begin();
    assert_int_equal(ask("mesh", stock_key, "PUT", "/v1/items/a", "{\"on_hand\":5}"), 201);
    assert_int_equal(ask("till", reader_key, "POST", DECREMENT("a"), "{\"quantity\":1}"), 403);
    api_key_of(API_KEY_REVOKED, wrong);
    assert_int_equal(ask("till", wrong, "GET", "/v1/items/a", NULL), 401);
    assert_int_equal(ask("till", "rubbish", "GET", "/v1/items/a", NULL), 401);
    assert_int_equal(ask("till", "", "GET", "/v1/items/a", NULL), 401);
}

/* --- until when ------------------------------------------------------------------------------- */

static void a_connection_ends_to_be_good_with_the_key(void **state)
{
    struct http_conn c;
    begin();
    tls_client_show("till");
    http_conn_init(&c, stack.service.port);
    assert_int_equal(ask_by(&c, NULL, "GET", "/v1/items", NULL), 200);
    int fd = c.fd;
    check_command(0, "keys", "revoke", "--keys-file", keys, id_of(seller_key));
    assert_true(await(ask_by(&c, NULL, "GET", "/v1/items", NULL) == 401, RECOVERY_MS));
    assert_int_equal(c.fd, fd); /* on the same connection */
    http_conn_close(&c);
}

/* The last chunk has come. The connection stays, for other requests. */
static bool has_ended(struct sse *s)
{
    static const char last[] = "\r\n0\r\n\r\n";
    sse_receive(s, 100);
    return memmem(s->in, s->n, last, sizeof(last) - 1) != NULL;
}

static void streams_end_with_the_key(const char *certificate, const char *key)
{
    struct sse s;
    char line[API_KEY_SIZE + 96];
    snprintf(line, sizeof(line), "Accept: text/event-stream\r\n%s%s%s",
             key ? "Authorization: Bearer " : "", key ? key : "", key ? "\r\n" : "");
    tls_client_show(certificate);
    sse_open(&s, stack.service.port, "1.1", "/v1/events", line);
    sse_await_start(&s);
    assert_false(has_ended(&s));
    check_command(0, "keys", "revoke", "--keys-file", keys, id_of(key ? key : reader_key));
    assert_true(await(has_ended(&s), RECOVERY_MS));
    sse_close(&s);
}

static void a_stream_of_events_ends_with_the_key(void **state)
{
    begin_on(*state);
    streams_end_with_the_key("mesh", NULL);
    streams_end_with_the_key("other", seller_key);
    assert_int_equal(ask("other", stock_key, "GET", "/v1/items", NULL), 200);
}

static void a_rotation_gives_the_certificate_on(void **state)
{
    begin();
    check_command(0, "keys", "rotate", "--keys-file", keys, "--overlap", "0", id_of(seller_key));
    assert_true(await(ask("other", seller_key, "GET", "/v1/items", NULL) == 401, RECOVERY_MS));
    assert_int_equal(ask("till", NULL, "GET", "/v1/items", NULL), 200);
}

/* --- the command ------------------------------------------------------------------------------ */

static void the_command_refuses_what_is_no_name_or_another_s(void **state)
{
    begin();
    check_command(0, "keys", "list", "--keys-file", keys);
    check_said("uri:spiffe://example/mesh");
    check_command(64, "keys", "add", "--keys-file", keys, "--name", "x", "--certificate",
                  "till-7.example");
    check_said("--certificate: must be uri:, dns:, email: or cn:");
    check_command(1, "keys", "add", "--keys-file", keys, "--name", "x", "--certificate",
                  "dns:till-7.example");
    check_said("that certificate is another client's");
}

static void make_certificates(void)
{
    static const struct {
        const char *name, *san;
    } rows[] = {{"server", "IP:127.0.0.1,DNS:localhost"},
                {"client", "DNS:stockd"},
                {"till", "DNS:till-7.example,DNS:second.example"},
                {"mesh", "DNS:other.example,URI:spiffe://example/mesh"},
                {"other", "DNS:other.example"},
                {"capitals", "DNS:Till-7.EXAMPLE"},
                {"till-7.example", "email:ops@example"},
                {"second", "DNS:first.example,DNS:till-7.example"},
                {"kinds", "URI:till-7.example"}};
    assert_int_equal(certs_begin(&certs), 0);
    assert_int_equal(certs_make_ca(&certs, "ca"), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(certs_make(&certs, rows[i].name, "ca", rows[i].san, 30), 0);
    certs_path(&certs, "ca", "pem", ca);
    certs_path(&certs, "api", "keys", keys);
    assert_int_equal(setenv("TEST_TLS", certs.dir, 1), 0);
}

static void remove_certificates(void)
{
    certs_end(&certs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(a_certificate_does_what_its_client_may),
        PLAIN_TEST(a_certificate_that_no_key_names_is_nobody),
        PLAIN_TEST(names_of_hosts_are_the_same_in_any_case),
        PLAIN_TEST(a_key_counts_and_not_the_certificate),
        PLAIN_TEST(a_connection_ends_to_be_good_with_the_key),
        SQLITE_TEST(a_stream_of_events_ends_with_the_key),
        PLAIN_TEST(a_rotation_gives_the_certificate_on),
        PLAIN_TEST(the_command_refuses_what_is_no_name_or_another_s),
    };
    signal(SIGPIPE, SIG_IGN);
    return run_each_with("certificates", tests, make_certificates, remove_certificates);
}
