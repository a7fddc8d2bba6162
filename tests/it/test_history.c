/* test_history.c -- what a shop asks about the past: lists of reservations, movements, an item as
 * it was; and what it is told while the ledger is late, away or hanging.
 *
 * Everything runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "clock.h"
#include "support/api.h"
#include "support/ledger_base.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define RECOVERY_MS 30000
#define IDS_MAX     512
#define LOOK_MAX    10000 /* reservations that a page may pass over */

static struct bases bases;
static struct stack stack;
static struct api *a = &stack.api;
static struct tproc applier;

/* --- asking ----------------------------------------------------------------------------------- */

static json_t *get(const char *path)
{
    return api_call(a, 200, "GET", path, NULL, NULL);
}

static int64_t item_version(const char *sku)
{
    get(text("/v1/items/%s", sku));
    return api_int(a, "version");
}

static void await_item(const char *sku)
{
    char kept[32], sql[96]; /* over any number of looks */
    snprintf(kept, sizeof(kept), "%s", sku);
    snprintf(sql, sizeof(sql), "SELECT version FROM items WHERE sku = '%s'", kept);
    assert_true(await(base_int(bases.url, sql) == item_version(kept), RECOVERY_MS));
}

static void hold(const char *body)
{
    api_call(a, 201, "POST", "/v1/reservations", NULL, body);
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
    snprintf(kept, sizeof(kept), "%s", query);
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

#define KEEP(to, from) snprintf((to), sizeof(to), "%s", (from))

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
    api_call(a, 200, "POST", text("/v1/reservations/%s/confirm", shop.confirmed), NULL,
             text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1}]}", x));
    api_call(a, 200, "POST", text("/v1/reservations/%s/release", shop.released), NULL, "{}");
    assert_true(await(api_state_is(a, shop.expired, "expired"), RECOVERY_MS));
    assert_true(await(api_state_is(a, shop.again, "expired"), RECOVERY_MS));
    api_call(a, 200, "POST", text("/v1/reservations/%s/confirm", shop.again), NULL,
             "{\"if_expired\":\"rereserve\"}");
    await_item(x);
    await_item(y);
    await_item(z);
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
    json_t *read = get(text("/v1/reservations/%s", id));
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
    snprintf(sku, sizeof(sku), "%s", api_item(a, 1000, 0));
    snprintf(body, sizeof(body),
             "{\"sku\":\"%s\",\"quantity\":1,\"customer\":\"of-%s\",\"reference\":\"for-%s\"}", sku,
             sku, sku);
    there.count = 0;
    for (int i = 0; i < 130; i++) {
        hold(body);
        add_id(&there, api_str(a, "id"));
    }
    await_item(sku);
    check_paging("customer=of-", sku, &there, body);
    check_paging("reference=for-", sku, &there, body);
    check_paging("sku=", sku, &there, body);
    check_paging("state=", "held", &there, body);
    check_paging("", "", &there, body);
}

