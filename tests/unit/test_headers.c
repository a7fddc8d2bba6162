#include "http/headers.h"
#include "support/suite.h"

#include <stdio.h>

TEST(parses_conditions)
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

TEST(knows_media_types)
{
    assert_true(media_type_is_json(STR("application/json")));
    assert_true(media_type_is_json(STR("Application/JSON ; charset=utf-8")));
    assert_false(media_type_is_json(STR("application/merge-patch+json")));
    assert_false(media_type_is_json(STR("application/jsonp")));
    assert_false(media_type_is_json(STR("text/json")));
    assert_false(media_type_is_json(STR("")));
    assert_false(media_type_is_json((struct str){NULL, 0}));
    assert_true(media_type_is_form(STR("application/x-www-form-urlencoded")));
    assert_true(media_type_is_form(STR("multipart/form-data; boundary=x")));
    assert_true(media_type_is_form(STR("Text/Plain;charset=UTF-8")));
    assert_false(media_type_is_form(STR("application/json")));
    assert_false(media_type_is_form((struct str){NULL, 0}));
}

TEST(takes_tokens_only)
{
    for (const char *c = "aZ09!#$%&'*+-.^_`|~"; *c; c++)
        assert_true(token_chars[(unsigned char)*c]);
    for (const char *c = " \t\r\n\"(),/:;<=>?@[\\]{}\x7f\xc3"; *c; c++)
        assert_false(token_chars[(unsigned char)*c]);
    assert_false(token_chars[0]);
}

TEST(keeps_our_fields)
{
    struct headers h = {0};
    headers_add(&h, STR("idempotency-KEY"), STR("k \t"));
    headers_add(&h, STR("If-Match"), STR(""));
    headers_add(&h, STR("Origin"), STR("null"));
    headers_add(&h, STR("sec-fetch-site"), STR("same-origin"));
    assert_true(str_equal(h.key, STR("k")));
    assert_false(str_absent(h.if_match));
    assert_true(str_absent(h.if_none_match));
    assert_true(str_equal(h.origin, STR("null")));
    assert_true(str_equal(h.fetch_site, STR("same-origin")));
    assert_false(h.repeated);
    assert_false(h.has_body);
    headers_add(&h, STR("Idempotency-Key"), STR("k"));
    assert_true(h.repeated);
}

TEST(knows_whether_there_is_a_body)
{
    struct headers h = {0};
    headers_add(&h, STR("Content-Length"), STR("0"));
    assert_false(h.has_body);
    headers_add(&h, STR("Content-Length"), STR("0012"));
    assert_true(h.has_body);
    assert_int_equal(h.content_length, 12);
    h = (struct headers){0};
    headers_add(&h, STR("transfer-encoding"), STR("chunked"));
    assert_true(h.has_body);
}
