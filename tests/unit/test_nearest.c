/* test_nearest.c -- how far apart two names are, and which is near enough to be meant. */
#include "nearest.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

static size_t distance(const char *a, const char *b)
{
    return nearest_distance(str_of(a), str_of(b));
}

TEST(letters_are_added_dropped_changed_and_swapped)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"serve", "serve", 0},
        {"serv", "serve", 1},
        {"runn", "run", 1},
        {"sevre", "serve", 1}, /* one swap, not two changes */
        {"workrs", "workers", 1},
        {"kitten", "sitting", 3},
        {"ca", "abc", 3},        /* no letter is touched twice: 2 would be without that rule */
        {"abcdef", "badcfe", 3}, /* three swaps */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(distance(rows[i].a, rows[i].b), rows[i].distance);
        assert_int_equal(distance(rows[i].b, rows[i].a), rows[i].distance);
    }
}

TEST(names_that_are_too_long_are_near_to_nothing)
{
    char text[NEAREST_NAME_MAX + 2];
    memset(text, 'a', sizeof(text));
    text[NEAREST_NAME_MAX + 1] = '\0';
    assert_true(distance(text, "a") == SIZE_MAX && distance("a", text) == SIZE_MAX);
    text[NEAREST_NAME_MAX] = '\0';
    assert_int_equal(distance(text, "a"), NEAREST_NAME_MAX - 1);
}

/* Another way to count: the plain recursion over all that may be done to the last letters. */
static size_t by_recursion(const char *a, size_t n, const char *b, size_t m)
{
    if (n == 0 || m == 0)
        return n + m;
    size_t least = by_recursion(a, n - 1, b, m) + 1, other = by_recursion(a, n, b, m - 1) + 1;
    least = other < least ? other : least;
    other = by_recursion(a, n - 1, b, m - 1) + (a[n - 1] != b[m - 1]);
    least = other < least ? other : least;
    if (n > 1 && m > 1 && a[n - 1] == b[m - 2] && a[n - 2] == b[m - 1]) {
        other = by_recursion(a, n - 2, b, m - 2) + 1;
        least = other < least ? other : least;
    }
    return least;
}

TEST(random_words_are_as_far_apart_as_the_recursion_says)
{
    char words[2][6];
    srand(7);
    for (int round = 0; round < 2000; round++) {
        size_t n[2];
        for (int w = 0; w < 2; w++) {
            n[w] = (size_t)rand() % 6;
            for (size_t i = 0; i < n[w]; i++)
                words[w][i] = (char)('a' + rand() % 3);
        }
        assert_int_equal(
            nearest_distance((struct str){words[0], n[0]}, (struct str){words[1], n[1]}),
            by_recursion(words[0], n[0], words[1], n[1]));
    }
}

static const char *meant(const char *typed)
{
    static const char *const names[] = {"run", "race", "report", "check", "capacity"};
    struct nearest near = nearest_to(str_of(typed));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        nearest_offer(&near, names[i]);
    return near.name;
}

TEST(the_nearest_name_is_offered_if_it_is_near)
{
    assert_string_equal(meant("runn"), "run");
    assert_string_equal(meant("rcae"), "race");
    assert_string_equal(meant("chekc"), "check");
    assert_string_equal(meant("reprot"), "report");
    assert_string_equal(meant("capasity"), "capacity");
    assert_null(meant("x"));
    assert_null(meant(""));
    assert_null(meant("frobnicate"));
}
