/* test_contract_http.c -- what lies around the resources: routes, methods, bodies, and the shape of
 * every error. Framing: test_http_framing.c. */
#include "core/route.h"
#include "http/problem.h"
#include "support/api_keys.h"
#include "support/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A request, with a key behind its first line where the service takes one. */
static const char *keyed(const char *request)
{
    const char *rest = strstr(request, "\r\n") + 2;
    return text("%.*s%s%s", (int)(rest - request), request, api_keys_line(), rest);
}

/* Sends bytes as they are; the next answer has that status. */
static void answer_to_bytes(int status, const char *bytes)
{
    bytes = keyed(bytes);
    assert_int_equal(http_send(&a->conn, bytes, strlen(bytes)), 0);
    assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
    assert_int_equal(a->resp.status, status);
}

static void unknown_routes_are_not_found(void **state)
{
    static const char *const paths[] = {
        "/nothing",
        "/v1",
        "/v1/",
        "/v1/item",
        "/v2/items",
        "/v1/items/a/b",
        "/v1/items/a/decrements/x",
        "/v1/items/a/",
        "/v1/reservations/a/sell",
        "/v1/reservations/a/confirm/b",
        "/v1/batch/x",
        "/v1/operations",
        "/healthz/x",
        "/openapi.yaml",
        "/problems",
        "//v1/items",
        "/V1/items",
        "/v1%2Fitems",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        get_problem(404, "route-not-found", NULL, paths[i]);
        post_problem(404, "route-not-found", NULL, paths[i], "{}");
    }
    get_problem(404, "route-not-found", NULL, "/problems/no-such-problem");
}

/* True if the header Allow of the last answer lists the method. */
static bool allows(const char *method)
{
    char value[128];
    if (!http_resp_header(&a->resp, "Allow", value, sizeof(value)))
        return false;
    char *rest = value;
    for (char *word; (word = strtok_r(rest, ", ", &rest));)
        if (strcmp(word, method) == 0)
            return true;
    return false;
}

static void other_methods_are_not_allowed(void **state)
{
    static const struct {
        const char *path;
        const char *allowed[4];
    } routes[] = {
        {"/v1/items", {"GET"}},
        {"/v1/items/a", {"GET", "PUT", "DELETE"}},
        {"/v1/items/a/adjustments", {"POST"}},
        {"/v1/items/a/decrements", {"POST"}},
        {"/v1/items/a/transfers", {"POST"}},
        {"/v1/items/x/movements", {"GET"}},
        {"/v1/events", {"GET"}},
        {"/v1/live", {"GET"}},
        {RESERVATIONS, {"GET", "POST"}},
        {"/v1/reservations/x", {"GET"}},
        {"/v1/reservations/x/confirm", {"POST"}},
        {"/v1/reservations/x/release", {"POST"}},
        {"/v1/reservations/x/extend", {"POST"}},
        {"/v1/batch", {"POST"}},
        {"/v1/operations/k", {"GET"}},
        {"/healthz", {"GET"}},
        {"/readyz", {"GET"}},
        {"/metrics", {"GET"}},
        {"/openapi.json", {"GET"}},
        {"/problems/malformed-json", {"GET"}},
        {"/", {"GET"}},
    };
    static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"};
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
        for (size_t m = 0; m < sizeof(methods) / sizeof(*methods); m++) {
            bool allowed = false;
            for (size_t k = 0; k < 4 && routes[i].allowed[k]; k++)
                allowed |= strcmp(routes[i].allowed[k], methods[m]) == 0;
            if (allowed)
                continue;
            bool has_body = m >= 1 && m <= 4 && m != 3;
            api_problem(a, 405, "method-not-allowed", NULL, methods[m], routes[i].path, NULL,
                        has_body ? "{}" : NULL);
            for (size_t k = 0; k < 4 && routes[i].allowed[k]; k++)
                assert_true(allows(routes[i].allowed[k]));
            assert_false(allows(methods[m]));
        }
    }
}

static void head_is_get_without_a_body(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *paths[] = {ITEM(sku), "/v1/items", "/healthz", "/openapi.json", "/"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        get(paths[i]);
        char type[64] = "";
        assert_non_null(http_resp_header(&a->resp, "Content-Type", type, sizeof(type)));
        api_call(a, 200, "HEAD", paths[i], NULL, NULL);
        assert_int_equal(a->resp.body_bytes, 0);
        check_header(a, "Content-Type", type);
        /* Nothing may follow: the connection goes on with the next answer. */
        get(paths[i]);
    }
    api_call(a, 200, "HEAD", ITEM(sku), NULL, NULL);
    check_header(a, "ETag", "\"1\"");
    api_call(a, 404, "HEAD", "/v1/items/no-such-item", NULL, NULL);
    api_call(a, 404, "HEAD", "/nothing", NULL, NULL);
}

