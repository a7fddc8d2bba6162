/* test_contract_batch.c -- POST /v1/batch: each operation as if it were that single call. */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH          "/v1/batch"
#define OPS(list, ...) text("{\"operations\":[" list "]}", __VA_ARGS__)

/* Checks that results[i] is a problem of this name, and field if not NULL. */
static void check_refused(int i, int status, const char *name, const char *field)
{
    check_int(a, text("results[%d].status", i), status);
    check_str(a, text("results[%d].body.type", i), text("/problems/%s", name));
    check_int(a, text("results[%d].body.status", i), status);
    if (field)
        check_str(a, text("results[%d].body.field", i), field);
}

static void check_replayed(int i, bool replayed)
{
    json_t *is = json_at(http_resp_json(&a->resp), text("results[%d].replayed", i));
    assert_true(json_is_boolean(is));
    assert_int_equal(json_is_true(is), replayed);
}

static void every_kind_of_operation_works(void **state)
{
    const char *x = new_sku();
    const char *y = new_sku();
    post(200, BATCH,
         OPS("{\"op\":\"put\",\"sku\":\"%s\",\"on_hand\":10,\"max_per_customer\":5},"
             "{\"op\":\"put\",\"sku\":\"%s\",\"on_hand\":10},"
             "{\"op\":\"adjust\",\"sku\":\"%s\",\"delta\":5,\"reason\":\"restock\"},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":2,\"customer\":\"c\"},"
             "{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":3},"
             "{\"op\":\"reserve\",\"lines\":[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\","
             "\"quantity\":1}],\"customer\":\"c\",\"ttl_seconds\":60,\"metadata\":{\"a\":1}},"
             "{\"op\":\"put\",\"sku\":\"%s\",\"if_match\":\"*\",\"on_hand\":20}",
             x, y, y, x, y, x, y, y));
    check_header(a, "Content-Type", "application/json");
    check_size(a, "results", 7);
    for (int i = 0; i < 7; i++)
        check_replayed(i, false);
    check_like(a,
               "{'results':[{'status':201,'body':{'sku':'%s','version':1,"
               "'max_per_customer':5}},{'status':201},{'status':200,'body':{'available':15,"
               "'version':2}},{'status':200,'body':{'remaining':8,'version':2}},{'status':201,"
               "'body':{'state':'held','lines':[{'remaining':12,'version':3}]}},'...']}",
               x);
    const char *one = api_str(a, "results[4].body.id");
    check_like(a, "{'results':[{},{},{},{},{},{'status':201,'body':{'customer':'c'}},'...']}");
    check_json(a, "results[5].body.metadata", "{\"a\":1}");
    check_int(a, "results[5].body.lines[0].remaining", 7);
    check_int(a, "results[5].body.lines[1].remaining", 11);
    const char *two = api_str(a, "results[5].body.id");
    check_like(a, "{'results':[{},{},{},{},{},{},{'status':200,'body':{'held':4,"
                  "'available':16}},'...']}");
    check_item(a, x, 8, 7, 1, 2, 3);
    check_item(a, y, 20, 16, 4, 0, 5);

    post(200, BATCH,
         OPS("{\"op\":\"get\",\"id\":\"%s\"},"
             "{\"op\":\"extend\",\"id\":\"%s\",\"ttl_seconds\":30},"
             "{\"op\":\"confirm\",\"id\":\"%s\",\"lines\":[{\"sku\":\"%s\",\"quantity\":2}]},"
             "{\"op\":\"release\",\"id\":\"%s\"},"
             "{\"op\":\"get\",\"id\":\"%s\"},"
             "{\"op\":\"release\",\"id\":\"%s\"}",
             one, one, one, y, two, two, two));
    check_like(a, "{'results':[{'status':200,'body':{'state':'held','lines':[{'version':3}]}},"
                  "{'status':200,'body':{'lines':[{'version':6}]}},{'status':200,"
                  "'body':{'state':'confirmed','lines':[{'quantity':2,'reserved':3,"
                  "'version':7}]}},{'status':200,'body':{'state':'released'}},'...']}");
    check_size(a, "results", 6);
    check_str(a, "results[4].body.state", "released"); /* it sees those before it */
    check_int(a, "results[5].status", 200);
    check_replayed(3, false);
    check_replayed(5, true);
    check_item(a, x, 8, 8, 0, 2, 4);
    check_item(a, y, 18, 18, 0, 2, 8);
}

