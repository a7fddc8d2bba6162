/* test_tls_faults.c -- TLS to Redis over a network that cuts, stalls and splits it at any byte: a
 * handshake ends with the time that there is to connect, and says how; what was sent behind it has
 * its answers, or is lost once.
 */
#include "store/redis/conn.h"
#include "store/redis/link.h"
#include "store/redis/resp.h"
#include "support/canned_server.h"
#include "support/certs.h"
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_MS   300
#define EACH_UP_TO 40 /* bytes: a cut behind each of these, then behind some */
#define STEP       61
#define LARGE      (1 << 20)

static struct certs certs;
static struct fault_proxy proxy;
static struct endpoint at;
static char url[64], ca[CERTS_PATH_MAX];

/* --- what all need ---------------------------------------------------------------------------- */

static void start_redis(void)
{
    char cert[CERTS_PATH_MAX], key[CERTS_PATH_MAX];
    int port = tproc_free_port();
    const char *const arguments[] = {"--tls-port",
                                     text("%d", port),
                                     "--tls-cert-file",
                                     certs_path(&certs, "redis", "pem", cert),
                                     "--tls-key-file",
                                     certs_path(&certs, "redis", "key", key),
                                     "--tls-ca-cert-file",
                                     ca,
                                     "--tls-auth-clients",
                                     "no",
                                     NULL};
    const struct tredis_opts redis = {.extra = arguments};
    assert_int_equal(tredis_start(&stack.redis, &redis), 0);
    assert_int_equal(fault_proxy_start(&proxy, text("redis://127.0.0.1:%d", port), seed_of_run()),
                     0);
    snprintf(url, sizeof(url), "rediss://127.0.0.1:%d", proxy.port);
    at = (struct endpoint){.host = "127.0.0.1", .port = proxy.port};
}

static int begin(void **state)
{
    char why[TLS_WHY_SIZE];
    const struct tls_files files = {.ca = ca};
    assert_int_equal(certs_begin(&certs), 0);
    assert_int_equal(certs_make_ca(&certs, "ca"), 0);
    assert_int_equal(certs_make(&certs, "redis", "ca", "IP:127.0.0.1", 30), 0);
    certs_path(&certs, "ca", "pem", ca);
    start_redis();
    if (!tls_load(&files, why))
        fail_msg("%s", why);
    return 0;
}

static int end(void **state)
{
    fault_proxy_stop(&proxy);
    tredis_stop(&stack.redis);
    certs_end(&certs);
    tls_unload();
    return 0;
}

/* The number of the connection that comes next. */
static int next_number(void)
{
    static int last;
    while (fault_proxy_status(&proxy, last + 1).known)
        last++;
    return last + 1;
}

/* The next connection, and no other; its number. */
static int arm(enum fault_action action, enum fault_direction direction, uint64_t after)
{
    int number = next_number();
    fault_proxy_arm(&proxy, &(struct fault_rule){.action = action,
                                                 .direction = direction,
                                                 .after = after,
                                                 .connection = number});
    return number;
}

static uint64_t next_cut(uint64_t after)
{
    return after + (after < EACH_UP_TO ? 1 : STEP);
}

/* --- a blocking link -------------------------------------------------------------------------- */

static bool asks(struct link *link)
{
    struct buf out;
    buf_init(&out, 1024);
    resp_words(&out, 1, "PING");
    redisReply *reply = link_ask(link, &out);
    buf_free(&out);
    if (!reply)
        return false;
    bool pong = reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "PONG") == 0;
    freeReplyObject(reply);
    assert_true(pong);
    return true;
}

/* Connects and asks. */
static bool works(struct link *link, int timeout_ms)
{
    *link = (struct link){.fd = -1};
    bool good = link_open(link, &at, NULL, true, timeout_ms) && asks(link);
    assert_int_equal(link_is_open(link), good);
    return good;
}

/* Bytes of a connection that asks once, of its handshake and all. */
static void measure(uint64_t bytes[2])
{
    struct link link;
    int number = arm(FAULT_COUNT, FAULT_UP, 0);
    assert_true(works(&link, RECOVERY_MS));
    struct fault_status status = fault_proxy_status(&proxy, number);
    bytes[FAULT_UP] = status.bytes[FAULT_UP];
    bytes[FAULT_DOWN] = status.bytes[FAULT_DOWN];
    link_close(&link);
    assert_true(bytes[FAULT_UP] > 200 && bytes[FAULT_DOWN] > 400);
}

