/* test_promotion.c -- a replica that lacks the last entries becomes the primary, while a service or
 * an applier still reaches the old one: nobody is told yes about what the new one has not got.
 *
 * Two real Redis. The write that is in question is made when the replica does not listen any more,
 * and SQL gets to know of the promotion before it gets to know of the write.
 */
#include "core/event.h"
#include "support/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define STOCK 10

static struct tredis replica = {.proc = {.pidfd = -1, .out_fd = -1}};
static struct tservice successor = {
    .proc = {.pidfd = -1, .out_fd = -1}}; /* on the replica, once that is the primary */
static char sku[64];

/* --- the scene -------------------------------------------------------------------------------- */

/* The string that a Redis answers, in a buffer that the next call uses again. */
static const char *ask(const struct tredis *redis, const char *question)
{
    static char answer[256];
    redisContext *c = tredis_connect(redis);
    assert_non_null(c);
    redisReply *reply = redisCommand(c, question);
    assert_non_null(reply);
    KEEP(answer, reply->type == REDIS_REPLY_STRING ? reply->str : "");
    freeReplyObject(reply);
    redisFree(c);
    return answer;
}

static void start(void **state, const char *timeout)
{
    static const char *const at_once[] = {"--repl-diskless-sync-delay", "0", NULL};
    struct tredis_opts redis = {.tcp = true, .extra = at_once};
    serve(.redis = redis, .ledger = *state,
          .flags = {"--durability", "ledger", "--request-timeout", timeout});
    assert_int_equal(tredis_start(&replica, &redis), 0);
    redis_do(&replica, "REPLICAOF 127.0.0.1 %d", stack.redis.port);
    /* With its first replica Redis takes another replication id: one more epoch, the second. */
    assert_true(await(strcmp(ask(&stack.redis, "HGET {p0}:meta epoch"), "2") == 0, RECOVERY_MS));
    await_ready();
    KEEP(sku, api_item(a, STOCK, 0));
    assert_true(await(tredis_int(&replica, "XLEN {p0}:events") == redis_int("XLEN {p0}:events") &&
                          tredis_int(&replica, "XLEN {p0}:events") > 0 &&
                          strcmp(ask(&replica, "GET {p0}:applied"), "2-1") == 0,
                      RECOVERY_MS));
}

/* From here on the replica is a primary of its own, and what SQL gets comes from it alone. */
static void split(void)
{
    assert_int_equal(kill(pid_of(TSERVICE_LEDGER), SIGSTOP), 0);
    redis_do(&replica, "REPLICAOF NO ONE");
}

static void applier_goes_on(void)
{
    pid_t pid = pid_of(TSERVICE_LEDGER);
    if (pid > 0)
        kill(pid, SIGCONT);
}

static void send_late(struct http_conn *c)
{
    send_hold(c, "Idempotency-Key: k-1\r\n", sku, 3);
    assert_true(await(redis_int("EXISTS {p0}:op:k-1") == 1, RECOVERY_MS));
}

/* Opens the next epoch on the new primary, as its own service sees it and SQL holds it. */
static void promote(void)
{
    serve_beside(&successor, .redis_url = replica.url, .flags = {"--durability", "ledger"});
    assert_true(
        await(sql_int("SELECT epoch FROM checkpoints WHERE partition_no = 0") == 3, RECOVERY_MS));
}

/* Nothing of the hold is in SQL nor on the new primary, so the client was not told that it is. */
static void check_not_promised(struct http_conn *c)
{
    char problem[64];
    struct api other;
    assert_int_equal(answer_to(c, problem), 504);
    assert_non_null(strstr(problem, "outcome-unknown"));
    assert_int_equal(sql_int("SELECT COUNT(*) FROM reservations"), 0);
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
    send_late(&late);
    promote();
    redis_do(&stack.redis, "REPLICAOF 127.0.0.1 %d", replica.port);
    assert_true(await(strncmp(ask(&stack.redis, "GET {p0}:applied"), "3-", 2) == 0, RECOVERY_MS));
    check_not_promised(&late);
    applier_goes_on();
}