/* A reservation of one unit, padded with blanks to exactly size bytes; freed by the caller. */
static char *padded(const char *sku, size_t size)
{
    char *body = malloc(size + 1);
    memset(body, ' ', size);
    body[size] = '\0';
    const char *json = LINE(sku, 1);
    memcpy(body, json, strlen(json));
    return body;
}

static void bodies_have_a_limit(void **state)
{
    const char *sku = api_item(a, 10, 0);
    char *body = padded(sku, 64 * 1024);
    post(201, RESERVATIONS, body);
    free(body);
    body = padded(sku, 64 * 1024 + 1);
    post_problem(413, "body-too-large", NULL, RESERVATIONS, body);
    api_problem(a, 413, "body-too-large", NULL, "PUT", ITEM(sku), "If-Match: *\r\n", body);
    free(body);
    check_item(a, sku, 10, 9, 1, 0, 2);
    body = padded(sku, 900 * 1024);
    post_problem(413, "body-too-large", NULL, RESERVATIONS, body);
    free(body);

    /* Said to be huge, and never sent: refused at once, not after a time-out. */
    http_conn_close(&a->conn);
    const char *head =
        "POST " RESERVATIONS " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000000000000\r\n\r\n{";
    answer_to_bytes(413, head);
    check_problem(a, 413, "body-too-large", NULL);
    http_conn_close(&a->conn);
    check_item(a, sku, 10, 9, 1, 0, 2);
}

static void chunked_bodies_work_and_have_the_limit(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *json = LINE(sku, 1);
    static const char head[] = "POST " RESERVATIONS " HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                               "application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    const char *request =
        text("%s5\r\n%.5s\r\n%zx\r\n%s\r\n0\r\n\r\n", head, json, strlen(json) - 5, json + 5);
    answer_to_bytes(201, request);

    const char *begun = keyed(head);
    assert_int_equal(http_send(&a->conn, begun, strlen(begun)), 0);
    char chunk[4096 + 8];
    memset(chunk, ' ', sizeof(chunk));
    memcpy(chunk, "1000\r\n", 6);
    memcpy(chunk + 6 + 4096, "\r\n", 2);
    int err = 0;
    for (int i = 0; i < 17 && !err; i++) /* 68 KiB */
        err = http_send(&a->conn, chunk, sizeof(chunk));
    if (!err)
        err = http_send(&a->conn, "0\r\n\r\n", 5);
    assert_true(err == 0 || err == -ECONNRESET); /* it may be answered before its end */
    assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
    check_problem(a, 413, "body-too-large", NULL);
    http_conn_close(&a->conn);
    check_item(a, sku, 10, 9, 1, 0, 2);
}

