/* test_audit.c -- an audit finds nothing where there is nothing to find, whatever happens
 * meanwhile, and names every change that was made behind the service's back.
 *
 * Every test runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "support/fixture.h"

#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Drift, of which these words are said. */
static void drift_says(const char *words)
{
    check_audit(1);
    check_said(words);
}

/* --- load ------------------------------------------------------------------------------------- */

/* A hold, and perhaps its extension or its end; one in eight expires. */
static void hold(struct ledger_client *c, const char *item, int n)
{
    char body[256], path[128], id[LEDGER_NAME_SIZE];
    snprintf(body, sizeof(body),
             "{\"sku\":\"%s\",\"quantity\":2,\"ttl_seconds\":%d,\"customer\":\"c-%d\","
             "\"metadata\":{\"n\":%d}}",
             item, n % 8 == 0 ? 1 : 3600, n % 700, n);
    if (!ledger_client_hold(c, body, id) || n % 4 == 0)
        return;
    snprintf(path, sizeof(path), "/v1/reservations/%s/extend", id);
    if (n % 4 == 3)
        (void)ledger_client_post(c, path, NULL, "{\"ttl_seconds\":7200}");
    else
        (void)ledger_client_settle(c, id, n % 4 == 1 ? "confirm" : "release");
}

static void sell_or_hold(struct ledger_client *c, int n)
{
    char path[96];
    const char *item = load.skus[n % LEDGER_LOAD_ITEMS];
    snprintf(path, sizeof(path), "/v1/items/%s/decrements", item);
    if (n % 5 == 0)
        (void)ledger_client_post(c, path, NULL, "{\"quantity\":1,\"customer\":\"c-1\"}");
    else
        hold(c, item, n);
}

/* --- a shop ----------------------------------------------------------------------------------- */

#define AUDIT(ledger) "audit", "--redis", stack.redis.url, "--ledger", (ledger)

/* A Redis that loses nothing, and a load with limits and holds that expire. */
#define start_with(...)                                                                            \
    do {                                                                                           \
        serve(.redis.aof = TREDIS_AOF_ALWAYS, .workers = 2, .ledger = *state, __VA_ARGS__);        \
        load.step = sell_or_hold;                                                                  \
        load.limit = LEDGER_LOAD_STOCK;                                                            \
    } while (0)

/* Names that the tests tamper with: an item with a hold and two customers. */
static const char *sku;
static char held[64], sold[64];

static void fill_shop(void)
{
    sku = api_item(a, 100, 50);
    post(201, RESERVATIONS,
         text("{\"sku\":\"%s\",\"quantity\":3,\"customer\":\"anna\",\"ttl_seconds\":3600,"
              "\"metadata\":{\"a\":1}}",
              sku));
    KEEP(held, api_str(a, "id"));
    post(201, RESERVATIONS, text("{\"sku\":\"%s\",\"quantity\":2,\"customer\":\"bo\"}", sku));
    KEEP(sold, api_str(a, "id"));
    post(200, CONFIRM(sold), "{}");
    const char *gone = api_item(a, 5, 0);
    api_call(a, 204, "DELETE", ITEM(gone), "If-Match: *\r\n", NULL);
}

static void start_shop(void **state)
{
    start_with();
    fill_shop();
    check_audit(0);
}

/* A change behind the service's back; the answer does not matter. */
#define tamper(...) redis_do(&stack.redis, __VA_ARGS__)

/* The bytes and the bucket of an id. */
static void id_parts(const char *id, unsigned char bytes[14], char bucket[24])
{
    struct rid rid;
    assert_true(rid_parse(str_of(id), &rid));
    memcpy(bytes, rid.b, 14);
    snprintf(bucket, 24, "%" PRId64, rid_bucket(&rid));
}

/* --- equal ------------------------------------------------------------------------------------ */

static void equal_under_load(void **state)
{
    start_with();
    fill_shop();
    ledger_load_start(&load);
    for (int i = 0; i < 3; i++) {
        ledger_load_await(&load, 300);
        check_audit(0);
        check_said("audit: equal: ");
    }
    ledger_load_stop(&load);
    assert_int_equal(atomic_load(&load.wrong), 0);
    check_audit(0);
}

