/* test_contract_idempotency.c -- Idempotency-Key and GET /v1/operations. */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY(key) text("Idempotency-Key: %s\r\n", (key))

/* A key that was not used yet. */
static const char *new_key(void)
{
    return text("key-%s", new_sku());
}

/* Makes the call three times with one key: one effect, one answer. */
static void check_repeats(int status, const char *method, const char *path, const char *more,
                          const char *body)
{
    char key[64];
    char target[400];
    char headers[200];
    KEEP(target, path);
    KEEP(key, new_key());
    snprintf(headers, sizeof(headers), "Idempotency-Key: %s\r\n%s", key, more);
    api_call(a, status, method, target, headers, body);
    check_header(a, "Idempotent-Replayed", NULL);
    json_t *first = json_incref(http_resp_json(&a->resp));
    for (int i = 0; i < 2; i++) {
        json_t *again = api_call(a, status, method, target, headers, body);
        check_header(a, "Idempotent-Replayed", "true");
        json_t *ttl = json_object_get(first, "ttl_ms");
        if (ttl) { /* it alone runs on */
            assert_true(api_int(a, "ttl_ms") <= json_integer_value(ttl));
            json_object_set(again, "ttl_ms", ttl);
        }
        assert_true(first == again || json_equal(first, again)); /* both NULL for DELETE */
    }
    json_decref(first);

    get(text("/v1/operations/%s", key));
    check_str(a, "id", key);
    check_int(a, "status", status);
}

static void every_call_can_be_repeated(void **state)
{
    const char *sku = new_sku();
    const char *item = ITEM(sku);
    check_repeats(201, "PUT", item, "", "{\"on_hand\":100}");
    check_repeats(200, "PUT", ITEM(sku), "If-Match: \"1\"\r\n", "{\"on_hand\":90}");
    check_repeats(200, "POST", ADJUST(sku), "", "{\"delta\":10}");
    check_repeats(200, "POST", DECREMENT(sku), "", "{\"quantity\":1}");
    check_item(a, sku, 99, 99, 0, 1, 4);
    const char *other = api_item(a, 0, 0);
    check_repeats(200, "POST", TRANSFER(sku), "", text("{\"to\":\"%s\",\"quantity\":1}", other));
    check_repeats(200, "POST", TRANSFER(other), "", text("{\"to\":\"%s\",\"quantity\":1}", sku));
    check_item(a, sku, 99, 99, 0, 1, 6);
    check_repeats(201, "POST", RESERVATIONS, "", LINE(sku, 2));
    check_item(a, sku, 99, 97, 2, 1, 7);
    const char *id = api_reserve(a, sku, 3, 0);
    check_repeats(200, "POST", EXTEND(id), "", "{\"ttl_seconds\":50}");
    check_item(a, sku, 99, 94, 5, 1, 9);
    check_repeats(200, "POST", CONFIRM(id), "", "{}");
    check_item(a, sku, 96, 94, 2, 4, 10);
    id = api_reserve(a, sku, 4, 0);
    check_repeats(200, "POST", RELEASE(id), "", NULL);
    check_item(a, sku, 96, 94, 2, 4, 12);
    const char *gone = api_item(a, 1, 0);
    check_repeats(204, "DELETE", ITEM(gone), "", NULL);
    get_problem(404, "item-not-found", NULL, ITEM(gone));
}

/* The answer of the first time, whatever has happened since. */
static void a_repeat_is_answered_as_the_first_time(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *key = KEY(new_key());
    const char *body = text("{\"sku\":\"%s\",\"quantity\":10}", sku);
    api_call(a, 201, "POST", RESERVATIONS, key, body);
    const char *id = api_str(a, "id");
    post(200, CONFIRM(id), "{}");
    api_call(a, 204, "DELETE", ITEM(sku), NULL, NULL);
    api_call(a, 201, "POST", RESERVATIONS, key, body);
    check_header(a, "Idempotent-Replayed", "true");
    check_header(a, "Location", RESERVATION(id));
    check_like(a, "{'id':'%s','state':'held','lines':[{'remaining':0,'version':2}]}", id);
}

