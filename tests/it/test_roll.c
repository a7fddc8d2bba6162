/* test_roll.c -- an older copy of a store is brought forward to what the service had, key by key.
 *
 * The copy is one that Redis made at an earlier moment; the service that went on is stopped when
 * SQL has all of it. On SQLite and, where there is a server, on PostgreSQL.
 */
#include "ledger/epochs.h"
#include "restore/roll.h"
#include "store/admin/feed.h"
#include "support/fixture.h"
#include "support/same_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOCK   1000
#define CLAIMED "closed: opening 0123456789abcdef"
#define DAY_MS  (24 * INT64_C(3600000))

/* The copy, and how it is reached. */
static struct tredis copy = {.proc = {.pidfd = -1, .out_fd = -1}};
static struct store_config config;
static struct store_shared shared;
static struct admin *admin;
static struct db *db;
static struct roll_job job;
static struct roll_report report;
static struct event_id at; /* SQL's checkpoint */

static const char *keep(const char *is)
{
    static char kept[64][256];
    static unsigned next;
    char *to = kept[next++ % 64];
    snprintf(to, sizeof(kept[0]), "%s", is);
    return to;
}

/* --- the scene -------------------------------------------------------------------------------- */

static void start(void **state)
{
    struct tredis_opts tcp = {.tcp = true};
    serve(.redis = tcp, .ledger = *state);
}

static bool caught_up(void)
{
    return ledger_checkpoint(&load, 0) == ledger_stream_end(&load, 0);
}

/* The copy is of now. */
static const char *make_copy(void)
{
    const char *file = keep(text("%s/then.rdb", stack.redis.dir));
    (void)redis_int("SAVE");
    assert_int_equal(system(text("cp %s/dump.rdb %s", stack.redis.dir, file)), 0);
    return file;
}

static struct event_id id_of(int64_t number)
{
    return (struct event_id){number / 1000000000, number % 1000000000};
}

/* The service ends with all that it did in SQL, and the copy begins to live. */
static void end_service(const char *file)
{
    assert_true(await(caught_up(), RECOVERY_MS));
    stop_serving();
    assert_true(caught_up());
    at = id_of(ledger_checkpoint(&load, 0));
    assert_int_equal(tredis_start(&copy, &(struct tredis_opts){.tcp = true, .data = file}), 0);
    redis_do(&copy, "HSET {p0}:meta state %s", CLAIMED);
}

static void connect_to_copy(void)
{
    char err[256];
    const char *why;
    config = (struct store_config){.redis_url = copy.url, .partitions = 1, .ledger = true};
    admin = admin_new(&config, &shared, err, sizeof(err));
    assert_non_null(admin);
    assert_int_equal(admin_connect(admin, &why), ADMIN_OK);
}

static void connect_all(void)
{
    connect_to_copy();
    db = base_open(bases.url);
    job = (struct roll_job){.to = at, .state = CLAIMED, .operation_retention_ms = DAY_MS};
    assert_int_equal(feed_tail(admin, 0, &job.from), 0);
    assert_true(event_id_compare(job.from, job.to) < 0);
}

static int end_all(void **state)
{
    if (admin)
        admin_free(admin);
    admin = NULL;
    db_close(db);
    db = NULL;
    tredis_stop(&copy);
    return serve_end(state);
}

static enum roll_result roll(void)
{
    enum roll_result result = roll_forward(admin, db, &job, &report);
    if (result != ROLL_DONE && result != ROLL_STOPPED && result != ROLL_TAKEN)
        print_message("%s\n", report.why);
    return result;
}

static void check_same(void)
{
    struct event_id tail; /* is not made anew */
    same_keys_check(&stack.redis, &copy);
    assert_int_equal(feed_tail(admin, 0, &tail), 0);
    assert_int_equal(event_id_compare(tail, job.from), 0);
}

/* --- a shop ----------------------------------------------------------------------------------- */

/* What there is when the copy is made, and what becomes of it. */
static struct {
    const char *shoes, *gloves, *gone, *again, *back, *limited;
    const char *confirmed, *released, *extended, *due, *part, *late, *stays;
} shop;

