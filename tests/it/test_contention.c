/* test_contention.c -- two services on one Redis: they share no memory, so only WATCH keeps them
 * apart. */
#include "support/api.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLIENTS  64
#define SERVICES 2

static struct tredis redis;
static struct tservice services[SERVICES];
static struct api apis[SERVICES];

static int group_setup(void **state)
{
    return tredis_start(&redis, NULL);
}

static int group_teardown(void **state)
{
    tredis_stop(&redis);
    return 0;
}

static int start(const char *const *extra)
{
    struct tservice_opts opts = {.redis_url = redis.url, .workers = 2, .extra = extra};
    for (int i = 0; i < SERVICES; i++) {
        apis[i] = (struct api){.conn.fd = -1};
        if (tservice_start(&services[i], &opts) != 0)
            return -1;
        api_open(&apis[i], services[i].port);
    }
    return 0;
}

static int start_batching(void **state)
{
    static const char *const extra[] = {"--request-timeout", "60s", NULL};
    return start(extra);
}

static int start_single(void **state)
{
    static const char *const extra[] = {"--batch-max", "1", "--request-timeout", "60s", NULL};
    return start(extra);
}

static int start_impatient(void **state)
{
    static const char *const extra[] = {"--batch-max", "1", "--tries-max", "1", NULL};
    return start(extra);
}

static int stop(void **state)
{
    bool fine = true;
    for (int i = 0; i < SERVICES; i++) {
        api_close(&apis[i]);
        fine = tservice_stop(&services[i]) && fine;
    }
    return fine ? 0 : -1;
}

/* The sum of one counter over both services. */
static int64_t metric(const char *name)
{
    int64_t sum = 0;
    for (int i = 0; i < SERVICES; i++) {
        api_call(&apis[i], 200, "GET", "/metrics", NULL, NULL);
        const char *at = strstr(apis[i].resp.body, text("\n%s ", name));
        if (!at)
            fail_msg("no %s in the metrics", name);
        sum += strtoll(at + 1 + strlen(name), NULL, 10);
    }
    return sum;
}

/* --- the crowd -------------------------------------------------------------------------------- */

enum { ITEMS_MAX = 6, STOCK_MAX = 4000 };

/* What 64 threads do to the items, half of them at each service, and what they were told. */
struct rush {
    const char *skus[ITEMS_MAX];
    int items;
    int64_t stock;
    int per_client; /* requests of each, 0: until it is sold out */
    _Atomic int yes[SERVICES];
    _Atomic int contention, complaints;
    _Atomic int64_t units[ITEMS_MAX];
    /* How often a version was told, per item: a transition more is a version more. */
    _Atomic unsigned char told[ITEMS_MAX][STOCK_MAX + 2];
    char first[1024]; /* the first complaint */
};

static void complain(struct rush *rush, int err, struct http_resp *resp)
{
    if (rush->complaints++ == 0)
        snprintf(rush->first, sizeof(rush->first), "%s, %d, %.800s",
                 err ? strerror(-err) : "answer", resp->status, resp->body ? resp->body : "");
}

static int item_of(const struct rush *rush, json_t *line)
{
    const char *sku = json_string_value(json_object_get(line, "sku"));
    for (int i = 0; sku && i < rush->items; i++)
        if (strcmp(sku, rush->skus[i]) == 0)
            return i;
    return -1;
}

/* Notes one line of a success. */
static void note(struct rush *rush, json_t *line, struct http_resp *resp)
{
    int i = item_of(rush, line);
    int64_t version = json_integer_value(json_object_get(line, "version"));
    int64_t remaining = json_integer_value(json_object_get(line, "remaining"));
    if (i < 0 || version < 2 || version > rush->stock + 1 ||
        remaining != rush->stock + 1 - version || rush->told[i][version]++ != 0)
        complain(rush, 0, resp);
    else
        rush->units[i] += json_integer_value(json_object_get(line, "quantity"));
}

