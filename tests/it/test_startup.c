/* test_startup.c -- a service that starts: it listens when the first request can be served, says
 * until then what it waits for and what would mend it, and gives up in time.
 */
#include "support/fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVE(url)                                                                                 \
    "serve", "--listen", "127.0.0.1:0", "--redis", (url), "--startup-timeout", "1500ms"
#define FOR_EVER "--startup-timeout", "0s"

/* A service of which the test says when it is to be there. */
#define launch(url, ...)                                                                           \
    launch_with((url), (const char *const[]){"--drain", "2s", __VA_ARGS__, NULL})
static void launch_with(const char *url, const char *const *flags)
{
    const struct tservice_opts opts = {.redis_url = url, .workers = 2, .extra = flags};
    assert_int_equal(tservice_launch(&stack.service, &opts), 0);
}

static void await_listening(void)
{
    assert_int_equal(tservice_await_listening(&stack.service), 0);
    api_open(a, stack.service.port);
}

static bool says(const char *word, const char *other)
{
    return tservice_log_count(&stack.service, word, other) > 0;
}

static void redis_start(struct tredis_opts opts)
{
    opts.tcp = true;
    assert_int_equal(tredis_start(&stack.redis, &opts), 0);
}

/* Says `before` to Redis, if it is not NULL, and then `command`. */
static void redis_say(const char *before, const char *command)
{
    redisContext *c = tredis_connect(&stack.redis);
    assert_non_null(c);
    if (before)
        freeReplyObject(redisCommand(c, before));
    redisReply *reply = redisCommand(c, command);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
    redisFree(c);
}

/* --- what mends itself ------------------------------------------------------------------------ */

/* The first request is served, and needs no second try. */
static void check_serves(void)
{
    const char *sku = api_item(a, 10, 0);
    api_reserve(a, sku, 4, 0);
    check_item(a, sku, 10, 6, 4, 0, 2);
}

static void a_redis_that_comes_later_is_waited_for(void **state)
{
    redis_start((struct tredis_opts){.aof = TREDIS_AOF_ALWAYS});
    tredis_kill9(&stack.redis);
    int64_t begin_ms = test_now_ms();
    launch(stack.redis.url, FOR_EVER);
    assert_true(await(says("msg=waiting for=Redis", "Connection refused"), RECOVERY_MS));
    assert_true(await(tservice_log_count(&stack.service, "msg=waiting", NULL) > 2, RECOVERY_MS));
    int64_t lines = tservice_log_count(&stack.service, "level=warn", NULL);
    assert_true(lines <= 1 + (test_now_ms() - begin_ms) / 1000); /* of whatever process */
    assert_int_equal(tredis_restart(&stack.redis), 0);
    await_listening();
    check_serves();
}

static void a_password_that_is_corrected_in_redis_is_enough(void **state)
{
    redis_start((struct tredis_opts){.tcp = true});
    redis_say(NULL, "CONFIG SET requirepass right");
    launch(text("redis://default:mended@127.0.0.1:%d", stack.redis.port), FOR_EVER);
    assert_true(await(says("msg=waiting", "WRONGPASS"), RECOVERY_MS));
    redis_say("AUTH right", "CONFIG SET requirepass mended");
    await_listening();
    check_serves();
    assert_false(says("mended", NULL)); /* no password is in the log */
    redis_say("AUTH mended", "ACL SETUSER default nopass");
}

static void the_ledger_process_is_waited_for(void **state)
{
    redis_start((struct tredis_opts){.aof = TREDIS_AOF_ALWAYS});
    db_close(bases_ledger(&bases, BASE_SQLITE));
    KEEP(ledger_url, bases.url);
    launch(stack.redis.url, FOR_EVER, "--no-ledger-apply", "--ledger", ledger_url);
    assert_true(
        await(says("the ledger process has not made the store yet", "stockd ledger"), RECOVERY_MS));
    applier_start();
    await_listening();
    check_serves();
}

