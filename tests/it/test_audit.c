/* test_audit.c -- an audit finds nothing where there is nothing to find, whatever happens
 * meanwhile, and names every change that was made behind the service's back.
 *
 * Every test runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "support/api.h"
#include "support/ledger_load.h"

#include <ctype.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define RECOVERY_MS  LEDGER_RECOVERY_MS
#define OUTPUT_BYTES (256 * 1024)

static struct bases bases;
static struct stack stack;
static struct api *a = &stack.api;
static struct ledger_load load;
static struct tproc applier; /* a `stockd ledger` beside the service */
static const char *partitions = "1";

/* --- the audit -------------------------------------------------------------------------------- */

static char output[OUTPUT_BYTES];

static size_t read_into(const char *path)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t n = fread(output, 1, sizeof(output) - 1, file);
    output[n] = '\0';
    fclose(file);
    return n;
}

/* Its exit code; in `output` what it wrote to standard output or, if that is nothing, errors. */
static int audit_with(const char *redis, const char *ledger, const char *more, const char *value)
{
    char out[TEST_PATH_MAX + 16], err[TEST_PATH_MAX + 16], command[2048];
    snprintf(err, sizeof(err), "%s/audit.err", bases.dir);
    snprintf(out, sizeof(out), "%s/audit.out", bases.dir);
    snprintf(command, sizeof(command), "%s audit %s%s --ledger '%s' %s %s >%s 2>%s",
             getenv("STOCKD"), redis ? "--redis=" : "", redis ? redis : "", ledger,
             more ? more : "", value ? value : "", out, err);
    int status = system(command);
    if (read_into(out) == 0)
        read_into(err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void must_be(int exit_code, int wanted)
{
    if (exit_code != wanted)
        print_error("audit exits %d, not %d: %s\n", exit_code, wanted, output);
    assert_int_equal(exit_code, wanted);
}

static void audit_is(int wanted)
{
    must_be(audit_with(stack.redis.url, bases.url, NULL, NULL), wanted);
}

static void audit_says(const char *words)
{
    if (!strstr(output, words))
        print_error("no \"%s\" in: %s\n", words, output);
    assert_non_null(strstr(output, words));
}

/* Drift, of which these words are said; afterwards all is as it was before. */
static void drift_says(const char *words)
{
    audit_is(1);
    audit_says(words);
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

static void start_with(void **state, const char *count, const char *more)
{
    struct tredis_opts redis = {.aof = TREDIS_AOF_ALWAYS};
    db_close(bases_ledger(&bases, engine_of(state)));
    const char *extra[] = {"--ledger", bases.url, "--partitions", count, more, NULL};
    partitions = count;
    ledger_load_init(&load, &stack, &bases, (int)strtol(count, NULL, 10));
    load.step = sell_or_hold;
    load.limit = LEDGER_LOAD_STOCK;
    assert_int_equal(stack_start(&stack, &redis, 2, extra), 0);
}

static int ledger_start(void)
{
    const char *const argv[] = {getenv("STOCKD"), "ledger",   "--redis",
                                stack.redis.url,  "--ledger", bases.url,
                                "--partitions",   partitions, NULL};
    char line[128], log[TEST_PATH_MAX + 16];
    snprintf(log, sizeof(log), "%s/applier.err", bases.dir);
    int err = tproc_start(&applier, argv, log);
    return err ? err
               : tproc_await_line(&applier, "carrying events", line, sizeof(line), RECOVERY_MS);
}

/* Names that the tests tamper with: an item with a hold and two customers. */
static const char *sku;
static char held[64], sold[64];

static void fill_shop(void)
{
    sku = api_item(a, 100, 50);
    api_call(a, 201, "POST", "/v1/reservations", NULL,
             text("{\"sku\":\"%s\",\"quantity\":3,\"customer\":\"anna\",\"ttl_seconds\":3600,"
                  "\"metadata\":{\"a\":1}}",
                  sku));
    snprintf(held, sizeof(held), "%s", api_str(a, "id"));
    api_call(a, 201, "POST", "/v1/reservations", NULL,
             text("{\"sku\":\"%s\",\"quantity\":2,\"customer\":\"bo\"}", sku));
    snprintf(sold, sizeof(sold), "%s", api_str(a, "id"));
    api_call(a, 200, "POST", text("/v1/reservations/%s/confirm", sold), NULL, "{}");
    const char *gone = api_item(a, 5, 0);
    api_call(a, 204, "DELETE", text("/v1/items/%s", gone), "If-Match: *\r\n", NULL);
}

static void start_shop(void **state)
{
    start_with(state, "1", NULL);
    fill_shop();
    audit_is(0);
}

/* A change behind the service's back; the answer does not matter. */
#define tamper(...) redis_do(&stack.redis, __VA_ARGS__)

/* The bytes and the bucket of an id. */
static void id_parts(const char *id, unsigned char bytes[14], char bucket[16])
{
    struct rid rid;
    assert_true(rid_parse(str_of(id), &rid));
    memcpy(bytes, rid.b, 14);
    snprintf(bucket, 16, "%u", rid_bucket(&rid));
}

/* --- equal ------------------------------------------------------------------------------------ */

static void equal_under_load(void **state)
{
    start_with(state, "1", NULL);
    fill_shop();
    ledger_load_start(&load);
    for (int i = 0; i < 3; i++) {
        ledger_load_await(&load, 300);
        audit_is(0);
        audit_says("audit: equal: ");
    }
    ledger_load_stop(&load);
    assert_int_equal(atomic_load(&load.wrong), 0);
    audit_is(0);
}

static void equal_under_load_in_several_partitions(void **state)
{
    start_with(state, "4", NULL);
    ledger_load_start(&load);
    ledger_load_await(&load, 300);
    audit_is(0);
    ledger_load_stop(&load);
    must_be(audit_with(stack.redis.url, bases.url, "--json", NULL), 0);
    json_t *document = json_loads(output, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(document, "partitions")), 4);
    assert_int_equal(json_integer_value(json_object_get(document, "items")), LEDGER_LOAD_ITEMS);
    json_decref(document);
}

static pid_t pid_of(const char *role)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    return tservice_pids(&stack.service, role, pids, TSERVICE_CHILDREN_MAX) == 1 ? pids[0] : 0;
}

/* The service once more, in the same Redis. */
static void again(void)
{
    const char *extra[] = {"--ledger", bases.url, NULL};
    struct tservice_opts opts = {.redis_url = stack.redis.url, .workers = 2, .extra = extra};
    assert_true(tservice_stop(&stack.service));
    assert_int_equal(tservice_start(&stack.service, &opts), 0);
    api_close(a);
    api_open(a, stack.service.port);
    assert_true(await(api_ready(a), RECOVERY_MS));
}

static void equal_after_kills_under_load(void **state)
{
    start_with(state, "1", NULL);
    ledger_load_start(&load);
    ledger_load_await(&load, 200);
    kill(pid_of(TSERVICE_LEDGER), SIGKILL);
    ledger_load_await(&load, 200);
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_true(await(api_ready(a), RECOVERY_MS));
    ledger_load_await(&load, 200);
    tservice_kill9(&stack.service);
    ledger_load_stop(&load);
    again();
    audit_is(0);
}

/* The ledger takes what a hold was after the audit has read Redis. */
static void waits_for_the_ledger(void **state)
{
    start_with(state, "1", "--no-ledger-apply");
    assert_int_equal(ledger_start(), 0);
    assert_true(await(api_ready(a), RECOVERY_MS));
    fill_shop();
    audit_is(0);
    assert_true(tproc_stop(&applier, RECOVERY_MS));
    api_call(a, 201, "POST", "/v1/reservations", NULL,
             text("{\"sku\":\"%s\",\"quantity\":1,\"customer\":\"cy\"}", sku));
    must_be(audit_with(stack.redis.url, bases.url, "--wait", "1s"), 2);
    audit_says("the process that brings events into the ledger does not run, or is behind");
    assert_int_equal(ledger_start(), 0);
    audit_is(0);
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
    audit_is(0);
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
    audit_is(0);
    item.sold++;
    item_encode(&item, now);
    tamper("SET {p0}:item:%s %s", sku, now);
    drift_says("Redis has sold 3");
}

static void records_of_reservations(void **state)
{
    unsigned char id[14];
    char bucket[16];
    start_shop(state);
    id_parts(held, id, bucket);
    redisReply *was = redis_ask(&stack.redis, "HGET {p0}:resv:%s %b", bucket, id, sizeof(id));
    tamper("HDEL {p0}:resv:%s %b", bucket, id, sizeof(id));
    drift_says(text("drift: reservation %s: is held in the ledger, not in Redis", held));
    audit_says(text("drift: index %s: the index of %s says", held, sku));
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
    audit_is(0);
    tamper("HDEL {p0}:resv:%s %b", bucket, id, sizeof(id));
    drift_says(text("drift: reservation %s: is confirmed in the ledger, not in Redis", sold));
}

static void indexes_of_deadlines(void **state)
{
    unsigned char id[14];
    char bucket[16];
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
    audit_is(0);
    was = redis_ask(&stack.redis, "ZSCORE {p0}:due %s", sku);
    tamper("ZREM {p0}:due %s", sku);
    drift_says(text("drift: index %s: the set due says nothing, the item 2", sku));
    tamper("ZADD {p0}:due %s %s", was->str, sku);
    audit_is(0);
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
    audit_says(", the ledger 3");
    tamper("HDEL {p0}:cust:%s anna", sku);
    drift_says(text("drift: customer anna: of item %s Redis counts 0 units at version", sku));
    tamper("HSET {p0}:cust:%s anna x", sku);
    drift_says("counts for him what is no number of units");
    tamper("HSET {p0}:cust:%s anna 3 eve 1", sku);
    drift_says("drift: customer eve: of item");
    audit_says(", the ledger 0");
    tamper("HDEL {p0}:cust:%s eve", sku);
    audit_is(0);
}

static void change_sql(const char *sql)
{
    assert_int_equal(base_script(bases.url, sql), DB_OK);
}

static void rows_of_the_ledger(void **state)
{
    start_shop(state);
    change_sql(text("UPDATE items SET on_hand = on_hand + 1, available = available + 1 "
                    "WHERE sku = '%s'",
                    sku));
    drift_says(text("drift: item %s: Redis has available 95", sku));
    audit_says(text("drift: ledger %s: has available 96, its events add up to 95", sku));
    change_sql(text("UPDATE items SET on_hand = on_hand - 1, available = available - 1 "
                    "WHERE sku = '%s'",
                    sku));
    change_sql(text("UPDATE reservations SET customer = 'eve' WHERE rid = '%s'", held));
    drift_says(
        text("drift: reservation %s: Redis has customer \"anna\", the ledger \"eve\"", held));
    change_sql(text("UPDATE reservations SET customer = 'anna' WHERE rid = '%s'", held));
    change_sql(text("UPDATE reservation_lines SET quantity = 2 WHERE rid = '%s'", held));
    drift_says("Redis has in line 1 quantity 3, the ledger 2");
    audit_says(text("drift: ledger %s: has held 3, its open reservations hold 2", sku));
    change_sql(text("UPDATE reservation_lines SET quantity = 3, n = 1 WHERE rid = '%s'", held));
    drift_says(text("drift: reservation %s: Redis has in line 1 sku", held));
    change_sql(text("UPDATE reservation_lines SET n = 0 WHERE rid = '%s'", held));
    audit_is(0);
    change_sql(text("DELETE FROM reservation_lines WHERE rid = '%s'", held));
    drift_says(text("drift: ledger %s: has 1 lines, of which 0 are there", held));
    change_sql(text("DELETE FROM reservations WHERE rid = '%s'", sold));
    drift_says(text("drift: reservation %s: is confirmed in Redis, not in the ledger", sold));
}

static void a_removed_event(void **state)
{
    start_shop(state);
    change_sql(text("DELETE FROM events WHERE type = 'confirm' AND sku = '%s'", sku));
    drift_says(text("drift: ledger %s: has ", sku));
    audit_says("its events add up to");
}

static void an_emptied_redis(void **state)
{
    start_shop(state);
    tamper("FLUSHALL");
    drift_says("drift: partition 0: Redis holds no store, but the ledger has events");
    audit_says(text("drift: item %s: is in the ledger at version", sku));
    audit_says(text("drift: reservation %s: is held in the ledger, not in Redis", held));
    assert_int_equal(tredis_int(&stack.redis, "DBSIZE"), 0); /* and the audit left no trace */
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
    char missing[BASE_URL_SIZE];
    start_shop(state);
    must_be(audit_with("redis://127.0.0.1:1", bases.url, NULL, NULL), 2);
    audit_says("audit: could not tell: Redis: ");
    must_be(audit_with(stack.redis.url, "postgresql://nobody@127.0.0.1:1/x", NULL, NULL), 2);
    audit_says("audit: could not tell: the ledger: ");
    snprintf(missing, sizeof(missing), "sqlite:%s/no-such.db", bases.dir);
    must_be(audit_with(stack.redis.url, missing, NULL, NULL), 2);
    audit_says("there is no such file");
    tredis_freeze(&stack.redis);
    int frozen = audit_with(stack.redis.url, bases.url, NULL, NULL);
    tredis_thaw(&stack.redis);
    must_be(frozen, 2);
    audit_says("could not tell: Redis: ");
}

static void a_ledger_of_another_store(void **state)
{
    char mine[BASE_URL_SIZE], other[BASE_URL_SIZE];
    start_shop(state);
    snprintf(mine, sizeof(mine), "%s", bases.url);
    db_close(bases_ledger(&bases, BASE_SQLITE));
    snprintf(other, sizeof(other), "%s", bases.url);
    snprintf(bases.url, sizeof(bases.url), "%s", mine);
    must_be(audit_with(stack.redis.url, other, NULL, NULL), 2);
    audit_says("the store in Redis writes to ledger ");
    assert_int_equal(tredis_int(&stack.redis, "EXISTS {p0}:audit"), 1);
    must_be(audit_with(stack.redis.url, other, "--json", NULL), 2);
    json_t *document = json_loads(output, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(document, "verdict")), "unsure");
    assert_non_null(json_string_value(json_object_get(document, "why")));
    json_decref(document);
}