static void bodies_are_compared_as_json(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *key = KEY(new_key());
    api_call(a, 201, "POST", RESERVATIONS, key,
             text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1}],\"metadata\":{\"a\":1,\"b\":[1,2]},"
                  "\"reference\":\"\xc3\xa4\"}",
                  sku));
    const char *same[] = {
        text("{\"reference\":\"\\u00e4\",\"metadata\":{\"b\":[1,2],\"a\":1},\"lines\":[{"
             "\"quantity\":1,\"sku\":\"%s\"}]}",
             sku),
        text(" {\n\t\"lines\" : [ {\"sku\":\"%s\", \"quantity\":1} ] , "
             "\"metadata\":{\"a\":1,\"b\":[ 1,2 ]},\"reference\":\"\xc3\xa4\"}\r\n ",
             sku)};
    for (size_t i = 0; i < 2; i++) {
        api_call(a, 201, "POST", RESERVATIONS, key, same[i]);
        check_header(a, "Idempotent-Replayed", "true");
    }
    const char *line = text("\"lines\":[{\"sku\":\"%s\",\"quantity\":1}]", sku);
    const char *others[] = {
        text("{%s,\"metadata\":{\"a\":1,\"b\":[2,1]},\"reference\":\"\xc3\xa4\"}", line),
        text("{%s,\"metadata\":{\"a\":1.0,\"b\":[1,2]},\"reference\":\"\xc3\xa4\"}", line),
        text("{%s,\"metadata\":{\"a\":\"1\",\"b\":[1,2]},\"reference\":\"\xc3\xa4\"}", line),
        text("{%s,\"metadata\":{\"a\":1,\"b\":[1,2]}}", line),
        /* As sent: a default that is spelled out is another body. */
        text("{%s,\"metadata\":{\"a\":1,\"b\":[1,2]},\"reference\":\"\xc3\xa4\",\"ttl_seconds\":600"
             "}",
             line)};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        api_problem(a, 422, "idempotency-key-reused", NULL, "POST", RESERVATIONS, key, others[i]);
    check_item(a, sku, 10, 9, 1, 0, 2);
}

static void a_key_belongs_to_one_request(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *other = api_item(a, 10, 0);
    const char *key = KEY(new_key());
    const char *body = "{\"quantity\":1}";
    api_call(a, 200, "POST", DECREMENT(sku), key, body);
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", DECREMENT(other), key, body);
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", DECREMENT(sku), key,
                "{\"quantity\":2}");
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", ADJUST(sku), key, "{\"delta\":1}");
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", RESERVATIONS, key, LINE(sku, 1));
    api_problem(a, 422, "idempotency-key-reused", NULL, "DELETE", ITEM(sku), key, NULL);
    api_problem(a, 422, "idempotency-key-reused", NULL, "PUT", ITEM(sku), key, "{\"on_hand\":5}");
    check_item(a, sku, 9, 9, 0, 1, 2);
    check_item(a, other, 10, 10, 0, 0, 1);
    /* The same path, written in another way, is the same path. */
    api_call(a, 200, "POST", text("/v1/items/%%69%s/decrements", sku + 1), key, body);
    check_header(a, "Idempotent-Replayed", "true");
    check_item(a, sku, 9, 9, 0, 1, 2);
}

static void an_empty_body_is_an_empty_object(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 1, 0);
    const char *key = KEY(new_key());
    api_call(a, 200, "POST", CONFIRM(id), key, NULL);
    api_call(a, 200, "POST", CONFIRM(id), key, "{ }");
    check_header(a, "Idempotent-Replayed", "true");
}

static void rejections_are_not_recorded(void **state)
{
    const char *sku = api_item(a, 0, 0);
    const char *name = new_key();
    const char *key = KEY(name);
    const char *path = DECREMENT(sku);
    api_problem(a, 409, "insufficient-stock", NULL, "POST", path, key, "{\"quantity\":1}");
    get_problem(404, "operation-not-found", NULL, text("/v1/operations/%s", name));
    api_problem(a, 422, "invalid-field", "quantity", "POST", path, key, "{\"quantity\":0}");
    post(200, ADJUST(sku), "{\"delta\":1}");
    api_call(a, 200, "POST", path, key, "{\"quantity\":1}");
    check_header(a, "Idempotent-Replayed", NULL);
    api_call(a, 200, "POST", path, key, "{\"quantity\":1}");
    check_header(a, "Idempotent-Replayed", "true");
    check_item(a, sku, 0, 0, 0, 1, 3);
}