/* A page passes over so many at the most and says where to go on. */
static void a_search_in_a_long_past_is_cut_into_pages(void **state)
{
    assert_int_equal(
        base_script(bases.url,
                    "INSERT INTO reservations WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
                    "i + 1 FROM n WHERE i < 10100) SELECT 'r0-000000000000' || (1000000000 + i) || "
                    "'0', 0, CASE WHEN i = 7 THEN 'released' ELSE 'confirmed' END, 0, 1, 2, 2, 1, "
                    "'long', NULL, NULL FROM n"),
        DB_OK);
    assert_int_equal(base_script(bases.url,
                                 "INSERT INTO reservation_lines SELECT rid, 0, 'long', 1, 1, 1, 1, "
                                 "NULL, NULL FROM reservations WHERE customer = 'long'"),
                     DB_OK);
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

/* --- one item --------------------------------------------------------------------------------- */

struct movement {
    int64_t version, at_ms;
    char type[16];
    int64_t available, held, sold;
};

/* All of them, oldest first. */
static int take_movements(const char *sku, int limit, struct movement *out, int max)
{
    const char *cursor = NULL;
    int count = 0;
    do {
        get(text("/v1/items/%s/movements?limit=%d%s%s", sku, limit, cursor ? "&cursor=" : "",
                 cursor ? cursor : ""));
        size_t n = json_array_size(json_at(http_resp_json(&a->resp), "movements"));
        assert_true(n > 0 && n <= (size_t)limit && count + (int)n <= max);
        for (size_t i = 0; i < n; i++) {
            struct movement *m = &out[count++];
            const char *at = text("movements[%zu].", i);
            m->version = api_int(a, text("%sversion", at));
            m->at_ms = api_time(a, text("%sat", at));
            m->available = api_int(a, text("%savailable", at));
            m->held = api_int(a, text("%sheld", at));
            m->sold = api_int(a, text("%ssold", at));
            snprintf(m->type, sizeof(m->type), "%s", api_str(a, text("%stype", at)));
        }
        bool last = json_is_null(json_at(http_resp_json(&a->resp), "next_cursor"));
        cursor = last ? NULL : api_str(a, "next_cursor");
    } while (cursor);
    for (int i = 0; i < count / 2; i++) {
        struct movement swap = out[i];
        out[i] = out[count - 1 - i];
        out[count - 1 - i] = swap;
    }
    return count;
}

/* One a test: created, adjusted, held, confirmed in part, expired, sold, set. */
static char lives[3][32];

static void live_all_lives(void)
{
    char brief[3][32];
    for (int i = 0; i < 3; i++) {
        KEEP(lives[i], api_item(a, 10, 0));
        const char *sku = lives[i];
        api_call(a, 200, "POST", text("/v1/items/%s/adjustments", sku), NULL,
                 "{\"delta\":5,\"reason\":\"restock\",\"reference\":\"PO-7\"}");
        hold(text("{\"sku\":\"%s\",\"quantity\":4,\"customer\":\"c-1\",\"reference\":\"o-1\"}",
                  sku));
        const char *id = api_str(a, "id");
        api_call(a, 200, "POST", text("/v1/reservations/%s/confirm", id), NULL,
                 text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":3}]}", sku));
        KEEP(brief[i], api_reserve(a, sku, 2, 1));
    }
    for (int i = 0; i < 3; i++) {
        const char *sku = lives[i];
        assert_true(await(api_state_is(a, brief[i], "expired"), RECOVERY_MS));
        api_call(a, 200, "POST", text("/v1/items/%s/decrements", sku), NULL,
                 "{\"quantity\":1,\"customer\":\"c-2\"}");
        api_call(a, 200, "PUT", text("/v1/items/%s", sku), "If-Match: *\r\n",
                 "{\"on_hand\":20,\"max_per_customer\":5}");
        await_item(sku);
    }
}

static void movements_say_what_happened(void **state)
{
    static const struct {
        const char *type;
        int64_t available, held, sold, available_after;
    } expected[] = {{"set", 9, 0, 0, 20},      {"decrement", -1, 0, 1, 11},
                    {"expire", 2, -2, 0, 12},  {"reserve", -2, 2, 0, 10},
                    {"confirm", 1, -4, 3, 12}, {"reserve", -4, 4, 0, 11},
                    {"adjust", 5, 0, 0, 15},   {"create", 10, 0, 0, 10}};
    const char *sku = lives[0];
    get(text("/v1/items/%s/movements", sku));
    check_size(a, "movements", 8);
    check_null(a, "next_cursor");
    for (int i = 0; i < 8; i++) {
        const char *at = text("movements[%d].", i);
        check_str(a, text("%stype", at), expected[i].type);
        check_int(a, text("%sversion", at), 8 - i);
        check_int(a, text("%savailable_delta", at), expected[i].available);
        check_int(a, text("%sheld_delta", at), expected[i].held);
        check_int(a, text("%ssold_delta", at), expected[i].sold);
        check_int(a, text("%savailable", at), expected[i].available_after);
        check_int(a, text("%son_hand", at),
                  api_int(a, text("%savailable", at)) + api_int(a, text("%sheld", at)));
    }
    check_like(a, "{'movements':[{'customer':null},{'customer':'c-2'},{},{},{'customer':'c-1',"
                  "'reference':'o-1'},{'reference':'o-1'},{'reason':'restock','reference':'PO-7',"
                  "'reservation':null},'...']}");
    check_str(a, "movements[4].reservation", api_str(a, "movements[5].reservation"));
}

