/* test_promotion.c -- a replica that lacks the last entries becomes the primary, while a service or
 * an applier still reaches the old one: nobody is told yes about what the new one has not got.
 *
 * Two real Redis. The write that is in question is made when the replica does not listen any more,
 * and SQL gets to know of the promotion before it gets to know of the write.
 */
#include "core/event.h"
#include "support/api.h"
#include "support/ledger_base.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define RECOVERY_MS 180000
#define STOCK       10

static struct bases bases;
static struct stack stack; /* on the old primary */
static struct api *a = &stack.api;
static struct tredis replica;
static struct tservice successor; /* on the replica, once that is the primary */
static pid_t applier;             /* of the stack; 0: it runs */
static char sku[64];

/* --- the scene -------------------------------------------------------------------------------- */

static void command(const struct tredis *redis, const char *format, int number)
{
    redisContext *c = tredis_connect(redis);
    assert_non_null(c);
    redisReply *reply = redisCommand(c, format, number);
    assert_true(reply && reply->type != REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    redisFree(c);
}

/* The string that a Redis answers, in a buffer that the next call uses again. */
static const char *ask(const struct tredis *redis, const char *question)
{
    static char answer[256];
    redisContext *c = tredis_connect(redis);
    assert_non_null(c);
    redisReply *reply = redisCommand(c, question);
    assert_non_null(reply);
    snprintf(answer, sizeof(answer), "%s", reply->type == REDIS_REPLY_STRING ? reply->str : "");
    freeReplyObject(reply);
    redisFree(c);
    return answer;
}

static void start(void **state, const char *timeout)
{
    static const char *const at_once[] = {"--repl-diskless-sync-delay", "0", NULL};
    struct tredis_opts redis = {.tcp = true, .extra = at_once};
    db_close(bases_ledger(&bases, engine_of(state)));
    const char *const extra[] = {
        "--ledger", bases.url, "--durability", "ledger", "--request-timeout", timeout, NULL};
    assert_int_equal(stack_start(&stack, &redis, 1, extra), 0);
    assert_true(await(api_ready(a), RECOVERY_MS));
    assert_int_equal(tredis_start(&replica, &redis), 0);
    command(&replica, "REPLICAOF 127.0.0.1 %d", stack.redis.port);
    snprintf(sku, sizeof(sku), "%s", api_item(a, STOCK, 0));
    assert_true(await(tredis_int(&replica, "XLEN {p0}:events") ==
                              tredis_int(&stack.redis, "XLEN {p0}:events") &&
                          tredis_int(&replica, "XLEN {p0}:events") > 0 &&
                          strcmp(ask(&replica, "GET {p0}:applied"), "1-1") == 0,
                      RECOVERY_MS));
}

/* From here on the replica is a primary of its own, and what SQL gets comes from it alone. */
static void split(void)
{
    assert_int_equal(tservice_pids(&stack.service, TSERVICE_LEDGER, &applier, 1), 1);
    assert_int_equal(kill(applier, SIGSTOP), 0);
    command(&replica, "REPLICAOF NO ONE", 0);
}

static void applier_goes_on(void)
{
    if (applier > 0)
        kill(applier, SIGCONT);
    applier = 0;
}

static void send_hold(struct http_conn *c)
{
    const char *body = text("{\"sku\":\"%s\",\"quantity\":3}", sku);
    http_conn_init(c, stack.service.port);
    assert_int_equal(http_send_call(c, "POST", "/v1/reservations", "Idempotency-Key: k-1\r\n", body,
                                    strlen(body)),
                     0);
    assert_true(await(tredis_int(&stack.redis, "EXISTS {p0}:op:k-1") == 1, RECOVERY_MS));
}

/* Opens the next epoch on the new primary, as its own service sees it and SQL holds it. */
static void promote(void)
{
    const char *const extra[] = {"--ledger", bases.url, "--durability", "ledger", NULL};
    const struct tservice_opts opts = {.redis_url = replica.url, .extra = extra};
    assert_int_equal(tservice_start(&successor, &opts), 0);
    assert_true(
        await(base_int(bases.url, "SELECT epoch FROM checkpoints WHERE partition_no = 0") == 2,
              RECOVERY_MS));
}

static int answer_to(struct http_conn *c, char *problem, size_t size)
{
    struct http_resp resp = {.status = 0};
    int rc = http_receive(c, false, &resp);
    int status = rc < 0 ? rc : resp.status;
    const char *type =
        rc < 0 ? NULL : json_string_value(json_object_get(http_resp_json(&resp), "type"));
    snprintf(problem, size, "%s", type ? type : "");
    http_resp_free(&resp);
    http_conn_close(c);
    return status;
}

/* Nothing of the hold is in SQL nor on the new primary, so the client was not told that it is. */
static void check_not_promised(struct http_conn *c)
{
    char problem[128];
    struct api other;
    assert_int_equal(answer_to(c, problem, sizeof(problem)), 504);
    assert_non_null(strstr(problem, "outcome-unknown"));
    assert_int_equal(base_int(bases.url, "SELECT COUNT(*) FROM reservations"), 0);
    api_open(&other, successor.port);
    assert_true(await(api_ready(&other), RECOVERY_MS));
    check_item(&other, sku, STOCK, STOCK, 0, 0, 1);
    api_close(&other);
}

/* --- tests ------------------------------------------------------------------------------------ */

/* The old primary becomes a replica of the new one under the lane's connection, and shows what the
 * applier of the new one said there: that SQL is in an epoch that came later. */
static void a_later_epoch_does_not_cover_an_entry_of_an_earlier_one(void **state)
{
    struct http_conn late;
    start(state, "5s");
    split();
    send_hold(&late);
    promote();
    command(&stack.redis, "REPLICAOF 127.0.0.1 %d", replica.port);
    assert_true(await(strncmp(ask(&stack.redis, "GET {p0}:applied"), "2-", 2) == 0, RECOVERY_MS));
    check_not_promised(&late);
    applier_goes_on();
}

/* The same, and then the old primary is made one again: the store is open, and in a third epoch. */
static void an_entry_is_not_covered_when_its_redis_is_primary_again(void **state)
{
    struct http_conn late;
    char problem[128];
    start(state, "20s");
    split();
    send_hold(&late);
    promote();
    command(&stack.redis, "REPLICAOF 127.0.0.1 %d", replica.port);
    assert_true(await(strncmp(ask(&stack.redis, "GET {p0}:applied"), "2-", 2) == 0, RECOVERY_MS));
    assert_true(tservice_stop(&successor));
    command(&stack.redis, "REPLICAOF NO ONE", 0);
    applier_goes_on();
    /* 201: its connection broke meanwhile and did not find it any more, so it was made again, in
     * the store that is the present. A yes is true of that one, and of SQL. */
    int status = answer_to(&late, problem, sizeof(problem));
    bool again = status == 201;
    assert_true(again || (status == 504 && strstr(problem, "outcome-unknown")));
    assert_int_equal(base_int(bases.url, "SELECT COUNT(*) FROM reservations"), again);
    assert_true(await(api_ready(a), RECOVERY_MS));
    check_item(a, sku, STOCK, STOCK - 3 * again, 3 * again, 0, 1 + again);
}

/* Nobody has told the old primary and its applier. */
static void an_applier_of_the_old_primary_does_not_take_what_was_disowned(void **state)
{
    struct http_conn late;
    start(state, "20s");
    split();
    send_hold(&late);
    promote();
    applier_goes_on();
    check_not_promised(&late);
    assert_true(
        await(strncmp(ask(&stack.redis, "HGET {p0}:meta state"), "lost: ", 6) == 0, RECOVERY_MS));
    assert_string_equal(ask(&stack.redis, "GET {p0}:applied"), "1-1");
    assert_string_equal(ask(&replica, "HGET {p0}:meta state"), "open");
    api_problem(a, 503, "state-lost", NULL, "POST", "/v1/reservations", NULL,
                text("{\"sku\":\"%s\",\"quantity\":1}", sku));
    assert_int_equal(base_int(bases.url, "SELECT last_seq FROM epochs WHERE epoch = 1"), 1);
}

/* What opening an epoch writes, on a Redis where no applier does it. */
static void open_by_hand(const struct tredis *redis, int epoch)
{
    struct buf entry;
    struct event event = {.type = EVENT_EPOCH};
    char id[16], number[16];
    buf_init(&entry, 4096);
    event_begin(&entry, 0);
    event_put(&entry, &event, 0);
    snprintf(id, sizeof(id), "%d-*", epoch);
    snprintf(number, sizeof(number), "%d", epoch);
    redisContext *c = tredis_connect(redis);
    assert_non_null(c);
    redisReply *info = redisCommand(c, "INFO server");
    assert_true(info && info->type == REDIS_REPLY_STRING);
    const char *run_id = strstr(info->str, "run_id:") + strlen("run_id:");
    freeReplyObject(redisCommand(c, "HSET {p0}:meta epoch %s run_id %b", number, run_id,
                                 strcspn(run_id, "\r\n")));
    freeReplyObject(redisCommand(c, "XADD {p0}:events %s e %b", id, entry.p, entry.n));
    freeReplyObject(info);
    redisFree(c);
    buf_free(&entry);
}

/* The next epoch is open on the replica, and before SQL learns of it the old primary's applier
 * brings what the replica lacks. That was promised, and SQL has it: the replica must not be served
 * from without it. */
static void what_sql_took_meanwhile_is_not_passed_over(void **state)
{
    struct http_conn late;
    char problem[128];
    start(state, "20s");
    split();
    send_hold(&late);
    open_by_hand(&replica, 2);
    applier_goes_on();
    assert_int_equal(answer_to(&late, problem, sizeof(problem)), 201);
    assert_int_equal(base_int(bases.url, "SELECT COUNT(*) FROM reservations"), 1);
    const char *const extra[] = {"--ledger", bases.url, "--durability", "ledger", NULL};
    const struct tservice_opts opts = {.redis_url = replica.url, .extra = extra};
    assert_int_equal(tservice_start(&successor, &opts), 0);
    assert_true(await(strncmp(ask(&replica, "HGET {p0}:meta state"),
                              "lost: SQL has events up to 1-2, which "
                              "the stream has not",
                              54) == 0,
                      RECOVERY_MS));
    assert_int_equal(base_int(bases.url, "SELECT epoch FROM checkpoints"), 1);
    check_item(a, sku, STOCK, STOCK - 3, 3, 0, 2);
}

/* Both Redis have an epoch 2, and entries of the same ids in it. SQL follows the one that it saw
 * first. */
static void two_primaries_are_not_both_the_present(void **state)
{
    struct api other;
    start(state, "5s");
    split();
    promote();
    api_open(&other, successor.port);
    assert_true(await(api_ready(&other), RECOVERY_MS));
    api_call(&other, 200, "POST", text("/v1/items/%s/decrements", sku), NULL, "{\"quantity\":1}");
    open_by_hand(&stack.redis, 2);
    applier_goes_on();
    http_call(&a->conn, "POST", text("/v1/items/%s/decrements", sku), NULL, "{\"quantity\":2}",
              &a->resp);
    if (a->resp.status != 504 && a->resp.status != 503)
        fail_msg("status %d: %s", a->resp.status, a->resp.body);
    assert_true(
        await(strncmp(ask(&stack.redis, "HGET {p0}:meta state"), "lost: ", 6) == 0, RECOVERY_MS));
    check_item(&other, sku, STOCK - 1, STOCK - 1, 0, 1, 2);
    assert_int_equal(base_int(bases.url, "SELECT sold FROM items"), 1);
    api_close(&other);
}

static int test_teardown(void **state)
{
    (void)state;
    applier_goes_on();
    int rc = tservice_stop(&successor) ? 0 : -1;
    rc = stack_stop(&stack) < 0 ? -1 : rc;
    tredis_stop(&replica);
    replica = (struct tredis){.proc = {.pidfd = -1, .out_fd = -1}};
    successor = (struct tservice){.proc = {.pidfd = -1, .out_fd = -1}};
    return rc;
}

static int group_teardown(void **state)
{
    (void)state;
    bases_stop(&bases);
    return 0;
}

#define ON_BOTH(test) ON_ENGINES(test, NULL, test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_later_epoch_does_not_cover_an_entry_of_an_earlier_one),
        ON_BOTH(an_entry_is_not_covered_when_its_redis_is_primary_again),
        ON_BOTH(an_applier_of_the_old_primary_does_not_take_what_was_disowned),
        ON_BOTH(what_sql_took_meanwhile_is_not_passed_over),
        ON_BOTH(two_primaries_are_not_both_the_present),
    };
    replica = (struct tredis){.proc = {.pidfd = -1, .out_fd = -1}};
    successor = (struct tservice){.proc = {.pidfd = -1, .out_fd = -1}};
    bases_start_or_skip(&bases);
    return cmocka_run_group_tests_name("promotion", tests, NULL, group_teardown);
}
