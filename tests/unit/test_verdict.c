/* test_verdict.c -- one cause is told once, and before what follows from it. */
#include "check/verdict.h"
#include "support/suite.h"

#include <string.h>

static struct verdict v;

static int set_up(void **state)
{
    memset(&v, 0, sizeof(v));
    return 0;
}

static void find(enum property property, uint32_t a, uint32_t b, const char *what)
{
    const uint32_t ops[] = {a, b, 0};
    verdict_violation(&v, property, ops, "%s", what);
}

static uint64_t counted(void)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < v.witnesses; i++)
        all += 1 + v.witness[i].also + v.witness[i].alike;
    return all;
}

TEST(violations_about_one_operation_are_told_once)
{
    find(PROPERTY_ANSWERS, 70, 71, "wrong");
    find(PROPERTY_ANSWERS, 71, 72, "wrong, too");
    find(PROPERTY_ANSWERS, 80, 0, "something else");
    verdict_conclude(&v);
    assert_int_equal(v.witnesses, 2);
    assert_string_equal(v.witness[0].text, "wrong");
    assert_int_equal(v.witness[0].also, 1);
    assert_int_equal(v.property[PROPERTY_ANSWERS].violations, 3);
}

TEST(the_cause_takes_the_place_of_its_consequence)
{
    find(PROPERTY_ANSWERS, 70, 71, "one number too low");
    find(PROPERTY_LASTING, 71, 0, "lost");
    find(PROPERTY_SUMS, 71, 0, "sold twice");
    verdict_conclude(&v);
    assert_int_equal(v.witnesses, 1);
    assert_string_equal(v.witness[0].text, "lost");
    assert_int_equal(v.witness[0].property, PROPERTY_LASTING);
    assert_int_equal(v.witness[0].op[0], 71);
    assert_int_equal(v.witness[0].also, 2);
    assert_int_equal(v.property[PROPERTY_ANSWERS].violations, 1);
}

TEST(causes_come_first)
{
    find(PROPERTY_LINEARIZABLE, 70, 0, "late");
    find(PROPERTY_ANSWERS, 71, 0, "wrong");
    find(PROPERTY_VERSIONS, 72, 0, "twice");
    find(PROPERTY_LASTING, 73, 0, "lost");
    verdict_conclude(&v);
    static const char *const order[] = {"lost", "twice", "wrong", "late"};
    for (unsigned i = 0; i < 4; i++)
        assert_string_equal(v.witness[i].text, order[i]);
}

TEST(a_sort_is_shown_by_a_few)
{
    for (uint32_t i = 0; i < 100; i++)
        find(PROPERTY_ANSWERS, 100 + i, 0, "of one sort");
    const uint32_t other[] = {500, 0};
    verdict_violation(&v, PROPERTY_SUMS, other, "of another");
    verdict_conclude(&v);
    assert_int_equal(v.witnesses, WITNESSES_ALIKE + 1);
    assert_string_equal(v.witness[0].text, "of another");
    assert_int_equal(v.witness[WITNESSES_ALIKE].alike, 97);
}

/* What follows from a cause that was only counted is only counted, too. */
TEST(consequences_of_what_is_not_shown_are_not_shown)
{
    for (uint32_t i = 0; i < 10; i++)
        find(PROPERTY_LASTING, 100 + i, 0, "lost");
    for (uint32_t i = 0; i < 10; i++) {
        const uint32_t ops[] = {100 + i, 200 + i, 0};
        verdict_violation(&v, PROPERTY_VERSIONS, ops, "twice");
    }
    assert_int_equal(v.witnesses, WITNESSES_ALIKE);
    assert_int_equal(counted(), 20);
}

TEST(any_number_of_operations_is_taken)
{
    for (uint32_t i = 1; i < 20000; i++)
        find(PROPERTY_ANSWERS, i * 7, i * 7 + 1, "wrong");
    verdict_conclude(&v);
    assert_int_equal(v.witnesses, WITNESSES_ALIKE);
    assert_int_equal(counted(), v.property[PROPERTY_ANSWERS].violations);
}

EACH_BETWEEN(set_up, NULL)
