/* test_history.c -- what a shop asks about the past: lists of reservations, and what all such
 * questions share. One item: test_history_items.c. A ledger in trouble: test_history_troubles.c.
 *
 * Everything runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "clock.h"
#include "support/fixture.h"

#include <stdio.h>
#include <string.h>

#define IDS_MAX  512
#define LOOK_MAX 10000 /* reservations that a page may pass over */

/* --- asking ----------------------------------------------------------------------------------- */

static void hold(const char *body)
{
    post(201, RESERVATIONS, body);
}

struct ids {
    char id[IDS_MAX][32];
    int count;
};

static int find_id(const struct ids *ids, const char *id)
{
    int i = 0;
    while (i < ids->count && strcmp(ids->id[i], id) != 0)
        i++;
    return i;
}

static void add_id(struct ids *ids, const char *id)
{
    assert_int_equal(find_id(ids, id), ids->count); /* no id comes twice */
    assert_true(ids->count < IDS_MAX);
    snprintf(ids->id[ids->count++], sizeof(ids->id[0]), "%s", id);
}

/* Adds the page that was answered; its cursor, or NULL behind the last one. */
static const char *take_page(struct ids *ids)
{
    json_t *body = http_resp_json(&a->resp), *one;
    size_t i;
    json_array_foreach(json_object_get(body, "reservations"), i, one)
        add_id(ids, json_string_value(json_object_get(one, "id")));
    json_t *cursor = json_object_get(body, "next_cursor");
    assert_non_null(cursor);
    return json_is_null(cursor) ? NULL : text("%s", json_string_value(cursor));
}

/* All pages of a query. */
static void take_all(struct ids *ids, const char *query)
{
    const char *cursor = NULL;
    char kept[256];
    KEEP(kept, query);
    ids->count = 0;
    do {
        get(text("/v1/reservations?%s%s%s", kept, cursor ? "&cursor=" : "", cursor ? cursor : ""));
        cursor = take_page(ids);
    } while (cursor);
}

/* The query finds these and no other; the list ends in NULL. */
static void check_found(const char *query, const char *const *expected)
{
    static struct ids found;
    int count = 0;
    take_all(&found, query);
    for (; expected[count]; count++)
        if (find_id(&found, expected[count]) == found.count)
            fail_msg("%s does not find %s", query, expected[count]);
    if (found.count != count)
        fail_msg("%s finds %d, not %d", query, found.count, count);
}

#define FOUND(query, ...) check_found((query), (const char *const[]){__VA_ARGS__})

/* --- lists of reservations -------------------------------------------------------------------- */

/* Two of the one and one of the other. */
static const char *made(const char *sku, const char *other, const char *customer,
                        const char *reference, int ttl)
{
    hold(text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":2},{\"sku\":\"%s\",\"quantity\":1}],"
              "\"customer\":\"%s\",\"reference\":\"%s\",\"ttl_seconds\":%d}",
              sku, other, customer, reference, ttl));
    return api_str(a, "id");
}

/* What each engine's tests find: four reservations of two items by two customers, one in each
 * state, and one that expired and was confirmed after all. */
static struct {
    char x[32], y[32];
    char held[32], confirmed[32], released[32], expired[32], again[32];
} shop;

static void fill_shop(void)
{
    KEEP(shop.x, api_item(a, 100, 0));
    KEEP(shop.y, api_item(a, 100, 0));
    const char *x = shop.x, *y = shop.y, *z = api_item(a, 100, 0);
    KEEP(shop.held, made(x, z, "ann", "first", 600));
    KEEP(shop.confirmed, made(x, y, "ann", "second", 600));
    KEEP(shop.released, made(z, y, "bob", "first", 600));
    KEEP(shop.expired, made(x, z, "bob", "third", 1));
    KEEP(shop.again, made(z, y, "cyd", "fourth", 1));
    post(200, CONFIRM(shop.confirmed), text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1}]}", x));
    post(200, RELEASE(shop.released), "{}");
    assert_true(await(api_state_is(a, shop.expired, "expired"), RECOVERY_MS));
    assert_true(await(api_state_is(a, shop.again, "expired"), RECOVERY_MS));
    post(200, CONFIRM(shop.again), "{\"if_expired\":\"rereserve\"}");
    await_in_sql(x);
    await_in_sql(y);
    await_in_sql(z);
}