static void contend(int index, void *arg)
{
    struct rush *rush = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    char body[256], retry[16];
    int service = index % SERVICES;
    http_conn_init(&c, services[service].port);
    for (int n = 0; rush->per_client == 0 || n < rush->per_client; n++) {
        /* One item, or a basket of two out of all, so that baskets overlap in every way. */
        int x = (index + n) % rush->items,
            y = (x + 1 + n % (rush->items > 1 ? rush->items - 1 : 1)) % rush->items;
        if (rush->items == 1)
            snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", rush->skus[0]);
        else
            snprintf(
                body, sizeof(body),
                "{\"lines\":[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\",\"quantity\":1}]}",
                rush->skus[x], rush->skus[y]);
        int err = http_call(&c, "POST", "/v1/reservations", NULL, body, &resp);
        json_t *json = err ? NULL : http_resp_json(&resp), *line;
        size_t i;
        const char *type = json_string_value(json_object_get(json, "type"));
        if (!err && resp.status == 201) {
            rush->yes[service]++;
            json_array_foreach(json_object_get(json, "lines"), i, line) note(rush, line, &resp);
        } else if (!err && resp.status == 409 && type &&
                   strcmp(type, "/problems/insufficient-stock") == 0) {
            if (rush->per_client == 0)
                break;
        } else if (!err && resp.status == 503 && type &&
                   strcmp(type, "/problems/contention") == 0 &&
                   http_resp_header(&resp, "Retry-After", retry, sizeof(retry)) &&
                   strtol(retry, NULL, 10) >= 1) {
            rush->contention++;
        } else {
            complain(rush, err, &resp);
            break;
        }
    }
    http_resp_free(&resp);
    http_conn_close(&c);
}

/* Runs it on new items, and checks that the answers and the items tell one story: every version of
 * every item was told once, and what was told to be held is held. */
static void run(struct rush *rush, int items, int64_t stock, int per_client)
{
    memset(rush, 0, sizeof(*rush));
    assert_true(items <= ITEMS_MAX && stock <= STOCK_MAX);
    rush->items = items;
    rush->stock = stock;
    rush->per_client = per_client;
    for (int i = 0; i < items; i++)
        rush->skus[i] = api_item(&apis[i % SERVICES], stock, 0);
    http_crowd(CLIENTS, contend, rush);
    if (rush->complaints)
        fail_msg("%d complaints, the first: %s", rush->complaints, rush->first);
    for (int i = 0; i < items; i++) {
        int64_t units = rush->units[i];
        for (int64_t version = 2; version < units + 2; version++)
            assert_int_equal(rush->told[i][version], 1);
        for (int s = 0; s < SERVICES; s++)
            check_item(&apis[s], rush->skus[i], stock, stock - units, units, 0, units + 1);
    }
}

static void a_hot_item_is_sold_exactly_once(int64_t stock)
{
    static struct rush rush;
    run(&rush, 1, stock, 0);
    assert_int_equal(rush.contention, 0);
    assert_int_equal(rush.yes[0] + rush.yes[1], stock);
    assert_true(rush.yes[0] > 0);
    assert_true(rush.yes[1] > 0);
    print_message("one item: %d and %d of %d, %d conflicts so far\n", rush.yes[0], rush.yes[1],
                  (int)stock, (int)metric("stockd_conflicts_total"));
}

static void baskets_conserve_units(int64_t stock, int per_client)
{
    static struct rush rush;
    run(&rush, ITEMS_MAX, stock, per_client);
    int64_t units = 0;
    for (int i = 0; i < ITEMS_MAX; i++)
        units += rush.units[i];
    assert_int_equal(rush.contention, 0);
    assert_int_equal(units, 2 * (rush.yes[0] + rush.yes[1]));
    assert_true(rush.yes[0] > 0);
    assert_true(rush.yes[1] > 0);
    print_message("baskets: %d and %d, %d conflicts so far\n", rush.yes[0], rush.yes[1],
                  (int)metric("stockd_conflicts_total"));
}

/* --- batches of one request --------------------------------------------------------------------
 */

#define CHAIN      8 /* operations of one request */
#define CHAINS_PER 60

/* The results of one request, each a decrement of the item in `items`: their versions rise. */
static void check_chain(struct rush *rush, struct http_resp *resp, const int *items)
{
    json_t *results = json_object_get(http_resp_json(resp), "results");
    int64_t last[ITEMS_MAX] = {0};
    for (int i = 0; i < CHAIN; i++) {
        json_t *body = json_object_get(json_array_get(results, (size_t)i), "body");
        int64_t version = json_integer_value(json_object_get(body, "version"));
        if (version <= last[items[i]])
            complain(rush, 0, resp);
        last[items[i]] = version;
    }
}

