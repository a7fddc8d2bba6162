/* test_history_query.c -- what a GET asks the ledger for, and what its answer looks like. */
#include "http/history/render.h"
#include "support/suite.h"

#include <jansson.h>
#include <stdio.h>

static struct arena arena;
static struct buf out;
static struct history_query query;
static struct refusal why;
static char room[1024];

static int setup(void **state)
{
    arena_init(&arena, 4096, 1 << 20);
    buf_init(&out, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    arena_free(&arena);
    buf_free(&out);
    return 0;
}

static struct route_match match(const char *target)
{
    assert_true(strlen(target) <= sizeof(room));
    return route_find(STR("GET"), str_of(target), room);
}

static bool meant(const char *target)
{
    struct route_match found = match(target);
    return history_query_meant(&found, &arena);
}

static struct requester by;

static bool reads(const char *target)
{
    struct route_match found = match(target);
    return history_query_read(&query, &arena, &found, &by, &why);
}

static bool is(struct str text, const char *expected)
{
    return str_equal(text, str_of(expected));
}

TEST(the_ledger_is_meant_by_lists_and_by_a_time)
{
    assert_true(meant("/v1/reservations"));
    assert_true(meant("/v1/items/a/movements"));
    assert_true(meant("/v1/items/a?at=2026-01-01T00:00:00Z"));
    assert_true(meant("/v1/items/a?x=1&%61t="));
    assert_true(meant("/v1/items/a?at=1&at=2")); /* to be refused, not to be taken for now */
    assert_false(meant("/v1/items/a"));
    assert_false(meant("/v1/items/a?"));
    assert_false(meant("/v1/items/a?_=17"));
    assert_false(meant("/v1/items"));
    assert_false(meant("/v1/reservations/x"));
}

TEST(what_is_not_said_is_not_asked)
{
    assert_true(reads("/v1/reservations"));
    assert_int_equal(query.kind, HISTORY_RESERVATIONS);
    assert_int_equal(query.reservations.limit, 50);
    assert_true(str_absent(query.reservations.sku) && str_absent(query.reservations.customer));
    assert_true(str_absent(query.reservations.reference) && str_absent(query.reservations.state));
    assert_true(str_absent(query.reservations.before));
    assert_true(reads("/v1/items/a/movements"));
    assert_int_equal(query.kind, HISTORY_MOVEMENTS);
    assert_int_equal(query.movements.limit, 50);
    assert_true(query.movements.before == INT64_MAX);
}

TEST(what_is_said_is_decoded)
{
    assert_true(reads("/v1/reservations?customer=J%C3%BCrgen+K&reference=%26&state=expired&sku=a:b"
                      "&limit=500&cursor=r0-00dc0hb5n1hrpnm3ev2l4q0"));
    assert_true(is(query.reservations.customer, "J\xc3\xbcrgen K"));
    assert_true(is(query.reservations.reference, "&"));
    assert_true(is(query.reservations.state, "expired"));
    assert_true(is(query.reservations.sku, "a:b"));
    assert_true(is(query.reservations.before, "r0-00dc0hb5n1hrpnm3ev2l4q0"));
    assert_int_equal(query.reservations.limit, 500);
    assert_true(reads("/v1/items/%61/movements?cursor=999999999999999999"));
    assert_true(is(query.movements.sku, "a"));
    assert_true(query.movements.before == INT64_C(999999999999999999));
    assert_true(reads("/v1/items/a?at=1970-01-01T01:00:00.5+01:00"));
    assert_int_equal(query.instant.at_ms, 500);
    assert_true(is(query.instant.sku, "a"));
}

TEST(a_refusal_names_the_parameter)
{
    static const char *const rows[][2] = {
        {"/v1/reservations?limit=1000", "limit"},
        {"/v1/reservations?state=", "state"},
        {"/v1/reservations?Sku=a", "Sku"},
        {"/v1/reservations?cursor=17", "cursor"},
        {"/v1/items/a/movements?cursor=01", "cursor"},
        {"/v1/items/a/movements?cursor=1000000000000000000", "cursor"},
        {"/v1/items/a/movements?sku=a", "sku"},
        {"/v1/items/a?at=2026-11-21", "at"},
        {"/v1/items/%20?at=2026-01-01T00:00:00Z", "sku"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_false(reads(rows[i][0]));
        assert_int_equal(why.problem, PROBLEM_INVALID_FIELD);
        assert_string_equal(why.field, rows[i][1]);
        assert_non_null(why.detail);
    }
}

static json_t *rendered(const struct history_lag *lag, int64_t wall_ms, unsigned status)
{
    struct answer answer;
    buf_reset(&out);
    history_render(&query, lag, wall_ms, &answer, &out);
    assert_int_equal(answer.status, status);
    assert_int_equal(answer.etag, 0);
    json_t *json = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    return json;
}

static json_t *at(json_t *json, const char *name)
{
    json_t *member = json_object_get(json, name);
    assert_non_null(member);
    return member;
}

TEST(an_empty_ledger_has_no_time)
{
    const struct history_lag lag = {.events = 3, .ms = 1200, .as_of_ms = 0};
    assert_true(reads("/v1/reservations"));
    json_t *json = rendered(&lag, 0, 200), *ledger = at(json, "ledger");
    assert_int_equal(json_array_size(at(json, "reservations")), 0);
    assert_true(json_is_null(at(json, "next_cursor")));
    assert_int_equal(json_integer_value(at(ledger, "lag_events")), 3);
    assert_int_equal(json_integer_value(at(ledger, "lag_ms")), 1200);
    assert_true(json_is_null(at(ledger, "as_of")));
    json_decref(json);
}

static int64_t ttl_at(int64_t wall_ms)
{
    const struct history_lag lag = {.as_of_ms = 1};
    json_t *json = rendered(&lag, wall_ms, 200);
    int64_t ttl =
        json_integer_value(json_object_get(json_array_get(at(json, "reservations"), 0), "ttl_ms"));
    json_decref(json);
    return ttl;
}

TEST(a_hold_past_its_deadline_has_no_time_left)
{
    struct reservation_line line = {.sku = STR("a"), .quantity = 1, .reserved = 1, .version = 2};
    struct reservation r = {.state = RESERVATION_HELD,
                            .created_ms = 1000,
                            .expires_ms = 5000,
                            .line_count = 1,
                            .lines = &line};
    assert_true(reads("/v1/reservations"));
    query.reservations.page = &r;
    query.reservations.count = 1;
    assert_int_equal(ttl_at(4000), 1000);
    assert_int_equal(ttl_at(5000), 0);
    assert_int_equal(ttl_at(9000), 0);
}

TEST(a_missing_item_says_whether_it_may_be_on_its_way)
{
    struct history_lag lag = {.events = 7};
    assert_true(reads("/v1/items/a/movements"));
    json_t *json = rendered(&lag, 0, 404);
    assert_string_equal(json_string_value(at(json, "type")), "/problems/item-not-found");
    assert_string_equal(json_string_value(at(json, "sku")), "a");
    assert_non_null(strstr(json_string_value(at(json, "detail")), "7 events behind"));
    json_decref(json);
    lag.events = 0;
    assert_true(reads("/v1/items/a?at=2026-01-01T00:00:00Z"));
    json = rendered(&lag, 0, 404);
    assert_null(strstr(json_string_value(at(json, "detail")), "behind"));
    json_decref(json);
}

ALL_BETWEEN(setup, teardown)

TEST(a_tenant_asks_for_its_own_past_by_inner_names)
{
    by = (struct requester){.owner = STR("acme/shop"), .items = STR("acme")};
    assert_true(reads("/v1/items/a/movements"));
    assert_true(is(query.movements.tenant, "acme") && is(query.movements.sku, "acme/a"));
    assert_true(reads("/v1/items/a?at=2026-01-01T00:00:00Z"));
    assert_true(is(query.instant.sku, "acme/a"));
    assert_true(reads("/v1/reservations?sku=a&customer=c"));
    assert_true(is(query.reservations.tenant, "acme") && is(query.reservations.sku, "acme/a"));
    assert_true(is(query.reservations.customer, "c"));
    assert_true(reads("/v1/reservations"));
    assert_true(str_absent(query.reservations.sku));
    assert_false(reads("/v1/reservations?sku=acme/a"));
    by.items = (struct str){NULL, 0};
    assert_true(reads("/v1/items/a/movements"));
    assert_true(is(query.movements.tenant, "acme") && is(query.movements.sku, "a"));
    by = (struct requester){.items = STR("default")};
    assert_true(reads("/v1/items/a/movements"));
    assert_true(is(query.movements.tenant, "default") && is(query.movements.sku, "a"));
    by = (struct requester){.items = {NULL, 0}};
}
