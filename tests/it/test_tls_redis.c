/* test_tls_redis.c -- Redis over TLS: what the service, the ledger, audit, restore and the race do
 * without it they do with it; what is not to be trusted is not, and it is said why.
 */
#include "support/certs.h"
#include "support/fixture.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_KILL "CLIENT KILL TYPE normal SKIPME yes"

static struct certs certs;
static int tls_port;
static char url[64];

static void make_certs(void)
{
    assert_int_equal(certs_begin_redis(&certs), 0);
    assert_int_equal(certs_make_ca(&certs, "other"), 0);
    assert_int_equal(certs_make(&certs, "redis-of-other", "other", "IP:127.0.0.1", 30), 0);
    assert_int_equal(certs_make(&certs, "elsewhere", "ca", "DNS:elsewhere.invalid", 30), 0);
    assert_int_equal(certs_make(&certs, "old", "ca", "IP:127.0.0.1", -1), 0);
    assert_int_equal(certs_make(&certs, "stranger", "other", "DNS:stockd", 30), 0);
}

static void drop_certs(void)
{
    certs_end(&certs);
}

/* Good for some 100 calls. */
static const char *path(const char *name, const char *kind)
{
    char to[CERTS_PATH_MAX];
    return text("%s", certs_path(&certs, name, kind, to));
}

#define CA(name)   "--redis-ca", path((name), "pem")
#define CERT(name) "--redis-cert", path((name), "pem"), "--redis-key", path((name), "key")

/* The arguments of a Redis that shows this certificate on a port of its own; the test itself comes
 * over a socket in the file system. */
static struct tredis_opts redis_with(const char *cert, const char *clients)
{
    static const char *arguments[16];
    tls_port = tproc_free_port();
    snprintf(url, sizeof(url), "rediss://127.0.0.1:%d", tls_port);
    const char *const all[] = {"--tls-port",
                               text("%d", tls_port),
                               "--tls-cert-file",
                               path(cert, "pem"),
                               "--tls-key-file",
                               path(cert, "key"),
                               "--tls-ca-cert-file",
                               path("ca", "pem"),
                               "--tls-auth-clients",
                               clients,
                               NULL};
    memcpy(arguments, all, sizeof(all));
    return (struct tredis_opts){.aof = TREDIS_AOF_ALWAYS, .extra = arguments};
}

/* --- what is served --------------------------------------------------------------------------- */

static void check_serves(void)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 4, 0);
    post(200, CONFIRM(id), "{}");
    api_reserve(a, sku, 3, 0);
    check_item(a, sku, 6, 3, 3, 4, 4);
}

static void a_store_lives_behind_tls_with_ledger_audit_and_restore(void **state)
{
    struct tredis_opts redis = redis_with("redis", "yes");
    serve(.redis = redis, .redis_url = url, .workers = 2, .ledger = ON_SQLITE,
          .flags = {CA("ca"), CERT("client")});
    check_serves();
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    check_command(0, "audit", "--redis", url, "--ledger", ledger_url, CA("ca"), CERT("client"));
    stop_serving();
    redis_do(&stack.redis, "FLUSHALL");
    check_command(0, "restore", "--redis", url, "--ledger", ledger_url, CA("ca"), CERT("client"));
    check_command(0, "audit", "--redis", url, "--ledger", ledger_url, CA("ca"), CERT("client"));
    serve_again();
    assert_true(await(api_ready(a), RECOVERY_MS));
    check_serves();
}

static void names_are_as_good_as_addresses(void **state)
{
    struct tredis_opts redis = redis_with("redis", "no");
    serve(.redis = redis, .redis_url = text("rediss://localhost:%d", tls_port),
          .flags = {CA("ca")});
    check_serves();
}

static void the_race_is_run_over_tls(void **state)
{
    struct tredis_opts redis = redis_with("redis", "yes");
    assert_int_equal(tredis_start(&stack.redis, &redis), 0);
    command_variable = "STOCKLOAD";
    check_command(0, "race", "--redis", url, CA("ca"), CERT("client"), "-p", "2", "--stock", "50",
                  "-q");
    check_command(255, "race", "--redis", url, CA("other"), CERT("client"), "--stock", "50");
    check_said("is not of a CA in the file that --redis-ca names");
    command_variable = "STOCKD";
}