static void movements_come_in_pages_and_outlive_their_item(void **state)
{
    struct movement m[16];
    const char *sku = lives[1];
    api_call(a, 204, "DELETE", text("/v1/items/%s", sku), NULL, NULL);
    const char *sql = text("SELECT deleted FROM items WHERE sku = '%s'", sku);
    assert_true(await(base_int(bases.url, sql) == 1, RECOVERY_MS));
    for (int limit = 1; limit <= 9; limit += 4) {
        assert_int_equal(take_movements(sku, limit, m, 16), 9);
        for (int i = 0; i < 9; i++)
            assert_int_equal(m[i].version, i + 1);
        assert_string_equal(m[8].type, "delete");
        assert_int_equal(m[8].available + m[8].held + m[8].sold, 0);
    }
    api_problem(a, 404, "item-not-found", NULL, "GET", "/v1/items/never/movements", NULL, NULL);
    check_str(a, "sku", "never");
}

/* What the movements say about a time is what `at` says. */
static void check_at(const char *sku, int64_t at_ms, const struct movement *m, int count)
{
    const struct movement *last = NULL;
    char at[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(at_ms, at);
    for (int i = 0; i < count && m[i].at_ms <= at_ms; i++)
        last = &m[i];
    const char *path = text("/v1/items/%s?at=%s", sku, at);
    if (!last || strcmp(last->type, "delete") == 0) {
        api_problem(a, 404, "item-not-found", NULL, "GET", path, NULL, NULL);
        check_str(a, "sku", sku);
        return;
    }
    get(path);
    check_header(a, "ETag", NULL);
    check_int(a, "version", last->version);
    check_int(a, "available", last->available);
    check_int(a, "held", last->held);
    check_int(a, "sold", last->sold);
    check_int(a, "on_hand", last->available + last->held);
    assert_int_equal(api_time(a, "updated_at"), last->at_ms);
    assert_int_equal(api_time(a, "at"), at_ms);
}

static void check_all_times(const char *sku)
{
    struct movement m[16];
    int count = take_movements(sku, 500, m, 16);
    check_at(sku, 0, m, count);
    for (int i = 0; i < count; i++)
        for (int64_t near = -1; near <= 1; near++)
            check_at(sku, m[i].at_ms + near, m, count);
    check_at(sku, m[count - 1].at_ms + 3600000, m, count);
}

static void an_item_is_shown_as_it_was(void **state)
{
    const char *sku = lives[2];
    get(text("/v1/items/%s?at=2100-01-01T00:00:00Z", sku));
    check_like(a, "{'max_per_customer':5,'sku':'%s'}", sku);
    api_call(a, 204, "DELETE", text("/v1/items/%s", sku), NULL, NULL);
    api_call(a, 201, "PUT", text("/v1/items/%s", sku), NULL, "{\"on_hand\":3}");
    await_item(sku);
    check_all_times(sku);
    /* As after a restore, and another one: versions go on far above. */
    assert_int_equal(base_script(bases.url, text("UPDATE events SET version = version + 1048576 "
                                                 "WHERE sku = '%s' AND version > 5",
                                                 sku)),
                     DB_OK);
    check_all_times(sku);
    assert_int_equal(base_script(bases.url, text("UPDATE events SET version = version + 3145728 "
                                                 "WHERE sku = '%s' AND version > 1048580",
                                                 sku)),
                     DB_OK);
    check_all_times(sku);
    api_problem(a, 404, "item-not-found", NULL, "GET", "/v1/items/never?at=2026-01-01T00:00:00Z",
                NULL, NULL);
}

static void a_time_may_come_in_any_offset(void **state)
{
    static const char *const same[] = {"2030-06-01T12:00:00Z", "2030-06-01t12:00:00.000z",
                                       "2030-06-01T14:00:00%2B02:00", "2030-06-01T14:00:00+02:00",
                                       "2030-06-01T11:30:00.0001-00:30"};
    const char *sku = api_item(a, 3, 0);
    await_item(sku);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        get(text("/v1/items/%s?at=%s", sku, same[i]));
        check_like(a, "{'at':'2030-06-01T12:00:00.000Z','available':3}");
    }
    get(text("/v1/items/%s?something=else", sku)); /* means nothing, as ever */
    check_absent(a, "ledger");
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
        api_problem(a, 422, "invalid-field", rows[i].field, "GET", rows[i].path, NULL, NULL);
    api_problem(a, 422, "invalid-field", "customer", "GET",
                text("/v1/reservations?customer=%s", long_text), NULL, NULL);
    get(text("/v1/reservations?customer=%.128s", long_text));
}