static void operations_are_applied_in_order_and_not_atomically(void **state)
{
    const char *sku = api_item(a, 2, 0);
    post(200, BATCH,
         OPS("{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":2},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
             "{\"op\":\"adjust\",\"sku\":\"%s\",\"delta\":1},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}",
             sku, sku, sku, sku, sku));
    check_int(a, "results[0].body.remaining", 0);
    check_refused(1, 409, "insufficient-stock", NULL);
    check_like(a, "{'results':[{},{'body':{'lines':[{'available':0,'version':2}]}},"
                  "{'body':{'version':3}},{'body':{'remaining':0,'version':4}},'...']}");
    check_refused(4, 409, "insufficient-stock", NULL);
    check_int(a, "results[4].body.lines[0].version", 4);
    check_item(a, sku, 0, 0, 0, 3, 4);
}

static void a_wrong_operation_is_refused_alone(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *gone = new_sku();
    post(200, BATCH,
         OPS("{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
             "7,"
             "{},"
             "{\"op\":\"fly\",\"sku\":\"%s\"},"
             "{\"op\":\"delete\",\"sku\":\"%s\"},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":0},"
             "{\"op\":\"decrement\",\"sku\":\"a b\",\"quantity\":1},"
             "{\"op\":\"decrement\",\"quantity\":1},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1,\"colour\":2},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
             "{\"op\":\"confirm\",\"id\":\"nobody\"},"
             "{\"op\":\"confirm\"},"
             "{\"op\":\"reserve\",\"lines\":[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\","
             "\"quantity\":1.0}]},"
             "{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1,\"id\":\"x\"},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":99999999999999999999},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1,\"idempotency_key\":\"a b\"},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1,\"if_match\":\"*\"},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}",
             sku, sku, sku, sku, sku, gone, sku, sku, sku, sku, sku, sku, sku));
    check_size(a, "results", 18);
    check_int(a, "results[0].status", 200);
    check_refused(1, 422, "invalid-field", NULL);
    check_refused(2, 422, "invalid-field", "op");
    check_refused(3, 422, "invalid-field", "op");
    check_refused(4, 422, "invalid-field", "op");
    check_refused(5, 422, "invalid-field", "quantity");
    check_refused(6, 422, "invalid-field", "sku");
    check_refused(7, 422, "invalid-field", "sku");
    check_refused(8, 422, "invalid-field", "colour");
    check_refused(9, 404, "item-not-found", NULL);
    check_refused(10, 404, "reservation-not-found", NULL);
    check_refused(11, 422, "invalid-field", "id");
    check_refused(12, 422, "invalid-field", "lines[1].quantity");
    check_refused(13, 422, "invalid-field", "id");
    check_refused(14, 422, "invalid-field", "quantity");
    check_refused(15, 422, "invalid-field", "idempotency_key");
    check_refused(16, 422, "invalid-field", "if_match");
    check_int(a, "results[17].status", 200);
    check_int(a, "results[17].body.version", 3);
    check_item(a, sku, 8, 8, 0, 2, 3);
}

static void put_takes_conditions(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *gone = new_sku();
    post(200, BATCH,
         OPS("{\"op\":\"put\",\"sku\":\"%s\",\"on_hand\":1},"
             "{\"op\":\"put\",\"sku\":\"%s\",\"on_hand\":1,\"if_match\":\"\\\"7\\\"\"},"
             "{\"op\":\"put\",\"sku\":\"%s\",\"on_hand\":1,\"if_none_match\":\"*\"},"
             "{\"op\":\"put\",\"sku\":\"%s\",\"on_hand\":1,\"if_match\":\"\\\"1\\\"\"},"
             "{\"op\":\"put\",\"sku\":\"%s\",\"on_hand\":1,\"if_match\":\"*\"},"
             "{\"op\":\"put\",\"sku\":\"%s\",\"on_hand\":1,\"if_none_match\":\"*\"},"
             "{\"op\":\"put\",\"sku\":\"%s\",\"on_hand\":1,\"if_match\":7},"
             "{\"op\":\"put\",\"sku\":\"%s\",\"if_match\":\"*\"}",
             sku, sku, sku, sku, gone, gone, sku, sku));
    check_refused(0, 428, "precondition-required", NULL);
    check_refused(1, 412, "precondition-failed", NULL);
    check_refused(2, 412, "precondition-failed", NULL);
    check_like(a, "{'results':[{},{},{},{'status':200,'body':{'version':2}},'...']}");
    check_refused(4, 412, "precondition-failed", NULL);
    check_int(a, "results[5].status", 201);
    check_refused(6, 422, "invalid-field", "if_match");
    check_int(a, "results[7].status", 200);
    check_item(a, sku, 1, 1, 0, 0, 3);
}