static void filters_find_what_fits_all_of_them(void **state)
{
    const char *held = shop.held, *confirmed = shop.confirmed, *again = shop.again;
    const char *released = shop.released, *expired = shop.expired;
    FOUND(text("sku=%s", shop.x), held, confirmed, expired, NULL);
    FOUND(text("sku=%s", shop.y), confirmed, released, again, NULL);
    FOUND("customer=ann", held, confirmed, NULL);
    FOUND("reference=first", held, released, NULL);
    FOUND(text("sku=%s&state=held", shop.x), held, NULL);
    FOUND(text("sku=%s&customer=bob", shop.x), expired, NULL);
    FOUND("customer=bob&state=released", released, NULL);
    FOUND("customer=bob&state=held", NULL);
    FOUND("reference=first&customer=bob", released, NULL);
    FOUND(text("reference=first&sku=%s", shop.x), held, NULL);
    FOUND("reference=first&state=expired", NULL);
    FOUND(text("state=confirmed&reference=second&sku=%s&customer=ann", shop.y), confirmed, NULL);
    FOUND(text("state=confirmed&reference=second&sku=%s&customer=bob", shop.y), NULL);
    FOUND("sku=no-such-item", NULL);
    FOUND("customer=nobody%20'%3B--", NULL);
}

static void a_state_alone_lists_all_in_it(void **state)
{
    static const char *const names[] = {"held", "confirmed", "released", "expired", "confirmed"};
    const char *const ids[] = {shop.held, shop.confirmed, shop.released, shop.expired, shop.again};
    static struct ids found;
    for (int i = 0; i < 4; i++) {
        take_all(&found, text("limit=3&state=%s", names[i]));
        for (int k = 0; k < 5; k++)
            assert_int_equal(find_id(&found, ids[k]) < found.count,
                             strcmp(names[i], names[k]) == 0);
    }
    take_all(&found, "limit=500");
    for (int k = 0; k < 5; k++)
        assert_true(find_id(&found, ids[k]) < found.count);
}

/* As GET of one says it, the time left excepted. */
static void check_same_as_read(const char *query, const char *id)
{
    json_t *listed = get(text("/v1/reservations?%s", query));
    assert_int_equal(json_array_size(json_at(listed, "reservations")), 1);
    listed = json_incref(json_at(listed, "reservations[0]"));
    json_t *read = get(RESERVATION(id));
    bool held = strcmp(api_str(a, "state"), "held") == 0;
    int64_t left_ms = json_integer_value(json_object_get(listed, "ttl_ms"));
    assert_int_equal(left_ms > 0, held);
    json_object_del(listed, "ttl_ms");
    json_object_del(read, "ttl_ms");
    if (!json_equal(listed, read))
        fail_msg("%s\n%s", json_dumps(listed, 0), json_dumps(read, 0));
    json_decref(listed);
}

static void a_listed_reservation_is_the_one_that_is_read(void **state)
{
    check_same_as_read("customer=ann&state=held", shop.held);
    check_same_as_read("customer=ann&state=confirmed", shop.confirmed);
    check_same_as_read("customer=bob&state=released", shop.released);
    check_same_as_read("customer=bob&state=expired", shop.expired);
    check_same_as_read("customer=cyd", shop.again);
    check_size(a, "expired_lines", 2);
}