/* --- where addresses are asked for ------------------------------------------------------------ */

static bool cluster_is_well(void)
{
    redisReply *reply = redis_ask(&stack.redis, "CLUSTER INFO");
    bool well = strstr(reply->str, "cluster_state:ok") != NULL;
    freeReplyObject(reply);
    return well;
}

/* Beside those of redis_with(), and the user of docker/redis.acl with no right more. */
static void add_arguments(struct tredis_opts *redis, const char *const *more)
{
    static const char *arguments[32];
    static char acl[PATH_MAX];
    size_t n = 0;
    assert_non_null(realpath("docker/redis.acl", acl));
    for (const char *const *from = redis->extra; *from; from++)
        arguments[n++] = *from;
    for (; *more; more++)
        arguments[n++] = *more;
    arguments[n++] = "--aclfile";
    arguments[n++] = acl;
    arguments[n] = NULL;
    redis->extra = arguments;
}

static void check_nothing_was_refused(void)
{
    redisReply *reply = redis_ask(&stack.redis, "ACL LOG");
    assert_int_equal(reply->elements, 0);
    freeReplyObject(reply);
}

static void a_cluster_is_served_over_tls_with_few_rights(void **state)
{
    struct tredis_opts redis = redis_with("redis", "yes");
    add_arguments(&redis,
                  (const char *const[]){"--cluster-enabled", "yes", "--tls-cluster", "yes",
                                        "--cluster-port", text("%d", tproc_free_port()), NULL});
    assert_int_equal(tredis_start(&stack.redis, &redis), 0);
    redis_do(&stack.redis, "CLUSTER ADDSLOTSRANGE 0 16383");
    assert_true(await(cluster_is_well(), RECOVERY_MS));
    serve(.redis = redis,
          .redis_url = text("rediss+cluster://stockd:change-me@127.0.0.1:%d", tls_port),
          .flags = {CA("ca"), CERT("client")});
    check_serves();
    check_nothing_was_refused();
}

/* A Sentinel that watches the Redis of the stack, and asks and is asked over TLS. */
static void start_sentinel(struct tproc *sentinel, int port)
{
    const char *name = text("%s/sentinel.conf", certs.dir);
    FILE *file = fopen(name, "we");
    assert_non_null(file);
    fprintf(file,
            "port 0\ntls-port %d\ntls-cert-file %s\ntls-key-file %s\ntls-ca-cert-file %s\n"
            "tls-replication yes\ndir %s\nsentinel monitor shop 127.0.0.1 %d 1\n",
            port, path("redis", "pem"), path("redis", "key"), path("ca", "pem"), certs.dir,
            tls_port);
    assert_int_equal(fclose(file), 0);
    const char *const argv[] = {"redis-server", name, "--sentinel", NULL};
    assert_int_equal(tproc_start(sentinel, argv, text("%s/sentinel.err", certs.dir)), 0);
}

static void sentinels_are_asked_over_tls_with_few_rights(void **state)
{
    struct tproc sentinel;
    int port = tproc_free_port();
    struct tredis_opts redis = redis_with("redis", "yes");
    add_arguments(&redis, (const char *const[]){NULL});
    assert_int_equal(tredis_start(&stack.redis, &redis), 0);
    start_sentinel(&sentinel, port);
    serve(.redis = redis,
          .redis_url = text("rediss+sentinel://stockd:change-me@127.0.0.1:%d/shop", port),
          .flags = {CA("ca"), CERT("client")});
    check_serves();
    check_nothing_was_refused();
    tproc_kill9(&sentinel);
}

/* --- what is not trusted ---------------------------------------------------------------------- */

#define SERVE                                                                                      \
    "serve", "--listen", "127.0.0.1:0", "--redis", url, "--startup-timeout", "5s", "--workers", "1"

