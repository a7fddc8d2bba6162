/* test_load_https.c -- the load generator by HTTPS: as right as without TLS, whatever breaks, and
 * lies are found as well.
 */
#include "support/certs.h"
#include "support/fixture.h"
#include "support/load_run.h"
#include "support/tls_client.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMON "-p 2 -c 20 --ttl 1s --settle 4s "

static struct certs certs;

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

static void run_right(const char *scenario, const char *flags)
{
    struct tload run;
    int status = tload_run(&run, stack.service.port, scenario, flags);
    expect(&run, status, 0, "right");
    assert_true(tload_coverage(&run, "successes") >= 100);
    tload_free(&run);
}

static void begin(void)
{
    serve(.workers = 2, .flags = {"--request-timeout", "3s"});
}

/* --- right ------------------------------------------------------------------------------------ */

static void a_load_by_https_is_right(void **state)
{
    begin();
    run_right("mixed", COMMON "-n 3k");
    run_right("basket", COMMON "-n 1k -R 1k");
    run_right("zipf", COMMON "-n 1k --no-keepalive");
    assert_true(metric("stockd_tls_handshakes_total") > 1000);
}

/* Connections that are closed and reset in the middle, and the same requests again. */
static void what_is_cut_off_and_sent_again_is_settled(void **state)
{
    struct tload run;
    begin();
    int status =
        tload_run(&run, stack.service.port, "mixed", COMMON "-n 4k --abort 0.05 --dup 0.1");
    expect(&run, status, 0, "right");
    assert_true(tload_coverage(&run, "unknown") > 10);
    assert_true(tload_coverage(&run, "replays") > 10);
    assert_int_equal(tload_coverage(&run, "unresolved"), 0);
    tload_free(&run);
}

static int64_t operations(void)
{
    return metric("stockd_batch_operations_total");
}

static void a_killed_worker_breaks_no_promise(void **state)
{
    struct tload run;
    pid_t victims[2];
    begin();
    assert_int_equal(tload_start(&run, stack.service.port, "churn", COMMON "-d 60s --dup 0.02"), 0);
    assert_true(await(operations() > 500, RECOVERY_MS));
    int64_t before = operations();
    int count = tservice_pids(&stack.service, TSERVICE_WORKER, victims, 2);
    for (int i = 0; i < count; i++)
        kill(victims[i], SIGKILL);
    assert_true(await(http_call(&a->conn, "GET", "/healthz", NULL, NULL, &a->resp) == 0,
                      RECOVERY_MS)); /* ours was cut off, too */
    assert_true(await(operations() > before + 500, RECOVERY_MS));
    tproc_signal(&run.proc, SIGINT);
    expect(&run, tload_finish(&run), 105, "right");
    assert_true(tload_coverage(&run, "unknown") > 0);
    tload_free(&run);
}

/* --- lies ------------------------------------------------------------------------------------- */

/* Somebody else takes a unit from an item of the run: to its clients a server that lies. */
static void an_effect_that_nobody_asked_for_is_found(void **state)
{
    struct tload run;
    char sku[128];
    begin();
    assert_int_equal(tload_start(&run, stack.service.port, "zipf", COMMON "-d 60s --stock 1m"), 0);
    assert_true(await(operations() > 500, RECOVERY_MS));
    get("/v1/items?limit=1");
    KEEP(sku, api_str(a, "items[0].sku"));
    api_call(a, 200, "POST", ADJUST(sku), NULL, "{\"delta\":-1}");
    int64_t before = operations();
    assert_true(await(operations() > before + 500, RECOVERY_MS));
    tproc_signal(&run.proc, SIGINT);
    (void)tload_finish(&run);
    assert_string_equal(tload_word(&run), "violation");
    assert_true(tload_has_witness(&run));
    tload_free(&run);
}

/* --- whom it trusts --------------------------------------------------------------------------- */

static void refused(const char *url, const char *option, const char *file, const char *words)
{
    const char *const argv[] = {getenv("STOCKLOAD"),  "run", url, "-n", "10", "--no-tui", option,
                                option ? file : NULL, NULL};
    struct tproc proc;
    char log[TEST_PATH_MAX + 16], line[512];
    snprintf(log, sizeof(log), "%s/stockload.err", certs.dir);
    assert_int_equal(tproc_start(&proc, argv, log), 0);
    assert_int_equal(tproc_wait(&proc, RECOVERY_MS), 0);
    assert_true(WIFEXITED(proc.status) && WEXITSTATUS(proc.status) != 0);
    snprintf(line, sizeof(line), "grep -qF -- '%s' %s || { cat %s >&2; false; }", words, log, log);
    assert_int_equal(system(line), 0);
}

static void a_server_that_is_not_trusted_gets_no_load(void **state)
{
    char url[64], path[CERTS_PATH_MAX];
    begin();
    snprintf(url, sizeof(url), "https://127.0.0.1:%d", stack.service.port);
    int64_t before = operations();
    refused(url, NULL, NULL, "TLS failed: unable to get local issuer certificate");
    refused(url, "--ca", certs_path(&certs, "ca2", "pem", path), "TLS failed: ");
    refused(url, "--ca", "/none.pem", "--ca /none.pem: can not be read");
    refused(url, "--cert", certs_path(&certs, "server", "pem", path),
            "--cert and --cert-key belong together");
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", stack.service.port);
    refused(url, "--ca", certs_path(&certs, "ca", "pem", path), "begins with https");
    assert_int_equal(operations(), before);
}

/* It takes connections, and says nothing: no handshake lasts for ever. */
static void a_server_that_is_silent_ends_the_run(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(at);
    char url[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, bytes), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &bytes), 0);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d", ntohs(at.sin_port));
    refused(url, NULL, NULL, "no answer to the first requests");
    close(fd);
}

static void a_certificate_is_shown_to_who_asks_for_one(void **state)
{
    char flags[512], path[CERTS_PATH_MAX], cert[CERTS_PATH_MAX], key[CERTS_PATH_MAX];
    certs_path(&certs, "ca", "pem", path);
    tls_client_show("client");
    serve(.flags = {"--tls-client-ca", path});
    snprintf(flags, sizeof(flags), COMMON "-n 500 --cert %s --cert-key %s",
             certs_path(&certs, "client", "pem", cert), certs_path(&certs, "client", "key", key));
    run_right("zipf", flags);
    tls_client_show(NULL);
}

static void make_certificates(void)
{
    assert_int_equal(certs_begin(&certs), 0);
    assert_int_equal(certs_make_ca(&certs, "ca"), 0);
    assert_int_equal(certs_make_ca(&certs, "ca2"), 0);
    assert_int_equal(certs_make(&certs, "server", "ca", "IP:127.0.0.1,DNS:localhost", 30), 0);
    assert_int_equal(certs_make(&certs, "client", "ca", "DNS:load.example", 30), 0);
    assert_int_equal(setenv("TEST_TLS", certs.dir, 1), 0);
}

static void remove_certificates(void)
{
    certs_end(&certs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(a_load_by_https_is_right),
        PLAIN_TEST(what_is_cut_off_and_sent_again_is_settled),
        PLAIN_TEST(a_killed_worker_breaks_no_promise),
        PLAIN_TEST(an_effect_that_nobody_asked_for_is_found),
        PLAIN_TEST(a_server_that_is_not_trusted_gets_no_load),
        PLAIN_TEST(a_server_that_is_silent_ends_the_run),
        PLAIN_TEST(a_certificate_is_shown_to_who_asks_for_one),
    };
    signal(SIGPIPE, SIG_IGN);
    return run_each_with("load by https", tests, make_certificates, remove_certificates);
}