/* Pages of 7 while others go on. */
static void check_paging(const char *query, const char *value, const struct ids *there,
                         const char *more)
{
    static struct ids found;
    const char *cursor = NULL;
    found.count = 0;
    do {
        hold(more);
        get(text("/v1/reservations?limit=7&%s%s%s%s", query, value, cursor ? "&cursor=" : "",
                 cursor ? cursor : ""));
        assert_true(json_array_size(json_at(http_resp_json(&a->resp), "reservations")) <= 7);
        cursor = take_page(&found);
    } while (cursor);
    for (int i = 0; i < there->count; i++)
        if (find_id(&found, there->id[i]) == found.count)
            fail_msg("%s%s leaves %s out", query, value, there->id[i]);
}

static void pages_have_neither_gaps_nor_doubles(void **state)
{
    static struct ids there;
    char sku[32], body[160]; /* kept over more calls than text() bears */
    KEEP(sku, api_item(a, 1000, 0));
    snprintf(body, sizeof(body),
             "{\"sku\":\"%s\",\"quantity\":1,\"customer\":\"of-%s\",\"reference\":\"for-%s\"}", sku,
             sku, sku);
    there.count = 0;
    for (int i = 0; i < 130; i++) {
        hold(body);
        add_id(&there, api_str(a, "id"));
    }
    await_in_sql(sku);
    check_paging("customer=of-", sku, &there, body);
    check_paging("reference=for-", sku, &there, body);
    check_paging("sku=", sku, &there, body);
    check_paging("state=", "held", &there, body);
    check_paging("", "", &there, body);
}

/* A page passes over so many at the most and says where to go on. */
static void a_search_in_a_long_past_is_cut_into_pages(void **state)
{
    sql_run("INSERT INTO reservations WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
            "i + 1 FROM n WHERE i < 10100) SELECT 'r0-000000000000' || (1000000000 + i) || "
            "'0', 0, CASE WHEN i = 7 THEN 'released' ELSE 'confirmed' END, 0, 1, 2, 2, 1, "
            "'long', NULL, NULL, '', '' FROM n");
    sql_run("INSERT INTO reservation_lines SELECT rid, 0, 'long', 1, 1, 1, 1, "
            "NULL, NULL, '' FROM reservations WHERE customer = 'long'");
    const char *const queries[] = {"customer=long&state=released", "sku=long&state=released"};
    for (int i = 0; i < 2; i++) {
        get(text("/v1/reservations?limit=5&%s", queries[i]));
        check_size(a, "reservations", 0);
        assert_string_equal(api_str(a, "next_cursor"),
                            text("r0-000000000000%d0", 1000000000 + 10100 - LOOK_MAX + 1));
        FOUND(queries[i], "r0-00000000000010000000070", NULL);
    }
    FOUND("customer=long&state=held&limit=500", NULL);
}

/* --- what all of them share ------------------------------------------------------------------- */

