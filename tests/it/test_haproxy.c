/* test_haproxy.c -- the balancer of docker-compose.yml, a real HAProxy with docker/haproxy.cfg,
 * before two services: they know who asks, whatever clients say of themselves.
 *
 * The clients are addresses of loopback, HAProxy asks from 127.0.0.1.
 */
#include "support/access_noted.h"
#include "support/api_keys.h"
#include "support/fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONFIG_MAX 8192
#define SERVICES   2

static char dir[TEST_PATH_MAX], keys[TEST_PATH_MAX + 16], config[TEST_PATH_MAX + 16];
static char access_log[TEST_PATH_MAX + 16];
static struct tservice other;
static struct tproc haproxy;
static int port;

/* --- the balancer ----------------------------------------------------------------------------- */

/* In the text, which has it once. */
static void replace(char *text_of, const char *was, const char *is)
{
    char *at = strstr(text_of, was);
    char rest[CONFIG_MAX];
    assert_non_null(at);
    assert_null(strstr(at + 1, was));
    KEEP(rest, at + strlen(was));
    snprintf(at, CONFIG_MAX - (size_t)(at - text_of), "%s%s", is, rest);
}

/* What is Docker's in it becomes this machine's. */
static void write_config(void)
{
    char all[CONFIG_MAX];
    FILE *from = fopen("docker/haproxy.cfg", "re"), *to = fopen(config, "we");
    assert_non_null(from);
    assert_non_null(to);
    size_t n = fread(all, 1, sizeof(all) - 1, from);
    assert_true(n > 0 && n < sizeof(all) / 2);
    all[n] = '\0';
    replace(all, "    bind :8080\n", text("    bind 127.0.0.1:%d\n", port));
    replace(all, "    server-template stockd 64 stockd:8080 resolvers docker init-addr none\n",
            text("    server one 127.0.0.1:%d\n    server two 127.0.0.1:%d\n", stack.service.port,
                 other.port));
    assert_int_equal(fputs(all, to) < 0, 0);
    fclose(from);
    assert_int_equal(fclose(to), 0);
}

static int status_from(const char *address, const char *method, const char *path,
                       const char *headers, const char *body);

static void begin(void)
{
    static const char *const argv[] = {"haproxy", "-db", "-q", "-f", config, NULL};
    serve(.flags = {"--keys-file", keys, "--access-log", access_log, "--trusted-proxies",
                    "127.0.0.1,10.0.0.0/8", "--failed-logins", "2"});
    serve_beside(&other,
                 .flags = {"--keys-file", keys, "--access-log", access_log, "--trusted-proxies",
                           "127.0.0.1,10.0.0.0/8", "--failed-logins", "2"});
    port = tproc_free_port();
    write_config();
    assert_int_equal(tproc_start(&haproxy, argv, text("%s/haproxy.log", dir)), 0);
    assert_true(await(status_from("127.0.0.9", "GET", "/readyz", "", NULL) == 200, RECOVERY_MS));
}

static int end(void **state)
{
    tproc_kill9(&haproxy);
    bool well = tservice_stop(&other);
    return serve_end(state) == 0 && well ? 0 : -1;
}

/* --- clients ---------------------------------------------------------------------------------- */

/* 0 or -errno. */
static int connect_from(struct http_conn *c, const char *address)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
    assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
    to.sin_port = htons((uint16_t)port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    http_conn_init(c, port);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(c->fd >= 0);
    return bind(c->fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
                   connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0
               ? 0
               : -errno;
}

/* The status of the answer, which lies in a->resp, or -errno. */
static int status_from(const char *address, const char *method, const char *path,
                       const char *headers, const char *body)
{
    struct http_conn c;
    int rc = connect_from(&c, address);
    if (rc == 0)
        rc = http_call(&c, method, path, headers, body, &a->resp);
    http_conn_close(&c);
    return rc < 0 ? rc : a->resp.status;
}

static const char *key_line(int whose)
{
    char key[API_KEY_SIZE];
    api_key_of(whose, key);
    return text("Authorization: Bearer %s\r\n", key);
}

static void check_noted(const char *from, const char *says)
{
    char sku[64];
    KEEP(sku, new_sku());
    const char *headers = text("%s%s", key_line(ROLE_ADMIN), says);
    assert_int_equal(status_from(from, "PUT", ITEM(sku), headers, "{\"on_hand\":1}"), 201);
    assert_true(await(access_noted(access_log, sku)[0], RECOVERY_MS));
    assert_string_equal(access_noted(access_log, sku), from);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void services_know_who_asks(void **state)
{
    begin();
    for (int i = 0; i < 2 * SERVICES; i++) {
        check_noted("127.0.0.5", "");
        check_noted("127.0.0.6", "");
        check_noted("127.0.0.1", ""); /* as the balancer itself */
    }
}

/* Whoever asks from the address that is trusted, as a client on Docker's own host does, neither. */
static void what_a_client_says_of_itself_goes(void **state)
{
    begin();
    for (int i = 0; i < SERVICES; i++) {
        check_noted("127.0.0.5", "X-Forwarded-For: 192.0.2.7\r\n");
        check_noted("127.0.0.1", "X-Forwarded-For: 192.0.2.7\r\n");
        check_noted("127.0.0.1", "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 10.0.0.1\r\n");
        check_noted("127.0.0.1", "Forwarded: for=192.0.2.7\r\n");
    }
}

static int try_from(const char *address)
{
    return status_from(address, "GET", "/v1/items", key_line(API_KEY_REVOKED), NULL);
}

static void failed_logins_are_those_of_who_asks(void **state)
{
    begin();
    assert_true(await(try_from("127.0.0.5") == 429, RECOVERY_MS));
    assert_int_equal(try_from("127.0.0.6"), 401);
    assert_int_equal(status_from("127.0.0.6", "GET", "/v1/items", key_line(ROLE_READER), NULL),
                     200);
}

static void a_service_that_ends_is_left_out(void **state)
{
    begin();
    assert_true(tservice_stop(&stack.service));
    for (int i = 0; i < 4; i++)
        assert_int_equal(status_from("127.0.0.5", "GET", "/v1/items", key_line(ROLE_READER), NULL),
                         200);
    assert_true(tservice_stop(&other));
    assert_true(
        await(status_from("127.0.0.5", "GET", "/v1/items", key_line(ROLE_READER), NULL) == 503,
              RECOVERY_MS));
    check_like(a, "{'title':'No service is ready','status':503}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(services_know_who_asks, end),
        cmocka_unit_test_teardown(what_a_client_says_of_itself_goes, end),
        cmocka_unit_test_teardown(failed_logins_are_those_of_who_asks, end),
        cmocka_unit_test_teardown(a_service_that_ends_is_left_out, end),
    };
    unsetenv("TEST_KEYS"); /* who asks is said each time */
    unsetenv("TEST_TLS");  /* the balancer speaks none */
    if (temp_dir_make(dir) < 0)
        return EXIT_FAILURE;
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    snprintf(config, sizeof(config), "%s/haproxy.cfg", dir);
    snprintf(access_log, sizeof(access_log), "%s/access.log", dir);
    int failed = api_keys_write(keys) < 0 ? EXIT_FAILURE : run_each("haproxy", tests);
    temp_dir_remove(dir);
    return failed;
}