/* The same, and then the old primary is made one again: the store is open, and in another epoch. */
static void an_entry_is_not_covered_when_its_redis_is_primary_again(void **state)
{
    struct http_conn late;
    char problem[64];
    start(state, "20s");
    split();
    send_late(&late);
    promote();
    redis_do(&stack.redis, "REPLICAOF 127.0.0.1 %d", replica.port);
    assert_true(await(strncmp(ask(&stack.redis, "GET {p0}:applied"), "3-", 2) == 0, RECOVERY_MS));
    assert_true(tservice_stop(&successor));
    redis_do(&stack.redis, "REPLICAOF NO ONE");
    applier_goes_on();
    /* 201: its connection broke meanwhile and did not find it any more, so it was made again, in
     * the store that is the present. A yes is true of that one, and of SQL. */
    int status = answer_to(&late, problem);
    bool again = status == 201;
    assert_true(again || (status == 504 && strstr(problem, "outcome-unknown")));
    assert_int_equal(sql_int("SELECT COUNT(*) FROM reservations"), again);
    await_ready();
    check_item(a, sku, STOCK, STOCK - 3 * again, 3 * again, 0, 1 + again);
}

/* Nobody has told the old primary and its applier. */
static void an_applier_of_the_old_primary_does_not_take_what_was_disowned(void **state)
{
    struct http_conn late;
    start(state, "20s");
    split();
    send_late(&late);
    promote();
    applier_goes_on();
    check_not_promised(&late);
    assert_true(
        await(strncmp(ask(&stack.redis, "HGET {p0}:meta state"), "lost: ", 6) == 0, RECOVERY_MS));
    assert_string_equal(ask(&stack.redis, "GET {p0}:applied"), "2-1");
    assert_string_equal(ask(&replica, "HGET {p0}:meta state"), "open");
    post_problem(503, "state-lost", NULL, RESERVATIONS, LINE(sku, 1));
    assert_int_equal(sql_int("SELECT last_seq FROM epochs WHERE epoch = 2"), 1);
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
    char problem[64];
    start(state, "20s");
    split();
    send_late(&late);
    open_by_hand(&replica, 3);
    applier_goes_on();
    assert_int_equal(answer_to(&late, problem), 201);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM reservations"), 1);
    serve_beside(&successor, .redis_url = replica.url, .flags = {"--durability", "ledger"});
    assert_true(await(strncmp(ask(&replica, "HGET {p0}:meta state"),
                              "lost: SQL has events up to 2-2, which "
                              "the stream has not",
                              54) == 0,
                      RECOVERY_MS));
    assert_int_equal(sql_int("SELECT epoch FROM checkpoints"), 2);
    check_item(a, sku, STOCK, STOCK - 3, 3, 0, 2);
}

/* Both Redis have an epoch 3, and entries of the same ids in it. SQL follows the one that it saw
 * first. */
static void two_primaries_are_not_both_the_present(void **state)
{
    struct api other;
    start(state, "5s");
    split();
    promote();
    api_open(&other, successor.port);
    assert_true(await(api_ready(&other), RECOVERY_MS));
    api_call(&other, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":1}");
    open_by_hand(&stack.redis, 3);
    applier_goes_on();
    http_call(&a->conn, "POST", DECREMENT(sku), NULL, "{\"quantity\":2}", &a->resp);
    if (a->resp.status != 504 && a->resp.status != 503)
        fail_msg("status %d: %s", a->resp.status, a->resp.body);
    assert_true(
        await(strncmp(ask(&stack.redis, "HGET {p0}:meta state"), "lost: ", 6) == 0, RECOVERY_MS));
    check_item(&other, sku, STOCK - 1, STOCK - 1, 0, 1, 2);
    assert_int_equal(sql_int("SELECT sold FROM items"), 1);
    api_close(&other);
}

static int end(void **state)
{
    applier_goes_on();
    bool fine = tservice_stop(&successor);
    int rc = serve_end(state);
    tredis_stop(&replica);
    return fine ? rc : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ENGINES(a_later_epoch_does_not_cover_an_entry_of_an_earlier_one, NULL, end),
        ON_ENGINES(an_entry_is_not_covered_when_its_redis_is_primary_again, NULL, end),
        ON_ENGINES(an_applier_of_the_old_primary_does_not_take_what_was_disowned, NULL, end),
        ON_ENGINES(what_sql_took_meanwhile_is_not_passed_over, NULL, end),
        ON_ENGINES(two_primaries_are_not_both_the_present, NULL, end),
    };
    return run_each("promotion", tests);
}
