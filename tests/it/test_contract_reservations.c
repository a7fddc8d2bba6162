/* test_contract_reservations.c -- the reservations of the HTTP contract: every row, rule and limit,
 * and the versions that a checker relies on. */
#include "support/fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESERVE         "/v1/reservations"
#define RESERVATION(id) text("/v1/reservations/%s", (id))
#define CONFIRM(id)     text("/v1/reservations/%s/confirm", (id))
#define RELEASE(id)     text("/v1/reservations/%s/release", (id))
#define EXTEND(id)      text("/v1/reservations/%s/extend", (id))
#define LINE(sku, n)    text("{\"sku\":\"%s\",\"quantity\":%d}", (sku), (n))

static void keeper_signal(int signo)
{
    pid_t pid;
    assert_int_equal(tservice_pids(&stack.service, TSERVICE_KEEPER, &pid, 1), 1);
    kill(pid, signo);
}

static int keeper_thaw(void **state)
{
    keeper_signal(SIGCONT);
    return 0;
}

static void await_expired(const char *id, int64_t ttl_ms)
{
    assert_true(await(api_state_is(a, id, "expired"), ttl_ms + EXPIRY_TIMEOUT_MS));
}

static void reserve_holds_one_line(void **state)
{
    const char *sku = api_item(a, 10, 0);
    api_call(a, 201, "POST", RESERVE, NULL, LINE(sku, 3));
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
    api_call(a, 201, "POST", RESERVE, NULL,
             text("{\"lines\":[%s],\"ttl_seconds\":60,\"customer\":\"c-1\",\"reference\":\"order-"
                  "9\",\"metadata\":{\"a\":[1,2.5,null,true],\"\\u00fc\":{\"n\":1.0}}}",
                  LINE(sku, 1)));
    const char *id = api_str(a, "id");
    for (int i = 0; i < 2; i++) {
        check_like(a, "{'customer':'c-1','reference':'order-9'}");
        check_json(a, "metadata", "{\"a\":[1,2.5,null,true],\"\\u00fc\":{\"n\":1.0}}");
        assert_int_equal(api_time(a, "expires_at") - api_time(a, "created_at"), 60 * 1000);
        api_call(a, 200, "GET", RESERVATION(id), NULL, NULL);
    }
}

static void reserve_merges_lines_of_one_sku(void **state)
{
    const char *x = api_item(a, 10, 0);
    const char *y = api_item(a, 10, 0);
    api_call(a, 201, "POST", RESERVE, NULL,
             text("{\"lines\":[%s,%s,%s]}", LINE(x, 1), LINE(y, 2), LINE(x, 4)));
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
    api_problem(a, 422, "invalid-field", "lines", "POST", RESERVE, NULL, body);
    free(body);
    body = lines_body(100, "hundred", "2");
    api_call(a, 201, "POST", RESERVE, NULL, body);
    check_size(a, "lines", 100);
    const char *id = api_str(a, "id");
    check_item(a, "hundred.0", 2, 0, 2, 0, 2);
    check_item(a, "hundred.99", 2, 0, 2, 0, 2);
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVE, NULL, body);
    check_size(a, "lines", 100); /* every failing line */
    free(body);
    api_call(a, 200, "POST", CONFIRM(id), NULL, NULL);
    check_item(a, "hundred.57", 0, 0, 0, 2, 3);
    api_problem(a, 422, "invalid-field", "lines", "POST", RESERVE, NULL, "{\"lines\":[]}");
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
        api_problem(a, 422, "invalid-field", cases[i].field, "POST", RESERVE, NULL, cases[i].body);
    check_item(a, sku, 10, 10, 0, 0, 1);
}