static void wrong_parameters_are_named(void **state)
{
    static const char long_text[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
        "f0";
    static const struct {
        const char *path, *field;
    } rows[] = {
        {"/v1/reservations?limit=0", "limit"},
        {"/v1/reservations?limit=501", "limit"},
        {"/v1/reservations?limit=", "limit"},
        {"/v1/reservations?limit=1e1", "limit"},
        {"/v1/reservations?state=open", "state"},
        {"/v1/reservations?state=HELD", "state"},
        {"/v1/reservations?sku=no%20sku", "sku"},
        {"/v1/reservations?sku=", "sku"},
        {"/v1/reservations?customer=", "customer"},
        {"/v1/reservations?customer=%ff", "customer"},
        {"/v1/reservations?customer=a%00b", "customer"},
        {"/v1/reservations?reference=%c0%80", "reference"},
        {"/v1/reservations?cursor=", "cursor"},
        {"/v1/reservations?cursor=garbage", "cursor"},
        {"/v1/reservations?cursor=r0-00dc0hb5n1hrpnm3ev2l4q1", "cursor"},
        {"/v1/reservations?colour=red", "colour"},
        {"/v1/reservations?limit=1&limit=2", "query"},
        {"/v1/reservations?sku=%zz", "query"},
        {"/v1/items/apple/movements?limit=501", "limit"},
        {"/v1/items/apple/movements?cursor=0", "cursor"},
        {"/v1/items/apple/movements?cursor=-1", "cursor"},
        {"/v1/items/apple/movements?cursor=9999999999999999999", "cursor"},
        {"/v1/items/apple/movements?cursor=1x", "cursor"},
        {"/v1/items/apple/movements?at=2026-01-01T00:00:00Z", "at"},
        {"/v1/items/no%20sku/movements", "sku"},
        {"/v1/items/no%20sku?at=2026-01-01T00:00:00Z", "sku"},
        {"/v1/items/apple?at=", "at"},
        {"/v1/items/apple?at=yesterday", "at"},
        {"/v1/items/apple?at=2026-02-30T00:00:00Z", "at"},
        {"/v1/items/apple?at=2026-01-01T00:00:00", "at"},
        {"/v1/items/apple?at=2026-01-01%2000:00:00Z", "at"},
        {"/v1/items/apple?at=2026-01-01T00:00:00Z&limit=1", "limit"},
        {"/v1/items/apple?at=2026-01-01T00:00:00Z&at=2026-01-01T00:00:00Z", "query"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        get_problem(422, "invalid-field", rows[i].field, rows[i].path);
    get_problem(422, "invalid-field", "customer", text("/v1/reservations?customer=%s", long_text));
    get(text("/v1/reservations?customer=%.128s", long_text));
}

static void head_is_answered_as_get(void **state)
{
    const char *sku = api_item(a, 3, 0);
    await_in_sql(sku);
    api_call(a, 200, "HEAD", RESERVATIONS, NULL, NULL);
    api_call(a, 200, "HEAD", text("/v1/items/%s/movements", sku), NULL, NULL);
    api_call(a, 200, "HEAD", text("/v1/items/%s?at=2100-01-01T00:00:00Z", sku), NULL, NULL);
    api_call(a, 404, "HEAD", "/v1/items/never/movements", NULL, NULL);
    api_call(a, 422, "HEAD", "/v1/reservations?limit=0", NULL, NULL);
    api_call(a, 405, "DELETE", RESERVATIONS, NULL, NULL);
    check_header(a, "Allow", "GET, HEAD, POST");
}

static bool has_all(const char *path)
{
    get(path);
    return api_int(a, "ledger.lag_events") == 0 && api_int(a, "ledger.lag_ms") == 0;
}

static void a_ledger_that_has_all_says_so(void **state)
{
    char paths[3][96] = {"/v1/reservations?limit=1"};
    const char *sku = api_item(a, 3, 0);
    int64_t at_ms = api_time(a, "updated_at");
    snprintf(paths[1], sizeof(paths[1]), "/v1/items/%s/movements", sku);
    snprintf(paths[2], sizeof(paths[2]), "/v1/items/%s?at=2100-01-01T00:00:00Z", sku);
    await_in_sql(sku);
    for (int i = 0; i < 3; i++) {
        assert_true(await(has_all(paths[i]), RECOVERY_MS)); /* it is measured every second */
        assert_true(api_time(a, "ledger.as_of") >= at_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_find_what_fits_all_of_them),
        cmocka_unit_test(a_state_alone_lists_all_in_it),
        cmocka_unit_test(a_listed_reservation_is_the_one_that_is_read),
        cmocka_unit_test(pages_have_neither_gaps_nor_doubles),
        cmocka_unit_test(wrong_parameters_are_named),
        cmocka_unit_test(head_is_answered_as_get),
        cmocka_unit_test(a_ledger_that_has_all_says_so),
        cmocka_unit_test(a_search_in_a_long_past_is_cut_into_pages),
    };
    return run_on_both("history", tests, .begun = fill_shop);
}