static void equal_under_load_in_several_partitions(void **state)
{
    start_with(.partitions = 4);
    ledger_load_start(&load);
    ledger_load_await(&load, 300);
    check_audit(0);
    ledger_load_stop(&load);
    check_command(0, AUDIT(ledger_url), "--json");
    json_t *document = json_loads(command_said, JSON_DISABLE_EOF_CHECK, NULL);
    assert_int_equal(json_array_size(json_object_get(document, "partitions")), 4);
    assert_int_equal(json_integer_value(json_object_get(document, "items")), LEDGER_LOAD_ITEMS);
    json_decref(document);
}

static void equal_after_kills_under_load(void **state)
{
    start_with();
    ledger_load_start(&load);
    ledger_load_await(&load, 200);
    kill(pid_of(TSERVICE_LEDGER), SIGKILL);
    ledger_load_await(&load, 200);
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    await_ready();
    ledger_load_await(&load, 200);
    tservice_kill9(&stack.service);
    ledger_load_stop(&load);
    serve_again();
    await_ready();
    check_audit(0);
}

/* The ledger takes what a hold was after the audit has read Redis. */
static void waits_for_the_ledger(void **state)
{
    start_with(.apart = true);
    fill_shop();
    check_audit(0);
    applier_stop();
    post(201, RESERVATIONS, text("{\"sku\":\"%s\",\"quantity\":1,\"customer\":\"cy\"}", sku));
    check_command(2, AUDIT(ledger_url), "--wait", "1s");
    check_said("the process that brings events into the ledger does not run, or is behind");
    applier_start();
    check_audit(0);
}

/* --- tampering -------------------------------------------------------------------------------- */

static void counters_of_items(void **state)
{
    start_shop(state);
    redisReply *was = redis_ask(&stack.redis, "GET {p0}:item:%s", sku);
    struct item item;
    char now[ITEM_TEXT_SIZE];
    assert_true(item_decode((struct str){was->str, was->len}, &item));
    item.available++;
    item_encode(&item, now);
    tamper("SET {p0}:item:%s %s", sku, now);
    drift_says(text("drift: item %s: Redis has available 96 at version %" PRId64 ", the ledger 95",
                    sku, item.version));
    item.available--;
    item.version--;
    item_encode(&item, now);
    tamper("SET {p0}:item:%s %s", sku, now);
    drift_says("behind the ledger's");
    item.version += 5; /* as if movements had never reached the stream */
    item_encode(&item, now);
    tamper("SET {p0}:item:%s %s", sku, now);
    drift_says(text("drift: item %s: Redis is at version %" PRId64 ", the ledger's last one up to",
                    sku, item.version));
    tamper("SET {p0}:item:%s rubbish", sku);
    drift_says("of no format that is known");
    tamper("DEL {p0}:item:%s", sku);
    drift_says(text("drift: item %s: is in the ledger at version", sku));
    tamper("SET {p0}:item:%s %b", sku, was->str, (size_t)was->len);
    tamper("SET {p0}:item:ghost %b", was->str, (size_t)was->len);
    tamper("ZADD {p0}:skus 0 ghost");
    drift_says("drift: item ghost: is in Redis at version");
    tamper("DEL {p0}:item:ghost");
    tamper("ZREM {p0}:skus ghost");
    freeReplyObject(was);
    check_audit(0);
}

/* A restore raises versions by whole steps, without a movement. */
static void versions_raised_by_a_restore_are_equal(void **state)
{
    start_shop(state);
    redisReply *was = redis_ask(&stack.redis, "GET {p0}:item:%s", sku);
    struct item item;
    char now[ITEM_TEXT_SIZE];
    assert_true(item_decode((struct str){was->str, was->len}, &item));
    freeReplyObject(was);
    item.version += 3 << 20;
    item_encode(&item, now);
    tamper("SET {p0}:item:%s %s", sku, now);
    check_audit(0);
    item.sold++;
    item_encode(&item, now);
    tamper("SET {p0}:item:%s %s", sku, now);
    drift_says("Redis has sold 3");
}