static void reserve_checks_quantities(void **state)
{
    static const char *const bad[] = {
        "0",  "-1",   "1000000001",          "1.0", "2.5", "1e2", "\"1\"", "null",
        "{}", "true", "18446744073709551616"};
    const char *sku = api_item(a, INT64_C(9007199254740991), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        api_problem(a, 422, "invalid-field", "quantity", "POST", RESERVE, NULL,
                    text("{\"sku\":\"%s\",\"quantity\":%s}", sku, bad[i]));
        api_problem(a, 422, "invalid-field", "lines[2].quantity", "POST", RESERVE, NULL,
                    text("{\"lines\":[%s,%s,{\"sku\":\"%s\",\"quantity\":%s}]}", LINE(sku, 1),
                         LINE(sku, 1), sku, bad[i]));
    }
    /* Merged beyond the limit is beyond the limit. */
    api_problem(a, 422, "invalid-field", NULL, "POST", RESERVE, NULL,
                text("{\"lines\":[%s,%s]}", LINE(sku, 1000000000), LINE(sku, 1)));
    check_item(a, sku, INT64_C(9007199254740991), INT64_C(9007199254740991), 0, 0, 1);
    api_call(a, 201, "POST", RESERVE, NULL,
             text("{\"lines\":[%s,%s]}", LINE(sku, 999999999), LINE(sku, 1)));
    check_int(a, "lines[0].quantity", 1000000000);
    check_int(a, "lines[0].remaining", INT64_C(9007199254740991) - 1000000000);
}

static void reserve_checks_ttl(void **state)
{
    static const char *const bad[] = {
        "0", "-1", "604801", "1.0", "0.5", "null", "\"60\"", "true", "99999999999999999999"};
    const char *sku = api_item(a, 10, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        api_problem(a, 422, "invalid-field", "ttl_seconds", "POST", RESERVE, NULL,
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
        api_call(a, 201, "POST", RESERVE, NULL,
                 text("{\"sku\":\"%s\",\"quantity\":1,\"%s\":\"%s\"}", sku, fields[i], longest));
        check_str(a, fields[i], longest);
        api_problem(
            a, 422, "invalid-field", fields[i], "POST", RESERVE, NULL,
            text("{\"sku\":\"%s\",\"quantity\":1,\"%s\":\"%sx\"}", sku, fields[i], longest));
        /* The bytes count, not how they are written. */
        api_call(a, 201, "POST", RESERVE, NULL,
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
    api_call(a, 201, "POST", RESERVE, NULL,
             text("{\"sku\":\"%s\",\"quantity\":1,\"metadata\":{\"k\":\"%s\"}}", sku, filler));
    check_json(a, "metadata", text("{\"k\":\"%s\"}", filler));
    const char *id = api_str(a, "id");
    api_problem(a, 422, "invalid-field", "metadata", "POST", RESERVE, NULL,
                text("{\"sku\":\"%s\",\"quantity\":1,\"metadata\":{\"k\":\"%sm\"}}", sku, filler));
    api_call(a, 200, "GET", RESERVATION(id), NULL, NULL);
    check_json(a, "metadata", text("{\"k\":\"%s\"}", filler));
    api_call(a, 200, "POST", CONFIRM(id), NULL, NULL);
    check_json(a, "metadata", text("{\"k\":\"%s\"}", filler));
    check_item(a, sku, 9, 9, 0, 1, 3);
    /* 32 levels, itself included. */
    char opened[2000], closed[2000];
    memset(opened, '[', sizeof(opened));
    memset(closed, ']', sizeof(closed));
    for (int levels = 31; levels < 2000; levels *= 4)
        api_call(a, levels < 32 ? 201 : 422, "POST", RESERVE, NULL,
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
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVE, NULL,
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
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVE, NULL, LINE(low, 1));
    assert_int_equal(api_time(a, "earliest_release_at"), first_back);
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVE, NULL, LINE(full, 11));
    check_int(a, "lines[0].available", 10);
    check_absent(a, "earliest_release_at");
}

static void a_missing_item_comes_first(void **state)
{
    const char *empty = api_item(a, 0, 0);
    const char *gone = new_sku();
    api_problem(a, 404, "item-not-found", NULL, "POST", RESERVE, NULL, LINE(gone, 1));
    api_problem(a, 404, "item-not-found", NULL, "POST", RESERVE, NULL,
                text("{\"lines\":[%s,%s]}", LINE(empty, 1), LINE(gone, 1)));
}

static void get_reads_the_stored_state(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 3, 0);
    char *held = strdup(a->resp.body);
    int64_t ttl = api_int(a, "ttl_ms");
    assert_true(
        await((api_call(a, 200, "GET", RESERVATION(id), NULL, NULL), api_int(a, "ttl_ms") < ttl),
              1000)); /* it runs down */
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
    snprintf(other, sizeof(other), "%s", api_reserve(a, sku, 1, 0));
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
        api_problem(a, 404, "reservation-not-found", NULL, "GET", RESERVATION(ids[i]), NULL, NULL);
        api_problem(a, 404, "reservation-not-found", NULL, "POST", CONFIRM(ids[i]), NULL, "{}");
        api_problem(a, 404, "reservation-not-found", NULL, "POST", RELEASE(ids[i]), NULL, NULL);
        api_problem(a, 404, "reservation-not-found", NULL, "POST", EXTEND(ids[i]), NULL, "{}");
    }
}