static void a_link_that_is_cut_at_any_byte_says_so_at_once(void **state)
{
    static const enum fault_action cuts[] = {FAULT_CUT_RST, FAULT_CUT_FIN};
    uint64_t bytes[2];
    struct link link;
    measure(bytes);
    for (int direction = FAULT_UP; direction <= FAULT_DOWN; direction++)
        for (size_t cut = 0; cut < 2; cut++)
            for (uint64_t after = 0; after + 64 < bytes[direction]; after = next_cut(after)) {
                arm(cuts[cut], (enum fault_direction)direction, after);
                assert_false(works(&link, RECOVERY_MS));
                assert_true(link.trouble == LINK_TLS || link.trouble == LINK_AWAY);
                assert_string_not_equal(link.why, "");
            }
    fault_proxy_disarm(&proxy);
    assert_true(works(&link, RECOVERY_MS));
    link_close(&link);
}

static void a_handshake_that_stalls_is_ended_by_its_deadline(void **state)
{
    struct link link;
    for (uint64_t after = 0; after < 400; after += 133) {
        int number = arm(FAULT_HOLD, FAULT_DOWN, after);
        assert_false(works(&link, SHORT_MS));
        assert_int_equal(link.trouble, LINK_TLS);
        assert_string_equal(link.why, TLS_WHY_LATE);
        fault_proxy_drop(&proxy, number);
    }
}

static void bytes_that_come_one_by_one_are_as_good(void **state)
{
    struct link link;
    arm(FAULT_DRIP, FAULT_DOWN, 0);
    assert_true(works(&link, RECOVERY_MS));
    link_close(&link);
    arm(FAULT_DRIP, FAULT_UP, 0);
    assert_true(works(&link, RECOVERY_MS));
    link_close(&link);
}

