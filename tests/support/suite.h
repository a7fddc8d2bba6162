/* suite.h -- a test is written once: TEST(what_holds) { ... }.
 *
 * The tests of a program run in the order in which they stand in its file, under cmocka, whose
 * header this brings along. main is suite.c's: a program has none, or one of its own if it runs
 * something else.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST(name) TEST_BETWEEN(name, NULL, NULL)

/* With a set-up before it and a teardown after it, either of which may be NULL. */
#define TEST_BETWEEN(name, setup, teardown)                                                        \
    static void name(void **state);                                                                \
    __attribute__((constructor)) static void name##_is_a_test(void)                                \
    {                                                                                              \
        suite_add(__LINE__, (struct CMUnitTest){#name, name, setup, teardown, NULL});              \
    }                                                                                              \
    static void name(void **state)

/* The same for each test that has neither; and what happens before all tests and after them. */
#define EACH_BETWEEN(setup, teardown)                                                              \
    __attribute__((constructor)) static void each_between(void)                                    \
    {                                                                                              \
        suite_each(setup, teardown);                                                               \
    }
#define ALL_BETWEEN(setup, teardown)                                                               \
    __attribute__((constructor)) static void all_between(void)                                     \
    {                                                                                              \
        suite_all(setup, teardown);                                                                \
    }

void suite_add(int line, struct CMUnitTest test);
void suite_each(CMFixtureFunction setup, CMFixtureFunction teardown);
void suite_all(CMFixtureFunction setup, CMFixtureFunction teardown);
