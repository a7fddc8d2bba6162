/* rerun.h -- suites once more, with something else in the environment: an option that must change
 * nothing of what they prove.
 *
 * Layer: tests, for the main thread of a program with cmocka.
 */
#pragma once

/* argv[0] of the program, beside which the others lie. */
void rerun_begin(const char *self);

/* Runs two other programs side by side; the running test fails if one of them does. Shows the end
 * of what that one printed. */
void rerun(const char *first, const char *second);
