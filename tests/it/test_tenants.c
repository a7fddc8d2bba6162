/* test_tenants.c -- what a tenant makes does not exist for another: not by its name, in no list and
 * no feed, and whatever is asked of it changes nothing. No answer ever names a tenant.
 */
#include "core/route.h"
#include "http/request_op.h"
#include "support/api_keys.h"
#include "support/feed_log.h"
#include "support/fixture.h"

#include <stdlib.h>

static char dir[TEST_PATH_MAX], keys[TEST_PATH_MAX + 8], access_log[TEST_PATH_MAX + 8];

/* --- who asks --------------------------------------------------------------------------------- */

/* Two clients of one tenant, one of another, and one of the default tenant: the store's. */
enum who { ACME = 20, ACME_SELLER, UMBRA, STORE };

/* Nothing else of what is sent has these words in it. */
static const struct api_key_spec specs[] = {{ACME, ROLE_ADMIN, "acme-tenant"},
                                            {ACME_SELLER, ROLE_SELLER, "acme-tenant"},
                                            {UMBRA, ROLE_ADMIN, "umbra-tenant"},
                                            {STORE, ROLE_ADMIN, "default"}};
#define SPECS       (sizeof(specs) / sizeof(specs[0]))
#define TENANT_WORD "-tenant"

static const enum who strangers[] = {UMBRA, STORE};
static const enum who each[] = {ACME, UMBRA, STORE};
#define STRANGERS (sizeof(strangers) / sizeof(strangers[0]))
#define EACH      (sizeof(each) / sizeof(each[0]))

static const char *key_of(enum who who)
{
    char key[API_KEY_SIZE];
    api_key_of((int)who, key);
    return text("Authorization: Bearer %s\r\n", key);
}

/* headers: more of them, or "". */
static int call_with(enum who who, const char *headers, const char *method, const char *path,
                     const char *body)
{
    const char *all = text("%s%s", key_of(who), headers);
    int rc = http_call(&a->conn, method, path, all, body, &a->resp);
    free(a->request);
    a->request = strdup(text("%s %s\n%s%s", method, path, all, body ? body : ""));
    assert_int_equal(rc, 0);
    assert_null(strstr(a->resp.head, TENANT_WORD));
    assert_null(strstr(a->resp.body, TENANT_WORD));
    return a->resp.status;
}

static int call_as(enum who who, const char *method, const char *path, const char *body)
{
    return call_with(who, "", method, path, body);
}

#define must(status, ...) assert_int_equal(call_as(__VA_ARGS__), (status))

static void serve_tenants(void **state, const char *items)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state,
          .flags = {"--keys-file", keys, "--access-log", access_log, "--tenant-items", items});
}

/* Where the stream ends: entries that SQL has leave it at the other end. */
static int64_t events(void)
{
    redisReply *last = redis_ask(&stack.redis, "XREVRANGE {p0}:events + - COUNT 1");
    assert_int_equal(last->elements, 1);
    const char *seq = strchr(last->element[0]->element[0]->str, '-');
    assert_non_null(seq);
    int64_t number = strtoll(seq + 1, NULL, 10);
    freeReplyObject(last);
    return number;
}

/* The last answer, without what runs on. */
static char *answer(void)
{
    char *body = strdup(a->resp.body), *at = body ? strstr(body, "\"ttl_ms\"") : NULL;
    assert_non_null(body);
    if (at)
        *at = '\0';
    return body;
}

/* --- by its name ------------------------------------------------------------------------------ */

static char sku[64], held[64], op_key[80];
#define NEVER_WAS "r0-0000000000000000000000g"

/* An item of Acme's with a hold, and an operation with a key. */
static void make_things(void)
{
    KEEP(sku, new_sku());
    must(201, ACME, "PUT", ITEM(sku), "{\"on_hand\":100}");
    snprintf(op_key, sizeof(op_key), "k-%s", sku);
    assert_int_equal(call_with(ACME, text("Idempotency-Key: %s\r\n", op_key), "POST",
                               DECREMENT(sku), "{\"quantity\":1}"),
                     200);
    must(201, ACME, "POST", RESERVATIONS, LINE(sku, 2));
    KEEP(held, api_str(a, "id"));
}

