/* keep_store.c -- fills a small store by the program that STOCKD names, and keeps it with what that
 * program answered in tests/kept/$KEEP, once with each engine of the ledger: for test_kept_store.c
 * of all that come after it. `make keep` runs it; see CONTRIBUTING.md.
 *
 *   redis.rdb.gz   all that lay in Redis, the last events not in SQL yet
 *   ledger.gz      the ledger at that time: the file of SQLite, or a dump of PostgreSQL
 *   answers.json.gz
 *                  "at_ms": the time (Redis'), "names": ids of reservations, "reads", "repeats";
 *                  "applied": the same as of the last events that SQL holds;
 *                  "history": what was read from SQL once it had all
 *
 * One hold is over in redis.rdb, but nobody has given it back yet.
 */
#include "support/kept.h"
#include "support/ledger_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define WAIT_MS      30000
#define PARTITIONS   "3"
#define RESERVATIONS "/v1/reservations"
#define WEEK         "604800"
#define DUE_SECONDS  6

static const char *const engine_names[BASE_ENGINES] = {"sqlite", "postgresql"};

/* Cherries, pears, plums and limes lie in one partition, "again" and "late" in one each. */
static const char *const skus[] = {"cherry", "pear", "plum", "again",
                                   "lime",   "gone", "late", "short"};

static struct bases bases;
static struct stack stack;
static struct api *a = &stack.api;
static struct ledger_load load; /* for its questions about the ledger */
static json_t *names, *repeats;

/* --- calls ------------------------------------------------------------------------------------ */

/* With a key: it is among the repeats. */
static void call(int status, const char *method, const char *path, const char *key,
                 const char *body)
{
    const char *headers = key ? text("Idempotency-Key: %s\r\nIf-Match: *\r\n", key) : NULL;
    if (key && strcmp(method, "PUT") == 0 && status == 201)
        headers = text("Idempotency-Key: %s\r\n", key);
    json_t *kept = kept_call(a, method, path, headers, body);
    if (json_integer_value(json_object_get(kept, "status")) != status)
        fail_msg("%s %s: %s", method, path, json_dumps(kept, 0));
    if (key)
        json_array_append(repeats, kept);
    json_decref(kept);
}

static void put(const char *sku, const char *key, const char *body)
{
    call(201, "PUT", text("/v1/items/%s", sku), key, body);
}

static void hold(const char *name, const char *key, const char *body)
{
    call(201, "POST", RESERVATIONS, key, body);
    json_object_set_new(names, name, json_string(api_str(a, "id")));
}

static const char *id_of(const char *name)
{
    return json_string_value(json_object_get(names, name));
}

static void end(const char *name, const char *how, const char *key, const char *body)
{
    call(200, "POST", text(RESERVATIONS "/%s/%s", id_of(name), how), key, body);
}

static void await_state(const char *name, const char *state)
{
    assert_true(await(api_state_is(a, id_of(name), state), WAIT_MS));
}

/* --- a store ---------------------------------------------------------------------------------- */

static void make_items(void)
{
    put("cherry", "put-cherry", "{\"on_hand\":100}");
    put("pear", NULL, "{\"on_hand\":50,\"max_per_customer\":5}");
    put("plum", NULL, "{\"on_hand\":9}");
    put("lime", "put-lime", "{\"on_hand\":1000}");
    call(200, "PUT", "/v1/items/lime", "set-lime", "{\"on_hand\":900,\"max_per_customer\":400}");
    call(200, "POST", "/v1/items/cherry/adjustments", "restock",
         "{\"delta\":20,\"reason\":\"restock\",\"reference\":\"PO-7\"}");
    call(200, "POST", "/v1/items/cherry/adjustments", NULL, "{\"delta\":-1,\"reason\":\"broken\"}");
    put("again", NULL, "{\"on_hand\":7}");
    call(204, "DELETE", "/v1/items/again", NULL, NULL);
    put("again", NULL, "{\"on_hand\":8}");
    put("gone", NULL, "{\"on_hand\":3}");
    call(204, "DELETE", "/v1/items/gone", "delete-gone", NULL);
}

