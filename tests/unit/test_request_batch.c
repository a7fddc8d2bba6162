/* test_request_batch.c -- fingerprints of requests, and the operations of a batch, which are read
 * as the single calls that they stand for. */
#include "support/request_case.h"

#include <stdio.h>
#include <stdlib.h>

#define RID "r0-00000000000000000000000"

EACH_BETWEEN(request_begin, request_end)

static void fingerprint_of(uint8_t out[FINGERPRINT_BYTES], const char *method, const char *target,
                           const char *body)
{
    assert_true(ask_with(method, target, body, "k", NULL));
    memcpy(out, op.fingerprint, FINGERPRINT_BYTES);
}

TEST(fingerprints_compare_values)
{
    uint8_t a[FINGERPRINT_BYTES], b[FINGERPRINT_BYTES];
    fingerprint_of(a, "POST", "/v1/reservations",
                   "{\"sku\":\"a\",\"quantity\":1,\"metadata\":{\"x\":1,\"y\":2}}");
    fingerprint_of(b, "POST", "/v1/reservations",
                   " {\"metadata\":{\"y\":2, \"x\":1},\"quantity\":1,\"sku\":\"\\u0061\"}");
    assert_memory_equal(a, b, sizeof(a));
    /* As sent: the same lines in another form are another request. */
    fingerprint_of(b, "POST", "/v1/reservations", "{\"lines\":[{\"sku\":\"a\",\"quantity\":1}]}");
    assert_memory_not_equal(a, b, sizeof(a));
    fingerprint_of(a, "POST", "/v1/items/a/decrements", "{\"quantity\":1}");
    fingerprint_of(b, "POST", "/v1/items/%61/decrements?x", "{\"quantity\":1}");
    assert_memory_equal(a, b, sizeof(a));
    fingerprint_of(b, "POST", "/v1/items/b/decrements", "{\"quantity\":1}");
    assert_memory_not_equal(a, b, sizeof(a));
    fingerprint_of(a, "POST", "/v1/reservations/" RID "/confirm", "");
    fingerprint_of(b, "POST", "/v1/reservations/" RID "/confirm", "{}");
    assert_memory_equal(a, b, sizeof(a));
    fingerprint_of(b, "POST", "/v1/reservations/" RID "/release", "{}");
    assert_memory_not_equal(a, b, sizeof(a));
}

static struct request_batch batch;

static bool open_batch(const char *body, const char *key)
{
    struct route_match match;
    struct request_head head = head_of(&match, "POST", "/v1/batch");
    head.key = str_of(key);
    char *copy = strdup(body);
    bool ok = request_batch_open(&batch, &arena, &head, copy, strlen(copy), &why);
    free(copy);
    return ok;
}

static bool batch_op(unsigned i)
{
    return request_batch_op(&op, &arena, &batch, i, &why);
}

