/* test_tenants_lists.c -- lists, movements and the feed of a tenant have what is its own, and
 * nothing of another's, whoever makes how much meanwhile.
 */
#include "support/feed_log.h"
#include "support/tenants.h"

#include <stdlib.h>

static char sku[64], ids[EACH][64]; /* an item, and a hold of each */

/* --- lists, movements, the feed --------------------------------------------------------------- */

/* The store makes an item, of which each tenant holds and one more is its own item. */
static void make_pasts(const char *items)
{
    bool own = strcmp(items, "own") == 0;
    int64_t before = feed_log_rows();
    KEEP(sku, new_sku());
    for (size_t i = 0; i < EACH; i++) {
        if (own || each[i] == STORE)
            must(201, each[i], "PUT", ITEM(sku), "{\"on_hand\":100}");
    }
    for (size_t i = 0; i < EACH; i++) {
        must(201, each[i], "POST", RESERVATIONS,
             text("{\"sku\":\"%s\",\"quantity\":1,\"customer\":\"eva\",\"reference\":\"r-1\"}",
                  sku));
        KEEP(ids[i], api_str(a, "id"));
    }
    feed_log_await_rows(before + (own ? 2 * (int64_t)EACH : 1 + (int64_t)EACH));
}

static void check_list(size_t i, const char *query)
{
    must(200, each[i], "GET", text("/v1/reservations?%s", query), NULL);
    check_size(a, "reservations", 1);
    check_str(a, "reservations[0].id", ids[i]);
    check_str(a, "reservations[0].lines[0].sku", sku);
    check_str(a, "reservations[0].customer", "eva");
}

static void check_lists(void)
{
    for (size_t i = 0; i < EACH; i++) {
        check_list(i, text("sku=%s", sku));
        check_list(i, text("sku=%s&customer=eva", sku));
        check_list(i, text("sku=%s&reference=r-1", sku));
        check_list(i, text("sku=%s&state=held&limit=1", sku));
        must(200, each[i], "GET", text("/v1/reservations?sku=%s&state=released", sku), NULL);
        check_size(a, "reservations", 0);
        for (size_t k = 0; k < EACH; k++) { /* a cursor may be another's */
            must(200, each[i], "GET", text("/v1/reservations?sku=%s&cursor=%s", sku, ids[k]), NULL);
            json_t *page = json_at(http_resp_json(&a->resp), "reservations");
            for (size_t n = 0; n < json_array_size(page); n++)
                check_str(a, text("reservations[%zu].id", n), ids[i]);
        }
    }
}

static void lists_are_a_tenants_own(void **state)
{
    static const char *const modes[] = {"shared", "own"};
    for (size_t m = 0; m < 2; m++) {
        tenants_serve(state, modes[m]);
        make_pasts(modes[m]);
        check_lists();
        for (size_t i = 0; i < EACH; i++) {
            bool made = m == 1 || each[i] == STORE;
            must(200, each[i], "GET", text("/v1/items/%s/movements", sku), NULL);
            check_size(a, "movements", made ? 2 : 1);
            check_str(a, "movements[0].type", "reserve");
            check_str(a, "movements[0].reservation", ids[i]);
            must(200, each[i], "GET", text("/v1/items/%s?at=2100-01-01T00:00:00Z", sku), NULL);
            check_str(a, "sku", sku);
            check_int(a, "held", m == 1 ? 1 : (int)EACH);
        }
    }
}

/* Follows the feed to its end; how many events of reservations there were, all of them its own. */
static size_t follow(size_t i, unsigned limit, unsigned wait_s)
{
    char cursor[SSE_ID_MAX] = "", seen[SSE_ID_MAX];
    size_t count = 0;
    do {
        KEEP(seen, cursor);
        must(200, each[i], "GET", text("/v1/events?after=%s&limit=%u&wait=%u", seen, limit, wait_s),
             NULL);
        json_t *page = json_at(http_resp_json(&a->resp), "events");
        for (size_t n = 0; n < json_array_size(page); n++) {
            const char *id = json_string_value(json_at(page, text("[%zu].reservation", n)));
            if (id) {
                assert_string_equal(id, ids[i]);
                count++;
            }
        }
        KEEP(cursor, api_str(a, "next_cursor"));
    } while (strcmp(seen, cursor) != 0);
    return count;
}

static void the_feed_is_a_tenants_own(void **state)
{
    tenants_serve(state, "shared");
    make_pasts("shared");
    for (unsigned limit = 1; limit <= 100; limit = 3 * limit + 1)
        for (size_t i = 0; i < EACH; i++)
            assert_int_equal(follow(i, limit, 0), 1);
    for (size_t i = 0; i < EACH; i++) { /* of those who wait pages are kept for others */
        must(200, each[i], "GET", "/v1/events?after=&limit=100&wait=1", NULL);
        json_t *page = json_at(http_resp_json(&a->resp), "events");
        assert_int_equal(json_array_size(page), each[i] == STORE ? 2 : 1);
    }
}

static void ask_long(struct http_conn *c, enum who who, const char *path)
{
    http_conn_init(c, stack.service.port);
    assert_int_equal(http_send_call(c, "GET", path, key_of(who), NULL, 0), 0);
}

