/* test_live_render.c -- a view of all services as JSON: every member, what is null, whose items. */
#include "http/live/render.h"
#include "support/suite.h"

#include <jansson.h>
#include <stdio.h>

static struct live_view view;
static struct buf out;
static json_t *root;

static int begin(void **state)
{
    view = (struct live_view){.at_ms = 1795231293500,
                              .interval_ms = 1003,
                              .services = 2,
                              .ledger_lag_ms = -1,
                              .ledger_lag_events = -1,
                              .audit_result = -1,
                              .partitions = 3,
                              .open = 3};
    buf_init(&out, 1 << 16);
    return 0;
}

static int end(void **state)
{
    buf_free(&out);
    json_decref(root);
    root = NULL;
    return 0;
}

EACH_BETWEEN(begin, end)

static void render(const char *tenant)
{
    json_error_t error;
    buf_reset(&out);
    live_render(&view, 0xabc, str_of(tenant), &out);
    assert_false(out.failed);
    assert_null(memchr(out.p, '\n', out.n)); /* it is the data of an event */
    json_decref(root);
    root = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        fail_msg("%s: %.*s", error.text, (int)out.n, out.p);
}

static json_t *member(json_t *of, const char *name)
{
    json_t *value = json_object_get(of, name);
    if (!value)
        fail_msg("no %s", name);
    return value;
}

static double number(json_t *of, const char *name)
{
    assert_true(json_is_number(member(of, name)));
    return json_number_value(member(of, name));
}

static void add_item(const char *name, double rate)
{
    struct live_item *item = &view.items[view.item_count++];
    *item = (struct live_item){.rate = rate,
                               .available = 3,
                               .held = 2,
                               .sold = 5,
                               .version = 7,
                               .n = (uint8_t)strlen(name)};
    memcpy(item->name, name, item->n);
}

TEST(what_there_is_nothing_of_is_null)
{
    render(NULL);
    assert_string_equal(json_string_value(member(root, "at")), "2026-11-21T03:21:33.500Z");
    assert_string_equal(json_string_value(member(root, "service")), "0000000000000abc");
    assert_int_equal(number(root, "services"), 2);
    assert_true(json_is_null(member(member(root, "latency_ms"), "p50")));
    assert_true(json_is_null(member(member(root, "latency_ms"), "p99")));
    assert_true(json_is_null(member(root, "batch_size")));
    assert_true(json_is_null(member(root, "ledger_lag_ms")));
    assert_true(json_is_null(member(root, "ledger_lag_events")));
    assert_true(json_is_null(member(member(root, "redis_memory"), "used_ratio")));
    assert_true(json_is_null(member(member(root, "audit"), "result")));
    assert_true(json_is_null(member(member(root, "audit"), "at")));
    assert_true(number(root, "conflicts_per_commit") == 0);
    assert_int_equal(json_array_size(member(root, "hottest")), 0);
}

TEST(every_number_has_its_place)
{
    static const char *const names[] = {
        "requests",           "sold",           "held",          "confirmed", "released", "expired",
        "insufficient_stock", "limit_exceeded", "other_refused", "failed"};
    for (int i = 0; i < LIVE_COUNTS; i++)
        view.rates[i] = 10 * (i + 1);
    view.took[0] = 50;
    view.took[1] = 50;
    view.queue_depth = 11;
    view.expiry_lag_ms = 12;
    view.ledger_lag_ms = 13;
    view.ledger_lag_events = 0;
    view.memory_used_bytes = 14;
    view.memory_used_percent = 90;
    view.audit_result = 1;
    view.audit_drift = 15;
    view.audit_at_ms = view.at_ms;
    view.open = 2;
    view.shut_count = 1;
    view.shut[0] = (struct live_shut){.partition = 1, .why = "closed: \"by hand\"\n\xff"};
    render(NULL);
    json_t *rates = member(root, "rates");
    assert_int_equal(json_object_size(rates), LIVE_RATES);
    for (int i = 0; i < LIVE_RATES; i++)
        assert_true(number(rates, names[i]) == 10 * (i + 1));
    assert_true(number(member(root, "latency_ms"), "p50") == 0.05);
    assert_true(number(member(root, "latency_ms"), "p99") == 0.099);
    assert_true(number(root, "commits") == 10 * (LIVE_COMMITS + 1));
    assert_true(number(root, "conflicts_per_commit") > 1.0);
    assert_true(number(root, "batch_size") > 1.1);
    assert_int_equal(number(root, "queue_depth"), 11);
    assert_int_equal(number(root, "expiry_lag_ms"), 12);
    assert_int_equal(number(root, "ledger_lag_ms"), 13);
    assert_int_equal(number(root, "ledger_lag_events"), 0);
    assert_int_equal(number(member(root, "redis_memory"), "used_bytes"), 14);
    assert_true(number(member(root, "redis_memory"), "used_ratio") == 0.9);
    assert_string_equal(json_string_value(member(member(root, "audit"), "result")), "drift");
    assert_int_equal(number(member(root, "audit"), "drift"), 15);
    json_t *partitions = member(root, "partitions");
    assert_int_equal(number(partitions, "count"), 3);
    assert_int_equal(number(partitions, "open"), 2);
    json_t *shut = json_array_get(member(partitions, "not_open"), 0);
    assert_int_equal(number(shut, "partition"), 1);
    assert_memory_equal(json_string_value(member(shut, "why")), "closed: \"by hand\"\n", 18);
}

TEST(an_item_has_its_counters)
{
    add_item("apple", 12.34);
    render(NULL);
    json_t *item = json_array_get(member(root, "hottest"), 0);
    assert_string_equal(json_string_value(member(item, "sku")), "apple");
    assert_true(number(item, "rate") == 12.3);
    assert_int_equal(number(item, "on_hand"), 5);
    assert_int_equal(number(item, "available"), 3);
    assert_int_equal(number(item, "held"), 2);
    assert_int_equal(number(item, "sold"), 5);
    assert_int_equal(number(item, "version"), 7);
}

/* Who asks gets its own by their outer names; nobody's tenant is the store's. */
TEST(items_are_those_of_the_tenant)
{
    static const struct {
        const char *tenant, *sku;
    } rows[] = {{"acme", "of-acme"},
                {"umbra", "of-umbra"},
                {"default", "of-store"},
                {NULL, "of-store"},
                {"nobody", NULL}};
    add_item("acme/of-acme", 3);
    add_item("of-store", 2);
    add_item("umbra/of-umbra", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        render(rows[i].tenant);
        json_t *hottest = member(root, "hottest");
        assert_int_equal(json_array_size(hottest), rows[i].sku ? 1 : 0);
        if (rows[i].sku)
            assert_string_equal(json_string_value(member(json_array_get(hottest, 0), "sku")),
                                rows[i].sku);
    }
}

TEST(no_more_than_ten_and_the_hottest_first)
{
    char name[16];
    for (int i = 0; i < LIVE_VIEW_ITEMS; i++) {
        snprintf(name, sizeof(name), "i%02d", i);
        add_item(name, 1000 - i);
    }
    render(NULL);
    json_t *item, *hottest = member(root, "hottest");
    size_t i;
    assert_int_equal(json_array_size(hottest), LIVE_TENANT_ITEMS);
    json_array_foreach(hottest, i, item) assert_int_equal(number(item, "rate"), 1000 - (int)i);
}