static const struct {
    enum route_method bit;
    const char *name;
} methods[] = {{METHOD_GET, "GET"},
               {METHOD_HEAD, "HEAD"},
               {METHOD_POST, "POST"},
               {METHOD_PUT, "PUT"},
               {METHOD_DELETE, "DELETE"}};
#define METHODS (sizeof(methods) / sizeof(methods[0]))

/* What the parameter of a route names; NULL: nothing of a tenant's. */
static const char *named_by(const struct route_row *row, bool own_items)
{
    if (strstr(row->pattern, "/items/{"))
        return own_items ? sku : NULL;
    if (strstr(row->pattern, "/reservations/{"))
        return held;
    if (strstr(row->pattern, "/operations/{"))
        return op_key;
    if (strchr(row->pattern, '{') && row->id != ROUTE_PROBLEM && row->id != ROUTE_PAGE)
        fail_msg("whose is what %s names?", row->pattern);
    return NULL;
}

static const char *path_to(const struct route_row *row, const char *name)
{
    const char *param = strchr(row->pattern, '{');
    return text("%.*s%s%s", (int)(param - row->pattern), row->pattern, name,
                strchr(param, '}') + 1);
}

static const char *body_of(enum route_id id, enum route_method method)
{
    if (!(method & (METHOD_POST | METHOD_PUT)))
        return NULL;
    switch (id) {
    case ROUTE_ITEM: return "{\"on_hand\":2000}";
    case ROUTE_ADJUSTMENTS: return "{\"delta\":1}";
    case ROUTE_DECREMENTS: return "{\"quantity\":1}";
    case ROUTE_TRANSFERS: return "{\"to\":\"elsewhere\",\"quantity\":1}";
    case ROUTE_EXTEND: return "{\"ttl_seconds\":900}";
    default: return "{}";
    }
}

/* It is told what it would be of one that never was. */
static void ask_for_anothers(enum who who, const struct route_row *row, size_t m, const char *name)
{
    bool put = methods[m].bit == METHOD_PUT; /* else it would make one of its own */
    const char *headers = put ? "If-Match: *\r\n" : "Idempotency-Key: foreign\r\n";
    const char *body = body_of(row->id, methods[m].bit);
    int64_t before = events();
    int status = call_with(who, headers, methods[m].name, path_to(row, name), body);
    if (status != (put ? 412 : 404))
        fail_msg("%d: %s %s answered %d", who, methods[m].name, row->pattern, status);
    char *told = answer();
    if (name == held) {
        assert_int_equal(call_with(who, headers, methods[m].name, path_to(row, NEVER_WAS), body),
                         404);
        assert_string_equal(told, a->resp.body);
    }
    free(told);
    assert_int_equal(events(), before);
}

static void walk_routes(bool own_items)
{
    make_things();
    must(200, ACME, "GET", RESERVATION(held), NULL);
    char *before = answer();
    for (int id = 0; id < ROUTE_NONE; id++) {
        const struct route_row *row = route_row((enum route_id)id);
        const char *name = named_by(row, own_items);
        for (size_t m = 0; name && m < METHODS; m++)
            for (size_t i = 0; i < STRANGERS && row->methods & methods[m].bit; i++)
                ask_for_anothers(strangers[i], row, m, name);
    }
    must(200, ACME, "GET", RESERVATION(held), NULL);
    char *after = answer();
    assert_string_equal(before, after);
    free(before);
    free(after);
    must(404, ACME, "GET", "/v1/operations/foreign", NULL);
    must(200, ACME, "GET", text("/v1/operations/%s", op_key), NULL);
}

static void what_is_anothers_is_404_by_every_route(void **state)
{
    serve_tenants(state, "shared");
    walk_routes(false);
    serve_tenants(state, "own");
    walk_routes(true);
}

