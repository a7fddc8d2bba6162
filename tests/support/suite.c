/* suite.c -- see suite.h. */
#include "support/suite.h"

#include <assert.h>

#define TESTS_MAX 100

static struct CMUnitTest tests[TESTS_MAX];
static int lines[TESTS_MAX]; /* where they stand; ascending */
static size_t count;
static CMFixtureFunction before_each, after_each, before_all, after_all;

/* Constructors run in an order of the compiler's. */
void suite_add(int line, struct CMUnitTest test)
{
    assert(count < TESTS_MAX);
    size_t at = count++;
    for (; at > 0 && lines[at - 1] > line; at--) {
        tests[at] = tests[at - 1];
        lines[at] = lines[at - 1];
    }
    tests[at] = test;
    lines[at] = line;
}

void suite_each(CMFixtureFunction setup, CMFixtureFunction teardown)
{
    before_each = setup;
    after_each = teardown;
}

void suite_all(CMFixtureFunction setup, CMFixtureFunction teardown)
{
    before_all = setup;
    after_all = teardown;
}

__attribute__((weak)) int main(void)
{
    for (size_t i = 0; i < count; i++) {
        if (tests[i].setup_func || tests[i].teardown_func)
            continue;
        tests[i].setup_func = before_each;
        tests[i].teardown_func = after_each;
    }
    return _cmocka_run_group_tests("tests", tests, count, before_all, after_all);
}