static void confirm_sells(void **state)
{
    const char *x = api_item(a, 10, 0);
    const char *y = api_item(a, 10, 0);
    api_call(a, 201, "POST", RESERVE, NULL, text("{\"lines\":[%s,%s]}", LINE(x, 3), LINE(y, 1)));
    const char *id = api_str(a, "id");
    api_call(a, 200, "POST", CONFIRM(id), NULL, "{}");
    check_header(a, "Idempotent-Replayed", NULL);
    check_like(a,
               "{'id':'%s','state':'confirmed','ttl_ms':0,'lines':[{'sku':'%s','quantity':3,"
               "'reserved':3,'remaining':7,'version':3},{'quantity':1,'reserved':1,"
               "'remaining':9}]}",
               id, x);
    char *body = strdup(a->resp.body);
    check_item(a, x, 7, 7, 0, 3, 3);
    check_item(a, y, 9, 9, 0, 1, 3);

    /* Again, without and with keys: the same answer, and nothing moves. */
    static const char *const keys[] = {NULL, "Idempotency-Key: confirm-a\r\n",
                                       "Idempotency-Key: confirm-b\r\n"};
    for (size_t i = 0; i < 3; i++) {
        api_call(a, 200, "POST", CONFIRM(id), keys[i], i == 1 ? NULL : "{}");
        check_header(a, "Idempotent-Replayed", "true");
        check_json(a, "", body);
    }
    api_call(a, 200, "GET", RESERVATION(id), NULL, NULL);
    check_json(a, "", body);
    free(body);
    check_item(a, x, 7, 7, 0, 3, 3);

    api_problem(a, 409, "reservation-confirmed", NULL, "POST", RELEASE(id), NULL, NULL);
    api_problem(a, 409, "reservation-confirmed", NULL, "POST", EXTEND(id), NULL, "{}");
    check_item(a, x, 7, 7, 0, 3, 3);
}

static void confirm_takes_an_empty_body(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 1, 0);
    api_call(a, 200, "POST", CONFIRM(id), NULL, NULL);
    check_item(a, sku, 9, 9, 0, 1, 3);
    id = api_reserve(a, sku, 1, 0);
    api_call(a, 200, "POST", CONFIRM(id), "Content-Type: application/json\r\n", "");
    check_item(a, sku, 8, 8, 0, 2, 5);
}