#define gives_up(why, ...)                                                                         \
    do {                                                                                           \
        check_command(1, SERVE, __VA_ARGS__);                                                      \
        check_said("could not start in time");                                                     \
        check_said(why);                                                                           \
        check_said("mend=\"correct --redis-ca, --redis-cert, --redis-key, or TLS in Redis\"");     \
    } while (0)

static void start_redis(const char *cert, const char *clients)
{
    tredis_stop(&stack.redis);
    struct tredis_opts redis = redis_with(cert, clients);
    assert_int_equal(tredis_start(&stack.redis, &redis), 0);
}

static void a_certificate_that_is_not_good_is_named(void **state)
{
    assert_int_equal(temp_dir_make(stack.redis.dir), 0);
    start_redis("redis-of-other", "no");
    gives_up("is not of a CA in the file that --redis-ca names", CA("ca"));
    gives_up("is not of a CA that this system trusts: give its CA to --redis-ca", "--drain", "1s");
    start_redis("elsewhere", "no");
    gives_up("is not for \\\"127.0.0.1\\\": its subjectAltName must have that", CA("ca"));
    start_redis("old", "no");
    gives_up("has expired: it needs a new one", CA("ca"));
}

static void a_redis_that_wants_a_certificate_of_ours_says_so(void **state)
{
    assert_int_equal(temp_dir_make(stack.redis.dir), 0);
    start_redis("redis", "yes");
    gives_up("--redis-cert", CA("ca"));
    gives_up("Redis", CA("ca"), CERT("stranger"));
    check_command(2, "audit", "--redis", url, "--ledger", text("sqlite:%s/none.db", certs.dir),
                  CA("ca"));
}

static void a_port_without_tls_is_told_from_one_with(void **state)
{
    const struct tredis_opts plain = {.tcp = true};
    assert_int_equal(tredis_start(&stack.redis, &plain), 0);
    snprintf(url, sizeof(url), "rediss://127.0.0.1:%d", stack.redis.port);
    gives_up("the TLS handshake took too long: this may be a port without TLS", CA("ca"));
}

/* --- files that are wrong --------------------------------------------------------------------- */

#define refused(why, ...)                                                                          \
    do {                                                                                           \
        check_command(64, "serve", "--redis", "rediss://127.0.0.1:1", __VA_ARGS__);                \
        check_said(why);                                                                           \
    } while (0)

static void files_that_are_wrong_are_named_before_anything_starts(void **state)
{
    refused("/nowhere/ca.pem: can not be read: No such file or directory", "--redis-ca",
            "/nowhere/ca.pem");
    refused("has no certificate; it must be a file of PEM", "--redis-ca", path("redis", "key"));
    refused("has expired; give the CA", "--redis-ca", path("old", "pem"));
    assert_int_equal(
        system(text("cd %s && { cat ca.pem; head -n 4 other.pem; } >cut.pem", certs.dir)), 0);
    refused("has a certificate that is damaged", "--redis-ca", path("cut", "pem"));
    refused("--redis-cert and --redis-key belong together", "--redis-cert", path("client", "pem"));
    refused("--redis-cert and --redis-key belong together", "--redis-key", path("client", "key"));
    refused("has expired; it needs a new one", CERT("old"));
    refused("is not the key of the certificate in --redis-cert", "--redis-cert",
            path("client", "pem"), "--redis-key", path("redis", "key"));
    refused("has no private key", "--redis-cert", path("client", "pem"), "--redis-key",
            path("client", "pem"));
    refused("can not be read", "--redis-cert", path("client", "pem"), "--redis-key", "/nowhere");
    assert_int_equal(system(text("openssl ec -in %s -out %s -aes256 -passout pass:x 2>/dev/null",
                                 path("client", "key"), path("locked", "key"))),
                     0);
    refused("is encrypted; give it without a password", "--redis-cert", path("client", "pem"),
            "--redis-key", path("locked", "key"));
    check_command(64, "serve", "--redis", "redis://127.0.0.1:1", CA("ca"));
    check_said("--redis-ca is for a Redis with TLS");
    check_command(64, "restore", "--redis", "rediss://127.0.0.1:1", "--ledger",
                  "sqlite:/nowhere.db", "--redis-ca", "/nowhere/ca.pem");
    check_said("can not be read");
}

