/* test_verdict.c -- one cause is told once, and before what follows from it: in one verdict, and
 * when it is merged from parts. */
#include "check/verdict.h"
#include "support/suite.h"

#include <string.h>

static struct verdict v, part;
static bool parts; /* each violation comes in a part of its own */

static int set_up(void **state)
{
    memset(&v, 0, sizeof(v));
    parts = false;
    return 0;
}

static int set_up_parts(void **state)
{
    (void)set_up(state);
    parts = true;
    return 0;
}

/* A test of one verdict, and of one that is merged from parts. */
#define BOTH_WAYS(name)                                                                            \
    static void name(void);                                                                        \
    TEST_BETWEEN(name##_in_one, set_up, NULL)                                                      \
    {                                                                                              \
        name();                                                                                    \
    }                                                                                              \
    TEST_BETWEEN(name##_in_parts, set_up_parts, NULL)                                              \
    {                                                                                              \
        name();                                                                                    \
    }                                                                                              \
    static void name(void)

/* What is found between the two goes to v, one way or the other. */
static struct verdict *begin(void)
{
    memset(&part, 0, sizeof(part));
    return parts ? &part : &v;
}

static void end(void)
{
    if (parts)
        verdict_merge(&v, &part);
}

static void find(enum property property, uint32_t a, uint32_t b, const char *what)
{
    const uint32_t ops[] = {a, b, 0};
    verdict_violation(begin(), property, ops, "%s", what);
    end();
}

static uint64_t counted(void)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < v.witnesses; i++)
        all += 1 + v.witness[i].also + v.witness[i].alike;
    return all;
}

BOTH_WAYS(violations_about_one_operation_are_told_once)
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

BOTH_WAYS(the_cause_takes_the_place_of_its_consequence)
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

BOTH_WAYS(causes_come_first)
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

BOTH_WAYS(a_sort_is_shown_by_a_few)
{
    for (uint32_t i = 0; i < 100; i++)
        find(PROPERTY_ANSWERS, 100 + i, 0, "of one sort");
    const uint32_t other[] = {500, 0};
    verdict_violation(begin(), PROPERTY_SUMS, other, "of another");
    end();
    verdict_conclude(&v);
    assert_int_equal(v.witnesses, WITNESSES_ALIKE + 1);
    assert_string_equal(v.witness[0].text, "of another");
    assert_int_equal(v.witness[WITNESSES_ALIKE].alike, 97);
}

/* What follows from a cause that was only counted is only counted, too. */
BOTH_WAYS(consequences_of_what_is_not_shown_are_not_shown)
{
    for (uint32_t i = 0; i < 10; i++)
        find(PROPERTY_LASTING, 100 + i, 0, "lost");
    for (uint32_t i = 0; i < 10; i++) {
        const uint32_t ops[] = {100 + i, 200 + i, 0};
        verdict_violation(begin(), PROPERTY_VERSIONS, ops, "twice");
        end();
    }
    assert_int_equal(v.witnesses, WITNESSES_ALIKE);
    assert_int_equal(counted(), 20);
}

BOTH_WAYS(any_number_of_operations_is_taken)
{
    for (uint32_t i = 1; i < 20000; i++)
        find(PROPERTY_ANSWERS, i * 7, i * 7 + 1, "wrong");
    verdict_conclude(&v);
    assert_int_equal(v.witnesses, WITNESSES_ALIKE);
    assert_int_equal(counted(), v.property[PROPERTY_ANSWERS].violations);
}

/* Of a part with many, all are counted, in the words of the whole where it has told of them. */
TEST_BETWEEN(a_part_brings_along_what_it_only_counted, set_up_parts, NULL)
{
    find(PROPERTY_ANSWERS, 100, 0, "before");
    (void)begin();
    for (uint32_t i = 0; i < 10; i++) {
        const uint32_t ops[] = {100 + i, 0};
        verdict_violation(&part, PROPERTY_ANSWERS, ops, "%s", "of one sort");
    }
    const uint32_t lost[] = {101, 0};
    verdict_violation(&part, PROPERTY_LASTING, lost, "lost");
    end();
    assert_int_equal(counted(), 12);
    assert_int_equal(v.witnesses, WITNESSES_ALIKE);
    assert_string_equal(v.witness[0].text, "before");
    assert_string_equal(v.witness[1].text, "lost");
    assert_int_equal(v.witness[1].also, 1);
    assert_int_equal(v.property[PROPERTY_ANSWERS].violations, 11);
}

BOTH_WAYS(a_part_that_could_not_be_decided_leaves_the_whole_undecided)
{
    verdict_unknown(begin(), PROPERTY_SUMS, "first");
    end();
    verdict_unknown(begin(), PROPERTY_SUMS, "second");
    end();
    assert_int_equal(v.property[PROPERTY_SUMS].word, VERDICT_UNKNOWN);
    assert_string_equal(v.property[PROPERTY_SUMS].why, "first");
    find(PROPERTY_SUMS, 7, 0, "wrong");
    assert_int_equal(v.property[PROPERTY_SUMS].word, VERDICT_VIOLATION);
    assert_string_equal(v.property[PROPERTY_SUMS].why, "");
    verdict_unknown(begin(), PROPERTY_SUMS, "third");
    end();
    assert_int_equal(v.property[PROPERTY_SUMS].word, VERDICT_VIOLATION);
    assert_string_equal(v.property[PROPERTY_SUMS].why, "");
}