/* Each operation of a batch has the fingerprint of the single call that it stands for. */
TEST(a_batch_has_the_single_calls_fingerprints)
{
    static const struct {
        const char *operation, *method, *target, *body;
    } rows[] = {
        {"{\"op\":\"reserve\",\"idempotency_key\":\"k\",\"sku\":\"a\",\"quantity\":1}", "POST",
         "/v1/reservations", "{\"sku\":\"a\",\"quantity\":1}"},
        {"{\"op\":\"decrement\",\"idempotency_key\":\"k\",\"sku\":\"a\",\"quantity\":1}", "POST",
         "/v1/items/a/decrements", "{\"quantity\":1}"},
        {"{\"op\":\"adjust\",\"idempotency_key\":\"k\",\"sku\":\"a\",\"delta\":1}", "POST",
         "/v1/items/a/adjustments", "{\"delta\":1}"},
        {"{\"op\":\"transfer\",\"idempotency_key\":\"k\",\"sku\":\"a\",\"to\":\"b\",\"quantity\":"
         "1}",
         "POST", "/v1/items/a/transfers", "{\"quantity\":1,\"to\":\"b\"}"},
        {"{\"op\":\"put\",\"idempotency_key\":\"k\",\"sku\":\"a\",\"on_hand\":1,\"if_match\":\"*"
         "\"}",
         "PUT", "/v1/items/a", "{\"on_hand\":1}"},
        {"{\"op\":\"confirm\",\"idempotency_key\":\"k\",\"id\":\"" RID "\"}", "POST",
         "/v1/reservations/" RID "/confirm", ""},
        {"{\"op\":\"extend\",\"idempotency_key\":\"k\",\"id\":\"" RID "\",\"ttl_seconds\":5}",
         "POST", "/v1/reservations/" RID "/extend", "{\"ttl_seconds\":5}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t single[FINGERPRINT_BYTES];
        char body[512];
        fingerprint_of(single, rows[i].method, rows[i].target, rows[i].body);
        enum op_kind kind = op.kind;
        snprintf(body, sizeof(body), "{\"operations\":[%s]}", rows[i].operation);
        assert_true(open_batch(body, NULL));
        assert_true(batch_op(0));
        request_batch_close(&batch);
        assert_int_equal(op.kind, kind);
        assert_true(text_is(op.key, "k"));
        assert_memory_equal(op.fingerprint, single, sizeof(single));
    }
}

TEST(a_batch_names_its_operations)
{
    assert_true(open_batch("{\"operations\":[{\"op\":\"decrement\",\"sku\":\"a\",\"quantity\":1},"
                           "{\"op\":\"decrement\",\"sku\":\"a\",\"quantity\":1,"
                           "\"idempotency_key\":\"own\"},"
                           "{\"op\":\"get\",\"id\":\"" RID "\",\"idempotency_key\":\"x\"}]}",
                           "K"));
    assert_true(batch_op(0));
    assert_true(text_is(op.key, "K/0"));
    assert_true(batch_op(1));
    assert_true(text_is(op.key, "own"));
    assert_true(batch_op(2));
    assert_true(op.kind == OP_GET && str_absent(op.key));
    request_batch_close(&batch);
}

TEST(a_batch_refuses_one_by_one)
{
    static const struct {
        const char *operation, *field;
    } rows[] = {
        {"5", "op"},
        {"{}", "op"},
        {"{\"op\":5}", "op"},
        {"{\"op\":\"delete\",\"sku\":\"a\"}", "op"},
        {"{\"op\":\"decrement\",\"quantity\":1}", "sku"},
        {"{\"op\":\"decrement\",\"sku\":\"a\",\"quantity\":99999999999999999999}", "quantity"},
        {"{\"op\":\"decrement\",\"sku\":\"a\",\"quantity\":1,\"if_match\":\"*\"}", "if_match"},
        {"{\"op\":\"transfer\",\"sku\":\"a\",\"quantity\":1}", "to"},
        {"{\"op\":\"transfer\",\"to\":\"a\",\"quantity\":1}", "sku"},
        {"{\"op\":\"transfer\",\"sku\":\"a\",\"to\":\"a\",\"quantity\":1}", "to"},
        {"{\"op\":\"confirm\"}", "id"},
        {"{\"op\":\"get\",\"id\":\"" RID "\",\"lines\":[]}", "lines"},
        {"{\"op\":\"put\",\"sku\":\"a\",\"on_hand\":1,\"idempotency_key\":\"\"}",
         "idempotency_key"},
        {"{\"op\":\"put\",\"sku\":\"a\",\"on_hand\":1,\"idempotency_key\":7}", "idempotency_key"},
        {"{\"op\":\"reserve\",\"sku\":\"a\",\"quantity\":1,\"metadata\":{\"x\":1e999}}",
         "metadata.x"},
    };
    char body[4096] = "{\"operations\":[";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        strcat(body, rows[i].operation);
        strcat(body, ",");
    }
    strcat(body, "{\"op\":\"release\",\"id\":\"" RID "\"}]}");
    assert_true(open_batch(body, NULL));
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_false(batch_op(i));
        assert_int_equal(why.problem, PROBLEM_INVALID_FIELD);
        assert_string_equal(why.field, rows[i].field);
    }
    assert_true(batch_op(batch.count - 1));
    request_batch_close(&batch);
}

TEST(a_batch_is_refused_whole)
{
    static const struct {
        const char *body;
        enum problem_id problem;
    } rows[] = {{"", PROBLEM_MALFORMED_JSON},
                {"[]", PROBLEM_MALFORMED_JSON},
                {"{}", PROBLEM_INVALID_FIELD},
                {"{\"operations\":{}}", PROBLEM_INVALID_FIELD},
                {"{\"operations\":[]}", PROBLEM_INVALID_FIELD},
                {"{\"operations\":[{}],\"x\":1}", PROBLEM_INVALID_FIELD}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_false(open_batch(rows[i].body, NULL));
        assert_int_equal(why.problem, rows[i].problem);
    }
    char *many = malloc(5000);
    strcpy(many, "{\"operations\":[");
    for (int i = 0; i < 1000; i++)
        strcat(many, "{},");
    strcat(many, "{}]}");
    assert_false(open_batch(many, NULL));
    free(many);
    assert_false(open_batch("{\"operations\":[{}]}", "a b"));
    assert_string_equal(why.field, "Idempotency-Key");
}
