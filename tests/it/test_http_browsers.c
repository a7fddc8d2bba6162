/* test_http_browsers.c -- what a page of somebody else's can make a browser send: it changes
 * nothing, and by a name that was bent to this machine it does not even read. */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The status of a request that is sent as it stands, on a connection of its own. */
static int status_of(const char *method, const char *path, const char *fields, const char *body)
{
    struct http_conn c;
    const char *request = text("%s %s HTTP/1.1\r\n%s\r\n%s", method, path, fields, body);
    http_conn_init(&c, stack.service.port);
    assert_int_equal(http_send(&c, request, strlen(request)), 0);
    assert_int_equal(http_receive(&c, strcmp(method, "HEAD") == 0, &a->resp), 0);
    http_conn_close(&c);
    return a->resp.status;
}

#define HOST "Host: localhost\r\n"
#define JSON "Content-Type: application/json\r\nContent-Length: 14\r\n"
#define SALE "{\"quantity\":1}"

static void bodies_without_a_json_type_are_refused(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *path = DECREMENT(sku);
    static const char *const types[] = {
        "",
        "Content-Type:\r\n",
        "Content-Type: text/plain\r\n",
        "Content-Type: text/plain;application/json\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: multipart/form-data; boundary=x\r\n",
        "Content-Type: application/problem+json\r\n",
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        assert_int_equal(
            status_of("POST", path, text(HOST "%sContent-Length: 14\r\n", types[i]), SALE), 415);
    assert_int_equal(status_of("POST", path,
                               HOST "Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n",
                               "e\r\n" SALE "\r\n0\r\n\r\n"),
                     415);
    assert_int_equal(status_of("DELETE", ITEM(sku), HOST "Content-Length: 2\r\n", "{}"), 415);
    check_item(a, sku, 10, 10, 0, 0, 1);
}

static void an_empty_form_releases_nothing(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 1, 0);
    const char *path = RELEASE(id);
    static const char *const types[] = {"application/x-www-form-urlencoded", "text/plain",
                                        "multipart/form-data; boundary=x"};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        assert_int_equal(status_of("POST", path,
                                   text(HOST "Content-Type: %s\r\nContent-Length: 0\r\n", types[i]),
                                   ""),
                         415);
    assert_true(api_state_is(a, id, "held"));
    /* A client's own, without a body, needs no type. */
    assert_int_equal(status_of("POST", path, HOST "Content-Length: 0\r\n", ""), 200);
}

static void other_sites_change_nothing(void **state)
{
    const char *sku = api_item(a, 100, 0);
    const char *path = DECREMENT(sku);
    const char *item = ITEM(sku);
    const char *own = text("http://127.0.0.1:%d", stack.service.port);
    const char *host = text("Host: 127.0.0.1:%d\r\n", stack.service.port);
    const struct {
        const char *fields;
        int status;
    } rows[] = {
        {"Sec-Fetch-Site: cross-site\r\n", 403},
        {"Sec-Fetch-Site: Cross-Site\r\n", 403},
        {"Sec-Fetch-Site: same-origin\r\n", 200},
        {"Sec-Fetch-Site: none\r\n", 200},
        {"Origin: null\r\n", 403},
        {"Origin: http://evil.example\r\n", 403},
        {"Origin: http://127.0.0.1:1\r\n", 403},
        {text("Origin: %s.evil.example\r\n", own), 403},
        {text("Origin: %s\r\n", own), 200},
        {text("Origin: %s\r\nSec-Fetch-Site: cross-site\r\n", own), 403},
    };
    int64_t sold = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int status = status_of("POST", path, text("%s%s" JSON, host, rows[i].fields), SALE);
        if (status != rows[i].status)
            print_error("%s: %d\n", rows[i].fields, status);
        assert_int_equal(status, rows[i].status);
        sold += status == 200;
        /* Who may not change may still read: the answer is of no use to a foreign page. */
        assert_int_equal(status_of("GET", item, text("%s%s", host, rows[i].fields), ""), 200);
    }
    assert_int_equal(status_of("DELETE", item, text("%sOrigin: null\r\n", host), ""), 403);
    assert_int_equal(status_of("PUT", item, text("%sOrigin: null\r\nIf-Match: *\r\n" JSON, host),
                               "{\"on_hand\":99}"),
                     403);
    check_item(a, sku, 100 - sold, 100 - sold, 0, sold, 1 + sold);
}

static void names_of_other_machines_are_not_served(void **state)
{
    static const struct {
        const char *host;
        int status;
    } rows[] = {
        {"localhost", 200},       {"LOCALHOST:80", 200},   {"127.0.0.1:8080", 200},
        {"[::1]", 200},           {"shop.localhost", 200}, {"shop.example", 200},
        {"Till.example:80", 200}, {"evil.example", 403},   {"localhost.evil.example", 403},
        {"192.168.0.1", 403},     {"a.shop.example", 403}, {"0.0.0.0", 403},
    };
    const char *sku = api_item(a, 10, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *host = text("Host: %s\r\n", rows[i].host);
        assert_int_equal(status_of("GET", "/healthz", host, ""), rows[i].status);
        assert_int_equal(status_of("HEAD", "/v1/items", host, ""), rows[i].status);
        int status = status_of("POST", DECREMENT(sku), text("%s" JSON, host), SALE);
        assert_int_equal(status, rows[i].status);
        if (status == 403)
            check_problem(a, 403, "forbidden", NULL);
    }
    check_item(a, sku, 3, 3, 0, 7, 8);
}

/* Bound to every address it is for others to reach, by whatever name. */
static void a_service_for_other_machines_answers_to_any_name(void **state)
{
    struct tservice other;
    serve_beside(&other, .flags = {"--listen", "0.0.0.0:0", "--insecure"});
    struct http_conn c;
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: shop.other\r\n\r\n";
    http_conn_init(&c, other.port);
    assert_int_equal(http_send(&c, request, strlen(request)), 0);
    assert_int_equal(http_receive(&c, false, &a->resp), 0);
    assert_int_equal(a->resp.status, 200);
    http_conn_close(&c);
    assert_true(tservice_stop(&other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_without_a_json_type_are_refused),
        cmocka_unit_test(an_empty_form_releases_nothing),
        cmocka_unit_test(other_sites_change_nothing),
        cmocka_unit_test(names_of_other_machines_are_not_served),
        cmocka_unit_test(a_service_for_other_machines_answers_to_any_name),
    };
    return run_suite("http: browsers", tests,
                     .flags = {"--allowed-hosts", "shop.example, till.example"});
}
