#include "http/request/json_path.h"
#include "support/suite.h"

#include <stdio.h>

/* The path of the first number that begins with `mark`. */
/* Writes the path of the number that holds or ends at the byte `offset`. False: none does. */
static bool path_at(struct str text, size_t offset, char out[JSON_PATH_SIZE])
{
    struct json_walk walk;
    struct str number;
    json_walk_init(&walk, text);
    while (json_walk_number(&walk, &number)) {
        size_t start = (size_t)(number.p - text.p);
        if (start > offset)
            return false;
        if (offset <= start + number.n) {
            json_walk_path(&walk, out);
            return true;
        }
    }
    return false;
}

static void assert_path(const char *text, const char *mark, const char *path)
{
    char out[JSON_PATH_SIZE] = "nothing";
    const char *at = strstr(text, mark);
    assert_non_null(at);
    assert_true(path_at(str_of(text), (size_t)(at - text), out));
    assert_string_equal(out, path);
    /* jansson's position is behind the number. */
    assert_true(path_at(str_of(text), (size_t)(at - text) + strlen(mark), out));
    assert_string_equal(out, path);
}

TEST(names_members_and_elements)
{
    assert_path("{\"a\":77}", "77", "a");
    assert_path("{\"lines\":[{\"q\":1},{\"q\":2},{\"sku\":\"a\",\"quantity\":77}]}", "77",
                "lines[2].quantity");
    assert_path("{\"a\":{\"b\":[1,[2,77]]},\"c\":3}", "77", "a.b[1][1]");
    assert_path("{\"a\" : 1 , \"b\"\n:\t77 }", "77", "b");
    assert_path("[0,77]", "77", "[1]");
    assert_path("77", "77", "");
    assert_path("{\"a\":-77.5e3}", "-77.5e3", "a");
}

TEST(is_not_fooled_by_strings)
{
    assert_path("{\"x\":\"{[,\\\"77\",\"b\":\"c\",\"y\":88}", "88", "y");
    assert_path("{\"a\\\"]\":77}", "77", "a\\\"]");
    assert_path("{\"a\":\"\\\\\",\"b\":77}", "77", "b");
    assert_path("[\"x\",\"y\",77]", "77", "[2]");
}

TEST(finds_no_number)
{
    char out[JSON_PATH_SIZE];
    assert_false(path_at(STR("{\"a\":true}"), 5, out));
    assert_false(path_at(STR(""), 0, out));
    assert_false(path_at(STR("{\"a\":\"77"), 7, out));
    assert_false(path_at(STR("]77"), 2, out));
    assert_false(path_at(STR("[true,77]"), 1, out));
}

TEST(cuts_what_is_too_deep_or_too_long)
{
    char text[1000], out[JSON_PATH_SIZE];
    memset(text, '[', 100);
    strcpy(text + 100, "77");
    assert_true(path_at(str_of(text), 101, out));
    assert_int_equal((int)strlen(out), JSON_WALK_DEPTH * 3);
    strcpy(text, "{\"");
    memset(text + 2, 'k', 600);
    strcpy(text + 602, "\":77}");
    assert_true(path_at(str_of(text), 605, out));
    assert_int_equal((int)strlen(out), JSON_PATH_SIZE - 1);
}

TEST(knows_what_is_too_large)
{
    static const char *const large[] = {"9223372036854775808", "-9223372036854775809",
                                        "99999999999999999999999", "1e309", "-1.5e400"};
    static const char *const fits[] = {
        "9223372036854775807",        "-9223372036854775808", "0", "-1", "1.5", "1e308", "1e-400",
        "0.0000000000000000000000001"};
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
        assert_true(json_number_oversized(str_of(large[i])));
    for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++)
        assert_false(json_number_oversized(str_of(fits[i])));
    char digits[600];
    memset(digits, '1', sizeof(digits));
    assert_true(json_number_oversized((struct str){digits, sizeof(digits)}));
}

TEST(walks_over_all_numbers)
{
    struct json_walk walk;
    struct str number;
    unsigned count = 0;
    json_walk_init(&walk, STR("{\"a\":[1,2,{\"b\":3}],\"c\":null,\"d\":-4}"));
    while (json_walk_number(&walk, &number))
        count++;
    assert_int_equal((int)count, 4);
}