static void what_is_anothers_is_404_by_every_operation_of_a_batch(void **state)
{
    serve_tenants(state, "shared");
    make_things();
    for (int kind = 0; kind < OP_KINDS; kind++) {
        const struct op_trait *trait = op_trait((enum op_kind)kind);
        if (!op_schema_of_name(str_of(trait->name)) || !trait->names_reservation)
            continue;
        const char *more = kind == OP_EXTEND ? ",\"ttl_seconds\":700" : "";
        const char *body = text("{\"operations\":[{\"op\":\"%s\",\"id\":\"%s\"%s},"
                                "{\"op\":\"%s\",\"id\":\"" NEVER_WAS "\"%s}]}",
                                trait->name, held, more, trait->name, more);
        for (size_t i = 0; i < STRANGERS; i++) {
            int64_t before = events();
            must(200, strangers[i], "POST", "/v1/batch", body);
            check_int(a, "results[0].status", 404);
            json_t *root = http_resp_json(&a->resp);
            assert_true(json_equal(json_at(root, "results[0]"), json_at(root, "results[1]")));
            assert_int_equal(events(), before);
        }
    }
    must(200, ACME_SELLER, "POST", CONFIRM(held), "{}"); /* and nothing has ended it */
}

static void clients_of_a_tenant_share_what_it_has(void **state)
{
    serve_tenants(state, "own");
    make_things();
    must(200, ACME_SELLER, "GET", RESERVATION(held), NULL);
    must(200, ACME_SELLER, "GET", ITEM(sku), NULL);
    must(200, ACME_SELLER, "GET", text("/v1/operations/%s", op_key), NULL);
    must(200, ACME_SELLER, "POST", EXTEND(held), "{\"ttl_seconds\":900}");
    must(200, ACME_SELLER, "POST", RELEASE(held), "{}");
}

/* --- keys of operations ----------------------------------------------------------------------- */

static int decrement_once(enum who who, const char *key, int quantity)
{
    return call_with(who, text("Idempotency-Key: %s\r\n", key), "POST", DECREMENT(sku),
                     text("{\"quantity\":%d}", quantity));
}

static void a_key_that_another_tenant_has_is_free(void **state)
{
    serve_tenants(state, "shared");
    KEEP(sku, new_sku());
    must(201, STORE, "PUT", ITEM(sku), "{\"on_hand\":100}");
    for (size_t i = 0; i < EACH; i++) {
        must(404, each[i], "GET", "/v1/operations/k", NULL);
        assert_int_equal(decrement_once(each[i], "k", 1 + (int)i), 200);
        check_header(a, "Idempotent-Replayed", NULL);
        check_str(a, "id", "k");
    }
    for (size_t i = 0; i < EACH; i++) {
        assert_int_equal(decrement_once(each[i], "k", 1 + (int)i), 200);
        check_header(a, "Idempotent-Replayed", "true");
        assert_int_equal(decrement_once(each[i], "k", 50), 422);
        must(200, each[i], "GET", "/v1/operations/k", NULL);
        check_str(a, "id", "k");
        check_int(a, "body.quantity", 1 + (int)i);
    }
    assert_int_equal(decrement_once(ACME_SELLER, "k", 1), 200);
    check_header(a, "Idempotent-Replayed", "true");
    must(200, STORE, "GET", ITEM(sku), NULL);
    check_int(a, "on_hand", 100 - 1 - 2 - 3);
}

/* An inner name is no key that anybody can say: it has a blank in it. */
static void a_key_cannot_reach_into_another_tenant(void **state)
{
    static const char *const forged[] = {
        "acme-tenant%20", "acme-tenant+",   "acme-tenant/", "acme-tenant%2F",
        "acme-tenant%00", "acme-tenant%ff", "%20",          "default%20"};
    serve_tenants(state, "shared");
    make_things();
    for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++)
        for (size_t w = 0; w < EACH; w++) {
            int status = http_call(&a->conn, "GET", text("/v1/operations/%s%s", forged[i], op_key),
                                   key_of(each[w]), NULL, &a->resp);
            assert_int_equal(status, 0);
            assert_true(a->resp.status == 404 || a->resp.status == 400);
        }
    assert_int_equal(call_with(STORE, "Idempotency-Key: acme-tenant k\r\n", "POST", DECREMENT(sku),
                               "{\"quantity\":1}"),
                     422);
}