static void bodies_must_be_declared_as_json(void **state)
{
    const char *sku = api_item(a, 100, 0);
    const char *path = DECREMENT(sku);
    static const char *const good[] = {"application/json", "application/json; charset=utf-8",
                                       "Application/JSON", "application/json;charset=UTF-8"};
    static const char *const bad[] = {"text/plain",
                                      "application/x-www-form-urlencoded",
                                      "text/json",
                                      "application/jsonx",
                                      "multipart/form-data",
                                      "application/xml",
                                      "json",
                                      "*/*"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        api_call(a, 200, "POST", path, text("Content-Type: %s\r\n", good[i]), "{\"quantity\":1}");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        api_problem(a, 415, "unsupported-media-type", NULL, "POST", path,
                    text("Content-Type: %s\r\n", bad[i]), "{\"quantity\":1}");
    /* Nor may it be left open. */
    const char *bare = text("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n"
                            "{\"quantity\":1}",
                            path);
    answer_to_bytes(415, bare);
    check_problem(a, 415, "unsupported-media-type", NULL);
    check_item(a, sku, 96, 96, 0, 4, 5);
}

static void malformed_json_is_refused(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *path = DECREMENT(sku);
    char deep[4000];
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    const char *bad[] = {
        "",
        " ",
        "{",
        "}",
        "[]",
        "[{\"quantity\":1}]",
        "\"quantity\"",
        "1",
        "null",
        "true",
        "{\"quantity\":1",
        "{\"quantity\":1}}",
        "{\"quantity\":1} {}",
        "{\"quantity\":1}x",
        "{\"quantity\":1,}",
        "{quantity:1}",
        "{'quantity':1}",
        "{\"quantity\":01}",
        "{\"quantity\":+1}",
        "{\"quantity\":.5}",
        "{\"quantity\":0x1}",
        "{\"quantity\":NaN}",
        "{\"quantity\":1,\"quantity\":1}",
        "{\"quantity\":1,\"quantit\\u0079\":2}",
        "{\"quantity\":1,\"customer\":\"\xff\"}",
        "{\"quantity\":1,\"customer\":\"\xc3\"}",
        "{\"quantity\":1,\"customer\":\"\xed\xa0\x80\"}",
        "{\"quantity\":1,\"customer\":\"\\ud800\"}",
        "{\"quantity\":1,\"customer\":\"a\nb\"}",
        "{\"quantity\":1/*one*/}",
        deep,
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        post_problem(400, "malformed-json", NULL, path, bad[i]);
    post_problem(400, "malformed-json", NULL, RESERVATIONS,
                 text("{\"lines\":[{\"sku\":\"%s\",\"sku\":\"%s\",\"quantity\":1}]}", sku, sku));
    post_problem(400, "malformed-json", NULL, RESERVATIONS,
                 text("{\"sku\":\"%s\",\"quantity\":1,\"metadata\":{\"a\":1,\"a\":2}}", sku));
    post_problem(400, "malformed-json", NULL, path, "");
    check_str(a, "detail", "the body is empty: give a JSON object");
    /* A NUL byte, inside and behind. */
    static const char nul_inside[] = "{\"quantity\"\0:1}";
    static const char nul_behind[] = "{\"quantity\":1}\0";
    assert_int_equal(
        http_call_bytes(&a->conn, "POST", path, NULL, nul_inside, sizeof(nul_inside) - 1, &a->resp),
        0);
    check_problem(a, 400, "malformed-json", NULL);
    assert_int_equal(
        http_call_bytes(&a->conn, "POST", path, NULL, nul_behind, sizeof(nul_behind) - 1, &a->resp),
        0);
    check_problem(a, 400, "malformed-json", NULL);
    check_item(a, sku, 10, 10, 0, 0, 1);
}

static void old_http_works(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.0\r\n\r\n";
    http_conn_close(&a->conn);
    answer_to_bytes(200, request);
    assert_true(http_closed_within(&a->conn, HTTP_TIMEOUT_MS));
    assert_int_equal(a->conn.in_bytes, 0);
    http_conn_close(&a->conn);
}

static void header_names_have_no_case(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *request =
        text("PUT /v1/items/%s HTTP/1.1\r\nhOST: localhost\r\nCONTENT-length: 13\r\n"
             "content-TYPE: application/json\r\nif-MATCH: \"1\"\r\n"
             "IDEMPOTENCY-key: case-%s\r\n\r\n{\"on_hand\":7}",
             sku, sku);
    for (int i = 0; i < 2; i++) {
        answer_to_bytes(200, request);
        check_header(a, "Idempotent-Replayed", i ? "true" : NULL);
    }
    check_item(a, sku, 7, 7, 0, 0, 2);
}

static void requests_arrive_in_any_pieces(void **state)
{
    const char *sku = api_item(a, 100, 0);
    const char *request =
        text("POST /v1/items/%s/decrements HTTP/1.1\r\nHost: localhost\r\n"
             "%sContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"quantity\":1}",
             sku, api_keys_line());
    size_t size = strlen(request);
    for (size_t i = 0; i < size; i++) /* byte by byte */
        assert_int_equal(http_send(&a->conn, request + i, 1), 0);
    assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
    assert_int_equal(a->resp.status, 200);

    /* Five in one write, answered in order. */
    const char *five = text("%s%s%s%s%s", request, request, request, request, request);
    assert_int_equal(http_send(&a->conn, five, strlen(five)), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
        assert_int_equal(a->resp.status, 200);
        check_int(a, "remaining", 98 - i);
    }
    check_item(a, sku, 94, 94, 0, 6, 7);
}

static void expect_100_continue_works(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *head = text("POST /v1/items/%s/decrements HTTP/1.1\r\nHost: localhost\r\n"
                            "%sExpect: 100-continue\r\nContent-Type: application/json\r\n"
                            "Content-Length: 14\r\n\r\n",
                            sku, api_keys_line());
    assert_int_equal(http_send(&a->conn, head, strlen(head)), 0);
    assert_int_equal(http_send(&a->conn, "{\"quantity\":1}", 14), 0);
    assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
    assert_int_equal(a->resp.status, 200);
    check_item(a, sku, 9, 9, 0, 1, 2);
}

/* Around the size of the memory that the server keeps for a connection it must not happen that a
 * request takes effect and its answer does not fit: each size is answered, and only 200 counts. */
static void long_headers_are_answered_and_mean_what_they_say(void **state)
{
    const char *sku = api_item(a, 10000, 0);
    const char *path = DECREMENT(sku);
    char padding[10000];
    int64_t sold = 0;
    int refused = 0;
    memset(padding, 'p', sizeof(padding));
    for (size_t size = 1000; size<9000; size += size> 2500 && size < 4800 ? 23 : 500) {
        struct http_conn c;
        http_conn_init(&c, stack.service.port);
        char *headers = NULL;
        assert_true(asprintf(&headers, "X-Padding: %.*s\r\n", (int)size, padding) > 0);
        assert_int_equal(http_call(&c, "POST", path, headers, "{\"quantity\":1}", &a->resp), 0);
        free(headers);
        http_conn_close(&c);
        if (a->resp.status == 200)
            sold++;
        else {
            assert_in_range(a->resp.status, 400, 499);
            refused++;
        }
    }
    assert_true(sold > 0 && refused > 0);
    check_item(a, sku, 10000 - sold, 10000 - sold, 0, sold, 1 + sold);
    http_conn_close(&a->conn);
    char *uri = NULL;
    assert_true(asprintf(&uri, "/v1/items/%.*s", 9000, padding) > 0);
    assert_int_equal(http_call(&a->conn, "GET", uri, NULL, NULL, &a->resp), 0);
    assert_in_range(a->resp.status, 400, 499);
    free(uri);
    http_conn_close(&a->conn);
}

static void health_and_metrics_are_served(void **state)
{
    get("/healthz");
    get("/readyz");
    get("/metrics");
    char type[64];
    assert_non_null(http_resp_header(&a->resp, "Content-Type", type, sizeof(type)));
    assert_int_equal(strncmp(type, "text/plain", 10), 0);
    assert_non_null(strstr(a->resp.body, "# TYPE "));
    assert_int_equal(a->resp.body[a->resp.body_bytes - 1], '\n');
    get("/");
    assert_non_null(http_resp_header(&a->resp, "Content-Type", type, sizeof(type)));
    assert_int_equal(strncmp(type, "text/html", 9), 0);
    assert_non_null(strcasestr(a->resp.body, "<html"));
}

/* That it names every route: unit/test_openapi.c. */
static void the_openapi_document_is_served(void **state)
{
    json_t *root = get("/openapi.json");
    check_header(a, "Content-Type", "application/json");
    assert_int_equal(strncmp(api_str(a, "openapi"), "3.1", 3), 0);
    assert_int_equal(json_object_size(json_object_get(root, "paths")), ROUTE_NONE);
}

static void every_problem_has_a_page(void **state)
{
    for (enum problem_id id = 0; id < PROBLEMS; id++) {
        get(text("/problems/%s", problem_get(id)->name));
        assert_true(a->resp.body_bytes > 0);
    }
}

static void errors_keep_the_connection(void **state)
{
    const char *sku = api_item(a, 1, 0);
    assert_int_equal(http_conn_open(&a->conn), 0);
    int fd = a->conn.fd;
    for (int i = 0; i < 20; i++) {
        get_problem(404, "route-not-found", NULL, "/nothing");
        post_problem(400, "malformed-json", NULL, RESERVATIONS, "{");
        post_problem(409, "insufficient-stock", NULL, RESERVATIONS, LINE(sku, 2));
    }
    assert_int_equal(a->conn.fd, fd);
    assert_false(a->conn.closing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_routes_are_not_found),
        cmocka_unit_test(other_methods_are_not_allowed),
        cmocka_unit_test(head_is_get_without_a_body),
        cmocka_unit_test(bodies_have_a_limit),
        cmocka_unit_test(chunked_bodies_work_and_have_the_limit),
        cmocka_unit_test(bodies_must_be_declared_as_json),
        cmocka_unit_test(malformed_json_is_refused),
        cmocka_unit_test(old_http_works),
        cmocka_unit_test(header_names_have_no_case),
        cmocka_unit_test(requests_arrive_in_any_pieces),
        cmocka_unit_test(expect_100_continue_works),
        cmocka_unit_test(long_headers_are_answered_and_mean_what_they_say),
        cmocka_unit_test(health_and_metrics_are_served),
        cmocka_unit_test(the_openapi_document_is_served),
        cmocka_unit_test(every_problem_has_a_page),
        cmocka_unit_test(errors_keep_the_connection),
    };
    return run_suite("contract: http", tests);
}