static void a_partial_confirm_gives_the_rest_back(void **state)
{
    const char *x = api_item(a, 10, 0);
    const char *y = api_item(a, 10, 0);
    api_call(a, 201, "POST", RESERVE, NULL, text("{\"lines\":[%s,%s]}", LINE(x, 5), LINE(y, 2)));
    const char *id = api_str(a, "id");
    const char *part = text("{\"lines\":[%s]}", LINE(x, 2));
    api_call(a, 200, "POST", CONFIRM(id), NULL, part);
    check_like(a,
               "{'state':'confirmed','lines':[{'sku':'%s','quantity':2,'reserved':5,"
               "'remaining':8,'version':3},{'sku':'%s','quantity':0,'reserved':2,"
               "'remaining':10,'version':3}]}",
               x, y);
    char *body = strdup(a->resp.body);
    check_item(a, x, 8, 8, 0, 2, 3);
    check_item(a, y, 10, 10, 0, 0, 3);

    api_call(a, 200, "POST", CONFIRM(id), NULL, text("{\"lines\":[%s]}", LINE(x, 2)));
    check_header(a, "Idempotent-Replayed", "true");
    check_json(a, "", body);
    free(body);
    api_problem(a, 409, "reservation-confirmed", NULL, "POST", CONFIRM(id), NULL, "{}");
    api_problem(a, 409, "reservation-confirmed", NULL, "POST", CONFIRM(id), NULL,
                text("{\"lines\":[%s]}", LINE(x, 3)));
    api_problem(a, 409, "reservation-confirmed", NULL, "POST", CONFIRM(id), NULL,
                text("{\"lines\":[%s]}", LINE(y, 2)));
    check_item(a, x, 8, 8, 0, 2, 3);
}

static void a_full_confirm_can_name_its_lines(void **state)
{
    const char *x = api_item(a, 10, 0);
    const char *y = api_item(a, 10, 0);
    api_call(a, 201, "POST", RESERVE, NULL, text("{\"lines\":[%s,%s]}", LINE(x, 5), LINE(y, 2)));
    const char *id = api_str(a, "id");
    api_call(a, 200, "POST", CONFIRM(id), NULL,
             text("{\"lines\":[%s,%s]}", LINE(y, 2), LINE(x, 5)));
    check_item(a, x, 5, 5, 0, 5, 3);
    check_item(a, y, 8, 8, 0, 2, 3);
}

static void confirm_checks_its_fields(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *other = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 3, 0);
    struct {
        const char *field;
        const char *body;
    } cases[] = {
        {"lines", "{\"lines\":[]}"},
        {"lines", "{\"lines\":null}"},
        {"lines", "{\"lines\":7}"},
        {"lines[0].quantity", text("{\"lines\":[%s]}", LINE(sku, 4))},
        {"lines[0].quantity", text("{\"lines\":[%s]}", LINE(sku, 0))},
        {"lines[0].quantity", text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1.0}]}", sku)},
        {"lines[0].quantity", text("{\"lines\":[{\"sku\":\"%s\"}]}", sku)},
        {NULL, text("{\"lines\":[%s]}", LINE(other, 1))},
        {NULL, text("{\"lines\":[%s,%s]}", LINE(sku, 1), LINE(other, 1))},
        {"if_expired", "{\"if_expired\":\"sell\"}"},
        {"if_expired", "{\"if_expired\":true}"},
        {"if_expired", "{\"if_expired\":null}"},
        {"quantity", "{\"quantity\":1}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        api_problem(a, 422, "invalid-field", cases[i].field, "POST", CONFIRM(id), NULL,
                    cases[i].body);
    char *body = lines_body(101, "x", "1");
    api_problem(a, 422, "invalid-field", "lines", "POST", CONFIRM(id), NULL, body);
    free(body);
    check_item(a, sku, 10, 7, 3, 0, 2);
    check_item(a, other, 10, 10, 0, 0, 1);
    api_call(a, 200, "POST", CONFIRM(id), NULL, "{}");
}

