/* test_digits.c -- numbers as digits, and where a character ends: digits.h, utf8.h. */
#include "digits.h"
#include "support/suite.h"
#include "utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

TEST(writes_what_printf_writes)
{
    static const int64_t values[] = {
        0, 1, 9, 10, -1, -10, 99, 100, 123456789, INT64_MAX, INT64_MIN, INT64_MIN + 1, 4294967296};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char due[32], got[DIGITS_MAX];
        size_t n = (size_t)snprintf(due, sizeof(due), "%" PRId64, values[i]);
        assert_int_equal(digits_put_signed(got, values[i]), n);
        assert_memory_equal(got, due, n);
    }
    char got[DIGITS_MAX];
    assert_int_equal(digits_put(got, UINT64_MAX), DIGITS_MAX);
    assert_memory_equal(got, "18446744073709551615", DIGITS_MAX);
}

TEST(reads_decimal_numbers_up_to_the_most_and_nothing_else)
{
    static const struct {
        const char *text;
        int64_t most, due;
    } rows[] = {
        {"0", 9, 0},
        {"7", 7, 7},
        {"7", 6, -1},
        {"9", 5, -1},
        {"65535", 65535, 65535},
        {"65536", 65535, -1},
        {"007", 9, 7},
        {"", 9, -1},
        {"+1", 9, -1},
        {"-1", 9, -1},
        {" 1", 9, -1},
        {"1 ", 9, -1},
        {"1/", 99, -1},
        {"1:", 99, -1},
        {"0", -1, -1},
        {"9223372036854775807", INT64_MAX, INT64_MAX},
        {"9223372036854775808", INT64_MAX, -1},
        {"92233720368547758070", INT64_MAX, -1},
        {"99999999999999999999999", INT64_MAX, -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(digits_read(rows[i].text, strlen(rows[i].text), rows[i].most),
                         rows[i].due);
}

TEST(reads_hexadecimal_digits_and_nothing_else)
{
    static const char digits[] = "0123456789abcdef";
    for (int c = 0; c < 256; c++) {
        int lower = c >= 'A' && c <= 'F' ? c + 32 : c;
        const char *at = lower ? strchr(digits, lower) : NULL;
        assert_int_equal(digits_hex((char)c), at ? (int)(at - digits) : -1);
    }
}

/* By the definition: of each code point, the shortest form, and no other bytes. */
TEST(knows_the_characters_of_rfc_3629)
{
    static const struct {
        const char *bytes;
        size_t length;
    } rows[] = {
        {"a", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xee\x80\x80", 3},
        {"\xef\xbf\xbf", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0},             /* the middle of one */
        {"\xc0\x80", 0},         /* overlong */
        {"\xc1\xbf", 0},         /* overlong */
        {"\xe0\x9f\xbf", 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\xc3(", 0},
        {"\xe2\x82(", 0},
        {"\xf0\x9f\x92(", 0},
        {"\xe2(\xa1", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = strlen(rows[i].bytes);
        assert_int_equal(utf8_length(rows[i].bytes, n), rows[i].length);
        for (size_t cut = 1; cut < n; cut++)
            assert_int_equal(utf8_length(rows[i].bytes, cut), 0);
    }
    assert_int_equal(utf8_length("", 1), 1); /* NUL is a character */
}