static void keys_of_a_batch_are_a_tenants(void **state)
{
    serve_tenants(state, "shared");
    KEEP(sku, new_sku());
    must(201, STORE, "PUT", ITEM(sku), "{\"on_hand\":100}");
    const char *body = text("{\"operations\":[{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
                            "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":2,"
                            "\"idempotency_key\":\"mine\"}]}",
                            sku, sku);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < EACH; i++) {
            assert_int_equal(
                call_with(each[i], "Idempotency-Key: K\r\n", "POST", "/v1/batch", body), 200);
            check_like(a,
                       "{'results':[{'status':200,'replayed':%s,'body':{'id':'K/0'}},"
                       "{'status':200,'replayed':%s,'body':{'id':'mine'}}]}",
                       round ? "true" : "false", round ? "true" : "false");
            must(200, each[i], "GET", "/v1/operations/K%2F0", NULL);
            check_str(a, "id", "K/0");
        }
    must(200, STORE, "GET", ITEM(sku), NULL);
    check_int(a, "on_hand", 100 - (int)EACH * 3);
}

/* --- items ------------------------------------------------------------------------------------ */

static void a_limit_counts_a_customer_of_each_tenant(void **state)
{
    serve_tenants(state, "shared");
    KEEP(sku, new_sku());
    must(201, STORE, "PUT", ITEM(sku), "{\"on_hand\":100,\"max_per_customer\":2}");
    const char *two = text("{\"sku\":\"%s\",\"quantity\":2,\"customer\":\"eva\"}", sku);
    for (size_t i = 0; i < EACH; i++) {
        must(201, each[i], "POST", RESERVATIONS, two);
        const char *id = api_str(a, "id");
        must(409, each[i], "POST", RESERVATIONS, two);
        check_like(a, "{'lines':[{'limit':2,'used':2}]}");
        must(200, each[i], "POST", RELEASE(id), "{}");
        must(201, each[i], "POST", RESERVATIONS, two);
        must(200, each[i], "POST", CONFIRM(api_str(a, "id")), "{}");
        must(409, each[i], "POST", DECREMENT(sku), "{\"quantity\":1,\"customer\":\"eva\"}");
    }
    check_audit(0);
}

/* The names of a list that is read in pages of so many. */
static const char *names_of(enum who who, const char *prefix, int limit)
{
    char names[4096] = "", cursor[128] = "";
    size_t n = 0;
    do {
        must(200, who, "GET",
             text("/v1/items?limit=%d&prefix=%s%s%s", limit, prefix, *cursor ? "&cursor=" : "",
                  cursor),
             NULL);
        json_t *root = http_resp_json(&a->resp), *items = json_at(root, "items");
        for (size_t i = 0; i < json_array_size(items); i++)
            n += (size_t)snprintf(names + n, sizeof(names) - n, "%s ",
                                  json_string_value(json_at(items, text("[%zu].sku", i))));
        const char *next = json_string_value(json_at(root, "next_cursor"));
        snprintf(cursor, sizeof(cursor), "%s", next ? next : "");
    } while (*cursor);
    return text("%s", names);
}

