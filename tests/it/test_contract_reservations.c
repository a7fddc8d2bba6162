/* test_contract_reservations.c -- reservations of the HTTP contract, made and read: every row, rule
 * and limit. What becomes of them: test_contract_ends.c. */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve_holds_one_line(void **state)
{
    const char *sku = api_item(a, 10, 0);
    post(201, RESERVATIONS, LINE(sku, 3));
    const char *id = api_str(a, "id");
    check_header(a, "Location", RESERVATION(id));
    check_header(a, "Idempotent-Replayed", NULL);
    check_like(a, "{'state':'held','lines':[{'sku':'%s','quantity':3,'remaining':7,'version':2}]}",
               sku);
    check_absent(a, "lines[0].reserved");
    check_absent(a, "expired_lines");
    check_like(a, "{'customer':null,'reference':null}");
    check_json(a, "metadata", "{}");
    assert_int_equal(api_time(a, "expires_at") - api_time(a, "created_at"), 600 * 1000);
    assert_in_range(api_int(a, "ttl_ms"), 590 * 1000, 600 * 1000);
    check_item(a, sku, 10, 7, 3, 0, 2);
}

static void reserve_keeps_what_it_was_told(void **state)
{
    const char *sku = api_item(a, 10, 0);
    post(201, RESERVATIONS,
         text("{\"lines\":[%s],\"ttl_seconds\":60,\"customer\":\"c-1\",\"reference\":\"order-"
              "9\",\"metadata\":{\"a\":[1,2.5,null,true],\"\\u00fc\":{\"n\":1.0}}}",
              LINE(sku, 1)));
    const char *id = api_str(a, "id");
    for (int i = 0; i < 2; i++) {
        check_like(a, "{'customer':'c-1','reference':'order-9'}");
        check_json(a, "metadata", "{\"a\":[1,2.5,null,true],\"\\u00fc\":{\"n\":1.0}}");
        assert_int_equal(api_time(a, "expires_at") - api_time(a, "created_at"), 60 * 1000);
        get(RESERVATION(id));
    }
}

static void reserve_merges_lines_of_one_sku(void **state)
{
    const char *x = api_item(a, 10, 0);
    const char *y = api_item(a, 10, 0);
    post(201, RESERVATIONS, text("{\"lines\":[%s,%s,%s]}", LINE(x, 1), LINE(y, 2), LINE(x, 4)));
    check_like(a,
               "{'lines':[{'sku':'%s','quantity':5,'remaining':5,'version':2},{'sku':'%s',"
               "'quantity':2}]}",
               x, y);
    check_item(a, x, 10, 5, 5, 0, 2); /* one transition, not two */
    check_item(a, y, 10, 8, 2, 0, 2);
}

/* A body with `count` lines of new items, freed by the caller. */
static char *lines_body(int count, const char *prefix, const char *quantity)
{
    char *body = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&body, &size);
    fprintf(out, "{\"lines\":[");
    for (int i = 0; i < count; i++)
        fprintf(out, "%s{\"sku\":\"%s.%d\",\"quantity\":%s}", i ? "," : "", prefix, i, quantity);
    fprintf(out, "]}");
    fclose(out);
    return body;
}

static void reserve_takes_a_hundred_lines(void **state)
{
    for (int i = 0; i < 100; i++)
        api_call(a, 201, "PUT", text("/v1/items/hundred.%d", i), NULL, "{\"on_hand\":2}");
    char *body = lines_body(101, "hundred", "1");
    post_problem(422, "invalid-field", "lines", RESERVATIONS, body);
    char *more = body;
    body = lines_body(100, "hundred", "2");
    post(201, RESERVATIONS, body);
    check_size(a, "lines", 100);
    const char *id = api_str(a, "id");
    check_item(a, "hundred.0", 2, 0, 2, 0, 2);
    check_item(a, "hundred.99", 2, 0, 2, 0, 2);
    post_problem(409, "insufficient-stock", NULL, RESERVATIONS, body);
    check_size(a, "lines", 100); /* every failing line */
    free(body);
    post_problem(422, "invalid-field", "lines", CONFIRM(id), more);
    free(more);
    post(200, CONFIRM(id), NULL);
    check_item(a, "hundred.57", 0, 0, 0, 2, 3);
    post_problem(422, "invalid-field", "lines", RESERVATIONS, "{\"lines\":[]}");
}

