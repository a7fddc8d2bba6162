/* leftover.h -- what a test of processes must not leave behind: descriptors, children, signals that
 * stay blocked.
 *
 * For cmocka: leftover_before and leftover_after are a test's setup and teardown. The macros serve
 * processes that a test forks: those must not fall back into cmocka, which would run the remaining
 * tests twice.
 */
#pragma once

#include <stdio.h>
#include <unistd.h>

#define LEFTOVER_BOUND_MS 60000 /* nothing takes this long unless it hangs */

int leftover_before(void **state);
int leftover_after(void **state);

/* Open descriptors of this process, the one that counts included. */
int leftover_count_fds(void);

/* In a forked process: says what did not hold, and ends. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* Runs the function in a forked process, which must return. Its exit status, or -1. */
int leftover_in_a_process(void (*run)(void));

/* Waits until the process, not necessarily a child, has ended, for LEFTOVER_BOUND_MS. 0 or -1. */
int leftover_await_end(int pidfd);