static void head_is_answered_as_get(void **state)
{
    const char *sku = api_item(a, 3, 0);
    await_item(sku);
    api_call(a, 200, "HEAD", "/v1/reservations", NULL, NULL);
    api_call(a, 200, "HEAD", text("/v1/items/%s/movements", sku), NULL, NULL);
    api_call(a, 200, "HEAD", text("/v1/items/%s?at=2100-01-01T00:00:00Z", sku), NULL, NULL);
    api_call(a, 404, "HEAD", "/v1/items/never/movements", NULL, NULL);
    api_call(a, 422, "HEAD", "/v1/reservations?limit=0", NULL, NULL);
    api_call(a, 405, "DELETE", "/v1/reservations", NULL, NULL);
    check_header(a, "Allow", "GET, HEAD, POST");
}

static bool lag_is(int64_t events)
{
    get("/v1/reservations?limit=1");
    return api_int(a, "ledger.lag_events") == events;
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
    await_item(sku);
    for (int i = 0; i < 3; i++) {
        assert_true(await(has_all(paths[i]), RECOVERY_MS)); /* it is measured every second */
        assert_true(api_time(a, "ledger.as_of") >= at_ms);
    }
}

/* --- troubles --------------------------------------------------------------------------------- */

/* more NULL: only what every test needs. */
static void start(enum base_engine engine, const char *more, const char *value)
{
    db_close(bases_ledger(&bases, engine));
    const char *args[] = {"--ledger", bases.url, more, value, NULL};
    assert_int_equal(stack_start(&stack, NULL, 1, args), 0);
}

static void carry(void)
{
    const char *const argv[] = {getenv("STOCKD"), "ledger",  "--redis", stack.redis.url,
                                "--ledger",       bases.url, NULL};
    char line[128];
    assert_int_equal(tproc_start(&applier, argv, text("%s/applier.err", bases.dir)), 0);
    assert_int_equal(tproc_await_line(&applier, "carrying events", line, sizeof(line), 15000), 0);
    assert_true(await(api_ready(a), RECOVERY_MS));
}

static int trouble_teardown(void **state)
{
    if (applier.pid > 0)
        tproc_stop(&applier, 5000);
    applier = (struct tproc){0};
    return stack_stop(&stack);
}

static int list_status(void)
{
    int err = http_call(&a->conn, "GET", "/v1/reservations", NULL, NULL, &a->resp);
    return err ? err : a->resp.status;
}

static void a_ledger_that_is_late_says_how_much(void **state)
{
    start(engine_of(state), "--no-ledger-apply", NULL);
    carry();
    const char *sku = api_item(a, 10, 0);
    int64_t at_ms = api_time(a, "updated_at");
    await_item(sku);
    assert_true(tproc_stop(&applier, 5000));
    const char *fresh = api_item(a, 10, 0);
    api_reserve(a, sku, 1, 0);
    api_reserve(a, sku, 1, 0);
    assert_true(await(lag_is(3), RECOVERY_MS));
    get(text("/v1/items/%s/movements", sku));
    check_like(a, "{'ledger':{'lag_events':3},'movements':[{}]}");
    assert_true(api_int(a, "ledger.lag_ms") > 0);
    assert_int_equal(api_time(a, "ledger.as_of"), at_ms);
    api_problem(a, 404, "item-not-found", NULL, "GET", text("/v1/items/%s/movements", fresh), NULL,
                NULL);
    assert_non_null(strstr(api_str(a, "detail"), "3 events behind"));
    carry();
    assert_true(await(lag_is(0), RECOVERY_MS));
    get(text("/v1/items/%s/movements", sku));
    check_size(a, "movements", 3);
}

