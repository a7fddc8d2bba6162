/* test_tenants.c -- what a tenant makes does not exist for another: not by its name, and whatever
 * is asked of it changes nothing. No answer ever names a tenant. Of lists and the feed there is
 * test_tenants_lists.c.
 */
#include "core/route.h"
#include "http/request/request_op.h"
#include "support/feed_log.h"
#include "support/tenants.h"

#include <stdlib.h>

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
    tenants_serve(state, "shared");
    walk_routes(false);
    tenants_serve(state, "own");
    walk_routes(true);
}

static void what_is_anothers_is_404_by_every_operation_of_a_batch(void **state)
{
    tenants_serve(state, "shared");
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
    tenants_serve(state, "own");
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
    tenants_serve(state, "shared");
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
    tenants_serve(state, "shared");
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
    tenants_serve(state, "shared");
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
    tenants_serve(state, "shared");
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
    tenants_serve(state, "own");
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
    tenants_serve(state, "own");
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

/* --- before there were tenants, and the log --------------------------------------------------- */

static void what_was_there_before_is_the_stores(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state);
    KEEP(sku, api_item(a, 10, 0));
    KEEP(held, api_reserve(a, sku, 1, 0));
    api_call(a, 200, "POST", DECREMENT(sku), "Idempotency-Key: k\r\n", "{\"quantity\":1}");
    feed_log_await_rows(3);
    tenants_serve(state, "shared");
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
    FILE *file = fopen(tenant_log, "re");
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
    tenants_serve(state, "own");
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
        ON_BOTH(what_was_there_before_is_the_stores),
        SQLITE_TEST(the_access_log_names_the_tenant),
    };
    return run_tenants("tenants", tests);
}