/* Names before, behind and between those that the tenants' have inside. */
static void a_list_has_the_items_of_its_tenant_alone(void **state)
{
    static const char *const of_store[] = {
        "a", "acme", "acme-tenan", "acme-tenant", "acme-tenant0", "b", "umbra-tenant.x", "z"};
    static const char *const of_umbra[] = {"a", "acme", "umbra"};
    serve_tenants(state, "own");
    for (int i = 0; i < 12; i++)
        must(201, ACME, "PUT", text("/v1/items/s-%02d", i), "{\"on_hand\":1}");
    for (size_t i = 0; i < sizeof(of_umbra) / sizeof(of_umbra[0]); i++)
        must(201, UMBRA, "PUT", ITEM(of_umbra[i]), "{\"on_hand\":2}");
    for (size_t i = 0; i < sizeof(of_store) / sizeof(of_store[0]); i++) {
        const char *who = key_of(STORE); /* its own names have the word in them */
        api_call(a, 201, "PUT", ITEM(of_store[i]), who, "{\"on_hand\":3}");
    }
    for (int limit = 1; limit <= 20; limit = 2 * limit + 1) {
        assert_string_equal(names_of(ACME, "", limit), "s-00 s-01 s-02 s-03 s-04 s-05 s-06 s-07 "
                                                       "s-08 s-09 s-10 s-11 ");
        assert_string_equal(names_of(ACME, "s-1", limit), "s-10 s-11 ");
        assert_string_equal(names_of(ACME, "acme", limit), "");
        assert_string_equal(names_of(UMBRA, "", limit), "a acme umbra ");
        assert_string_equal(names_of(UMBRA, "a", limit), "a acme ");
        assert_string_equal(names_of(STORE, "z", limit), "z ");
    }
    api_call(a, 200, "GET", "/v1/items?limit=3", key_of(STORE), NULL);
    check_like(a, "{'items':[{'sku':'a','on_hand':3},{'sku':'acme'},{'sku':'acme-tenan'}]}");
    api_call(a, 200, "GET", "/v1/items?cursor=acme-tenan", key_of(STORE), NULL);
    check_like(a, "{'items':[{'sku':'acme-tenant'},{'sku':'acme-tenant0'},{'sku':'b'},"
                  "{'sku':'umbra-tenant.x'},{'sku':'z'}],'next_cursor':null}");
    check_audit(0);
}

static void items_of_one_name_are_as_many_as_tenants(void **state)
{
    serve_tenants(state, "own");
    KEEP(sku, new_sku());
    for (size_t i = 0; i < EACH; i++) {
        must(404, each[i], "GET", ITEM(sku), NULL);
        must(404, each[i], "POST", RESERVATIONS, LINE(sku, 1));
        must(201, each[i], "PUT", ITEM(sku), text("{\"on_hand\":%zu}", 10 + i));
        check_str(a, "sku", sku);
        check_int(a, "version", 1);
    }
    for (size_t i = 0; i < EACH; i++) {
        must(409, each[i], "POST", RESERVATIONS, LINE(sku, 50));
        check_like(a, "{'lines':[{'sku':'%s','available':%zu}]}", sku, 10 + i);
        must(201, each[i], "POST", RESERVATIONS, LINE(sku, 1));
        check_like(a, "{'lines':[{'sku':'%s','remaining':%zu,'version':2}]}", sku, 9 + i);
        const char *id = api_str(a, "id");
        must(200, each[i], "POST", CONFIRM(id),
             text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1}]}", sku));
        must(201, each[i], "PUT", ITEM("other"), "{\"on_hand\":0}");
        must(200, each[i], "POST", TRANSFER(sku), "{\"to\":\"other\",\"quantity\":2}");
        check_like(a, "{'from':{'sku':'%s'},'to':{'sku':'other','remaining':2}}", sku);
    }
}

/* --- lists, movements, the feed --------------------------------------------------------------- */

static char ids[EACH][64];

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
        serve_tenants(state, modes[m]);
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
    serve_tenants(state, "shared");
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
    serve_tenants(state, "shared");
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
    serve_tenants(state, "shared");
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
    serve_tenants(state, "shared");
    sse_open(&s, stack.service.port, "1.1", "/v1/events", key_of(UMBRA));
    sse_await_start(&s);
    assert_int_equal(api_keys_write_specs(keys, moved, SPECS), 0);
    assert_true(await(has_ended(&s), RECOVERY_MS));
    assert_int_equal(api_keys_write_specs(keys, specs, SPECS), 0);
    sse_close(&s);
}

static bool expired(enum who who, const char *id)
{
    return call_as(who, "GET", RESERVATION(id), NULL) == 200 &&
           strcmp(api_str(a, "state"), "expired") == 0;
}