/* Decrements of one item, `count` of them; freed by the caller. */
static char *decrements(const char *sku, int count, size_t pad)
{
    char *body = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&body, &size);
    fprintf(out, "{\"operations\":[");
    for (int i = 0; i < count; i++)
        fprintf(out, "%s{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}", i ? "," : "", sku);
    fprintf(out, "]}");
    fflush(out);
    while (size++ < pad)
        fputc(' ', out);
    fclose(out);
    return body;
}

static void a_batch_has_one_to_a_thousand_operations(void **state)
{
    const char *sku = api_item(a, 600, 0);
    char *body = decrements(sku, 1001, 0);
    post_problem(422, "invalid-field", "operations", BATCH, body);
    free(body);
    post_problem(422, "invalid-field", "operations", BATCH, "{\"operations\":[]}");
    check_item(a, sku, 600, 600, 0, 0, 1);

    body = decrements(sku, 1000, 0);
    post(200, BATCH, body);
    free(body);
    json_t *results = json_at(http_resp_json(&a->resp), "results");
    assert_int_equal(json_array_size(results), 1000);
    for (size_t i = 0; i < 1000; i++) {
        json_t *result = json_array_get(results, i);
        int64_t status = json_integer_value(json_object_get(result, "status"));
        assert_int_equal(status, i < 600 ? 200 : 409);
        if (i < 600) { /* in the given order, one version each */
            assert_int_equal(json_integer_value(json_at(result, "body.remaining")), 599 - i);
            assert_int_equal(json_integer_value(json_at(result, "body.version")), 2 + i);
        }
    }
    check_item(a, sku, 0, 0, 0, 600, 601);

    body = decrements(sku, 1, 0);
    post(200, BATCH, body);
    free(body);
    check_size(a, "results", 1);
}

static void a_batch_is_refused_as_a_whole_only_for_its_frame(void **state)
{
    static const char *const no_operations[] = {"{}", "{\"operations\":null}",
                                                "{\"operations\":{}}", "{\"operations\":7}"};
    for (size_t i = 0; i < sizeof(no_operations) / sizeof(*no_operations); i++)
        post_problem(422, "invalid-field", "operations", BATCH, no_operations[i]);
    static const char *const no_json[] = {"", "{", "[]", "{\"operations\":[{]}",
                                          "{\"operations\":[],\"operations\":[]}"};
    for (size_t i = 0; i < sizeof(no_json) / sizeof(*no_json); i++)
        post_problem(400, "malformed-json", NULL, BATCH, no_json[i]);
    /* A field that is there twice cannot be read in one way: it is the JSON that is wrong. */
    const char *sku = api_item(a, 10, 0);
    post_problem(400, "malformed-json", NULL, BATCH,
                 OPS("{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},{\"op\":\"decrement\","
                     "\"sku\":\"%s\",\"quantity\":1,\"quantity\":2}",
                     sku, sku));
    check_item(a, sku, 10, 10, 0, 0, 1);
}

static void a_batch_may_be_large(void **state)
{
    const char *sku = api_item(a, 1000, 0);
    char *body = decrements(sku, 3, (1 << 20) + 1);
    assert_int_equal(strlen(body), (1 << 20) + 1);
    post_problem(413, "body-too-large", NULL, BATCH, body);
    check_item(a, sku, 1000, 1000, 0, 0, 1);
    body[1 << 20] = '\0';
    post(200, BATCH, body);
    check_size(a, "results", 3);
    check_item(a, sku, 997, 997, 0, 3, 4);
    free(body);
}

