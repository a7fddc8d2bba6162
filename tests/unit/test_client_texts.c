/* test_client_texts.c -- what the small commands read and say: raw members of JSON, addresses to
 * listen on, answers that are no success, parts of a path. */
#include "command/client/json_raw.h"
#include "command/client/listen_url.h"
#include "command/client/problem_line.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- json_raw --------------------------------------------------------------------------------- */

TEST(elements_come_as_they_are_written)
{
    static const char *const expected[] = {
        "1", "0.10", "\"a,]\\\"\"", "{\"b\":[1,2],\"c\":\"}\"}", "[ ]", "null", "-1e5"};
    struct str array = STR(" [1, 0.10 ,\"a,]\\\"\",{\"b\":[1,2],\"c\":\"}\"}\n,[ ],null,-1e5]");
    struct str element;
    size_t at = 0;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_true(json_raw_element(array, &at, &element));
        if (!str_equal(element, str_of(expected[i])))
            fail_msg("\"%.*s\", and not \"%s\"", STR_ARG(element), expected[i]);
    }
    assert_false(json_raw_element(array, &at, &element));
}

TEST(members_are_found_at_the_top_alone)
{
    struct str object =
        STR("{ \"a\" : {\"b\":1,\"c\":2} , \"b\":[3 , 4],\"d\\\"\":5,\"e\":\"x\" }");
    assert_true(str_equal(json_raw_find(object, "a"), STR("{\"b\":1,\"c\":2}")));
    assert_true(str_equal(json_raw_find(object, "b"), STR("[3 , 4]")));
    assert_true(str_equal(json_raw_find(object, "d\\\""), STR("5")));
    assert_true(str_equal(json_raw_find(object, "e"), STR("\"x\"")));
    assert_true(str_absent(json_raw_find(object, "c")));
    assert_true(str_absent(json_raw_find(STR("{}"), "c")));
    assert_true(str_absent(json_raw_find(STR("[]"), "c")));
}

TEST(broken_text_ends_the_walk_within_it)
{
    static const char whole[] = "{\"a\":[1,{\"b\":\"c\\\\\"},\"d\"],\"e\":null}";
    for (size_t n = 0; n < sizeof(whole); n++) {
        char *text = malloc(n ? n : 1); /* of its own, for the sanitizers to watch its end */
        struct str name, value;
        size_t at = 0, seen = 0;
        assert_non_null(text);
        memcpy(text, whole, n);
        while (json_raw_member((struct str){text, n}, &at, &name, &value) && seen++ < 10)
            assert_true(at <= n && value.n <= n);
        for (at = 0; json_raw_element((struct str){text, n}, &at, &value) && seen++ < 20;)
            assert_true(at <= n);
        assert_true(seen < 10);
        free(text);
    }
}

/* --- listen_url ------------------------------------------------------------------------------- */

TEST(an_address_to_listen_on_gives_one_to_ask_at)
{
    static const struct {
        const char *listen, *url;
    } rows[] = {
        {"127.0.0.1:8080", "http://127.0.0.1:8080"},
        {"0.0.0.0:80", "http://127.0.0.1:80"},
        {"[::]:8080", "http://[::1]:8080"},
        {"[::1]:8080", "http://[::1]:8080"},
        {"localhost:65535", "http://localhost:65535"},
        {"10.0.0.5:1", "http://10.0.0.5:1"},
    };
    char url[LISTEN_URL_SIZE], err[200];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(listen_url("http", rows[i].listen, url, err, sizeof(err)));
        assert_string_equal(url, rows[i].url);
    }
}

TEST(an_address_that_says_nothing_is_refused)
{
    static const char *const wrong[] = {"",        "8080", ":8080", "a:",  "a:b",
                                        "a:65536", "a:0",  "a:-1",  "a:1x"};
    char url[LISTEN_URL_SIZE], err[200];
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        err[0] = '\0';
        assert_false(listen_url("http", wrong[i], url, err, sizeof(err)));
        assert_true(strlen(err) > 0);
    }
}

/* --- problem_line ----------------------------------------------------------------------------- */

static void check_line(unsigned status, const char *type, const char *body, const char *expected)
{
    char line[2048];
    struct http_answer answer = {.status = status};
    json_t *document = json_loads(body, 0, NULL);
    snprintf(answer.type, sizeof(answer.type), "%s", type);
    problem_line(line, sizeof(line), &answer, document, "http://a:1");
    assert_string_equal(line, expected);
    json_decref(document);
}

TEST(a_problem_is_one_line)
{
    check_line(
        409, "application/problem+json",
        "{\"type\":\"/problems/insufficient-stock\",\"title\":\"t\",\"detail\":\"apple: 1\"}",
        "409 insufficient-stock: apple: 1");
    check_line(
        422, "application/problem+json",
        "{\"type\":\"/problems/invalid-field\",\"field\":\"on_hand\",\"detail\":\"too many\"}",
        "422 invalid-field: on_hand: too many");
    check_line(503, "application/problem+json",
               "{\"type\":\"/problems/overloaded\",\"title\":\"t\"}", "503 overloaded: t");
    check_line(409, "", "{\"type\":\"a/b\\u001b[2J\",\"detail\":\"c\\nd\"}",
               "409 b\\x1b[2J: c\\x0ad");
}

TEST(what_is_no_problem_document_is_said_to_be_none)
{
    check_line(404, "text/html", "<html>",
               "http://a:1 answered 404, and not as stockd does: its answer is text/html");
    check_line(200, "", "[]", "http://a:1 answered 200, and not as stockd does");
    check_line(500, "application/json", "{\"type\":5}",
               "http://a:1 answered 500, and not as stockd does: its answer is application/json");
}

TEST(a_long_problem_is_cut_between_two_characters)
{
    char body[4096], line[2048];
    struct http_answer answer = {.status = 400};
    snprintf(body, sizeof(body), "{\"type\":\"x\",\"detail\":\"a");
    while (strlen(body) < 3000)
        strcat(body, "ü");
    strcat(body, "\"}");
    json_t *document = json_loads(body, 0, NULL);
    assert_non_null(document);
    problem_line(line, sizeof(line), &answer, document, "");
    assert_in_range(strlen(line), 300, 500);
    assert_null(strstr(line, "\\x"));
    json_decref(document);
}

/* --- paths ------------------------------------------------------------------------------------ */

TEST(what_is_not_unreserved_is_percent_encoded)
{
    struct buf out;
    buf_init(&out, 200);
    http_put_encoded(&out, STR("aZ9-._~ /?#%:&=+ü"));
    assert_true(str_equal(buf_str(&out), STR("aZ9-._~%20%2F%3F%23%25%3A%26%3D%2B%C3%BC")));
    buf_free(&out);
}