static void reserve_checks_its_fields(void **state)
{
    const char *sku = api_item(a, 10, 0);
    struct {
        const char *field;
        const char *body;
    } cases[] = {
        {NULL, "{}"},
        {NULL, text("{\"lines\":[%s],\"sku\":\"%s\",\"quantity\":1}", LINE(sku, 1), sku)},
        {NULL, text("{\"lines\":[%s],\"quantity\":1}", LINE(sku, 1))},
        {"quantity", text("{\"sku\":\"%s\"}", sku)},
        {"sku", "{\"quantity\":1}"},
        {"sku", "{\"sku\":\"a b\",\"quantity\":1}"},
        {"sku", "{\"sku\":\"\",\"quantity\":1}"},
        {"sku", "{\"sku\":7,\"quantity\":1}"},
        {"lines", "{\"lines\":{}}"},
        {"lines", "{\"lines\":null}"},
        {"lines[0]", "{\"lines\":[7]}"},
        {"lines[0].quantity", text("{\"lines\":[{\"sku\":\"%s\"}]}", sku)},
        {"lines[0].sku", "{\"lines\":[{\"quantity\":1}]}"},
        {"lines[1].sku", text("{\"lines\":[%s,{\"sku\":\"a/b\",\"quantity\":1}]}", LINE(sku, 1))},
        {"lines[1].colour",
         text("{\"lines\":[%s,{\"sku\":\"%s\",\"quantity\":1,\"colour\":1}]}", LINE(sku, 1), sku)},
        {"colour", text("{\"lines\":[%s],\"colour\":\"red\"}", LINE(sku, 1))},
        {"state", text("{\"lines\":[%s],\"state\":\"held\"}", LINE(sku, 1))},
        {"customer", text("{\"lines\":[%s],\"customer\":null}", LINE(sku, 1))},
        {"customer", text("{\"lines\":[%s],\"customer\":7}", LINE(sku, 1))},
        {"reference", text("{\"lines\":[%s],\"reference\":[]}", LINE(sku, 1))},
        {"metadata", text("{\"lines\":[%s],\"metadata\":[]}", LINE(sku, 1))},
        {"metadata", text("{\"lines\":[%s],\"metadata\":\"x\"}", LINE(sku, 1))},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        post_problem(422, "invalid-field", cases[i].field, RESERVATIONS, cases[i].body);
    check_item(a, sku, 10, 10, 0, 0, 1);
}

static void reserve_checks_quantities(void **state)
{
    static const char *const bad[] = {
        "0",  "-1",   "1000000001",          "1.0", "2.5", "1e2", "\"1\"", "null",
        "{}", "true", "18446744073709551616"};
    const char *sku = api_item(a, INT64_C(9007199254740991), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        post_problem(422, "invalid-field", "quantity", RESERVATIONS,
                     text("{\"sku\":\"%s\",\"quantity\":%s}", sku, bad[i]));
        post_problem(422, "invalid-field", "lines[2].quantity", RESERVATIONS,
                     text("{\"lines\":[%s,%s,{\"sku\":\"%s\",\"quantity\":%s}]}", LINE(sku, 1),
                          LINE(sku, 1), sku, bad[i]));
    }
    /* Merged beyond the limit is beyond the limit. */
    post_problem(422, "invalid-field", NULL, RESERVATIONS,
                 text("{\"lines\":[%s,%s]}", LINE(sku, 1000000000), LINE(sku, 1)));
    check_item(a, sku, INT64_C(9007199254740991), INT64_C(9007199254740991), 0, 0, 1);
    post(201, RESERVATIONS, text("{\"lines\":[%s,%s]}", LINE(sku, 999999999), LINE(sku, 1)));
    check_int(a, "lines[0].quantity", 1000000000);
    check_int(a, "lines[0].remaining", INT64_C(9007199254740991) - 1000000000);
}

static void reserve_checks_ttl(void **state)
{
    static const char *const bad[] = {
        "0", "-1", "604801", "1.0", "0.5", "null", "\"60\"", "true", "99999999999999999999"};
    const char *sku = api_item(a, 10, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        post_problem(422, "invalid-field", "ttl_seconds", RESERVATIONS,
                     text("{\"sku\":\"%s\",\"quantity\":1,\"ttl_seconds\":%s}", sku, bad[i]));
    api_reserve(a, sku, 1, 604800);
    assert_int_equal(api_time(a, "expires_at") - api_time(a, "created_at"), INT64_C(604800) * 1000);
    api_reserve(a, sku, 1, 1);
    assert_int_equal(api_time(a, "expires_at") - api_time(a, "created_at"), 1000);
}

static void reserve_checks_texts(void **state)
{
    static const char *const fields[] = {"customer", "reference"};
    const char *sku = api_item(a, 10, 0);
    char longest[129]; /* 128 bytes, 64 characters */
    for (size_t i = 0; i < 128; i++)
        longest[i] = i % 2 ? '\xa4' : '\xc3';
    longest[128] = '\0';
    for (size_t i = 0; i < 2; i++) {
        post(201, RESERVATIONS,
             text("{\"sku\":\"%s\",\"quantity\":1,\"%s\":\"%s\"}", sku, fields[i], longest));
        check_str(a, fields[i], longest);
        post_problem(
            422, "invalid-field", fields[i], RESERVATIONS,
            text("{\"sku\":\"%s\",\"quantity\":1,\"%s\":\"%sx\"}", sku, fields[i], longest));
        /* The bytes count, not how they are written. */
        post(201, RESERVATIONS,
             text("{\"sku\":\"%s\",\"quantity\":1,\"%s\":\"\\\"\\\\\\n\\u00e4%.122s\"}", sku,
                  fields[i], longest));
        check_str(a, fields[i], text("\"\\\n\xc3\xa4%.122s", longest));
    }
    check_item(a, sku, 10, 6, 4, 0, 5);
}

static void reserve_checks_metadata(void **state)
{
    const char *sku = api_item(a, 10, 0);
    char filler[4096];
    memset(filler, 'm', sizeof(filler));
    filler[4096 - strlen("{\"k\":\"\"}")] = '\0';
    post(201, RESERVATIONS,
         text("{\"sku\":\"%s\",\"quantity\":1,\"metadata\":{\"k\":\"%s\"}}", sku, filler));
    check_json(a, "metadata", text("{\"k\":\"%s\"}", filler));
    const char *id = api_str(a, "id");
    post_problem(422, "invalid-field", "metadata", RESERVATIONS,
                 text("{\"sku\":\"%s\",\"quantity\":1,\"metadata\":{\"k\":\"%sm\"}}", sku, filler));
    get(RESERVATION(id));
    check_json(a, "metadata", text("{\"k\":\"%s\"}", filler));
    post(200, CONFIRM(id), NULL);
    check_json(a, "metadata", text("{\"k\":\"%s\"}", filler));
    check_item(a, sku, 9, 9, 0, 1, 3);
    /* 32 levels, itself included. */
    char opened[2000], closed[2000];
    memset(opened, '[', sizeof(opened));
    memset(closed, ']', sizeof(closed));
    for (int levels = 31; levels < 2000; levels *= 4)
        post(levels < 32 ? 201 : 422, RESERVATIONS,
             text("{\"sku\":\"%s\",\"quantity\":1,\"metadata\":{\"k\":%.*s%.*s}}", sku, levels,
                  opened, levels, closed));
    check_problem(a, 422, "invalid-field", "metadata");
    check_item(a, sku, 9, 8, 1, 1, 4);
}

static void reserve_is_all_or_nothing(void **state)
{
    const char *full = api_item(a, 10, 0);
    const char *low = api_item(a, 2, 0);
    const char *empty = api_item(a, 0, 0);
    api_reserve(a, low, 1, 300);
    int64_t first_back = api_time(a, "expires_at");
    post_problem(409, "insufficient-stock", NULL, RESERVATIONS,
                 text("{\"lines\":[%s,%s,%s,%s]}", LINE(low, 1), LINE(full, 10), LINE(empty, 4),
                      LINE(low, 1)));
    check_size(a, "lines", 2); /* the failing ones only, merged by sku */
    check_like(a,
               "{'lines':[{'sku':'%s','requested':2,'available':1,'version':2},{'sku':'%s',"
               "'requested':4,'available':0,'version':1}]}",
               low, empty);
    assert_int_equal(api_time(a, "earliest_release_at"), first_back);
    check_item(a, full, 10, 10, 0, 0, 1);
    check_item(a, low, 2, 1, 1, 0, 2);

    /* Of several holds the first to end; none when nothing is held. */
    api_reserve(a, low, 1, 100);
    first_back = api_time(a, "expires_at");
    post_problem(409, "insufficient-stock", NULL, RESERVATIONS, LINE(low, 1));
    assert_int_equal(api_time(a, "earliest_release_at"), first_back);
    post_problem(409, "insufficient-stock", NULL, RESERVATIONS, LINE(full, 11));
    check_int(a, "lines[0].available", 10);
    check_absent(a, "earliest_release_at");
}

static void a_missing_item_comes_first(void **state)
{
    const char *empty = api_item(a, 0, 0);
    const char *gone = new_sku();
    post_problem(404, "item-not-found", NULL, RESERVATIONS, LINE(gone, 1));
    post_problem(404, "item-not-found", NULL, RESERVATIONS,
                 text("{\"lines\":[%s,%s]}", LINE(empty, 1), LINE(gone, 1)));
}

static void get_reads_the_stored_state(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 3, 0);
    char *held = strdup(a->resp.body);
    int64_t ttl = api_int(a, "ttl_ms");
    assert_true(await((get(RESERVATION(id)), api_int(a, "ttl_ms") < ttl),
                      EXPIRY_TIMEOUT_MS)); /* it runs down */
    json_t *wanted = json_loads(held, 0, NULL);
    json_object_set(wanted, "ttl_ms", json_at(http_resp_json(&a->resp), "ttl_ms"));
    assert_true(json_equal(wanted, http_resp_json(&a->resp)));
    json_decref(wanted);
    free(held);
}

static void unknown_reservations_are_not_found(void **state)
{
    const char *sku = api_item(a, 10, 0);
    char other[320];
    KEEP(other, api_reserve(a, sku, 1, 0));
    size_t n = strlen(other);
    other[n - 2] = other[n - 2] == 'a' ? 'b' : 'a'; /* well-formed, but nobody's */
    const char *const ids[] = {
        other,
        "x",
        "no-such-reservation",
        "%00",
        "a%2Fb",
        "%C3%A4",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        get_problem(404, "reservation-not-found", NULL, RESERVATION(ids[i]));
        post_problem(404, "reservation-not-found", NULL, CONFIRM(ids[i]), "{}");
        post_problem(404, "reservation-not-found", NULL, RELEASE(ids[i]), NULL);
        post_problem(404, "reservation-not-found", NULL, EXTEND(ids[i]), "{}");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserve_holds_one_line),
        cmocka_unit_test(reserve_keeps_what_it_was_told),
        cmocka_unit_test(reserve_merges_lines_of_one_sku),
        cmocka_unit_test(reserve_takes_a_hundred_lines),
        cmocka_unit_test(reserve_checks_its_fields),
        cmocka_unit_test(reserve_checks_quantities),
        cmocka_unit_test(reserve_checks_ttl),
        cmocka_unit_test(reserve_checks_texts),
        cmocka_unit_test(reserve_checks_metadata),
        cmocka_unit_test(reserve_is_all_or_nothing),
        cmocka_unit_test(a_missing_item_comes_first),
        cmocka_unit_test(get_reads_the_stored_state),
        cmocka_unit_test(unknown_reservations_are_not_found),
    };
    return run_suite("contract: reservations", tests);
}