static const char *hold(const char *sku, const char *customer, int quantity, int ttl_s)
{
    post(201, RESERVATIONS,
         text("{\"sku\":\"%s\",\"quantity\":%d,\"customer\":\"%s\",\"ttl_seconds\":%d}", sku,
              quantity, customer, ttl_s));
    return keep(api_str(a, "id"));
}

static const char *basket(const char *customer)
{
    post(201, RESERVATIONS,
         text("{\"lines\":[%s,%s],\"customer\":\"%s\",\"reference\":\"order\","
              "\"metadata\":{\"n\":1}}",
              LINE(shop.shoes, 3), LINE(shop.gloves, 2), customer));
    return keep(api_str(a, "id"));
}

static void sell_under_key(const char *key, const char *sku, const char *customer)
{
    api_call(a, 200, "POST", DECREMENT(sku), text("Idempotency-Key: %s\r\n", key),
             text("{\"quantity\":1,\"customer\":\"%s\"}", customer));
}

static void furnish(void)
{
    shop.shoes = keep(api_item(a, STOCK, 0));
    shop.gloves = keep(api_item(a, STOCK, 0));
    shop.gone = keep(api_item(a, 5, 0));
    shop.again = keep(api_item(a, 7, 0));
    shop.back = keep(api_item(a, 7, 0));
    shop.limited = keep(api_item(a, STOCK, 6));
    api_call(a, 204, "DELETE", ITEM(shop.back), NULL, NULL);
    shop.confirmed = hold(shop.shoes, "ann", 2, 3600);
    shop.released = hold(shop.limited, "bob", 3, 3600);
    shop.extended = hold(shop.limited, "cid", 3, 3600);
    shop.due = hold(shop.shoes, "dan", 1, 2);
    shop.late = hold(shop.shoes, "eve", 1, 1);
    shop.stays = hold(shop.gloves, "fay", 1, 3600);
    shop.part = basket("ann");
    assert_true(await(api_state_is(a, shop.late, "expired"), RECOVERY_MS));
    sell_under_key("before", shop.again, "ann");
    sell_under_key("gone", shop.gone, "ann");
}