static void keys_belong_to_operations(void **state)
{
    const char *sku = api_item(a, 100, 0);
    const char *body = OPS("{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
                           "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1,"
                           "\"idempotency_key\":\"own-%s\"},"
                           "{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1},"
                           "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1000}",
                           sku, sku, sku, sku, sku);
    const char *header = text("Idempotency-Key: head-%s\r\n", sku);
    api_call(a, 200, "POST", BATCH, header, body);
    check_str(a, "results[0].body.id", text("head-%s/0", sku));
    check_str(a, "results[1].body.id", text("own-%s", sku));
    for (int i = 0; i < 4; i++)
        check_replayed(i, false);
    const char *id = api_str(a, "results[2].body.id");
    check_refused(3, 409, "insufficient-stock", NULL);
    check_item(a, sku, 98, 97, 1, 2, 4);

    api_call(a, 200, "POST", BATCH, header, body);
    for (int i = 0; i < 4; i++)
        check_replayed(i, i < 3); /* a rejection is decided afresh */
    check_like(a,
               "{'results':[{'status':200,'body':{'version':2}},{},{'status':201,"
               "'body':{'id':'%s'}},'...']}",
               id);
    check_item(a, sku, 98, 97, 1, 2, 4);

    get(text("/v1/operations/head-%s%%2F0", sku));
    check_str(a, "id", text("head-%s/0", sku));
    check_int(a, "body.version", 2);
    get(text("/v1/operations/own-%s", sku));
    get_problem(404, "operation-not-found", NULL, text("/v1/operations/head-%s%%2F1", sku));
    get_problem(404, "operation-not-found", NULL, text("/v1/operations/head-%s%%2F3", sku));

    /* As if it were that single call: the same key on that call is a repeat of it. */
    api_call(a, 200, "POST", DECREMENT(sku), text("Idempotency-Key: own-%s\r\n", sku),
             "{\"quantity\":1}");
    check_header(a, "Idempotent-Replayed", "true");
    check_int(a, "version", 3);
    check_item(a, sku, 98, 97, 1, 2, 4);
}

static void one_key_twice_in_a_batch(void **state)
{
    const char *sku = api_item(a, 100, 0);
    post(200, BATCH,
         OPS("{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1,\"idempotency_key\":\"t-%s\"}"
             ",{\"quantity\":1,\"op\":\"decrement\",\"idempotency_key\":\"\\\"t-%s\\\"\","
             "\"sku\":\"%s\"},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":2,\"idempotency_key\":\"t-%s\"}"
             ",{\"op\":\"adjust\",\"sku\":\"%s\",\"delta\":1,\"idempotency_key\":\"t-%s\"}",
             sku, sku, sku, sku, sku, sku, sku, sku));
    check_int(a, "results[0].status", 200);
    check_replayed(0, false);
    check_int(a, "results[1].status", 200);
    check_replayed(1, true);
    check_int(a, "results[1].body.version", 2);
    check_refused(2, 422, "idempotency-key-reused", NULL);
    check_refused(3, 422, "idempotency-key-reused", NULL);
    check_item(a, sku, 99, 99, 0, 1, 2);
}

static void a_batch_checks_its_header_key(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *body = OPS("{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}", sku);
    api_problem(a, 422, "invalid-field", "Idempotency-Key", "POST", BATCH,
                "Idempotency-Key: a b\r\n", body);
    check_item(a, sku, 10, 10, 0, 0, 1);
    char key[300];
    memset(key, 'k', 255);
    key[255] = '\0';
    api_call(a, 200, "POST", BATCH, text("Idempotency-Key: %s\r\n", key), body);
    api_call(a, 200, "POST", BATCH, text("Idempotency-Key: %s\r\n", key), body);
    check_replayed(0, true);
    check_item(a, sku, 9, 9, 0, 1, 2);
}

static void lines_in_a_batch_are_merged(void **state)
{
    const char *sku = api_item(a, 10, 0);
    post(200, BATCH,
         OPS("{\"op\":\"reserve\",\"lines\":[{\"sku\":\"%s\",\"quantity\":2},{\"sku\":\"%s\","
             "\"quantity\":3}]}",
             sku, sku));
    check_like(a, "{'results':[{'body':{'lines':[{'quantity':5}]}},'...']}");
    check_item(a, sku, 10, 5, 5, 0, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_operation_works),
        cmocka_unit_test(operations_are_applied_in_order_and_not_atomically),
        cmocka_unit_test(a_wrong_operation_is_refused_alone),
        cmocka_unit_test(put_takes_conditions),
        cmocka_unit_test(a_batch_has_one_to_a_thousand_operations),
        cmocka_unit_test(a_batch_is_refused_as_a_whole_only_for_its_frame),
        cmocka_unit_test(a_batch_may_be_large),
        cmocka_unit_test(keys_belong_to_operations),
        cmocka_unit_test(one_key_twice_in_a_batch),
        cmocka_unit_test(a_batch_checks_its_header_key),
        cmocka_unit_test(lines_in_a_batch_are_merged),
    };
    return run_suite("contract: batch", tests);
}