static void release_gives_back(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 4, 0);
    api_problem(a, 422, "invalid-field", "lines", "POST", RELEASE(id), NULL, "{\"lines\":[]}");
    api_call(a, 200, "POST", RELEASE(id), NULL, NULL);
    check_header(a, "Idempotent-Replayed", NULL);
    check_like(a, "{'state':'released','ttl_ms':0,'lines':[{'quantity':4,'remaining':10,"
                  "'version':3}]}");
    char *body = strdup(a->resp.body);
    check_item(a, sku, 10, 10, 0, 0, 3);
    static const char *const keys[] = {NULL, "Idempotency-Key: release-a\r\n"};
    for (size_t i = 0; i < 2; i++) {
        api_call(a, 200, "POST", RELEASE(id), keys[i], "{}");
        check_header(a, "Idempotent-Replayed", "true");
        check_json(a, "", body);
    }
    free(body);
    api_problem(a, 409, "reservation-released", NULL, "POST", CONFIRM(id), NULL, "{}");
    api_problem(a, 409, "reservation-released", NULL, "POST", CONFIRM(id), NULL,
                "{\"if_expired\":\"rereserve\"}");
    api_problem(a, 409, "reservation-released", NULL, "POST", EXTEND(id), NULL, "{}");
    check_item(a, sku, 10, 10, 0, 0, 3);
}

static void extend_moves_the_deadline(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 4, 60);
    int64_t created = api_time(a, "created_at");
    int64_t expires = api_time(a, "expires_at");
    api_call(a, 200, "POST", EXTEND(id), NULL, "{\"ttl_seconds\":120}");
    check_like(a, "{'state':'held','lines':[{'quantity':4,'remaining':6}]}");
    check_int(a, "lines[0].version", 3); /* a transition, though no unit moves */
    assert_int_equal(api_time(a, "created_at"), created);
    assert_in_range(api_time(a, "expires_at"), expires + 60000, expires + 70000);
    assert_in_range(api_int(a, "ttl_ms"), 110000, 120000);
    check_item(a, sku, 10, 6, 4, 0, 3);

    api_call(a, 200, "POST", EXTEND(id), NULL, "{}"); /* 600 */
    assert_in_range(api_int(a, "ttl_ms"), 590000, 600000);
    api_call(a, 200, "POST", EXTEND(id), NULL, "{\"ttl_seconds\":10}"); /* sooner is fine, too */
    assert_in_range(api_int(a, "ttl_ms"), 5000, 10000);
    check_item(a, sku, 10, 6, 4, 0, 5);
    api_call(a, 200, "GET", RESERVATION(id), NULL, NULL);
    check_int(a, "lines[0].version", 5);
}

static void extend_checks_its_fields(void **state)
{
    static const char *const bad[] = {"0",      "-5",   "604801", "60.0",
                                      "\"60\"", "null", "1e2",    "18446744073709551617"};
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 1, 60);
    int64_t begin = test_now_ms();
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        api_problem(a, 422, "invalid-field", "ttl_seconds", "POST", EXTEND(id), NULL,
                    text("{\"ttl_seconds\":%s}", bad[i]));
    api_problem(a, 422, "invalid-field", "ttl", "POST", EXTEND(id), NULL, "{\"ttl\":60}");

    /* Not beyond 7 days from creation, and some milliseconds of them have passed. */
    assert_true(await(test_now_ms() - begin > 20, 1000));
    api_problem(a, 422, "invalid-field", "ttl_seconds", "POST", EXTEND(id), NULL,
                "{\"ttl_seconds\":604800}");
    check_item(a, sku, 10, 9, 1, 0, 2);
    api_call(a, 200, "POST", EXTEND(id), NULL, "{\"ttl_seconds\":604700}");
}

static void an_extended_hold_outlives_its_first_deadline(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *other = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 1, 1);
    api_call(a, 200, "POST", EXTEND(id), NULL, "{\"ttl_seconds\":100}");
    const char *probe = api_reserve(a, other, 1, 1); /* it ends after the first deadline */
    await_expired(probe, 1000);
    assert_true(api_state_is(a, id, "held"));
    check_item(a, sku, 10, 9, 1, 0, 3);
    api_call(a, 200, "POST", EXTEND(id), NULL, "{\"ttl_seconds\":1}");
    await_expired(id, 1000);
    check_item(a, sku, 10, 10, 0, 0, 5);
}

