/* test_http_framing.c -- requests that two parsers could read in two ways, over a socket: one
 * problem document, the end of the connection, and nothing executed, however they arrive. */
#include "support/fixture.h"
#include "support/framing_shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END_MS 60000

static const char *sale(const char *sku)
{
    return text("POST /v1/items/%s/decrements HTTP/1.1\r\nHost: localhost\r\n"
                "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"quantity\":1}",
                sku);
}

/* Reads one refusal, the last that comes. */
static void check_refused(struct http_conn *c, const char *name, int status, const char *problem)
{
    char type[64] = "", connection[32] = "";
    int err = http_receive(c, false, &a->resp);
    http_resp_header(&a->resp, "Content-Type", type, sizeof(type));
    http_resp_header(&a->resp, "Connection", connection, sizeof(connection));
    bool closed = err == 0 && http_closed_within(c, END_MS);
    const char *named = json_string_value(json_object_get(http_resp_json(&a->resp), "type"));
    bool good = closed && a->resp.status == status && c->in_bytes == 0 && named &&
                strcmp(named, text("/problems/%s", problem)) == 0 &&
                strcmp(type, "application/problem+json") == 0 && strcmp(connection, "close") == 0;
    if (!good)
        print_error("%s: error %d, status %d, closed %d, %zu bytes behind\n%s%s\n", name, err,
                    a->resp.status, closed, c->in_bytes, a->resp.head ? a->resp.head : "",
                    a->resp.body ? a->resp.body : "");
    assert_true(good);
    http_conn_close(c);
}

/* The shape with a sale behind it, cut into two pieces at `cut`, behind `before`. */
static void send_shape(struct http_conn *c, const char *before, const char *bytes, size_t n,
                       const char *behind, size_t cut)
{
    http_conn_init(c, stack.service.port);
    c->timeout_ms = END_MS;
    assert_int_equal(http_send(c, before, strlen(before)), 0);
    assert_int_equal(http_send(c, bytes, cut), 0);
    if (cut < n)
        (void)!http_send(c, bytes + cut, n - cut); /* it may be refused, and closed, by now */
    if (cut == n)
        (void)!http_send(c, behind, strlen(behind));
}

static void ambiguous_requests_are_refused_once_and_never_executed(void **state)
{
    const char *sku = api_item(a, 1000, 0);
    unsigned seed = 4;
    for (size_t i = 0; i < shapes_refused_count; i++) {
        const struct framing_shape *shape = &shapes_refused[i];
        size_t n;
        char *bytes = shape_bytes(shape, ITEM(sku), &n);
        size_t cuts[] = {n, 1 + (size_t)rand_r(&seed) % (n - 1)};
        for (size_t k = 0; k < 2; k++) {
            struct http_conn c;
            send_shape(&c, "", bytes, n, sale(sku), cuts[k]);
            check_refused(&c, shape->name, 400, "malformed-request");
        }
        free(bytes);
    }
    check_item(a, sku, 1000, 1000, 0, 0, 1);
}

static void what_came_before_them_is_answered_first(void **state)
{
    const char *sku = api_item(a, 1000, 0);
    for (size_t i = 0; i < shapes_refused_count; i++) {
        const struct framing_shape *shape = &shapes_refused[i];
        struct http_conn c;
        size_t n;
        char *bytes = shape_bytes(shape, ITEM(sku), &n);
        send_shape(&c, text("%s%s", sale(sku), sale(sku)), bytes, n, sale(sku), n);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(http_receive(&c, false, &a->resp), 0);
            assert_int_equal(a->resp.status, 200);
        }
        check_refused(&c, shape->name, 400, "malformed-request");
        free(bytes);
    }
    int64_t sold = (int64_t)shapes_refused_count * 2;
    check_item(a, sku, 1000 - sold, 1000 - sold, 0, sold, 1 + sold);
}

static void requests_with_one_reading_are_carried_out(void **state)
{
    const char *sku = api_item(a, 1000, 0);
    for (size_t i = 0; i < shapes_taken_count; i++) {
        struct http_conn c;
        size_t n;
        char *bytes = shape_bytes(&shapes_taken[i], ITEM(sku), &n);
        send_shape(&c, "", bytes, n, "", n / 2);
        int err = http_receive(&c, false, &a->resp);
        if (err || a->resp.status != 200)
            print_error("%s: error %d, status %d\n", shapes_taken[i].name, err, a->resp.status);
        assert_int_equal(a->resp.status, 200);
        http_conn_close(&c);
        free(bytes);
    }
    int64_t sold = (int64_t)shapes_taken_count;
    check_item(a, sku, 1000 - sold, 1000 - sold, 0, sold, 1 + sold);
}