static void a_service_that_waits_stops_when_it_is_told_to(void **state)
{
    launch("redis://127.0.0.1:1", FOR_EVER);
    assert_true(await(says("msg=waiting", NULL), RECOVERY_MS));
    assert_true(tservice_stop(&stack.service));
}

/* --- what does not ---------------------------------------------------------------------------- */

static void check_gives_up(const char *url, const char *why, const char *mend)
{
    check_command(1, SERVE(url));
    check_said("could not start in time");
    check_said(why);
    check_said(mend);
}

static void what_is_wrong_is_named_and_ends_the_service(void **state)
{
    redis_start((struct tredis_opts){.tcp = true});
    redis_say(NULL, "CONFIG SET requirepass right");
    int port = stack.redis.port;
    check_gives_up("redis://127.0.0.1:1", "Connection refused", "start it, or give its address");
    check_gives_up("unix:/nowhere/redis.sock", "No such file", "start it, or give its address");
    check_gives_up("redis://nobody.invalid", "redis=nobody.invalid:6379", "correct the host");
    check_gives_up(text("redis://127.0.0.1:%d", port), "NOAUTH", "a user that it knows");
    check_gives_up(text("redis://default:wrong@127.0.0.1:%d", port), "WRONGPASS",
                   "a user that it knows");
}

static void a_redis_that_is_no_master_ends_the_service(void **state)
{
    static const char *const replica[] = {"--replicaof", "127.0.0.1 1", NULL};
    redis_start((struct tredis_opts){.extra = replica});
    check_gives_up(stack.redis.url, "this Redis is a slave, not a master", "address of the master");
}

static void a_user_without_rights_ends_the_service(void **state)
{
    redis_start((struct tredis_opts){.tcp = true});
    redis_do(&stack.redis, "ACL SETUSER poor on >p ~* +@all -time");
    check_gives_up(text("redis://poor:p@127.0.0.1:%d", stack.redis.port), "NOPERM",
                   "the rights in docs/operations.md");
}

/* The keeper finds the store open; it is the workers who may not write there. */
static void a_user_without_the_right_to_transactions_ends_the_service(void **state)
{
    redis_start((struct tredis_opts){.tcp = true});
    launch(stack.redis.url, FOR_EVER);
    await_listening();
    assert_true(tservice_stop(&stack.service));
    redis_do(&stack.redis, "ACL SETUSER poor on >p ~* +@all -multi");
    check_gives_up(text("redis://poor:p@127.0.0.1:%d", stack.redis.port), "NOPERM",
                   "the rights in docs/operations.md");
}

static void a_redis_that_hangs_ends_the_service(void **state)
{
    redis_start((struct tredis_opts){.tcp = true});
    tredis_freeze(&stack.redis);
    check_gives_up(stack.redis.url, "did not answer in time", "start it, or give its address");
    tredis_thaw(&stack.redis);
}

/* Nobody can mend that from outside: no time is waited. */
static void what_never_mends_itself_ends_it_at_once(void **state)
{
    static const char *const evicts[] = {"--maxmemory-policy", "allkeys-lru", NULL};
    redis_start((struct tredis_opts){.extra = evicts});
    check_command(1, "serve", "--listen", "127.0.0.1:0", "--redis", stack.redis.url, FOR_EVER);
    check_said("maxmemory-policy must be noeviction");
}

/* --- ports ------------------------------------------------------------------------------------ */