static void records_of_reservations(void **state)
{
    unsigned char id[14];
    char bucket[24];
    start_shop(state);
    id_parts(held, id, bucket);
    redisReply *was = redis_ask(&stack.redis, "HGET {p0}:resv:%s %b", bucket, id, sizeof(id));
    tamper("HDEL {p0}:resv:%s %b", bucket, id, sizeof(id));
    drift_says(text("drift: reservation %s: is held in the ledger, not in Redis", held));
    check_said(text("drift: index %s: the index of %s says", held, sku));
    char *changed = malloc(was->len);
    assert_non_null(changed);
    memcpy(changed, was->str, was->len);
    changed[was->len - 2] = '2'; /* {"a":1}, the metadata, ends the record */
    tamper("HSET {p0}:resv:%s %b %b", bucket, id, sizeof(id), changed, (size_t)was->len);
    drift_says(text("drift: reservation %s: Redis has metadata \"{\"a\":2}\", the ledger", held));
    tamper("HSET {p0}:resv:%s %b rubbish", bucket, id, sizeof(id));
    drift_says("the record in Redis is of no format that is known");
    tamper("HSET {p0}:resv:%s %b %b", bucket, id, sizeof(id), was->str, (size_t)was->len);
    id[13] ^= 1;
    tamper("HSET {p0}:resv:%s %b %b", bucket, id, sizeof(id), was->str, (size_t)was->len);
    drift_says(": is held in Redis, not in the ledger");
    tamper("HDEL {p0}:resv:%s %b", bucket, id, sizeof(id));
    tamper("HSET {p0}:resv:%s short 1", bucket);
    drift_says(text("drift: index resv:%s: the bucket has records that do not belong", bucket));
    tamper("HDEL {p0}:resv:%s short", bucket);
    id_parts(sold, id, bucket);
    freeReplyObject(was);
    free(changed);
    check_audit(0);
    tamper("HDEL {p0}:resv:%s %b", bucket, id, sizeof(id));
    drift_says(text("drift: reservation %s: is confirmed in the ledger, not in Redis", sold));
}

static void indexes_of_deadlines(void **state)
{
    unsigned char id[14];
    char bucket[24];
    start_shop(state);
    id_parts(held, id, bucket);
    redisReply *was = redis_ask(&stack.redis, "ZSCORE {p0}:holds:%s %b", sku, id, sizeof(id));
    tamper("ZREM {p0}:holds:%s %b", sku, id, sizeof(id));
    drift_says(text("drift: index %s: the index of %s says nothing, the record 2", held, sku));
    tamper("ZADD {p0}:holds:%s 5000 %b", sku, id, sizeof(id));
    drift_says("says 1970-01-01T00:00:05.000Z, the record 2");
    tamper("ZADD {p0}:holds:%s %s %b", sku, was->str, id, sizeof(id));
    id[13] ^= 1;
    tamper("ZADD {p0}:holds:%s %s %b", sku, was->str, id, sizeof(id));
    drift_says("the record nothing: there is none");
    tamper("ZREM {p0}:holds:%s %b", sku, id, sizeof(id));
    tamper("ZADD {p0}:holds:%s %s what", sku, was->str);
    drift_says("the index of deadlines has entries that are no ids");
    tamper("ZREM {p0}:holds:%s what", sku);
    freeReplyObject(was);
    check_audit(0);
    was = redis_ask(&stack.redis, "ZSCORE {p0}:due %s", sku);
    tamper("ZREM {p0}:due %s", sku);
    drift_says(text("drift: index %s: the set due says nothing, the item 2", sku));
    tamper("ZADD {p0}:due %s %s", was->str, sku);
    check_audit(0);
    tamper("ZREM {p0}:skus %s", sku);
    drift_says("the set skus does not list the item");
    tamper("ZADD {p0}:skus 0 %s", sku);
    tamper("ZADD {p0}:skus 0 nobody");
    drift_says("drift: index nobody: the set skus lists the item, which does not exist");
    freeReplyObject(was);
}

static void counters_of_customers(void **state)
{
    start_shop(state);
    tamper("HSET {p0}:cust:%s anna 4", sku);
    drift_says(text("drift: customer anna: of item %s Redis counts 4 units at version", sku));
    check_said(", the ledger 3");
    tamper("HDEL {p0}:cust:%s anna", sku);
    drift_says(text("drift: customer anna: of item %s Redis counts 0 units at version", sku));
    tamper("HSET {p0}:cust:%s anna x", sku);
    drift_says("counts for him what is no number of units");
    tamper("HSET {p0}:cust:%s anna 3 eve 1", sku);
    drift_says("drift: customer eve: of item");
    check_said(", the ledger 0");
    tamper("HDEL {p0}:cust:%s eve", sku);
    check_audit(0);
}