static void an_expiry_is_told_to_whom_it_was(void **state)
{
    serve_tenants(state, "shared");
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

/* --- before there were tenants, and the log --------------------------------------------------- */

static void what_was_there_before_is_the_stores(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state);
    KEEP(sku, api_item(a, 10, 0));
    KEEP(held, api_reserve(a, sku, 1, 0));
    api_call(a, 200, "POST", DECREMENT(sku), "Idempotency-Key: k\r\n", "{\"quantity\":1}");
    feed_log_await_rows(3);
    serve_tenants(state, "shared");
    must(200, STORE, "GET", RESERVATION(held), NULL);
    must(200, STORE, "GET", "/v1/operations/k", NULL);
    must(200, STORE, "GET", text("/v1/reservations?sku=%s", sku), NULL);
    check_size(a, "reservations", 1);
    must(200, STORE, "GET", text("/v1/items/%s/movements", sku), NULL);
    check_size(a, "movements", 3);
    must(404, ACME, "GET", RESERVATION(held), NULL);
    must(404, ACME, "GET", "/v1/operations/k", NULL);
    must(200, ACME, "GET", text("/v1/reservations?sku=%s", sku), NULL);
    check_size(a, "reservations", 0);
    must(200, ACME, "GET", "/v1/events", NULL);
    check_size(a, "events", 0);
    must(200, STORE, "POST", CONFIRM(held), "{}");
}

static bool access_log_has(const char *line)
{
    char *all = NULL;
    size_t n = 0;
    FILE *file = fopen(access_log, "re");
    bool found = false;
    while (file && getline(&all, &n, file) > 0)
        found |= strstr(all, line) != NULL;
    free(all);
    if (file)
        fclose(file);
    return found;
}

static void the_access_log_names_the_tenant(void **state)
{
    serve_tenants(state, "own");
    make_things();
    must(404, UMBRA, "POST", CONFIRM(held), "{}");
    assert_true(await(access_log_has("\"tenant\":\"umbra-tenant\""), RECOVERY_MS));
    assert_true(access_log_has("\"tenant\":\"acme-tenant\""));
    assert_true(access_log_has(text("\"items\":[{\"sku\":\"%s\",", sku)));
    assert_false(access_log_has(text("acme-tenant/%s", sku)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(what_is_anothers_is_404_by_every_route),
        SQLITE_TEST(what_is_anothers_is_404_by_every_operation_of_a_batch),
        SQLITE_TEST(clients_of_a_tenant_share_what_it_has),
        SQLITE_TEST(a_key_that_another_tenant_has_is_free),
        SQLITE_TEST(a_key_cannot_reach_into_another_tenant),
        SQLITE_TEST(keys_of_a_batch_are_a_tenants),
        ON_BOTH(a_limit_counts_a_customer_of_each_tenant),
        ON_BOTH(a_list_has_the_items_of_its_tenant_alone),
        SQLITE_TEST(items_of_one_name_are_as_many_as_tenants),
        ON_BOTH(lists_are_a_tenants_own),
        ON_BOTH(the_feed_is_a_tenants_own),
        ON_BOTH(a_long_poll_waits_for_its_tenants_events),
        ON_BOTH(a_stream_has_its_tenants_events),
        SQLITE_TEST(a_stream_ends_when_its_key_is_of_another_tenant),
        ON_BOTH(an_expiry_is_told_to_whom_it_was),
        ON_BOTH(what_was_there_before_is_the_stores),
        SQLITE_TEST(the_access_log_names_the_tenant),
    };
    unsetenv("TEST_KEYS"); /* who asks is said each time */
    if (temp_dir_make(dir) < 0)
        return EXIT_FAILURE;
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    snprintf(access_log, sizeof(access_log), "%s/log", dir);
    int failed =
        api_keys_write_specs(keys, specs, SPECS) < 0 ? EXIT_FAILURE : run_each("tenants", tests);
    temp_dir_remove(dir);
    return failed;
}