/* The path of the SQLite file. */
static const char *file_of(const char *url)
{
    return url + strlen("sqlite:");
}

static void sql_away(enum base_engine engine)
{
    if (engine == BASE_POSTGRES) {
        tpg_kill9(&bases.pg);
        return;
    }
    assert_int_equal(rename(file_of(bases.url), text("%s.away", file_of(bases.url))), 0);
    assert_int_equal(mkdir(file_of(bases.url), 0700), 0);
}

static void sql_back(enum base_engine engine)
{
    if (engine == BASE_POSTGRES) {
        assert_int_equal(tpg_restart(&bases.pg), 0);
        return;
    }
    assert_int_equal(rmdir(file_of(bases.url)), 0);
    assert_int_equal(rename(text("%s.away", file_of(bases.url)), file_of(bases.url)), 0);
}

static void without_sql_reservations_go_on(void **state)
{
    enum base_engine engine = engine_of(state);
    start(engine, NULL, NULL);
    const char *sku = api_item(a, 10, 0);
    await_item(sku);
    if (engine == BASE_POSTGRES)
        get("/v1/reservations"); /* a connection is open, and will be lost */
    sql_away(engine);
    for (int i = 0; i < 3; i++) {
        api_problem(a, 503, "ledger-unavailable", NULL, "GET", "/v1/reservations", NULL, NULL);
        check_header(a, "Retry-After", "2");
        api_problem(a, 503, "ledger-unavailable", NULL, "GET",
                    text("/v1/items/%s?at=2026-01-01T00:00:00Z", sku), NULL, NULL);
        api_reserve(a, sku, 1, 0);
    }
    get(text("/v1/items/%s", sku));
    sql_back(engine);
    assert_true(await(list_status() == 200, RECOVERY_MS));
    await_item(sku);
    get(text("/v1/reservations?sku=%s", sku));
    check_size(a, "reservations", 3);
}

