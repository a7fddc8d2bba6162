#include "client/json_scan.h"

#include "buf.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

/* Whether the text is one JSON value. Looks at a copy that is just as long, so that a read beyond
 * its end is seen. */
static bool is_json(struct str text)
{
    char *copy = malloc(text.n > 0 ? text.n : 1);
    assert_non_null(copy);
    memcpy(copy, text.p, text.n);
    struct json_scan s = json_scan_of((struct str){copy, text.n});
    struct str raw;
    bool valid = json_scan_skip(&s, &raw) && json_scan_ends(&s);
    assert_true(s.at <= s.end);
    assert_true(!valid || s.depth == 0);
    free(copy);
    return valid;
}

/* clang-format off */
static const char *const good[] = {
    "{}", "[]", "\"\"", "0", "-0", "12", "-1.50e+10", "1E5", "2e-3", "0.0", "true", "false", "null",
    " [ ] ", "\t\r\n{ \"a\" : [ 1 , { } , \"b\" ] , \"a\" : null }\n", "[[[]],[]]",
    "123456789012345678901234567890", "1e999", "\"\x7f /'\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fF\\u0000\\ud83c\"",
    "\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf\"",
    "\"\xf0\x90\x80\x80 \xf3\xbf\xbf\xbf \xf4\x8f\xbf\xbf\"",
};
static const char *const broken[] = {
    "", " ", "{", "}", "[", "]", ",", ":", "{}{}", "{}x", "{},", "\xef\xbb\xbf{}", "\f{}", "/**/1",
    "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1,,\"b\":2}", "{\"a\":1 \"b\":2}",
    "{\"a\":1;\"b\":2}", "{a:1}", "{'a':1}", "{\"a\" 1}", "{1:2}", "{\"a\":1", "{\"a\":1]", "{]",
    "[,]", "[1,]", "[,1]", "[1 2]", "[1", "[1}", "[1]]", "[}",
    "\"", "\"a", "'b'", "\"b\\\"", "\"\t\"", "\"\n\"", "\"\x1f\"", "\"\\x41\"", "\"\\'\"", "\"\\",
    "\"\\u\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u 123\"", "\"\\u-123\"", "\"\\u123", "\"\\U0041\"",
    "tru", "truee", "True", "nul", "nulll", "falsey", "NaN", "Infinity", "-Infinity",
    "+1", "01", "-", "-a", "--1", "- 1", "-01", ".5", "1.", "1.e1", "1e", "1e+", "1e+-1", "0x1",
    "1_0", "1,0",
    "\"\xff\"", "\"\x80\"", "\"\xc3\"", "\"\xc3 \"", "\"\xc0\x80\"", "\"\xc1\xbf\"",
    "\"\xe0\x9f\xbf\"", "\"\xed\xa0\x80\"", "\"\xe2\x82\"", "\"\xe2\x82", "\"\xe2\"",
    "\"\xf0\x8f\xbf\xbf\"", "\"\xf4\x90\x80\x80\"", "\"\xf5\x80\x80\x80\"", "\"\xf0\x9f\x8d\"",
};
/* clang-format on */

TEST(passes_every_kind_of_value)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!is_json(str_of(good[i])))
            fail_msg("refused: %s", good[i]);
}

TEST(refuses_what_is_no_json)
{
    char text[64];
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        if (is_json(str_of(broken[i])))
            fail_msg("taken: %s", broken[i]);
        snprintf(text, sizeof(text), "{\"a\":%s}", broken[i]);
        /* "1,0" and the like break an object as well; nothing here mends one. */
        if (is_json(str_of(text)))
            fail_msg("taken: %s", text);
    }
    assert_false(is_json((struct str){"{}\0", 3}));
    assert_false(is_json((struct str){"\0", 1}));
    assert_false(is_json((struct str){"\"\0\"", 3}));
    assert_false(is_json((struct str){"\"\\\0\"", 4}));
}

TEST(refuses_every_beginning_of_a_value)
{
    struct str whole = STR("[{\"a\":[true,null,-1.5e7,\"\\u00e9\xe2\x82\xac\\n\"]},{}]");
    for (size_t n = 0; n < whole.n; n++)
        assert_false(is_json((struct str){whole.p, n}));
    assert_true(is_json(whole));
}