static void what_is_no_tls_is_told_from_it(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"-ERR unknown command\r\n", "does not speak TLS"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS"},
        {"\x16\x03\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "TLS"},
        {"\x16\x03\x03\x01\x04\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b", "TLS"},
        {"\x15\x03\x03\x01\x02\x02\x46", "TLS"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct canned_answer answers[] = {{.text = rows[i].text, .deaf = true, .hang = true},
                                                {0}};
        struct canned_server server;
        struct link link = {0};
        assert_int_equal(canned_start(&server, answers), 0);
        const struct endpoint there = {.host = "127.0.0.1", .port = server.port};
        assert_false(link_open(&link, &there, NULL, true, SHORT_MS));
        assert_int_equal(link.trouble, LINK_TLS);
        if (!strstr(link.why, rows[i].why))
            fail_msg("of %s: %s", rows[i].text, link.why);
        canned_stop(&server);
    }
}

/* --- a connection on the loop ----------------------------------------------------------------- */

struct user {
    uv_loop_t loop;
    struct topology *topology;
    struct conn conn;
    int ready, lost, lost_busy, answered;
    char *large; /* what is sent to and fro */
    size_t count;
};

static void on_ready(struct conn *conn)
{
    ((struct user *)conn->user)->ready++;
}

static void on_lost(struct conn *conn, bool busy)
{
    struct user *user = conn->user;
    user->lost++;
    user->lost_busy += busy;
}

static void user_begin(struct user *user)
{
    char err[256];
    *user = (struct user){.ready = 0};
    assert_int_equal(uv_loop_init(&user->loop), 0);
    user->topology = topology_new(url, err, sizeof(err));
    assert_non_null(user->topology);
    conn_init(&user->conn, &user->loop, user->topology, 0);
    user->conn.on_ready = on_ready;
    user->conn.on_lost = on_lost;
    user->conn.user = user;
}

static void user_end(struct user *user)
{
    conn_close(&user->conn);
    uv_run(&user->loop, UV_RUN_DEFAULT);
    topology_free(user->topology);
    assert_int_equal(uv_loop_close(&user->loop), 0);
}

/* Lets the loop run until that is so. */
#define run_until(user, condition)                                                                 \
    do {                                                                                           \
        int64_t until_ms_ = test_now_ms() + RECOVERY_MS;                                           \
        while (!(condition)) {                                                                     \
            assert_true(test_now_ms() < until_ms_);                                                \
            uv_run(&(user)->loop, UV_RUN_ONCE);                                                    \
        }                                                                                          \
    } while (0)

static void a_connection_whose_handshake_is_cut_comes_with_the_next(void **state)
{
    struct user user;
    uint64_t bytes[2];
    measure(bytes);
    user_begin(&user);
    conn_open(&user.conn);
    run_until(&user, user.ready == 1);
    for (int direction = FAULT_UP; direction <= FAULT_DOWN; direction++)
        for (uint64_t after = 0; after + 64 < bytes[direction]; after = next_cut(after)) {
            int ready = user.ready,
                number = arm(FAULT_CUT_RST, (enum fault_direction)direction, after);
            conn_drop(&user.conn, "by this test");
            run_until(&user, user.ready > ready);
            assert_int_equal(fault_proxy_struck_on(&proxy), number);
        }
    assert_int_equal(user.lost_busy, 0);
    user_end(&user);
}

static void a_connection_whose_handshake_stalls_is_given_up(void **state)
{
    struct user user;
    int number = arm(FAULT_HOLD, FAULT_DOWN, 100);
    user_begin(&user);
    conn_open(&user.conn);
    run_until(&user, user.lost == 1);
    assert_string_equal(user.conn.error, TLS_WHY_LATE);
    run_until(&user, user.ready == 1);
    fault_proxy_drop(&proxy, number);
    user_end(&user);
}

static void on_echo(struct conn *conn, redisReply **replies, size_t count)
{
    struct user *user = conn->user;
    assert_int_equal(count, user->count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(replies[i]->type, REDIS_REPLY_STRING);
        assert_int_equal(replies[i]->len, LARGE);
        assert_memory_equal(replies[i]->str, user->large, LARGE);
    }
    user->answered++;
}

/* So many large values to Redis and back. */
static void echo(struct user *user, size_t count)
{
    struct buf *out = conn_begin(&user->conn);
    user->count = count;
    for (size_t i = 0; i < count; i++) {
        resp_begin(out, 2);
        resp_arg(out, STR("ECHO"));
        resp_arg(out, (struct str){user->large, LARGE});
    }
    assert_int_equal(conn_exchange(&user->conn, count, RECOVERY_MS, on_echo), 0);
}

static void fill(struct user *user)
{
    user->large = malloc(LARGE);
    assert_non_null(user->large);
    for (size_t i = 0; i < LARGE; i++)
        user->large[i] = (char)(i * 31 + i / 251);
}

/* More than the socket takes at once, and than one read gives. */
static void what_is_large_goes_in_parts_and_comes_whole(void **state)
{
    struct user user;
    user_begin(&user);
    fill(&user);
    conn_open(&user.conn);
    run_until(&user, user.ready == 1);
    for (int round = 1; round <= 3; round++) {
        echo(&user, 12);
        run_until(&user, user.answered == round);
    }
    assert_int_equal(user.lost, 0);
    free(user.large);
    user_end(&user);
}

static void an_exchange_that_is_cut_is_lost_once(void **state)
{
    struct user user;
    user_begin(&user);
    fill(&user);
    for (uint64_t after = 5000; after < 4 * LARGE; after += LARGE) {
        int lost = user.lost_busy, ready = user.ready;
        arm(FAULT_CUT_RST, after / LARGE % 2 ? FAULT_UP : FAULT_DOWN, after);
        if (ready == 0)
            conn_open(&user.conn);
        else
            conn_drop(&user.conn, "by this test");
        run_until(&user, user.ready > ready);
        echo(&user, 4);
        run_until(&user, user.lost_busy > lost);
        run_until(&user, user.ready > ready + 1);
        assert_int_equal(user.lost_busy, lost + 1);
    }
    assert_int_equal(user.answered, 0);
    free(user.large);
    user_end(&user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_that_is_cut_at_any_byte_says_so_at_once),
        cmocka_unit_test(a_handshake_that_stalls_is_ended_by_its_deadline),
        cmocka_unit_test(bytes_that_come_one_by_one_are_as_good),
        cmocka_unit_test(what_is_no_tls_is_told_from_it),
        cmocka_unit_test(a_connection_whose_handshake_is_cut_comes_with_the_next),
        cmocka_unit_test(a_connection_whose_handshake_stalls_is_given_up),
        cmocka_unit_test(what_is_large_goes_in_parts_and_comes_whole),
        cmocka_unit_test(an_exchange_that_is_cut_is_lost_once),
    };
    return cmocka_run_group_tests_name("faults of tls to redis", tests, begin, end);
}