static void keys_are_checked(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *path = DECREMENT(sku);
    char longest[257];
    memset(longest, 'k', 256);
    longest[256] = '\0';
    const char *bad[] = {"",
                         "\"\"",
                         longest,
                         "a b",
                         "a\tb",
                         "\xc3\xa4",
                         "a\x7f"
                         "b",
                         "a\x01"
                         "b",
                         "\"a b\""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        api_problem(a, 422, "invalid-field", "Idempotency-Key", "POST", path, KEY(bad[i]),
                    "{\"quantity\":1}");
    check_item(a, sku, 10, 10, 0, 0, 1);
    longest[255] = '\0';
    api_call(a, 200, "POST", path, KEY(longest), "{\"quantity\":1}");
    get(text("/v1/operations/%s", longest));
    check_str(a, "id", longest);
    api_call(a, 200, "POST", path, KEY(text("%c", '!')), "{\"quantity\":1}");
    check_item(a, sku, 8, 8, 0, 2, 3);
}

static void surrounding_quotes_are_not_part_of_a_key(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *path = DECREMENT(sku);
    const char *key = new_key();
    api_call(a, 200, "POST", path, KEY(text("\"%s\"", key)), "{\"quantity\":1}");
    check_str(a, "id", key);
    api_call(a, 200, "POST", path, text("idempotency-key:   %s  \r\n", key), "{\"quantity\":1}");
    check_header(a, "Idempotent-Replayed", "true");
    check_item(a, sku, 9, 9, 0, 1, 2);
}

static void operations_are_found_by_any_key(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *path = DECREMENT(sku);
    static const struct {
        const char *key;
        const char *encoded;
    } keys[] = {
        {"a/b", "a%2Fb"},
        {"a?b=c&d", "a%3Fb%3Dc%26d"},
        {"100%", "100%25"},
        {"#1", "%231"},
        {"%2F", "%252F"},
        {"a+b", "a+b"},
        {"{\"k\":[1]}", "%7B%22k%22%3A%5B1%5D%7D"},
        {"a\"b", "a%22b"},
        {"..", "%2E%2E"},
        {"a\\b", "a%5Cb"},
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        const char *encoded = text("/v1/operations/%s", keys[i].encoded);
        get_problem(404, "operation-not-found", NULL, encoded);
        api_call(a, 200, "POST", path, KEY(keys[i].key), "{\"quantity\":1}");
        json_t *body = json_incref(http_resp_json(&a->resp));
        get(encoded);
        check_str(a, "id", keys[i].key);
        check_int(a, "status", 200);
        assert_true(json_equal(json_at(http_resp_json(&a->resp), "body"), body));
        json_decref(body);
    }
    get_problem(404, "operation-not-found", NULL, "/v1/operations/never-used");
}

static void operations_show_the_first_answer(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *key = new_key();
    api_call(a, 201, "POST", RESERVATIONS, KEY(key),
             text("{\"sku\":\"%s\",\"quantity\":1,\"metadata\":{\"n\":1}}", sku));
    const char *id = api_str(a, "id");
    post(200, RELEASE(id), NULL);
    get(text("/v1/operations/%s", key));
    check_like(a, "{'id':'%s','status':201,'body':{'id':'%s','state':'held'}}", key, id);
    check_json(a, "body.metadata", "{\"n\":1}");
    check_int(a, "body.lines[0].remaining", 9);
}

static void without_a_key_every_call_counts(void **state)
{
    const char *sku = api_item(a, 10, 0);
    for (int i = 0; i < 3; i++) {
        post(200, DECREMENT(sku), "{\"quantity\":1}");
        check_header(a, "Idempotent-Replayed", NULL);
    }
    check_item(a, sku, 7, 7, 0, 3, 4);
}

/* A confirm under a key, repeated after others have confirmed with other words. */
static void keys_and_states_agree(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 5, 0);
    const char *confirm = CONFIRM(id);
    const char *key = KEY(new_key());
    const char *part = text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":2}]}", sku);
    api_call(a, 200, "POST", confirm, key, part);
    api_problem(a, 409, "reservation-confirmed", NULL, "POST", confirm, KEY(new_key()), "{}");
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", confirm, key, "{}");
    api_call(a, 200, "POST", confirm, key, part);
    check_header(a, "Idempotent-Replayed", "true");
    check_item(a, sku, 8, 8, 0, 2, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_can_be_repeated),
        cmocka_unit_test(a_repeat_is_answered_as_the_first_time),
        cmocka_unit_test(bodies_are_compared_as_json),
        cmocka_unit_test(a_key_belongs_to_one_request),
        cmocka_unit_test(an_empty_body_is_an_empty_object),
        cmocka_unit_test(rejections_are_not_recorded),
        cmocka_unit_test(keys_are_checked),
        cmocka_unit_test(surrounding_quotes_are_not_part_of_a_key),
        cmocka_unit_test(operations_are_found_by_any_key),
        cmocka_unit_test(operations_show_the_first_answer),
        cmocka_unit_test(without_a_key_every_call_counts),
        cmocka_unit_test(keys_and_states_agree),
    };
    return run_suite("contract: idempotency", tests);
}
