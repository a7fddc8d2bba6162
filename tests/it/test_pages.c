/* test_pages.c -- the dashboard's files as a browser gets them: whole, once, and with what keeps
 * the page from loading or running anything else. */
#include "http/builtin/assets.h"
#include "support/fixture.h"

#include <stdio.h>
#include <string.h>

#define TAG_SIZE 32

static const char *path_of(const struct asset *asset)
{
    return text("/ui/%s", asset->name);
}

static const char *type_of(enum content content)
{
    switch (content) {
    case CONTENT_HTML: return "text/html; charset=utf-8";
    case CONTENT_CSS: return "text/css; charset=utf-8";
    case CONTENT_SCRIPT: return "text/javascript; charset=utf-8";
    case CONTENT_SVG: return "image/svg+xml";
    default: fail_msg("a file of another type"); return NULL;
    }
}

static void check_page_fields(void)
{
    check_header(a, "Content-Security-Policy",
                 "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                 "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
                 "frame-ancestors 'none'");
    check_header(a, "X-Content-Type-Options", "nosniff");
    check_header(a, "Referrer-Policy", "no-referrer");
    check_header(a, "Cache-Control", "no-cache");
}

static void every_file_is_served_whole(void **state)
{
    const struct asset *asset;
    for (unsigned i = 0; (asset = asset_at(i)); i++) {
        struct str bytes = asset_text(asset);
        api_call(a, 200, "GET", path_of(asset), NULL, NULL);
        assert_true(str_equal((struct str){a->resp.body, a->resp.body_bytes}, bytes));
        check_header(a, "Content-Type", type_of(asset->content));
        check_page_fields();
        api_call(a, 200, "HEAD", path_of(asset), NULL, NULL);
        check_header(a, "Content-Length", text("%zu", bytes.n));
        check_page_fields();
    }
    api_call(a, 200, "GET", "/", NULL, NULL);
    assert_true(str_equal((struct str){a->resp.body, a->resp.body_bytes}, asset_text(asset_at(0))));
    check_page_fields();
}

static void a_browser_that_has_a_file_is_not_sent_it_again(void **state)
{
    static const struct {
        const char *before, *behind;
    } have[] = {{"", ""}, {"W/", ""}, {"\"other\", ", ""}, {"", ", \"7\""}};
    const char *const paths[] = {"/", "/ui/ui.js", "/ui/chart.js"};
    char tag[TAG_SIZE];
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        api_call(a, 200, "GET", paths[i], NULL, NULL);
        assert_non_null(http_resp_header(&a->resp, "ETag", tag, sizeof(tag)));
        for (size_t j = 0; j < sizeof(have) / sizeof(have[0]); j++) {
            const char *line =
                text("If-None-Match: %s%s%s\r\n", have[j].before, tag, have[j].behind);
            api_call(a, 304, "GET", paths[i], line, NULL);
            assert_int_equal(a->resp.body_bytes, 0);
            check_header(a, "ETag", tag);
            check_page_fields();
        }
        api_call(a, 304, "GET", paths[i], "If-None-Match: *\r\n", NULL);
        api_call(a, 200, "GET", paths[i], "If-None-Match: \"1\"\r\n", NULL);
        api_problem(a, 400, "malformed-header", NULL, "GET", paths[i], "If-None-Match: 1\r\n",
                    NULL);
    }
}

static void what_is_no_file_is_refused(void **state)
{
    static const char *const paths[] = {"/ui/nothing.js",
                                        "/ui/openapi.json",
                                        "/ui/UI.js",
                                        "/ui/..%2fui.js",
                                        "/ui/ui.js%00",
                                        "/ui/",
                                        "/ui",
                                        "/ui/ui.js/x"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        get_problem(404, "route-not-found", NULL, paths[i]);
    check_header(a, "Content-Security-Policy", NULL);
    api_problem(a, 405, "method-not-allowed", NULL, "POST", "/ui/ui.js", NULL, "{}");
    check_header(a, "Allow", "GET, HEAD");
    api_problem(a, 405, "method-not-allowed", NULL, "PUT", "/", NULL, "{}");
}

/* A name that was bent to this machine gets none of it either. */
static void other_names_get_no_page(void **state)
{
    struct http_conn c;
    static const char request[] = "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    http_conn_init(&c, stack.service.port);
    assert_int_equal(http_send(&c, request, strlen(request)), 0);
    assert_int_equal(http_receive(&c, false, &a->resp), 0);
    http_conn_close(&c);
    assert_int_equal(a->resp.status, 403);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_served_whole),
        cmocka_unit_test(a_browser_that_has_a_file_is_not_sent_it_again),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(other_names_get_no_page),
    };
    return run_suite("the dashboard's files", tests);
}