static void rows_of_the_ledger(void **state)
{
    start_shop(state);
    sql_run(text("UPDATE items SET on_hand = on_hand + 1, available = available + 1 "
                 "WHERE sku = '%s'",
                 sku));
    drift_says(text("drift: item %s: Redis has available 95", sku));
    check_said(text("drift: ledger %s: has available 96, its events add up to 95", sku));
    sql_run(text("UPDATE items SET on_hand = on_hand - 1, available = available - 1 "
                 "WHERE sku = '%s'",
                 sku));
    sql_run(text("UPDATE reservations SET customer = 'eve' WHERE rid = '%s'", held));
    drift_says(
        text("drift: reservation %s: Redis has customer \"anna\", the ledger \"eve\"", held));
    sql_run(text("UPDATE reservations SET customer = 'anna' WHERE rid = '%s'", held));
    sql_run(text("UPDATE reservation_lines SET quantity = 2 WHERE rid = '%s'", held));
    drift_says("Redis has in line 1 quantity 3, the ledger 2");
    check_said(text("drift: ledger %s: has held 3, its open reservations hold 2", sku));
    sql_run(text("UPDATE reservation_lines SET quantity = 3, n = 1 WHERE rid = '%s'", held));
    drift_says(text("drift: reservation %s: Redis has in line 1 sku", held));
    sql_run(text("UPDATE reservation_lines SET n = 0 WHERE rid = '%s'", held));
    check_audit(0);
    sql_run(text("DELETE FROM reservation_lines WHERE rid = '%s'", held));
    drift_says(text("drift: ledger %s: has 1 lines, of which 0 are there", held));
    sql_run(text("DELETE FROM reservations WHERE rid = '%s'", sold));
    drift_says(text("drift: reservation %s: is confirmed in Redis, not in the ledger", sold));
}

static void a_removed_event(void **state)
{
    start_shop(state);
    sql_run(text("DELETE FROM events WHERE type = 'confirm' AND sku = '%s'", sku));
    drift_says(text("drift: ledger %s: has ", sku));
    check_said("its events add up to");
}

static void an_emptied_redis(void **state)
{
    start_shop(state);
    tamper("FLUSHALL");
    drift_says("drift: partition 0: Redis holds no store, but the ledger has events");
    check_said(text("drift: item %s: is in the ledger at version", sku));
    check_said(text("drift: reservation %s: is held in the ledger, not in Redis", held));
    assert_int_equal(redis_int("DBSIZE"), 0); /* and the audit left no trace */
}

static void a_lost_tail(void **state)
{
    start_shop(state);
    redisReply *info = redis_ask(&stack.redis, "XREVRANGE {p0}:events + - COUNT 1");
    assert_int_equal(info->elements, 1);
    freeReplyObject(info);
    tamper("DEL {p0}:events");
    tamper("XADD {p0}:events 1-0 e x");
    drift_says("drift: partition 0: the stream ends at 1-0, before the ledger's 1-");
}

/* --- could not tell --------------------------------------------------------------------------- */

static void a_side_that_is_away(void **state)
{
    start_shop(state);
    check_command(2, "audit", "--redis", "redis://127.0.0.1:1", "--ledger", ledger_url);
    check_said("audit: could not tell: Redis: ");
    check_command(2, AUDIT("postgresql://nobody@127.0.0.1:1/x"));
    check_said("audit: could not tell: the ledger: ");
    check_command(2, AUDIT(text("sqlite:%s/no-such.db", bases.dir)));
    check_said("there is no such file");
    tredis_freeze(&stack.redis);
    check_audit(2);
    tredis_thaw(&stack.redis);
    check_said("could not tell: Redis: ");
}

static void a_ledger_of_another_store(void **state)
{
    start_shop(state);
    db_close(bases_ledger(&bases, BASE_SQLITE));
    check_command(2, AUDIT(bases.url));
    check_said("the store in Redis writes to ledger ");
    assert_int_equal(redis_int("EXISTS {p0}:audit"), 1);
    check_command(2, AUDIT(bases.url), "--json");
    json_t *document = json_loads(command_said, JSON_DISABLE_EOF_CHECK, NULL);
    assert_string_equal(json_string_value(json_object_get(document, "verdict")), "unsure");
    assert_non_null(json_string_value(json_object_get(document, "why")));
    json_decref(document);
}