TEST(bounds_how_deep_it_goes)
{
    char text[2 * JSON_SCAN_DEPTH_MAX + 2];
    for (unsigned depth = 1; depth <= JSON_SCAN_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(is_json((struct str){text, 2 * (size_t)depth}),
                         depth <= JSON_SCAN_DEPTH_MAX);
    }
    struct buf deep;
    buf_init(&deep, 1 << 20);
    for (int i = 0; i < 100000; i++)
        buf_puts(&deep, STR("{\"a\":"));
    assert_false(deep.failed);
    assert_false(is_json(buf_str(&deep)));
    buf_free(&deep);
}

TEST(counts_depth_by_brackets_that_are_open)
{
    struct buf wide;
    buf_init(&wide, 1 << 20);
    buf_putc(&wide, '[');
    for (int i = 0; i < 10 * JSON_SCAN_DEPTH_MAX; i++)
        buf_puts(&wide, STR("{\"a\":[]},"));
    buf_puts(&wide, STR("0]"));
    assert_true(is_json(buf_str(&wide)));
    buf_free(&wide);
}

TEST(gives_the_text_of_a_value_without_blanks)
{
    struct json_scan s = json_scan_of(STR(" { \"a\\n\" : [1 ,2] , \"b\":-0.5 } "));
    struct str name, raw;
    assert_true(json_scan_enter(&s, '{'));
    assert_int_equal(json_scan_member(&s, true, &name), JSON_ITEM);
    assert_true(str_equal(name, STR("a\\n")));
    assert_true(json_scan_skip(&s, &raw));
    assert_true(str_equal(raw, STR("[1 ,2]")));
    assert_int_equal(json_scan_member(&s, false, &name), JSON_ITEM);
    assert_true(str_equal(name, STR("b")));
    assert_true(json_scan_skip(&s, &raw));
    assert_true(str_equal(raw, STR("-0.5")));
    assert_int_equal(json_scan_member(&s, false, &name), JSON_END);
    assert_true(json_scan_ends(&s));
}

TEST(reads_whole_numbers_within_their_range)
{
    static const struct {
        const char *text;
        bool is_signed, is_unsigned;
        int64_t value;
    } rows[] = {
        {"0", true, true, 0},
        {"-0", true, false, 0},
        {" 42", true, true, 42},
        {"-7", true, false, -7},
        {"9223372036854775807", true, true, INT64_MAX},
        {"9223372036854775808", false, true, INT64_MIN},
        {"-9223372036854775808", true, false, INT64_MIN},
        {"-9223372036854775809", false, false, 0},
        {"18446744073709551615", false, true, -1},
        {"18446744073709551616", false, false, 0},
        {"99999999999999999999999999", false, false, 0},
        {"00", false, false, 0},
        {"01", false, false, 0},
        {"- 1", false, false, 0},
        {"-", false, false, 0},
        {"", false, false, 0},
        {"1.0", false, false, 0},
        {"1e2", false, false, 0},
        {"1E2", false, false, 0},
        {"\"1\"", false, false, 0},
        {"true", false, false, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json_scan s = json_scan_of(str_of(rows[i].text)), u = s;
        int64_t n = 0;
        uint64_t v = 0;
        assert_int_equal(json_scan_int64(&s, &n), rows[i].is_signed);
        assert_true(!rows[i].is_signed || (n == rows[i].value && json_scan_ends(&s)));
        assert_int_equal(json_scan_uint64(&u, &v), rows[i].is_unsigned);
        assert_true(!rows[i].is_unsigned || (v == (uint64_t)rows[i].value && json_scan_ends(&u)));
    }
}

TEST(leaves_what_is_not_null)
{
    struct json_scan s = json_scan_of(STR(" null nul"));
    assert_true(json_scan_null(&s));
    const char *at = s.at;
    assert_false(json_scan_null(&s));
    assert_true(s.at == at + 1); /* the blank */
    s = json_scan_of(STR("true"));
    assert_false(json_scan_null(&s));
    bool value = false;
    assert_true(json_scan_bool(&s, &value) && value);
    assert_true(json_scan_ends(&s));
}