/* Each hold that expires is a transition of its own, and GET says which. */
static void expiry_gives_back(void **state)
{
    const char *x = api_item(a, 10, 0);
    const char *y = api_item(a, 10, 0);
    api_call(a, 201, "POST", RESERVE, NULL,
             text("{\"lines\":[%s,%s],\"ttl_seconds\":1}", LINE(x, 2), LINE(y, 3)));
    const char *one = api_str(a, "id");
    int64_t deadline = api_time(a, "expires_at");
    const char *two = api_reserve(a, x, 1, 1);
    check_item(a, x, 10, 7, 3, 0, 3);
    await_expired(one, 1000);
    check_like(a, "{'state':'expired','ttl_ms':0}");
    assert_int_equal(api_time(a, "expires_at"), deadline);
    check_int(a, "lines[0].quantity", 2);
    int64_t version_one = api_int(a, "lines[0].version");
    int64_t remaining_one = api_int(a, "lines[0].remaining");
    check_like(a, "{'lines':[{},{'remaining':10,'version':3}]}");
    check_absent(a, "expired_lines");
    await_expired(two, 1000);
    int64_t version_two = api_int(a, "lines[0].version");
    int64_t remaining_two = api_int(a, "lines[0].remaining");

    assert_int_equal(version_one + version_two, 4 + 5); /* one is 4, the other 5 */
    assert_true(version_one == 4 || version_one == 5);
    assert_int_equal(remaining_one, version_one == 4 ? 9 : 10);
    assert_int_equal(remaining_two, version_two == 4 ? 8 : 10);
    check_item(a, x, 10, 10, 0, 0, 5);
    check_item(a, y, 10, 10, 0, 0, 3);

    api_problem(a, 409, "reservation-expired", NULL, "POST", CONFIRM(one), NULL, "{}");
    api_problem(a, 409, "reservation-expired", NULL, "POST", RELEASE(one), NULL, NULL);
    api_problem(a, 409, "reservation-expired", NULL, "POST", EXTEND(one), NULL, "{}");
    check_item(a, x, 10, 10, 0, 0, 5);
}

/* The deadline counts, not the sweep: with the keeper frozen a confirm in time works, one after it
 * does not, and the units are there for the next one. */
static void the_deadline_holds_without_the_keeper(void **state)
{
    const char *sku = api_item(a, 4, 0);
    const char *other = api_item(a, 1, 0);
    const char *third = api_item(a, 5, 0);
    keeper_signal(SIGSTOP);
    const char *one = api_reserve(a, sku, 2, 1);
    const char *two = api_reserve(a, sku, 2, 1);
    api_reserve(a, other, 1, 1);
    const char *last = api_reserve(a, third, 5, 1);
    assert_true(await(
        (api_call(a, 200, "GET", RESERVATION(last), NULL, NULL), api_int(a, "ttl_ms") == 0), 3000));
    api_problem(a, 409, "reservation-expired", NULL, "POST", CONFIRM(one), NULL, "{}");
    api_problem(a, 409, "reservation-expired", NULL, "POST", RELEASE(two), NULL, "{}");
    api_problem(a, 409, "reservation-expired", NULL, "POST", EXTEND(two), NULL, "{}");

    /* Reserve, decrement, adjustment, PUT and DELETE first give the due holds back. */
    api_call(a, 201, "POST", RESERVE, NULL, LINE(sku, 4));
    check_int(a, "lines[0].remaining", 0);
    check_int(a, "lines[0].version", 6); /* 1 created, 2 and 3 held, 4 and 5 expired */
    check_item(a, sku, 4, 0, 4, 0, 6);
    assert_true(api_state_is(a, one, "expired"));
    assert_true(api_state_is(a, two, "expired"));
    api_call(a, 200, "POST", text("/v1/items/%s/decrements", third), NULL, "{\"quantity\":5}");
    check_like(a, "{'remaining':0,'version':4}");
    api_call(a, 204, "DELETE", text("/v1/items/%s", other), NULL, NULL);
    keeper_signal(SIGCONT);
    assert_true(api_state_is(a, last, "expired"));
    check_item(a, sku, 4, 0, 4, 0, 6);
}

