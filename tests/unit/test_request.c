/* test_request.c -- from what a client sent to what the store takes: operations, reads, tenants.
 * Batches: test_request_batch.c. */
#include "support/request_case.h"

#include <stdio.h>
#include <stdlib.h>

#define RID "r0-00000000000000000000000"

EACH_BETWEEN(request_begin, request_end)

static void assert_invalid(const char *method, const char *target, const char *body,
                           const char *field)
{
    if (ask(method, target, body))
        fail_msg("taken: %s %s %s", method, target, body);
    assert_int_equal(why.problem, PROBLEM_INVALID_FIELD);
    assert_non_null(why.field);
    assert_string_equal(why.field, field);
    assert_non_null(why.detail);
}

TEST(reads_a_reservation)
{
    assert_true(ask("POST", "/v1/reservations",
                    "{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"quantity\":5,\"sku\":\"b\"},"
                    "{\"sku\":\"a\",\"quantity\":2}],\"ttl_seconds\":60,\"customer\":\"c\","
                    "\"reference\":\"r\",\"metadata\":{\"b\":1.1,\"a\":[null,true,\"\\u00e9\"]}}"));
    assert_int_equal(op.kind, OP_RESERVE);
    assert_int_equal(op.line_count, 2);
    assert_true(text_is(op.lines[0].sku, "a") && op.lines[0].quantity == 3);
    assert_true(text_is(op.lines[1].sku, "b") && op.lines[1].index == 1);
    assert_true(op.ttl_ms == 60000);
    assert_true(text_is(op.customer, "c") && text_is(op.reference, "r"));
    assert_true(text_is(op.metadata, "{\"b\":1.1,\"a\":[null,true,\"\xc3\xa9\"]}"));
    assert_true(str_absent(op.key));
    assert_int_equal(op.id.n, 23);
    assert_memory_equal(op.id.p, "op-", 3);
    struct rid none = {0};
    assert_false(rid_equal(&op.rid, &none));
}

TEST(reads_the_short_form)
{
    assert_true(ask("POST", "/v1/reservations", "{\"sku\":\"a\",\"quantity\":2}"));
    assert_int_equal(op.line_count, 1);
    assert_true(op.lines[0].quantity == 2 && op.ttl_ms == TTL_DEFAULT_MS);
    assert_true(str_absent(op.customer) && str_absent(op.metadata));
    assert_true(ask("POST", "/v1/reservations", "{\"sku\":\"a\",\"quantity\":2,\"metadata\":{}}"));
    assert_true(str_absent(op.metadata));
}

TEST(reads_operations_on_items)
{
    assert_true(ask("PUT", "/v1/items/x", "{\"on_hand\":0,\"max_per_customer\":null}"));
    assert_true(op.kind == OP_PUT && op.has_on_hand && op.has_max && op.max_per_customer == 0);
    assert_true(ask("PUT", "/v1/items/x", "{}"));
    assert_true(!op.has_on_hand && !op.has_max);
    assert_true(ask("PUT", "/v1/items/x", "{\"on_hand\":9007199254740991}"));
    assert_true(op.on_hand == UNITS_MAX);
    assert_true(ask("POST", "/v1/items/x/adjustments",
                    "{\"delta\":-9007199254740992,\"reason\":\"\",\"reference\":\"PO-7\"}"));
    assert_true(op.kind == OP_ADJUST && op.delta == -DELTA_MAX && !str_absent(op.reason));
    assert_true(ask("POST", "/v1/items/x/transfers",
                    "{\"to\":\"y\",\"quantity\":1000000000,\"reason\":\"r\"}"));
    assert_true(op.kind == OP_TRANSFER && op.line_count == 2 && text_is(op.reason, "r"));
    assert_true(text_is(op.lines[0].sku, "x") && op.lines[0].quantity == QUANTITY_MAX);
    assert_true(text_is(op.lines[1].sku, "y") && op.lines[1].quantity == QUANTITY_MAX);
    assert_true(ask("POST", "/v1/items/x/decrements", "{\"quantity\":1000000000}"));
    assert_true(op.kind == OP_DECREMENT && op.lines[0].quantity == QUANTITY_MAX);
    assert_true(ask("DELETE", "/v1/items/x", "not json"));
    assert_true(op.kind == OP_DELETE && text_is(op.lines[0].sku, "x"));
}