/* Now one item, now another, so that a lost transaction is lost for some of them alone. */
static void contend_in_order(int index, void *arg)
{
    struct rush *rush = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    unsigned dice = (unsigned)index * 2654435761u + 1;
    http_conn_init(&c, services[index % SERVICES].port);
    for (int n = 0; n < CHAINS_PER && rush->complaints == 0; n++) {
        char body[CHAIN * 96 + 32];
        int items[CHAIN], at = snprintf(body, sizeof(body), "{\"operations\":[");
        for (int i = 0; i < CHAIN; i++) {
            dice = dice * 1664525u + 1013904223u;
            items[i] = (int)(dice >> 16) % ITEMS_MAX;
            at += snprintf(body + at, sizeof(body) - (size_t)at,
                           "%s{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}", i ? "," : "",
                           rush->skus[items[i]]);
        }
        snprintf(body + at, sizeof(body) - (size_t)at, "]}");
        int err = http_call(&c, "POST", "/v1/batch", NULL, body, &resp);
        if (err || resp.status != 200)
            complain(rush, err, &resp);
        else
            check_chain(rush, &resp, items);
    }
    http_resp_free(&resp);
    http_conn_close(&c);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void batches_of_two_services_sell_a_hot_item_exactly_once(void **state)
{
    a_hot_item_is_sold_exactly_once(4000);
}

static void batches_of_two_services_conserve_baskets(void **state)
{
    baskets_conserve_units(600, 40);
}

static void operations_of_one_request_stay_in_order_when_transactions_are_lost(void **state)
{
    static struct rush rush;
    (void)state;
    for (int i = 0; i < ITEMS_MAX; i++)
        rush.skus[i] = api_item(&apis[i % SERVICES], 1000000, 0);
    int64_t before = metric("stockd_conflicts_total");
    http_crowd(CLIENTS, contend_in_order, &rush);
    if (rush.complaints)
        fail_msg("%d complaints, the first: %s", rush.complaints, rush.first);
    print_message("chains: %d conflicts\n", (int)(metric("stockd_conflicts_total") - before));
}

static void single_transactions_sell_a_hot_item_exactly_once(void **state)
{
    int64_t before = metric("stockd_conflicts_total");
    a_hot_item_is_sold_exactly_once(1000);
    assert_true(metric("stockd_conflicts_total") > before);
}

static void single_transactions_conserve_baskets(void **state)
{
    baskets_conserve_units(150, 10);
}

/* Again until a request has lost, as few lose on an idle machine. */
static bool some_lose(struct rush *rush, int *yes)
{
    run(rush, 1, STOCK_MAX, 20);
    /* A no of either kind has changed nothing: what is held is what was said. */
    assert_int_equal(rush->units[0], rush->yes[0] + rush->yes[1]);
    assert_int_equal(rush->units[0] + rush->contention, CLIENTS * 20);
    *yes += rush->yes[0] + rush->yes[1];
    return rush->contention > 0;
}

static void a_lost_transaction_past_the_bound_is_503_and_changes_nothing(void **state)
{
    static struct rush rush;
    int yes = 0;
    assert_true(await(some_lose(&rush, &yes), 60000));
    assert_true(yes > 0);
    assert_true(metric("stockd_conflicts_total") >= rush.contention);
    print_message("one try: %d sold, %d lost\n", yes, rush.contention);
}

static void lost_baskets_past_the_bound_change_nothing(void **state)
{
    static struct rush rush;
    run(&rush, ITEMS_MAX, STOCK_MAX, 20);
    int64_t units = 0;
    for (int i = 0; i < ITEMS_MAX; i++)
        units += rush.units[i];
    assert_int_equal(units, 2 * (rush.yes[0] + rush.yes[1]));
    assert_int_equal(rush.yes[0] + rush.yes[1] + rush.contention, CLIENTS * 20);
}

int main(void)
{
    const struct CMUnitTest batching[] = {
        cmocka_unit_test(batches_of_two_services_sell_a_hot_item_exactly_once),
        cmocka_unit_test(batches_of_two_services_conserve_baskets),
        cmocka_unit_test(operations_of_one_request_stay_in_order_when_transactions_are_lost),
    };
    const struct CMUnitTest single[] = {
        cmocka_unit_test(single_transactions_sell_a_hot_item_exactly_once),
        cmocka_unit_test(single_transactions_conserve_baskets),
    };
    const struct CMUnitTest impatient[] = {
        cmocka_unit_test(a_lost_transaction_past_the_bound_is_503_and_changes_nothing),
        cmocka_unit_test(lost_baskets_past_the_bound_change_nothing),
    };
    if (group_setup(NULL) != 0)
        return 1;
    int failed = cmocka_run_group_tests(batching, start_batching, stop);
    failed += cmocka_run_group_tests(single, start_single, stop);
    failed += cmocka_run_group_tests(impatient, start_impatient, stop);
    group_teardown(NULL);
    return failed;
}