/* Wakes up for what others do, and is told of its own alone. */
static void a_long_poll_waits_for_its_tenants_events(void **state)
{
    struct http_conn waits;
    struct http_resp resp = {0};
    tenants_serve(state, "shared");
    make_pasts("shared");
    must(200, UMBRA, "GET", "/v1/events?after=latest", NULL);
    ask_long(&waits, UMBRA, text("/v1/events?wait=30&after=%s", api_str(a, "next_cursor")));
    for (int i = 0; i < 20; i++)
        must(201, i % 2 ? ACME : STORE, "POST", RESERVATIONS, LINE(sku, 1));
    feed_log_await_rows(24);
    must(201, UMBRA, "POST", RESERVATIONS, LINE(sku, 1));
    char mine[64];
    KEEP(mine, api_str(a, "id"));
    assert_int_equal(http_receive(&waits, false, &resp), 0);
    json_t *root = http_resp_json(&resp);
    /* On a machine that stood still it may have waited in vain: then nothing is told. */
    if (json_array_size(json_at(root, "events")) > 0) {
        assert_int_equal(json_array_size(json_at(root, "events")), 1);
        assert_string_equal(json_string_value(json_at(root, "events[0].reservation")), mine);
    }
    http_resp_free(&resp);
    http_conn_close(&waits);
}

static void a_stream_has_its_tenants_events(void **state)
{
    struct sse s;
    char type[SSE_TYPE_MAX], mine[64];
    tenants_serve(state, "shared");
    make_pasts("shared");
    sse_open(&s, stack.service.port, "1.1", "/v1/events?after=latest", key_of(UMBRA));
    sse_await_start(&s);
    for (int i = 0; i < 20; i++)
        must(201, i % 2 ? ACME : STORE, "POST", RESERVATIONS, LINE(sku, 1));
    feed_log_await_rows(24);
    must(201, UMBRA, "POST", RESERVATIONS, LINE(sku, 1));
    KEEP(mine, api_str(a, "id"));
    json_t *event;
    do {
        event = sse_next(&s, type, RECOVERY_MS);
        assert_non_null(event);
        if (strcmp(type, "lag") == 0)
            json_decref(event);
    } while (strcmp(type, "lag") == 0);
    assert_string_equal(json_string_value(json_at(event, "reservation")), mine);
    json_decref(event);
    sse_close(&s);
}

static bool has_ended(struct sse *s)
{
    static const char last[] = "\r\n0\r\n\r\n";
    sse_receive(s, 100);
    return memmem(s->in, s->n, last, sizeof(last) - 1) != NULL;
}

/* The file of keys as an operator may write it: the same key, of another tenant. */
static void a_stream_ends_when_its_key_is_of_another_tenant(void **state)
{
    struct api_key_spec moved[SPECS];
    struct sse s;
    memcpy(moved, specs, sizeof(specs));
    for (size_t i = 0; i < SPECS; i++)
        if (moved[i].whose == UMBRA)
            moved[i].tenant = "acme-tenant";
    tenants_serve(state, "shared");
    sse_open(&s, stack.service.port, "1.1", "/v1/events", key_of(UMBRA));
    sse_await_start(&s);
    assert_int_equal(api_keys_write_specs(tenant_keys, moved, SPECS), 0);
    assert_true(await(has_ended(&s), RECOVERY_MS));
    assert_int_equal(api_keys_write_specs(tenant_keys, specs, SPECS), 0);
    sse_close(&s);
}

static bool expired(enum who who, const char *id)
{
    return call_as(who, "GET", RESERVATION(id), NULL) == 200 &&
           strcmp(api_str(a, "state"), "expired") == 0;
}

static void an_expiry_is_told_to_whom_it_was(void **state)
{
    tenants_serve(state, "shared");
    KEEP(sku, new_sku());
    must(201, STORE, "PUT", ITEM(sku), "{\"on_hand\":10}");
    must(201, ACME, "POST", RESERVATIONS,
         text("{\"sku\":\"%s\",\"quantity\":1,\"ttl_seconds\":1}", sku));
    KEEP(ids[0], api_str(a, "id"));
    assert_true(await(expired(ACME, ids[0]), EXPIRY_TIMEOUT_MS));
    feed_log_await_rows(3);
    assert_int_equal(follow(0, 10, 0), 2);
    for (size_t i = 0; i < STRANGERS; i++) {
        must(404, strangers[i], "GET", RESERVATION(ids[0]), NULL);
        must(200, strangers[i], "GET", text("/v1/items/%s/movements", sku), NULL);
        check_size(a, "movements", strangers[i] == STORE ? 1 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(lists_are_a_tenants_own),
        ON_BOTH(the_feed_is_a_tenants_own),
        ON_BOTH(a_long_poll_waits_for_its_tenants_events),
        ON_BOTH(a_stream_has_its_tenants_events),
        SQLITE_TEST(a_stream_ends_when_its_key_is_of_another_tenant),
        ON_BOTH(an_expiry_is_told_to_whom_it_was),
    };
    return run_tenants("tenants' lists", tests);
}