static void sell(void)
{
    call(200, "POST", "/v1/items/pear/decrements", "sale", "{\"quantity\":2,\"customer\":\"bo\"}");
    call(200, "POST", "/v1/items/lime/decrements", NULL,
         "{\"quantity\":40,\"customer\":\"Zo\u00eb\"}");
    call(200, "POST", "/v1/items/again/decrements", NULL, "{\"quantity\":1}");
}

static void reserve(void)
{
    hold("held", "hold",
         "{\"sku\":\"cherry\",\"quantity\":3,\"ttl_seconds\":" WEEK ",\"customer\":\"anna\","
         "\"reference\":\"order-1\",\"metadata\":{\"gift\":true,\"note\":\"\u00fc \\n\"}}");
    hold("basket", NULL,
         "{\"lines\":[{\"sku\":\"cherry\",\"quantity\":2},{\"sku\":\"pear\",\"quantity\":3},"
         "{\"sku\":\"plum\",\"quantity\":1}],\"ttl_seconds\":" WEEK ",\"customer\":\"cid\"}");
    hold("other", NULL,
         "{\"sku\":\"lime\",\"quantity\":5,\"ttl_seconds\":" WEEK ",\"customer\":\"anna\"}");
    hold("sold", NULL, "{\"sku\":\"cherry\",\"quantity\":4,\"customer\":\"anna\"}");
    end("sold", "confirm", "confirm", NULL);
    hold("sold in part", NULL,
         "{\"lines\":[{\"sku\":\"cherry\",\"quantity\":5},{\"sku\":\"plum\",\"quantity\":2}]}");
    end("sold in part", "confirm", NULL, "{\"lines\":[{\"sku\":\"cherry\",\"quantity\":2}]}");
    hold("released", NULL, "{\"sku\":\"lime\",\"quantity\":7,\"customer\":\"bo\"}");
    end("released", "release", "release", NULL);
    hold("extended", NULL, "{\"sku\":\"cherry\",\"quantity\":1,\"ttl_seconds\":60}");
    end("extended", "extend", "extend", "{\"ttl_seconds\":500000}");
    hold("expired", NULL, "{\"sku\":\"cherry\",\"quantity\":6,\"ttl_seconds\":1}");
    hold("taken again", NULL,
         "{\"sku\":\"pear\",\"quantity\":1,\"ttl_seconds\":1,"
         "\"customer\":\"dan\"}");
    await_state("expired", "expired");
    await_state("taken again", "expired");
    end("taken again", "confirm", "again", "{\"if_expired\":\"rereserve\"}");
}

/* Keys of the header are numbered. */
static void batch(void)
{
    call(200, "POST", "/v1/batch", "batch",
         "{\"operations\":[{\"op\":\"adjust\",\"sku\":\"plum\",\"delta\":4},"
         "{\"op\":\"reserve\",\"sku\":\"lime\",\"quantity\":2,\"customer\":\"eve\"},"
         "{\"op\":\"decrement\",\"sku\":\"plum\",\"quantity\":1,\"idempotency_key\":\"in-batch\"}]"
         "}");
    json_object_set_new(names, "of a batch", json_string(api_str(a, "results[1].body.id")));
    end("of a batch", "release", NULL, NULL);
}

/* What comes when nobody brings events to SQL any more: each type of event, with all its texts, is
 * read by who comes later. */