TEST(reads_operations_on_reservations)
{
    assert_true(ask("POST", "/v1/reservations/" RID "/confirm", ""));
    assert_true(op.kind == OP_CONFIRM && !op.has_lines && !op.rereserve);
    assert_true(ask("POST", "/v1/reservations/" RID "/confirm",
                    "{\"lines\":[{\"sku\":\"a\",\"quantity\":1}],\"if_expired\":\"rereserve\"}"));
    assert_true(op.has_lines && op.rereserve && op.line_count == 1);
    assert_true(ask("POST", "/v1/reservations/" RID "/release", "{}"));
    assert_int_equal(op.kind, OP_RELEASE);
    assert_true(ask("POST", "/v1/reservations/" RID "/extend", "{}"));
    assert_true(op.kind == OP_EXTEND && op.ttl_ms == TTL_DEFAULT_MS);
    assert_false(ask("POST", "/v1/reservations/" RID "/extend", ""));
    assert_int_equal(why.problem, PROBLEM_MALFORMED_JSON);
    assert_false(ask("POST", "/v1/reservations/nope/confirm", ""));
    assert_int_equal(why.problem, PROBLEM_RESERVATION_NOT_FOUND);
}

TEST(names_the_wrong_field)
{
    static const struct {
        const char *body, *field;
    } rows[] = {
        {"{}", "lines"},
        {"{\"sku\":\"a\"}", "quantity"},
        {"{\"quantity\":1}", "sku"},
        {"{\"sku\":\"a\",\"quantity\":1,\"lines\":[{\"sku\":\"a\",\"quantity\":1}]}", "lines"},
        {"{\"sku\":\"\",\"quantity\":1}", "sku"},
        {"{\"sku\":\"a b\",\"quantity\":1}", "sku"},
        {"{\"sku\":1,\"quantity\":1}", "sku"},
        {"{\"sku\":\"a\",\"quantity\":0}", "quantity"},
        {"{\"sku\":\"a\",\"quantity\":1.0}", "quantity"},
        {"{\"sku\":\"a\",\"quantity\":1e2}", "quantity"},
        {"{\"sku\":\"a\",\"quantity\":true}", "quantity"},
        {"{\"sku\":\"a\",\"quantity\":\"1\"}", "quantity"},
        {"{\"sku\":\"a\",\"quantity\":1000000001}", "quantity"},
        {"{\"sku\":\"a\",\"quantity\":99999999999999999999}", "quantity"},
        {"{\"lines\":{}}", "lines"},
        {"{\"lines\":[]}", "lines"},
        {"{\"lines\":[1]}", "lines[0]"},
        {"{\"lines\":[{\"sku\":\"a\"}]}", "lines[0].quantity"},
        {"{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"quantity\":1}]}", "lines[1].sku"},
        {"{\"lines\":[{\"sku\":\"a\",\"quantity\":1,\"x\":1}]}", "lines[0].x"},
        {"{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"sku\":\"a\",\"quantity\":1000000000}]}",
         "lines[1].quantity"},
        {"{\"lines\":[{\"sku\":\"a\",\"quantity\":1e999}]}", "lines[0].quantity"},
        {"{\"sku\":\"a\",\"quantity\":1,\"metadata\":{\"x\":[99999999999999999999]}}",
         "metadata.x[0]"},
        {"{\"sku\":\"a\",\"quantity\":1,\"metadata\":[]}", "metadata"},
        {"{\"sku\":\"a\",\"quantity\":1,\"customer\":null}", "customer"},
        {"{\"sku\":\"a\",\"quantity\":1,\"reference\":5}", "reference"},
        {"{\"sku\":\"a\",\"quantity\":1,\"ttl_seconds\":0}", "ttl_seconds"},
        {"{\"sku\":\"a\",\"quantity\":1,\"ttl_seconds\":604801}", "ttl_seconds"},
        {"{\"sku\":\"a\",\"quantity\":1,\"on_hand\":5}", "on_hand"},
        {"{\"sku\":\"a\",\"quantity\":1,\"op\":\"reserve\"}", "op"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_invalid("POST", "/v1/reservations", rows[i].body, rows[i].field);
    assert_invalid("POST", "/v1/items/x/adjustments", "{\"delta\":0}", "delta");
    assert_invalid("POST", "/v1/items/x/adjustments", "{}", "delta");
    assert_invalid("POST", "/v1/items/x/adjustments", "{\"delta\":9007199254740993}", "delta");
    assert_invalid("POST", "/v1/items/x/decrements", "{\"quantity\":1,\"sku\":\"x\"}", "sku");
    assert_invalid("POST", "/v1/items/x/transfers", "{\"to\":\"x\",\"quantity\":1}", "to");
    assert_invalid("POST", "/v1/items/%78/transfers", "{\"to\":\"x\",\"quantity\":1}", "to");
    assert_invalid("POST", "/v1/items/x/transfers", "{\"quantity\":1}", "to");
    assert_invalid("POST", "/v1/items/x/transfers", "{\"to\":\"y\"}", "quantity");
    assert_invalid("PUT", "/v1/items/x", "{\"on_hand\":-1}", "on_hand");
    assert_invalid("PUT", "/v1/items/x", "{\"on_hand\":9007199254740992}", "on_hand");
    assert_invalid("PUT", "/v1/items/x", "{\"max_per_customer\":0}", "max_per_customer");
    assert_invalid("PUT", "/v1/items/a%2Fb", "{\"on_hand\":1}", "sku");
    assert_invalid("POST", "/v1/reservations/" RID "/confirm", "{\"lines\":[]}", "lines");
    assert_invalid("POST", "/v1/reservations/" RID "/confirm", "{\"if_expired\":\"x\"}",
                   "if_expired");
    assert_invalid("POST", "/v1/reservations/" RID "/release", "{\"a\":1}", "a");
}

TEST(bounds_texts_by_bytes)
{
    char body[8192], text[6000];
    memset(text, 'x', sizeof(text));
    for (int n = 127; n <= 129; n++) {
        snprintf(body, sizeof(body), "{\"sku\":\"a\",\"quantity\":1,\"customer\":\"%.*s\"}", n,
                 text);
        assert_true(ask("POST", "/v1/reservations", body) == (n <= 128));
    }
    for (int n = 4096; n <= 4097; n++) { /* {"k":"..."} */
        snprintf(body, sizeof(body),
                 "{\"sku\":\"a\",\"quantity\":1,\"metadata\":{ \"k\": \"%.*s\"}}", n - 8, text);
        assert_true(ask("POST", "/v1/reservations", body) == (n <= 4096));
    }
}

TEST(refuses_what_is_no_json_object)
{
    static const char *const bodies[] = {"",
                                         "{",
                                         "[]",
                                         "1",
                                         "null",
                                         "{\"a\":1,\"a\":2}",
                                         "{}x",
                                         "{\"a\":\"\\u0000\"}",
                                         "{\"a\":\"\xff\"}",
                                         "{\"a\":99999999999999999999,}"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_false(ask("POST", "/v1/reservations", bodies[i]));
        assert_int_equal(why.problem, PROBLEM_MALFORMED_JSON);
    }
}

TEST(reads_keys_and_conditions)
{
    assert_true(ask_with("DELETE", "/v1/items/x", "", "\"k 1\"", NULL) == false);
    assert_string_equal(why.field, "Idempotency-Key");
    assert_true(ask_with("DELETE", "/v1/items/x", "", "\"k1\"", "\"7\", W/\"8\" ,\"x\""));
    assert_true(text_is(op.key, "k1") && text_is(op.id, "k1"));
    assert_int_equal(op.if_match.kind, PRE_VERSIONS);
    assert_int_equal(op.if_match.count, 1);
    assert_true(op.if_match.versions[0] == 7);
    assert_false(ask_with("PUT", "/v1/items/x", "{}", NULL, "7"));
    assert_int_equal(why.problem, PROBLEM_MALFORMED_HEADER);
    assert_true(ask_with("PUT", "/v1/items/x", "{}", NULL, "*"));
    assert_int_equal(op.if_match.kind, PRE_ANY);
    assert_true(ask_with("PUT", "/v1/items/x", "{}", NULL, "W/\"7\""));
    assert_int_equal(op.if_match.kind, PRE_NEVER);
}

/* --- reads ------------------------------------------------------------------------------------ */

static bool look(struct store_read *read, const char *target)
{
    struct route_match match;
    struct op_condition condition;
    struct request_head head = head_of(&match, "GET", target);
    return request_read(read, &condition, &arena, &head, &why);
}

TEST(reads_lists)
{
    static const char *const wrong[] = {
        "limit=0", "limit=501", "limit=",      "limit=1x", "limit=1&limit=2",
        "x=1",     "cursor=",   "prefix=a%20", "limit=%"};
    struct store_read read;
    char target[64];
    assert_true(look(&read, "/v1/items"));
    assert_true(read.kind == READ_ITEMS && read.limit == LIST_DEFAULT);
    assert_true(look(&read, "/v1/items?limit=500&cursor=a%3Ab&prefix=a"));
    assert_true(read.limit == 500 && text_is(read.after, "a:b") && text_is(read.prefix, "a"));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(target, sizeof(target), "/v1/items?%s", wrong[i]);
        assert_false(look(&read, target));
        assert_int_equal(why.problem, PROBLEM_INVALID_FIELD);
    }
}

TEST(reads_single_things)
{
    struct store_read read;
    assert_true(look(&read, "/v1/items/a"));
    assert_true(read.kind == READ_ITEM && text_is(read.sku, "a"));
    assert_false(look(&read, "/v1/items/a%20"));
    assert_int_equal(why.problem, PROBLEM_INVALID_FIELD);
    assert_true(look(&read, "/v1/reservations/" RID));
    assert_false(look(&read, "/v1/reservations/x"));
    assert_int_equal(why.problem, PROBLEM_RESERVATION_NOT_FOUND);
    assert_true(look(&read, "/v1/operations/K%2F3"));
    assert_true(text_is(read.key, "K/3"));
    assert_false(look(&read, "/v1/operations/a%20b"));
    assert_int_equal(why.problem, PROBLEM_OPERATION_NOT_FOUND);
}

/* --- tenants ---------------------------------------------------------------------------------- */

static const struct requester acme = {.owner = {"acme/shop", 9}, .items = {"acme", 4}};

TEST(what_a_tenant_names_gets_its_inner_name)
{
    by = acme;
    assert_true(
        ask_with("POST", "/v1/items/a/transfers", "{\"to\":\"b\",\"quantity\":1}", "k", NULL));
    assert_true(text_is(op.owner, "acme/shop"));
    assert_true(text_is(op.key, "acme k") && text_is(op.id, "k"));
    assert_true(text_is(op.lines[0].sku, "acme/a") && text_is(op.lines[1].sku, "acme/b"));
    assert_true(ask("POST", "/v1/reservations",
                    "{\"lines\":[{\"sku\":\"a\",\"quantity\":1},"
                    "{\"sku\":\"b\",\"quantity\":1}],\"customer\":\"c\"}"));
    assert_true(str_absent(op.key) && op.id.n > 0);
    assert_true(text_is(op.lines[0].sku, "acme/a") && text_is(op.lines[1].sku, "acme/b"));
    assert_true(text_is(op.customer, "c"));
    by.items = (struct str){NULL, 0};
    assert_true(ask_with("DELETE", "/v1/items/a", "", "k", NULL));
    assert_true(text_is(op.lines[0].sku, "a") && text_is(op.key, "acme k"));
}

/* Two tenants that ask the same: each gets its own answer, by its key and not by luck. */
TEST(an_item_is_not_another_one_because_of_its_inner_name)
{
    by = acme;
    assert_false(ask("POST", "/v1/items/a/transfers", "{\"to\":\"a\",\"quantity\":1}"));
    assert_false(ask("PUT", "/v1/items/acme%2Fa", "{\"on_hand\":1}"));
    assert_false(ask("POST", "/v1/reservations", "{\"sku\":\"acme/a\",\"quantity\":1}"));
    by = (struct requester){.owner = {NULL, 0}};
    assert_false(ask("PUT", "/v1/items/acme%2Fa", "{\"on_hand\":1}"));
    assert_false(ask_with("DELETE", "/v1/items/a", "", "acme k", NULL));
}

TEST(the_longest_names_of_the_longest_tenant_have_room)
{
    char owner[OWNER_MAX_BYTES + 1], key[KEY_MAX_BYTES + 1], target[SKU_MAX_BYTES + 32];
    memset(owner, 't', sizeof(owner));
    owner[TENANT_MAX_BYTES] = '/';
    by = (struct requester){.owner = {owner, OWNER_MAX_BYTES}, .items = {owner, TENANT_MAX_BYTES}};
    memset(key, 'k', sizeof(key));
    key[KEY_MAX_BYTES] = '\0';
    memset(target, 'a', sizeof(target));
    memcpy(target, "/v1/items/", 10);
    target[10 + SKU_MAX_BYTES] = '\0';
    assert_true(ask_with("DELETE", target, "", key, NULL));
    assert_int_equal(op.key.n, TENANT_MAX_BYTES + 1 + KEY_MAX_BYTES);
    assert_int_equal(op.lines[0].sku.n, SKU_STORED_MAX_BYTES);
}

TEST(reads_of_a_tenant)
{
    struct store_read read;
    by = acme;
    assert_true(look(&read, "/v1/items"));
    assert_true(text_is(read.prefix, "acme/") && str_absent(read.after));
    assert_true(look(&read, "/v1/items?cursor=m&prefix=a"));
    assert_true(text_is(read.prefix, "acme/a") && text_is(read.after, "acme/m"));
    assert_true(look(&read, "/v1/items/a"));
    assert_true(text_is(read.sku, "acme/a"));
    assert_true(look(&read, "/v1/operations/k"));
    assert_true(text_is(read.key, "acme k"));
    assert_true(look(&read, "/v1/reservations/" RID));
    assert_true(text_is(read.owner, "acme/shop"));
    assert_false(look(&read, "/v1/operations/acme%20k"));
    assert_false(look(&read, "/v1/items?cursor=acme/m"));
    by = (struct requester){.owner = STR("default/shop"), .items = STR("default")};
    assert_true(look(&read, "/v1/items/a"));
    assert_true(text_is(read.sku, "a"));
    assert_true(look(&read, "/v1/operations/k"));
    assert_true(text_is(read.key, "k"));
}
