/* test_audit_moves.c -- an audit of what never stands still: before each of its commands a hold is
 * extended, and SQL has that before the command goes on to Redis. So what the audit reads first,
 * what SQL says and what it reads afterwards are three different things, and none of it is drift.
 *
 * Every test runs with a ledger in SQLite and with one in PostgreSQL.
 */
#include "support/api.h"
#include "support/ledger_base.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RECOVERY_MS 180000

/* Enough for all pages and for several looks at what differed. */
#define MOVES 80

static struct bases bases;
static struct stack stack;
static struct api *a = &stack.api;
static const char *sku;

/* --- between audit and Redis ------------------------------------------------------------------ */

/* Carries one connection after the other; in a thread of its own. */
struct carrier {
    pthread_t thread;
    int listener;
    char url[TEST_PATH_MAX + 32];
    struct http_conn conn;
    struct http_resp resp;
    char path[128]; /* of what is extended */
    int moves, failed;
};

/* The extension is in SQL when it returns: what SQL has is trimmed but for the last entry. */
static void move(struct carrier *c)
{
    char body[64];
    snprintf(body, sizeof(body), "{\"ttl_seconds\":%d}", 3600 + c->moves++);
    if (http_call(&c->conn, "POST", c->path, NULL, body, &c->resp) != 0 || c->resp.status != 200 ||
        !await(tredis_int(&stack.redis, "XLEN {p0}:events") == 1, RECOVERY_MS))
        c->failed++;
}

/* False at the end. */
static bool pass_on(int from, int to)
{
    char bytes[16384];
    ssize_t n = read(from, bytes, sizeof(bytes));
    for (ssize_t sent = 0, more; sent < n; sent += more)
        if ((more = write(to, bytes + sent, (size_t)(n - sent))) <= 0)
            return false;
    return n > 0;
}

static void carry_one(struct carrier *c, int client)
{
    redisContext *redis = tredis_connect(&stack.redis);
    struct pollfd fds[] = {{.fd = client, .events = POLLIN},
                           {.fd = redis ? redis->fd : -1, .events = POLLIN}};
    for (bool goes_on = redis != NULL; goes_on && poll(fds, 2, -1) > 0;) {
        if (fds[0].revents && c->moves < MOVES)
            move(c);
        goes_on = (!fds[0].revents || pass_on(client, redis->fd)) &&
                  (!fds[1].revents || pass_on(redis->fd, client));
    }
    if (redis)
        redisFree(redis);
    close(client);
}

static void *carry(void *arg)
{
    struct carrier *c = arg;
    for (int client; (client = accept(c->listener, NULL, NULL)) >= 0;)
        carry_one(c, client);
    return NULL;
}

static void carrier_start(struct carrier *c, const char *id)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *c = (struct carrier){.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/carrier", stack.redis.dir);
    snprintf(c->url, sizeof(c->url), "unix:%s", address.sun_path);
    snprintf(c->path, sizeof(c->path), "/v1/reservations/%s/extend", id);
    http_conn_init(&c->conn, stack.service.port);
    assert_int_equal(bind(c->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(c->listener, 8), 0);
    assert_int_equal(pthread_create(&c->thread, NULL, carry, c), 0);
}

static void carrier_stop(struct carrier *c)
{
    shutdown(c->listener, SHUT_RDWR); /* accept() returns */
    pthread_join(c->thread, NULL);
    close(c->listener);
    http_conn_close(&c->conn);
    http_resp_free(&c->resp);
}

/* --- a shop ----------------------------------------------------------------------------------- */

static const char *hold(void)
{
    api_call(
        a, 201, "POST", "/v1/reservations", NULL,
        text("{\"sku\":\"%s\",\"quantity\":3,\"customer\":\"anna\",\"ttl_seconds\":3600}", sku));
    return api_str(a, "id");
}

static int test_setup(void **state)
{
    db_close(bases_ledger(&bases, engine_of(state)));
    const char *extra[] = {"--ledger", bases.url, NULL};
    if (stack_start(&stack, NULL, 1, extra) != 0)
        return -1;
    sku = api_item(a, 100, 50);
    return 0;
}

static int test_teardown(void **state)
{
    return stack_stop(&stack);
}

/* The audit exits so, while that reservation moves. */
static void audit_is(int wanted, const char *id)
{
    struct carrier carrier;
    carrier_start(&carrier, id);
    const char *said = text("%s/said", bases.dir);
    int status = system(text("%s audit --redis '%s' --ledger '%s' >%s 2>&1", getenv("STOCKD"),
                             carrier.url, bases.url, said));
    carrier_stop(&carrier);
    assert_int_equal(carrier.failed, 0);
    assert_true(carrier.moves > 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != wanted) {
        print_tail(said, 20);
        fail_msg("the audit ended with 0x%x, not %d", (unsigned)status, wanted);
    }
}

/* --- tests ------------------------------------------------------------------------------------ */

static void what_moves_between_two_looks_is_no_drift(void **state)
{
    hold();
    audit_is(0, hold());
}

/* And what stands still beside it is not excused. */
static void what_is_wrong_beside_it_is_drift(void **state)
{
    hold();
    redis_do(&stack.redis, "HSET {p0}:cust:%s eve 1", sku);
    audit_is(1, hold());
}

static int group_teardown(void **state)
{
    bases_stop(&bases);
    return 0;
}

#define ON_BOTH(test) ON_ENGINES(test, test_setup, test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(what_moves_between_two_looks_is_no_drift),
        ON_BOTH(what_is_wrong_beside_it_is_drift),
    };
    bases_start_or_skip(&bases);
    return cmocka_run_group_tests(tests, NULL, group_teardown);
}