static void go_on_without_ledger(void)
{
    put("late", "put-late", "{\"on_hand\":30,\"max_per_customer\":30}");
    put("short", NULL, "{\"on_hand\":2}");
    call(204, "DELETE", "/v1/items/short", NULL, NULL);
    call(200, "POST", "/v1/items/late/adjustments", "found",
         "{\"delta\":-5,\"reason\":\"lost\",\"reference\":\"PO-9\"}");
    call(200, "PUT", "/v1/items/again", "set-again", "{\"on_hand\":1}");
    call(200, "POST", "/v1/items/lime/decrements", "sale-late",
         "{\"quantity\":3,\"customer\":\"anna\"}");
    hold("late", "hold-late",
         "{\"sku\":\"late\",\"quantity\":10,\"ttl_seconds\":" WEEK ",\"customer\":\"fay\","
         "\"reference\":\"order-2\",\"metadata\":{\"gift\":false}}");
    hold("late sold", NULL, "{\"sku\":\"cherry\",\"quantity\":1}");
    end("late sold", "confirm", "confirm-late", "{}");
    hold("late released", NULL,
         "{\"lines\":[{\"sku\":\"cherry\",\"quantity\":1},{\"sku\":\"plum\",\"quantity\":2}]}");
    end("late released", "release", NULL, NULL);
    end("extended", "extend", NULL, "{\"ttl_seconds\":550000}");
    hold("late expired", NULL,
         "{\"sku\":\"late\",\"quantity\":1,\"ttl_seconds\":1,\"customer\":\"gus\"}");
    hold("late again", NULL,
         "{\"sku\":\"late\",\"quantity\":2,\"ttl_seconds\":1,\"customer\":\"fay\"}");
    await_state("late expired", "expired");
    await_state("late again", "expired");
    end("late again", "confirm", NULL, "{\"if_expired\":\"rereserve\"}");
}

/* --- what is kept ----------------------------------------------------------------------------- */

static void keep_read(json_t *list, const char *path)
{
    json_array_append_new(list, kept_call(a, "GET", path, NULL, NULL));
}

static json_t *reads(void)
{
    const char *name;
    json_t *value, *list = json_array();
    size_t i;
    for (i = 0; i < sizeof(skus) / sizeof(skus[0]); i++)
        keep_read(list, text("/v1/items/%s", skus[i]));
    json_object_foreach(names, name, value)
        keep_read(list, text(RESERVATIONS "/%s", json_string_value(value)));
    json_array_foreach(repeats, i, value)
    {
        const char *key = strchr(json_string_value(json_object_get(value, "headers")), ' ') + 1;
        keep_read(list, text("/v1/operations/%.*s", (int)strcspn(key, "\r"), key));
    }
    keep_read(list, "/v1/operations/batch%2F1");
    keep_read(list, "/v1/operations/in-batch");
    keep_read(list, "/v1/operations/never-used");
    keep_read(list, "/v1/items?limit=2");
    keep_read(list, "/v1/items?limit=3&prefix=p");
    return list;
}

static json_t *history(int64_t at_ms)
{
    static const char *const asked[] = {
        "customer=anna",     "customer=cid",     "sku=cherry",     "sku=cherry&customer=anna",
        "sku=late",          "state=held",       "state=released", "state=confirmed&limit=2",
        "reference=order-1", "reference=order-2"};
    json_t *list = json_array();
    time_t at = at_ms / 1000;
    struct tm tm;
    char time[32];
    gmtime_r(&at, &tm);
    strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &tm);
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
        keep_read(list, text(RESERVATIONS "?%s", asked[i]));
    for (size_t i = 0; i < sizeof(skus) / sizeof(skus[0]); i++) {
        keep_read(list, text("/v1/items/%s/movements", skus[i]));
        keep_read(list, text("/v1/items/%s?at=%s", skus[i], time));
    }
    keep_read(list, "/v1/items/cherry/movements?limit=2");
    keep_read(list, "/v1/events?limit=30");
    return list;
}

static int64_t redis_ms(void)
{
    redisReply *time = redis_ask(&stack.redis, "TIME");
    int64_t ms = strtoll(time->element[0]->str, NULL, 10) * 1000 +
                 strtoll(time->element[1]->str, NULL, 10) / 1000;
    freeReplyObject(time);
    return ms;
}

/* The answers of now; times run on from at_ms. */
static json_t *present(void)
{
    json_t *list = reads();
    json_t *all = json_pack("{sososo}", "names", json_deep_copy(names), "reads", list, "repeats",
                            json_deep_copy(repeats));
    assert_non_null(all);
    json_object_set_new(all, "at_ms", json_integer(redis_ms()));
    return all;
}