/* Stops or continues the server and all that it has started. */
static void signal_postgres(int signo)
{
    char path[64], line[8192] = "";
    pid_t pid = bases.pg.proc.pid;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    assert_int_equal(kill(pid, signo), 0);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    (void)!fgets(line, sizeof(line), file);
    fclose(file);
    for (char *save, *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
        if (*word != '\n')
            kill((pid_t)strtol(word, NULL, 10), signo);
}

/* One worker, and more questions than it has connections: if any of them held up the loop, the
 * others would be answered when the database is let go, which is after all the answers. */
static void a_database_that_hangs_holds_up_nobody_else(void **state)
{
    enum { ASKING = 6 };
    struct http_conn asking[ASKING];
    struct http_resp resp = {.status = 0};
    start(BASE_POSTGRES, "--request-timeout", "2s");
    const char *sku = api_item(a, 100, 0);
    await_item(sku);
    get("/v1/reservations");
    signal_postgres(SIGSTOP);
    for (int i = 0; i < ASKING; i++) {
        http_conn_init(&asking[i], stack.service.port);
        assert_int_equal(http_send_call(&asking[i], "GET", "/v1/reservations", NULL, NULL, 0), 0);
        api_reserve(a, sku, 1, 0);
        get(text("/v1/items/%s", sku));
    }
    for (int i = 0; i < ASKING; i++) {
        assert_int_equal(http_receive(&asking[i], false, &resp), 0);
        assert_int_equal(resp.status, 503);
        assert_non_null(strstr(resp.body, "/problems/ledger-unavailable"));
        http_conn_close(&asking[i]);
    }
    http_resp_free(&resp);
    api_reserve(a, sku, 1, 0);
    signal_postgres(SIGCONT);
    assert_true(await(list_status() == 200, RECOVERY_MS));
    await_item(sku);
    get(text("/v1/reservations?sku=%s", sku));
    check_size(a, "reservations", ASKING + 1);
}

/* The database hangs longer than the service has to leave: it leaves. */
static void a_service_stops_while_its_database_hangs(void **state)
{
    struct http_conn asking;
    struct http_resp resp = {.status = 0};
    start(BASE_POSTGRES, "--no-ledger-apply", "--drain=200ms");
    get("/v1/reservations");
    signal_postgres(SIGSTOP);
    http_conn_init(&asking, stack.service.port);
    assert_int_equal(http_send_call(&asking, "GET", "/v1/reservations", NULL, NULL, 0), 0);
    assert_true(tservice_stop(&stack.service));
    assert_int_equal(http_receive(&asking, false, &resp), 0);
    assert_int_equal(resp.status, 503);
    signal_postgres(SIGCONT);
    http_resp_free(&resp);
    http_conn_close(&asking);
}

static void without_a_ledger_there_is_no_past(void **state)
{
    static const char *const extra[] = {"--ledger", "none", NULL};
    assert_int_equal(stack_start(&stack, NULL, 1, extra), 0);
    const char *sku = api_item(a, 10, 0);
    api_problem(a, 404, "ledger-missing", NULL, "GET", "/v1/reservations", NULL, NULL);
    api_problem(a, 404, "ledger-missing", NULL, "GET", text("/v1/items/%s/movements", sku), NULL,
                NULL);
    api_problem(a, 404, "ledger-missing", NULL, "GET",
                text("/v1/items/%s?at=2026-01-01T00:00:00Z", sku), NULL, NULL);
    get(text("/v1/items/%s", sku));
}

/* --- groups ----------------------------------------------------------------------------------- */

static int start_sqlite(void **state)
{
    start(BASE_SQLITE, NULL, NULL);
    fill_shop();
    live_all_lives();
    return 0;
}

static int start_postgres(void **state)
{
    start(BASE_POSTGRES, NULL, NULL);
    fill_shop();
    live_all_lives();
    return 0;
}

static int stop(void **state)
{
    return stack_stop(&stack);
}

static const struct CMUnitTest of_the_past[] = {
    cmocka_unit_test(filters_find_what_fits_all_of_them),
    cmocka_unit_test(a_state_alone_lists_all_in_it),
    cmocka_unit_test(a_listed_reservation_is_the_one_that_is_read),
    cmocka_unit_test(pages_have_neither_gaps_nor_doubles),
    cmocka_unit_test(movements_say_what_happened),
    cmocka_unit_test(movements_come_in_pages_and_outlive_their_item),
    cmocka_unit_test(an_item_is_shown_as_it_was),
    cmocka_unit_test(a_time_may_come_in_any_offset),
    cmocka_unit_test(wrong_parameters_are_named),
    cmocka_unit_test(head_is_answered_as_get),
    cmocka_unit_test(a_ledger_that_has_all_says_so),
    cmocka_unit_test(a_search_in_a_long_past_is_cut_into_pages),
};

#define ON_BOTH(test) ON_ENGINES(test, NULL, trouble_teardown)
/* clang-format off */
#define ON_POSTGRES(test) {#test " (postgresql)", test, NULL, trouble_teardown, &base_engines[BASE_POSTGRES]}
static const struct CMUnitTest of_troubles[] = {
    ON_BOTH(a_ledger_that_is_late_says_how_much),
    ON_BOTH(without_sql_reservations_go_on),
    ON_POSTGRES(a_database_that_hangs_holds_up_nobody_else),
    ON_POSTGRES(a_service_stops_while_its_database_hangs),
    {"without_a_ledger_there_is_no_past", without_a_ledger_there_is_no_past, NULL, trouble_teardown, NULL},
};
/* clang-format on */

int main(void)
{
    bool has_postgres = bases_start(&bases) == 0;
    int failed = cmocka_run_group_tests_name("history (sqlite)", of_the_past, start_sqlite, stop);
    if (has_postgres) {
        failed +=
            cmocka_run_group_tests_name("history (postgresql)", of_the_past, start_postgres, stop);
    } else {
        print_message("PostgreSQL did not start: its half of this suite is NOT RUN\n");
        cmocka_set_skip_filter("*(postgresql)");
    }
    failed += cmocka_run_group_tests_name("history in trouble", of_troubles, NULL, NULL);
    bases_stop(&bases);
    return failed;
}