/* --- files that change ------------------------------------------------------------------------ */

static int killed_clients(void)
{
    return (int)tredis_int(&stack.redis, CLIENT_KILL);
}

static void reload(void)
{
    int before = tservice_log_count(&stack.service, "configuration read again", NULL);
    tproc_signal(&stack.service.proc, SIGHUP);
    assert_true(await(tservice_log_count(&stack.service, "configuration read again", NULL) > before,
                      RECOVERY_MS));
}

/* Redis has other certificates, of another CA, and asks for such. What was connected goes on; what
 * connects anew needs the new files, which a SIGHUP has read. */
static void certificates_are_changed_while_the_service_lives(void **state)
{
    assert_int_equal(certs_copy(&certs, "client", "ours"), 0);
    assert_int_equal(certs_copy(&certs, "ca", "trusted"), 0);
    struct tredis_opts redis = redis_with("redis", "yes");
    serve(.redis = redis, .redis_url = url, .workers = 2, .ledger = ON_SQLITE,
          .flags = {CA("trusted"), CERT("ours")}, .apart = true,
          .applier_flags = {"--redis", url, CA("trusted"), CERT("ours")});
    check_serves();
    redis_do(&stack.redis, "CONFIG SET tls-cert-file %s tls-key-file %s tls-ca-cert-file %s",
             path("redis-of-other", "pem"), path("redis-of-other", "key"), path("other", "pem"));
    check_serves();
    assert_int_equal(certs_copy(&certs, "stranger", "ours"), 0);
    assert_int_equal(certs_copy(&certs, "other", "trusted"), 0);
    double connects = api_metric(a, "stockd_redis_connects_total");
    reload();
    tproc_signal(&applier, SIGHUP);
    check_serves();
    assert_true(connects > 0 && api_metric(a, "stockd_redis_connects_total") <= connects);
    assert_int_equal(tservice_log_count(&stack.service, "goes on with the files", NULL), 0);
    assert_true(killed_clients() >= 4);
    assert_true(await(api_ready(a), RECOVERY_MS));
    check_serves();
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
}

static void files_that_are_not_good_change_nothing(void **state)
{
    assert_int_equal(certs_copy(&certs, "client", "ours"), 0);
    struct tredis_opts redis = redis_with("redis", "yes");
    serve(.redis = redis, .redis_url = url, .workers = 1, .flags = {CA("ca"), CERT("ours")});
    assert_int_equal(certs_copy(&certs, "old", "ours"), 0);
    reload();
    const char *kept = "TLS to Redis goes on with the files of before";
    assert_true(await(tservice_log_count(&stack.service, kept, "proc=worker") > 0 &&
                          tservice_log_count(&stack.service, kept, "proc=keeper") > 0,
                      RECOVERY_MS));
    assert_true(tservice_log_count(&stack.service, kept, "has expired; it needs a new one") > 0);
    killed_clients();
    assert_true(await(api_ready(a), RECOVERY_MS));
    check_serves();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        PLAIN_TEST(a_store_lives_behind_tls_with_ledger_audit_and_restore),
        PLAIN_TEST(names_are_as_good_as_addresses),
        PLAIN_TEST(the_race_is_run_over_tls),
        PLAIN_TEST(a_cluster_is_served_over_tls_with_few_rights),
        PLAIN_TEST(sentinels_are_asked_over_tls_with_few_rights),
        PLAIN_TEST(a_certificate_that_is_not_good_is_named),
        PLAIN_TEST(a_redis_that_wants_a_certificate_of_ours_says_so),
        PLAIN_TEST(a_port_without_tls_is_told_from_one_with),
        PLAIN_TEST(files_that_are_wrong_are_named_before_anything_starts),
        PLAIN_TEST(certificates_are_changed_while_the_service_lives),
        PLAIN_TEST(files_that_are_not_good_change_nothing),
    };
    return run_each_with("tls to redis", tests, make_certs, drop_certs);
}