static void nobody_is_let_in_before_and_the_next_one_at_once(void **state)
{
    struct http_conn conn;
    struct http_resp resp = {.status = 0};
    int port = tproc_free_port();
    redis_start((struct tredis_opts){.aof = TREDIS_AOF_ALWAYS});
    tredis_kill9(&stack.redis);
    launch(stack.redis.url, FOR_EVER, "--listen", text("127.0.0.1:%d", port));
    assert_true(await(says("msg=waiting", NULL), RECOVERY_MS));
    http_conn_init(&conn, port);
    assert_int_equal(http_call(&conn, "GET", "/healthz", NULL, NULL, &resp), -ECONNREFUSED);
    /* And the port is taken all the same. */
    check_command(1, "serve", "--listen", text("127.0.0.1:%d", port), "--redis", stack.redis.url);
    check_said("Address already in use");
    assert_int_equal(tredis_restart(&stack.redis), 0);
    await_listening();
    assert_int_equal(stack.service.port, port);
    assert_int_equal(http_call(&conn, "GET", "/readyz", NULL, NULL, &resp), 0);
    assert_int_equal(resp.status, 200);
    http_resp_free(&resp);
    /* The service closes first, so that the port has a connection in TIME_WAIT. */
    assert_true(tservice_stop(&stack.service));
    http_conn_close(&conn);
    launch(stack.redis.url, "--listen", text("127.0.0.1:%d", port));
    await_listening();
}

static int connect_v6(int port)
{
    const struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                                    .sin6_port = htons((uint16_t)port),
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool has_v6(void)
{
    const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

/* The status of one request on a connection that stays. */
static int ask_v6(int fd, const char *path)
{
    char got[2048];
    const char *request = text("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
        return -1;
    ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
    return n > 12 ? atoi(got + 9) : -1;
}

static void localhost_is_both_families(void **state)
{
    int fds[64];
    redis_start((struct tredis_opts){.tcp = true});
    launch(stack.redis.url, "--listen", "localhost:0");
    await_listening();
    check_serves(); /* on 127.0.0.1 */
    if (!has_v6()) {
        print_message("this machine has no ::1\n");
        return;
    }
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        fds[i] = connect_v6(stack.service.port);
        assert_true(fds[i] >= 0);
        assert_int_equal(ask_v6(fds[i], "/readyz"), 200);
    }
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        assert_int_equal(ask_v6(fds[i], "/v1/items"), 200);
    assert_true(metric("stockd_http_connections_open") >= 64);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        close(fds[i]);
    stop_serving();
    assert_int_equal(connect_v6(stack.service.port), -1);
}

/* In one family: both, or neither. */
static void a_port_of_localhost_that_is_taken_is_refused(void **state)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t size = sizeof(at);
    if (!has_v6())
        skip();
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    check_command(1, "serve", "--listen", text("localhost:%d", ntohs(at.sin6_port)), "--redis",
                  "redis://127.0.0.1:1");
    check_said("Address already in use");
    close(fd);
}

/* The service ends the connection that is open when it stops, so the port keeps its remains. */
static void a_port_that_was_just_served_is_served_again(void **state)
{
    redis_start((struct tredis_opts){.tcp = true});
    launch(stack.redis.url, FOR_EVER);
    await_listening();
    check_serves();
    const char *there = text("127.0.0.1:%d", stack.service.port);
    assert_true(tservice_stop(&stack.service));
    api_close(a);
    launch(stack.redis.url, "--listen", there);
    await_listening();
    check_serves();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(a_redis_that_comes_later_is_waited_for),
        PLAIN_TEST(a_password_that_is_corrected_in_redis_is_enough),
        PLAIN_TEST(the_ledger_process_is_waited_for),
        PLAIN_TEST(a_service_that_waits_stops_when_it_is_told_to),
        PLAIN_TEST(what_is_wrong_is_named_and_ends_the_service),
        PLAIN_TEST(a_redis_that_is_no_master_ends_the_service),
        PLAIN_TEST(a_user_without_rights_ends_the_service),
        PLAIN_TEST(a_user_without_the_right_to_transactions_ends_the_service),
        PLAIN_TEST(a_redis_that_hangs_ends_the_service),
        PLAIN_TEST(what_never_mends_itself_ends_it_at_once),
        PLAIN_TEST(nobody_is_let_in_before_and_the_next_one_at_once),
        PLAIN_TEST(localhost_is_both_families),
        PLAIN_TEST(a_port_of_localhost_that_is_taken_is_refused),
        PLAIN_TEST(a_port_that_was_just_served_is_served_again),
    };
    return run_each("startup", tests);
}