static void due_holds_count_for_adjustments_and_sets(void **state)
{
    const char *x = api_item(a, 5, 0);
    const char *y = api_item(a, 5, 0);
    keeper_signal(SIGSTOP);
    api_reserve(a, x, 5, 1);
    const char *id = api_reserve(a, y, 5, 1);
    assert_true(await(
        (api_call(a, 200, "GET", RESERVATION(id), NULL, NULL), api_int(a, "ttl_ms") == 0), 3000));
    api_call(a, 200, "POST", text("/v1/items/%s/adjustments", x), NULL, "{\"delta\":-5}");
    check_like(a, "{'version':4,'on_hand':0}");
    api_call(a, 200, "PUT", text("/v1/items/%s", y), "If-Match: *\r\n", "{\"on_hand\":1}");
    check_like(a, "{'version':4,'available':1}");
    keeper_signal(SIGCONT);
}

static void rereserve_takes_the_units_again(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *gone = api_item(a, 2, 0);
    const char *limited = api_item(a, 10, 2);
    const char *id = api_reserve(a, sku, 3, 1);
    const char *poor = api_reserve(a, gone, 2, 1);
    api_call(
        a, 201, "POST", RESERVE, NULL,
        text("{\"sku\":\"%s\",\"quantity\":2,\"customer\":\"ann\",\"ttl_seconds\":1}", limited));
    const char *over = api_str(a, "id");
    await_expired(id, 1000);
    await_expired(poor, 1000);
    await_expired(over, 1000);

    api_call(a, 200, "POST", CONFIRM(id), NULL, "{\"if_expired\":\"rereserve\"}");
    check_like(a, "{'state':'confirmed','lines':[{'quantity':3,'reserved':3,'remaining':7,"
                  "'version':4}]}");
    check_item(a, sku, 7, 7, 0, 3, 4);
    api_call(a, 200, "GET", RESERVATION(id), NULL, NULL);
    check_like(a,
               "{'expired_lines':[{'sku':'%s','version':3,'remaining':10}],"
               "'lines':[{'version':4}]}",
               sku);
    api_call(a, 200, "POST", CONFIRM(id), NULL, "{\"if_expired\":\"rereserve\"}");
    check_header(a, "Idempotent-Replayed", "true");

    /* Somebody else was quicker. */
    api_call(a, 200, "POST", text("/v1/items/%s/decrements", gone), NULL, "{\"quantity\":1}");
    api_problem(a, 409, "insufficient-stock", NULL, "POST", CONFIRM(poor), NULL,
                "{\"if_expired\":\"rereserve\"}");
    check_like(a, "{'lines':[{'sku':'%s','requested':2,'available':1,'version':4}]}", gone);
    check_item(a, gone, 1, 1, 0, 1, 4);
    assert_true(api_state_is(a, poor, "expired"));
    api_problem(a, 409, "reservation-expired", NULL, "POST", CONFIRM(poor), NULL, "{}");

    /* The customer has used the limit up meanwhile. */
    api_call(a, 200, "POST", text("/v1/items/%s/decrements", limited), NULL,
             "{\"quantity\":1,\"customer\":\"ann\"}");
    api_problem(a, 409, "limit-exceeded", NULL, "POST", CONFIRM(over), NULL,
                "{\"if_expired\":\"rereserve\"}");
    check_like(a, "{'lines':[{'limit':2,'used':1}]}");
    api_call(a, 200, "POST", CONFIRM(over), NULL,
             text("{\"if_expired\":\"rereserve\",\"lines\":[%s]}", LINE(limited, 1)));
    check_int(a, "lines[0].quantity", 1);
}