/* The library's pool was once filled up by these, and then it neither erred nor slept. */
static void lines_without_an_end_are_refused_at_once(void **state)
{
    static const char head[] = "POST /v1/reservations HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Type: application/json\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    const char *starts[] = {"1;", "", "1;a=\"", "0\r\nX: ", "0\r\n"};
    char filler[7000];
    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        struct http_conn c;
        memset(filler, i == 1 ? '0' : 'x', sizeof(filler));
        http_conn_init(&c, stack.service.port);
        c.timeout_ms = END_MS;
        const char *first = text("%s%s", head, starts[i]);
        assert_int_equal(http_send(&c, first, strlen(first)), 0);
        (void)!http_send(&c, filler, sizeof(filler));
        bool trailer = i >= 3;
        check_refused(&c, starts[i], trailer ? 431 : 400,
                      trailer ? "headers-too-large" : "malformed-request");
    }
}

static void heads_that_are_too_large_are_refused_with_a_problem(void **state)
{
    char padding[20000], arguments[400] = "?a", cookies[1500] = "Cookie: a=b";
    memset(padding, 'p', sizeof(padding) - 1);
    padding[sizeof(padding) - 1] = '\0';
    for (int i = 0; i < 150; i++)
        strcat(arguments, "&a");
    for (int i = 0; i < 150; i++)
        strcat(cookies, "; a=b");
    char *long_target, *long_field, *many;
    assert_true(asprintf(&long_target, "GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n", padding) > 0);
    assert_true(
        asprintf(&long_field, "GET / HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", padding) > 0);
    assert_true(asprintf(&many, "GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n", arguments) > 0);
    char *requests[] = {long_target, long_field, many,
                        strdup(text("GET / HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n", cookies)),
                        strdup(padding) /* a method */};
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        struct http_conn c;
        http_conn_init(&c, stack.service.port);
        c.timeout_ms = END_MS;
        (void)!http_send(&c, requests[i], strlen(requests[i]));
        check_refused(&c, text("%.40s", requests[i]), 431, "headers-too-large");
        free(requests[i]);
    }
}

/* Whatever the number of header fields, arguments and cookies: an answer, never a bare close. */
static void every_size_of_a_head_is_answered(void **state)
{
    for (int fields = 0; fields < 90; fields += 3)
        for (int arguments = 0; arguments < 70; arguments += 7) {
            struct http_conn c;
            char request[8000];
            int n = snprintf(request, sizeof(request), "GET /healthz?x");
            for (int i = 0; i < arguments; i++)
                n += snprintf(request + n, sizeof(request) - (size_t)n, "&%d=1", i);
            n += snprintf(request + n, sizeof(request) - (size_t)n,
                          " HTTP/1.1\r\nHost: localhost\r\n");
            for (int i = 0; i < fields; i++)
                n += snprintf(request + n, sizeof(request) - (size_t)n, "X-%d: %d\r\n", i, i);
            n += snprintf(request + n, sizeof(request) - (size_t)n, "\r\n");
            http_conn_init(&c, stack.service.port);
            assert_int_equal(http_send(&c, request, (size_t)n), 0);
            assert_int_equal(http_receive(&c, false, &a->resp), 0);
            assert_true(a->resp.status == 200 || a->resp.status == 431);
            assert_null(strstr(a->resp.body, "<html"));
            http_conn_close(&c);
        }
}

/* What is cut out of a body on its way must not leave its rest unread. */
static void bodies_of_tiny_chunks_with_extensions_arrive(void **state)
{
    const char *sku = api_item(a, 10, 0);
    static char body[60000];
    size_t n = 0;
    n += (size_t)sprintf(body,
                         "POST /v1/items/%s/decrements HTTP/1.1\r\nHost: localhost\r\n"
                         "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
                         "\r\n",
                         sku);
    for (int i = 0; i < 60; i++) {
        n += (size_t)sprintf(body + n, "1;x=%d\r\n \r\n", i % 10);
        if (i % 3 == 0)
            n += (size_t)sprintf(body + n, "200\r\n%512s\r\n", "");
    }
    n += (size_t)sprintf(body + n, "e\r\n{\"quantity\":1}\r\n0\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        struct http_conn c;
        http_conn_init(&c, stack.service.port);
        c.timeout_ms = END_MS;
        assert_int_equal(http_send(&c, body, n), 0);
        assert_int_equal(http_receive(&c, false, &a->resp), 0);
        assert_int_equal(a->resp.status, 200);
        http_conn_close(&c);
    }
    check_item(a, sku, 5, 5, 0, 5, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ambiguous_requests_are_refused_once_and_never_executed),
        cmocka_unit_test(what_came_before_them_is_answered_first),
        cmocka_unit_test(requests_with_one_reading_are_carried_out),
        cmocka_unit_test(bodies_of_tiny_chunks_with_extensions_arrive),
        cmocka_unit_test(lines_without_an_end_are_refused_at_once),
        cmocka_unit_test(heads_that_are_too_large_are_refused_with_a_problem),
        cmocka_unit_test(every_size_of_a_head_is_answered),
    };
    return run_suite("http: framing", tests);
}
