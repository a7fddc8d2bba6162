/* test_json_same.c -- two texts that say the same, and two that do not. */
#include "client/json_same.h"

#include "client/json_scan.h"
#include "support/suite.h"

static bool same(const char *a, const char *b)
{
    struct json_scan s = json_scan_of(str_of(a)), other = json_scan_of(str_of(b));
    struct str mine = STR(""), theirs = mine;
    assert_true(json_scan_skip(&s, &mine) && json_scan_skip(&other, &theirs));
    assert_int_equal(json_same(mine, theirs), json_same(theirs, mine));
    return json_same(mine, theirs);
}

TEST(the_same_value_may_be_written_in_many_ways)
{
    static const char *const pairs[][2] = {
        {"null", "null"},
        {"{}", "{ }"},
        {"[1,2]", " [ 1 , 2 ] "},
        {"{\"a\":1,\"b\":[true]}", "{\"b\":[true],\"a\":1}"},
        {"{\"a\":{\"b\":{\"c\":null,\"d\":0}}}", "{\"a\":{\"b\":{\"d\":0,\"c\":null}}}"},
        {"\"a/\\\"\\\\\\n\"", "\"\\u0061\\/\\u0022\\u005C\\u000a\""},
        {"\"\xc3\xbc\"", "\"\\u00FC\""},
        {"\"\xe2\x82\xac\"", "\"\\u20ac\""},
        {"\"\xf0\x9f\x8e\x81\"", "\"\\ud83c\\udf81\""},
        {"{\"\\u0061\":1}", "{\"a\":1}"},
        {"1", "1.0"},
        {"-2.5e1", "-25"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (!same(pairs[i][0], pairs[i][1]))
            fail_msg("%s is not %s", pairs[i][0], pairs[i][1]);
}

TEST(another_value_is_another)
{
    static const char *const pairs[][2] = {
        {"null", "false"},
        {"true", "false"},
        {"1", "2"},
        {"1", "\"1\""},
        {"1", "-1"},
        {"{}", "[]"},
        {"{}", "null"},
        {"[1,2]", "[2,1]"},
        {"[1,2]", "[1]"},
        {"[]", "[null]"},
        {"{\"a\":1}", "{\"a\":2}"},
        {"{\"a\":1}", "{\"b\":1}"},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}"},
        {"{\"a\":null}", "{}"},
        {"{\"a\":{\"b\":[1,{\"c\":1}]}}", "{\"a\":{\"b\":[1,{\"c\":2}]}}"},
        {"\"a\"", "\"b\""},
        {"\"a\"", "\"ab\""},
        {"\"\"", "\"a\""},
        {"\"\\n\"", "\"n\""},
        {"\"\\ud83c\"", "\"\\ud83c\\udf81\""},
        {"\"\\ud83c\\u0041\"", "\"\\ud83c\\udf81\""},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (same(pairs[i][0], pairs[i][1]))
            fail_msg("%s is %s", pairs[i][0], pairs[i][1]);
}
