#include "http/framing.h"
#include "http/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void parses_conditions(void **state)
{
    static const char *const wrong[] = {"",
                                        "7",
                                        "\"7",
                                        "\"7\",",
                                        "\"7\" \"8\"",
                                        "w/\"7\"",
                                        "*, *",
                                        "\"7\"x",
                                        ",\"7\"",
                                        "\"a b\"",
                                        "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\""};
    static const char *const never[] = {"\"07\"", "\"\"", "\"-1\"", "\"99999999999999999999\"",
                                        "\"x\", W/\"1\""};
    struct op_condition c;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(condition_parse(str_of(wrong[i]), ETAG_STRONG, &c));
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        assert_true(condition_parse(str_of(never[i]), ETAG_STRONG, &c));
        assert_int_equal(c.kind, PRE_NEVER);
        assert_false(condition_names(&c, 1));
    }
    assert_true(condition_parse(STR(" \"3\" , \"0\" "), ETAG_STRONG, &c));
    assert_true(condition_names(&c, 3) && condition_names(&c, 0) && !condition_names(&c, 1));
    assert_true(condition_parse((struct str){NULL, 0}, ETAG_STRONG, &c));
    assert_int_equal(c.kind, PRE_NONE);
    assert_true(condition_parse(STR("W/\"3\""), ETAG_WEAK, &c));
    assert_true(condition_names(&c, 3));
}

static void knows_json_media_types(void **state)
{
    assert_true(media_type_is_json(STR("application/json")));
    assert_true(media_type_is_json(STR("Application/JSON ; charset=utf-8")));
    assert_true(media_type_is_json(STR("application/merge-patch+json")));
    assert_false(media_type_is_json(STR("application/jsonp")));
    assert_false(media_type_is_json(STR("application/+json")));
    assert_false(media_type_is_json(STR("text/json")));
    assert_false(media_type_is_json(STR("")));
}

static void takes_tokens_only(void **state)
{
    assert_true(token_valid(STR("X-a_1~|")));
    assert_false(token_valid(STR("")));
    assert_false(token_valid(STR("Content-Length ")));
    assert_false(token_valid(STR("a(b)")));
    assert_false(token_valid(STR("a\0b")));
    assert_false(token_valid(STR("\xc3\xa9")));
}

struct field {
    const char *name, *value;
};

/* Whether a request with these header fields, up to the first without a name, is refused. */
static bool refused(const char *version, const struct field *fields)
{
    struct framing f = {0};
    for (; fields->name; fields++)
        framing_add(&f, str_of(fields->name), str_of(fields->value));
    return framing_fault(&f, version) != NULL;
}

#define FIELDS_OF(...) ((const struct field[]){__VA_ARGS__, {NULL, NULL}})
#define HOST                                                                                       \
    {                                                                                              \
        "Host", "x"                                                                                \
    }

static void takes_what_has_one_reading(void **state)
{
    assert_false(refused("HTTP/1.1", FIELDS_OF(HOST)));
    assert_false(refused("HTTP/1.1", FIELDS_OF(HOST, {"content-length", "5"})));
    assert_false(refused("HTTP/1.1", FIELDS_OF(HOST, {"Transfer-Encoding", "Chunked"})));
    assert_false(refused("HTTP/1.0", FIELDS_OF({"Content-Length", "5"})));
}

static void refuses_what_has_two(void **state)
{
    const struct field length = {"Content-Length", "5"}, chunked = {"Transfer-Encoding", "chunked"};
    assert_true(refused("HTTP/1.1", FIELDS_OF({"Accept", "x"})));
    assert_true(refused("HTTP/1.1", FIELDS_OF(HOST, {"HOST", "x"})));
    assert_true(refused("HTTP/1.0", FIELDS_OF(HOST, HOST)));
    assert_true(refused("HTTP/1.1", FIELDS_OF(HOST, length, length)));
    assert_true(refused("HTTP/1.1", FIELDS_OF(HOST, length, chunked)));
    assert_true(refused("HTTP/1.1", FIELDS_OF(HOST, chunked, chunked)));
    assert_true(refused("HTTP/1.0", FIELDS_OF(HOST, chunked)));
    assert_true(refused("HTTP/1.1", FIELDS_OF(HOST, {"Transfer-Encoding", "gzip, chunked"})));
    assert_true(refused("HTTP/1.1", FIELDS_OF(HOST, {"Transfer-Encoding", "chunked "})));
    assert_true(refused("HTTP/1.1", FIELDS_OF(HOST, {"Content-Length ", "5"})));
    assert_true(refused("HTTP/1.1", FIELDS_OF(HOST, {"Content-Length", "+5"})));
    assert_true(refused("HTTP/1.1", FIELDS_OF(HOST, {"Content-Length", "5, 5"})));
}

static void keeps_our_fields(void **state)
{
    struct framing f = {0};
    framing_add(&f, STR("idempotency-KEY"), STR("k \t"));
    framing_add(&f, STR("If-Match"), STR(""));
    assert_true(str_equal(f.key, STR("k")));
    assert_false(str_absent(f.if_match));
    assert_true(str_absent(f.if_none_match));
    assert_false(f.repeated);
    framing_add(&f, STR("Idempotency-Key"), STR("k"));
    assert_true(f.repeated);
    assert_false(framing_has_body(&f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_conditions),    cmocka_unit_test(knows_json_media_types),
        cmocka_unit_test(takes_tokens_only),    cmocka_unit_test(takes_what_has_one_reading),
        cmocka_unit_test(refuses_what_has_two), cmocka_unit_test(keeps_our_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
