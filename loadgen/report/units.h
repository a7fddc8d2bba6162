/* units.h -- how stockload writes its values, wherever it shows one: 1.25ms, 12,345, 4.10%, RIGHT.
 *
 * One rule: what was counted stands in all its digits, what was measured in three that count, and
 * in more only before the point; thousands are set off with commas, and a unit follows at once.
 *
 * Layer: report, pure. A unit is a table: steps that say from where to where a number is divided by
 * what and rounded to how many digits, or words that stand for values. The text report writes by
 * these tables, and the page is given them (layout.h): what both show is the same.
 *
 * Invariant: the steps of a unit have rising bounds; a number takes the first whose bound is above
 * it. Numbers beyond the last are written with an exponent.
 */
#pragma once

#include "digits.h"

#include <stddef.h>
#include <stdint.h>

#define UNIT_TEXT_SIZE 40 /* holds every number of this module */

struct unit_step {
    double below, per;
    int decimals; /* negative: at most so many, without zeros at the end */
    const char *suffix;
    double rest_per; /* what is left is written behind, in whole numbers of two digits; or 0 */
    const char *rest_suffix;
};

struct unit_word {
    const char *value, *word;
};

struct unit {
    const char *name;
    double times; /* before the steps are looked at */
    size_t steps;
    const struct unit_step *step;
    size_t words;
    const struct unit_word *word;
};

#define UNITS 14
extern const struct unit all_units[UNITS];

/* The unit with that name; it must be one. */
const struct unit *unit_named(const char *name, size_t n);

/* "1.25ms". "-" when it is no number. */
const char *unit_number(const struct unit *unit, double value, char out[UNIT_TEXT_SIZE]);

/* The word for a value, or NULL. */
const char *unit_word(const struct unit *unit, const char *value);

/* A whole number, all of it: "-1,234,567". */
static inline const char *unit_count(char out[UNIT_TEXT_SIZE], int64_t value)
{
    return digits_group(out, value);
}

/* What was measured, and has no unit. */
const char *unit_rate(char out[UNIT_TEXT_SIZE], double value);

/* "950us", "1.24ms", "48.1ms", "1.20s". Below 0: "-". */
const char *unit_ms(char out[UNIT_TEXT_SIZE], double ms);

/* "4.10%", of 0.041. */
const char *unit_share(char out[UNIT_TEXT_SIZE], double share);

/* One of the four among the arguments of a printf: it lives to the end of the enclosing block. */
#define FIGURE(kind, value) unit_##kind((char[UNIT_TEXT_SIZE]){""}, value)