static void wrong_usage(void **state)
{
    static const struct {
        const char *redis, *ledger, *more, *value, *words;
    } rows[] = {
        {NULL, "sqlite:/tmp/x.db", NULL, NULL, "--redis and --ledger are needed"},
        {"redis://127.0.0.1:1", "mysql:x", NULL, NULL, "--ledger: sqlite:/path/file.db or"},
        {"http://x", "sqlite:/tmp/x.db", NULL, NULL, "redis://"},
        {"redis://127.0.0.1:1", "sqlite:/tmp/x.db", "--wait", "soon", "--wait"},
        {"redis://127.0.0.1:1", "sqlite:/tmp/x.db", "--what", NULL, "--what"},
        {"redis://127.0.0.1:1", "sqlite:/tmp/x.db", "what", NULL, "what"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        must_be(audit_with(rows[i].redis, rows[i].ledger, rows[i].more, rows[i].value), 64);
        audit_says(rows[i].words);
    }
    must_be(audit_with("x", "x", "--help", NULL), 0);
    audit_says("--reservation-retention");
}

/* --- what it tells ---------------------------------------------------------------------------- */

/* The number before a word in the last line. */
static int64_t told(const char *word)
{
    const char *at = strstr(output, word);
    assert_non_null(at);
    while (at > output && (isdigit((unsigned char)at[-1]) || at[-1] == ','))
        at--;
    int64_t n = 0;
    for (; isdigit((unsigned char)*at) || *at == ','; at++)
        n = *at == ',' ? n : 10 * n + (*at - '0');
    return n;
}

static int64_t metric(const char *name)
{
    api_call(a, 200, "GET", "/metrics", NULL, NULL);
    const char *at = strstr(a->resp.body, text("\n%s ", name));
    assert_non_null(at);
    return (int64_t)strtod(at + 2 + strlen(name), NULL);
}

static void json_and_metrics_have_the_same_numbers(void **state)
{
    start_with(state, "1", NULL);
    fill_shop();
    assert_int_equal(metric("stockd_audit_last_result"), -1);
    audit_is(0);
    int64_t items = told(" items"), reservations = told(" reservations");
    assert_int_equal(items, 2);
    assert_int_equal(reservations, 2);
    assert_int_equal(told(" customers' shares"), 2);
    tamper("HSET {p0}:cust:%s anna 4", sku);
    must_be(audit_with(stack.redis.url, bases.url, "--json", NULL), 1);
    json_t *document = json_loads(output, 0, NULL);
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
    again(); /* its keeper looks at once, and then every ten seconds */
    assert_true(await(metric("stockd_audit_last_result") == 1, RECOVERY_MS));
    assert_int_equal(metric("stockd_audit_last_drift"), 1);
    assert_true(metric("stockd_audit_last_timestamp_seconds") > 1000000000);
}

static void a_closed_partition_is_audited_and_named(void **state)
{
    start_shop(state);
    tamper("HSET {p0}:meta state %s", "closed: for a test");
    audit_is(0);
    audit_says("note: partition 0 is not open: state: closed: for a test");
    tamper("HSET {p0}:cust:%s anna 4", sku);
    audit_is(1);
}

/* --- the program ------------------------------------------------------------------------------ */

static int test_teardown(void **state)
{
    ledger_load_free(&load);
    if (applier.pid > 0)
        tproc_stop(&applier, RECOVERY_MS);
    applier = (struct tproc){0};
    return stack_stop(&stack);
}

static int group_teardown(void **state)
{
    bases_stop(&bases);
    return 0;
}

#define ON_BOTH(test) ON_ENGINES(test, NULL, test_teardown)

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
        cmocka_unit_test(wrong_usage),
        ON_BOTH(json_and_metrics_have_the_same_numbers),
        ON_BOTH(a_closed_partition_is_audited_and_named),
    };
    bases_start_or_skip(&bases);
    return cmocka_run_group_tests_name("audit", tests, NULL, group_teardown);
}