/* What the copy has not seen: every kind of change, of what it has and of what it has not. */
static void go_on(void)
{
    assert_true(await(api_state_is(a, shop.due, "expired"), RECOVERY_MS));
    post(200, CONFIRM(shop.confirmed), "{}");
    post(200, RELEASE(shop.released), "{}");
    post(200, EXTEND(shop.extended), "{\"ttl_seconds\":7200}");
    post(200, CONFIRM(shop.part), text("{\"lines\":[%s]}", LINE(shop.shoes, 1)));
    post(200, CONFIRM(shop.late), "{\"if_expired\":\"rereserve\"}");
    api_call(a, 204, "DELETE", ITEM(shop.gone), NULL, NULL);
    api_call(a, 204, "DELETE", ITEM(shop.again), NULL, NULL);
    api_call(a, 201, "PUT", ITEM(shop.again), NULL, "{\"on_hand\":9}");
    sell_under_key("after", shop.again, "bob");
    api_call(a, 201, "PUT", ITEM(shop.back), NULL, "{\"on_hand\":3,\"max_per_customer\":2}");
    hold(shop.back, "ann", 1, 3600);
    api_call(a, 200, "PUT", ITEM(shop.shoes), "If-Match: *\r\n", "{\"on_hand\":900}");
    post(200, ADJUST(shop.gloves), "{\"delta\":-5}");
    post(200, TRANSFER(shop.shoes), text("{\"to\":\"%s\",\"quantity\":4}", shop.gloves));
    api_call(a, 201, "POST", RESERVATIONS, "Idempotency-Key: hold\r\n", LINE(shop.gloves, 2));
    sell_under_key("limit", shop.limited, "cid");
    post(200, RELEASE(basket("gil")), "{}");
    const char *early = hold(shop.limited, "hal", 6, 1);
    assert_true(await(api_state_is(a, early, "expired"), RECOVERY_MS));
    const char *made = keep(api_item(a, 8, 0));
    hold(made, "ann", 2, 3600);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void every_kind_of_change_is_brought_along(void **state)
{
    start(state);
    furnish();
    const char *file = make_copy();
    go_on();
    end_service(file);
    connect_all();
    assert_int_equal(roll(), ROLL_DONE);
    assert_int_equal(report.done, report.total);
    check_same();
    assert_int_equal(roll(), ROLL_DONE); /* a second time */
    check_same();
}

/* --- interrupted ------------------------------------------------------------------------------ */

static int pages_left;

static bool stop_after_pages(void *user, const struct roll_report *seen)
{
    assert_true(seen->done <= seen->total);
    return pages_left-- > 0;
}

static void stopped_at_any_page_it_can_be_done_again(void **state)
{
    start(state);
    furnish();
    const char *file = make_copy();
    go_on();
    ledger_load_start(&load);
    ledger_load_await(&load, 1500);
    ledger_load_stop(&load);
    end_service(file);
    connect_all();
    job.on_progress = stop_after_pages;
    int pages = 0;
    do
        pages_left = pages++;
    while (roll() == ROLL_STOPPED);
    assert_true(pages > 3);
    assert_int_equal(report.done, report.total);
    check_same();
}

/* --- not alone -------------------------------------------------------------------------------- */

static bool take_over(void *user, const struct roll_report *seen)
{
    redis_do(&copy, "HSET {p0}:meta state %s", "closed: opening fedcba9876543210");
    return true;
}

static void whoever_claims_the_partition_has_it_alone(void **state)
{
    start(state);
    furnish();
    const char *file = make_copy();
    go_on();
    end_service(file);
    connect_all();
    job.on_progress = take_over;
    assert_int_equal(roll(), ROLL_TAKEN);
    job.on_progress = NULL;
    redis_do(&copy, "FLUSHALL");
    redis_do(&copy, "HSET {p0}:meta state open");
    assert_int_equal(roll(), ROLL_TAKEN);
    assert_int_equal(tredis_int(&copy, "DBSIZE"), 1);
    redis_do(&copy, "DEL {p0}:meta");
    assert_int_equal(roll(), ROLL_TAKEN);
    assert_int_equal(tredis_int(&copy, "DBSIZE"), 0);
    tredis_kill9(&copy);
    assert_int_equal(roll(), ROLL_REDIS);
}

/* --- whether ---------------------------------------------------------------------------------- */

static bool is_known(struct event_id id)
{
    bool held = true;
    assert_int_equal(epochs_look_up(db, 0, at, id, &held), DB_OK);
    return held;
}

static void sql_knows_the_moments_that_it_went_through(void **state)
{
    start(state);
    furnish();
    int64_t first = at.seq = ledger_stream_end(&load, 0) % 1000000000;
    assert_true(await(caught_up(), RECOVERY_MS));
    db = base_open(bases.url);
    at = (struct event_id){1, first};
    assert_true(is_known(at));
    assert_true(is_known((struct event_id){1, 0}));
    assert_false(is_known((struct event_id){1, first + 1}));
    sql_run(text("UPDATE epochs SET last_seq = %lld WHERE epoch = 1", (long long)first));
    at = (struct event_id){3, 0};
    assert_true(is_known((struct event_id){1, first}));
    assert_false(is_known((struct event_id){1, first + 1}));
    assert_false(is_known((struct event_id){2, 0}));
    assert_false(is_known((struct event_id){0, 0}));
    sql_run("INSERT INTO restores (number, epoch, at_ms) VALUES (1, 3, 1)");
    assert_false(is_known((struct event_id){1, first}));
    assert_true(is_known((struct event_id){3, 0}));
}

#define ROLL_TEST(test) ON_ENGINES(test, NULL, end_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROLL_TEST(every_kind_of_change_is_brought_along),
        ROLL_TEST(stopped_at_any_page_it_can_be_done_again),
        ROLL_TEST(whoever_claims_the_partition_has_it_alone),
        ROLL_TEST(sql_knows_the_moments_that_it_went_through),
    };
    return run_each("roll", tests);
}