static void start_service(const char *apply)
{
    const char *const extra[] = {"--ledger", bases.url, "--partitions", PARTITIONS, apply, NULL};
    const struct tservice_opts opts = {.redis_url = stack.redis.url, .extra = extra};
    assert_int_equal(tservice_start(&stack.service, &opts), 0);
    api_open(a, stack.service.port);
    assert_true(await(api_ready(a), WAIT_MS));
}

static void stop_service(void)
{
    api_close(a);
    assert_true(tservice_stop(&stack.service));
}

/* A hold whose time is over, and which is still there as nobody was when it was. */
static void leave_one_due(void)
{
    put("due", NULL, "{\"on_hand\":4}");
    hold("due", NULL, text("{\"sku\":\"due\",\"quantity\":4,\"ttl_seconds\":%d}", DUE_SECONDS));
    int64_t deadline_ms = api_time_at(a, "expires_at", __FILE__, __LINE__);
    stop_service();
    assert_true(await(redis_ms() > deadline_ms, WAIT_MS));
    assert_int_equal(tredis_int(&stack.redis, "ZCARD {p2}:holds:due"), 1);
}

static void keep_it(void **state)
{
    enum base_engine engine = engine_of(state);
    const char *dir = text(KEPT_DIR "%s/%s", getenv("KEEP"), engine_names[engine]);
    char answers[256], rdb[256], ledger[256];
    snprintf(answers, sizeof(answers), "%s/answers.json", dir);
    snprintf(rdb, sizeof(rdb), "%s/redis.rdb.gz", dir);
    snprintf(ledger, sizeof(ledger), "%s/ledger.gz", dir);
    assert_int_equal(system(text("mkdir -p %s", dir)), 0);
    names = json_object();
    repeats = json_array();
    assert_int_equal(tredis_start(&stack.redis, NULL), 0);
    bases_fresh(&bases, engine);
    assert_int_equal(
        system(text("%s migrate --ledger '%s' >/dev/null", getenv("STOCKD"), bases.url)), 0);
    ledger_load_init(&load, &stack, &bases, 3);

    start_service("--ledger-apply");
    make_items();
    sell();
    reserve();
    batch();
    assert_true(await(ledger_caught_up(&load), WAIT_MS));
    json_t *applied = present();
    stop_service();

    start_service("--no-ledger-apply");
    go_on_without_ledger();
    json_t *all = present();
    json_object_set_new(all, "applied", applied);
    leave_one_due();
    json_object_set(json_object_get(all, "names"), "due", json_object_get(names, "due"));
    json_object_set_new(all, "at_ms", json_integer(redis_ms()));
    redis_do(&stack.redis, "SAVE");
    assert_int_equal(system(text("gzip -9nc %s/dump.rdb >%s", stack.redis.dir, rdb)), 0);
    kept_dump_ledger(bases.url, engine, ledger);

    start_service("--ledger-apply");
    await_state("due", "expired");
    assert_true(await(ledger_caught_up(&load), WAIT_MS));
    assert_true(await(api_metric(a, "stockd_ledger_lag_events") == 0, WAIT_MS));
    json_object_set_new(all, "history", history(json_integer_value(json_at(all, "applied.at_ms"))));
    assert_int_equal(json_dump_file(all, answers, JSON_INDENT(1) | JSON_SORT_KEYS), 0);
    assert_int_equal(system(text("gzip -9nf %s", answers)), 0);
    json_decref(all);
    json_decref(names);
    json_decref(repeats);
}

static int stop(void **state)
{
    return stack_stop(&stack);
}

static int group_setup(void **state)
{
    return bases_start(&bases);
}

static int group_teardown(void **state)
{
    bases_stop(&bases);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {ON_ENGINES(keep_it, NULL, stop)};
    const char *keep = getenv("KEEP"), *program = getenv("STOCKD");
    if (!keep || !*keep || !program || !*program) {
        fprintf(stderr, "KEEP names the folder to be, STOCKD the program\n");
        return 1;
    }
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