/* Past the deadline, but nobody has written the expiry yet: rereserve does both. */
static void rereserve_before_the_sweep(void **state)
{
    const char *sku = api_item(a, 3, 0);
    keeper_signal(SIGSTOP);
    const char *id = api_reserve(a, sku, 3, 1);
    assert_true(await(
        (api_call(a, 200, "GET", RESERVATION(id), NULL, NULL), api_int(a, "ttl_ms") == 0), 3000));
    api_call(a, 200, "POST", CONFIRM(id), NULL, "{\"if_expired\":\"rereserve\"}");
    check_str(a, "state", "confirmed");
    check_int(a, "lines[0].version", 4); /* 3 is the expiry */
    check_int(a, "lines[0].remaining", 0);
    api_call(a, 200, "GET", RESERVATION(id), NULL, NULL);
    check_like(a, "{'expired_lines':[{'version':3,'remaining':3}]}");
    keeper_signal(SIGCONT);
    check_item(a, sku, 0, 0, 0, 3, 4);
}

static void rereserve_in_time_is_a_plain_confirm(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 3, 60);
    api_call(a, 200, "POST", CONFIRM(id), NULL, "{\"if_expired\":\"rereserve\"}");
    check_int(a, "lines[0].version", 3);
    check_absent(a, "expired_lines");
    check_item(a, sku, 7, 7, 0, 3, 3);
}

/* Every kind of transition on one item: versions 1, 2, 3, ... without a hole or a repetition. */
static void versions_are_dense(void **state)
{
    const char *sku = api_item(a, 100, 0); /* 1 */
    const char *hold = api_reserve(a, sku, 10, 0);
    check_int(a, "lines[0].version", 2);
    api_call(a, 200, "POST", EXTEND(hold), NULL, "{}");
    check_int(a, "lines[0].version", 3);
    api_call(a, 200, "POST", text("/v1/items/%s/adjustments", sku), NULL, "{\"delta\":5}");
    check_int(a, "version", 4);
    api_call(a, 200, "POST", text("/v1/items/%s/decrements", sku), NULL, "{\"quantity\":5}");
    check_int(a, "version", 5);
    api_call(a, 200, "PUT", text("/v1/items/%s", sku), "If-Match: \"5\"\r\n", "{\"on_hand\":50}");
    check_int(a, "version", 6);
    api_call(a, 200, "POST", CONFIRM(hold), NULL, "{}");
    check_int(a, "lines[0].version", 7);
    hold = api_reserve(a, sku, 1, 0);
    check_int(a, "lines[0].version", 8);
    api_call(a, 200, "POST", RELEASE(hold), NULL, "{}");
    check_int(a, "lines[0].version", 9);
    hold = api_reserve(a, sku, 1, 1);
    await_expired(hold, 1000);
    check_int(a, "lines[0].version", 11);
    /* Refusals are reads. */
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVE, NULL, LINE(sku, 1000));
    check_like(a, "{'lines':[{'version':11,'available':40}]}");
    check_item(a, sku, 40, 40, 0, 15, 11);
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
        cmocka_unit_test(confirm_sells),
        cmocka_unit_test(confirm_takes_an_empty_body),
        cmocka_unit_test(a_partial_confirm_gives_the_rest_back),
        cmocka_unit_test(a_full_confirm_can_name_its_lines),
        cmocka_unit_test(confirm_checks_its_fields),
        cmocka_unit_test(release_gives_back),
        cmocka_unit_test(extend_moves_the_deadline),
        cmocka_unit_test(extend_checks_its_fields),
        cmocka_unit_test(an_extended_hold_outlives_its_first_deadline),
        cmocka_unit_test(expiry_gives_back),
        cmocka_unit_test_teardown(the_deadline_holds_without_the_keeper, keeper_thaw),
        cmocka_unit_test_teardown(due_holds_count_for_adjustments_and_sets, keeper_thaw),
        cmocka_unit_test(rereserve_takes_the_units_again),
        cmocka_unit_test_teardown(rereserve_before_the_sweep, keeper_thaw),
        cmocka_unit_test(rereserve_in_time_is_a_plain_confirm),
        cmocka_unit_test(versions_are_dense),
    };
    return run_suite("contract: reservations", tests);
}