static void wrong_usage(void **state)
{
    static const struct {
        const char *redis, *ledger, *more, *words;
    } rows[] = {
        {"--ledger=sqlite:/tmp/x.db", NULL, NULL, "--redis and --ledger are needed"},
        {"--redis=redis://127.0.0.1:1", "--ledger=mysql:x", NULL,
         "--ledger: sqlite:/path/file.db or"},
        {"--redis=http://x", "--ledger=sqlite:/tmp/x.db", NULL, "redis://"},
        {"--redis=redis://127.0.0.1:1", "--ledger=sqlite:/tmp/x.db", "--wait=soon", "--wait"},
        {"--redis=redis://127.0.0.1:1", "--ledger=sqlite:/tmp/x.db", "--what", "--what"},
        {"--redis=redis://127.0.0.1:1", "--ledger=sqlite:/tmp/x.db", "what", "what"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_command(64, "audit", rows[i].redis, rows[i].ledger, rows[i].more);
        check_said(rows[i].words);
    }
    check_command(0, "audit", "--redis=x", "--ledger=x", "--help");
    check_said("--reservation-retention");
}

/* --- what it tells ---------------------------------------------------------------------------- */

/* The number before a word in the last line. */
static int64_t told(const char *word)
{
    const char *at = strstr(command_said, word);
    assert_non_null(at);
    while (at > command_said && (isdigit((unsigned char)at[-1]) || at[-1] == ','))
        at--;
    int64_t n = 0;
    for (; isdigit((unsigned char)*at) || *at == ','; at++)
        n = *at == ',' ? n : 10 * n + (*at - '0');
    return n;
}

static void json_and_metrics_have_the_same_numbers(void **state)
{
    start_with();
    fill_shop();
    assert_int_equal(metric("stockd_audit_last_result"), -1);
    check_audit(0);
    int64_t items = told(" items"), reservations = told(" reservations");
    assert_int_equal(items, 2);
    assert_int_equal(reservations, 2);
    assert_int_equal(told(" customers' shares"), 2);
    tamper("HSET {p0}:cust:%s anna 4", sku);
    check_command(1, AUDIT(ledger_url), "--json");
    json_t *document = json_loads(command_said, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(document);
    assert_string_equal(json_string_value(json_object_get(document, "verdict")), "drift");
    assert_int_equal(json_integer_value(json_object_get(document, "items")), items);
    assert_int_equal(json_integer_value(json_object_get(document, "reservations")), reservations);
    assert_int_equal(json_integer_value(json_object_get(document, "drift")), 1);
    assert_string_equal(json_string_value(json_at(document, "drifts[0].kind")), "customer");
    assert_string_equal(json_string_value(json_at(document, "drifts[0].name")), "anna");
    assert_string_equal(json_string_value(json_at(document, "partitions[0].state")), "open");
    assert_int_equal(json_integer_value(json_at(document, "partitions[0].epoch")), 1);
    json_decref(document);
    serve_again(); /* its keeper looks at once, and then every ten seconds */
    assert_true(await(metric("stockd_audit_last_result") == 1, RECOVERY_MS));
    assert_int_equal(metric("stockd_audit_last_drift"), 1);
    assert_true(metric("stockd_audit_last_timestamp_seconds") > 1000000000);
}

static void a_closed_partition_is_audited_and_named(void **state)
{
    start_shop(state);
    tamper("HSET {p0}:meta state %s", "closed: for a test");
    check_audit(0);
    check_said("note: partition 0 is not open: state: closed: for a test");
    tamper("HSET {p0}:cust:%s anna 4", sku);
    check_audit(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(equal_under_load),
        ON_BOTH(equal_under_load_in_several_partitions),
        ON_BOTH(equal_after_kills_under_load),
        ON_BOTH(waits_for_the_ledger),
        ON_BOTH(counters_of_items),
        ON_BOTH(versions_raised_by_a_restore_are_equal),
        ON_BOTH(records_of_reservations),
        ON_BOTH(indexes_of_deadlines),
        ON_BOTH(counters_of_customers),
        ON_BOTH(rows_of_the_ledger),
        ON_BOTH(a_removed_event),
        ON_BOTH(an_emptied_redis),
        ON_BOTH(a_lost_tail),
        ON_BOTH(a_side_that_is_away),
        ON_BOTH(a_ledger_of_another_store),
        PLAIN_TEST(wrong_usage),
        ON_BOTH(json_and_metrics_have_the_same_numbers),
        ON_BOTH(a_closed_partition_is_audited_and_named),
    };
    return run_each("audit", tests);
}
