#include "report/units.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Three digits that count: 1.25, 12.5, 125. The bounds are where rounding would add a fourth. */
#define THREE_DIGITS(per, suffix)                                                                  \
    {9.995 * (per), per, 2, suffix, 0, ""}, {99.95 * (per), per, 1, suffix, 0, ""},                \
    {                                                                                              \
        999.5 * (per), per, 0, suffix, 0, ""                                                       \
    }

static const struct unit_step durations[] = {
    {0.5, 1, 0, "", 0, ""},
    {999.5, 1, 0, "ns", 0, ""},
    THREE_DIGITS(1e3, "us"),
    THREE_DIGITS(1e6, "ms"),
    {9.995e9, 1e9, 2, "s", 0, ""},
    {99.95e9, 1e9, 1, "s", 0, ""},
    {120e9, 1e9, 0, "s", 0, ""},
    {7200e9, 60e9, 0, "m", 1e9, "s"},
    {1e18, 3600e9, 0, "h", 60e9, "m"},
};
static const struct unit_step numbers[] = {
    {5e-6, 1, 0, "", 0, ""},  {0.00095, 1, 5, "", 0, ""}, {0.9995, 1, 3, "", 0, ""},
    {9.995, 1, 2, "", 0, ""}, {99.95, 1, 1, "", 0, ""},   {1e15, 1, 0, "", 0, ""},
};
static const struct unit_step percents[] = {
    {5e-6, 1, 0, "%", 0, ""},  {0.095, 1, 4, "%", 0, ""}, {9.995, 1, 2, "%", 0, ""},
    {99.95, 1, 1, "%", 0, ""}, {1e6, 1, 0, "%", 0, ""},
};
/* Beside a bound: rounded to three digits it would seem to be met, or missed. */
static const struct unit_step measured[] = {{0.01, 1, -6, "", 0, ""}, {1e15, 1, -3, "", 0, ""}};

static const struct unit_word verdicts[] = {{"right", "RIGHT"},
                                            {"unknown", "UNKNOWN"},
                                            {"violation", "VIOLATION"},
                                            {"unchecked", "NOT CHECKED"}};
static const struct unit_word findings[] = {{"right", "holds"},
                                            {"unknown", "unknown"},
                                            {"violation", "VIOLATED"},
                                            {"unchecked", "unchecked"}};
static const struct unit_word gates[] = {
    {"met", "met"}, {"missed", "MISSED"}, {"unknown", "UNKNOWN"}};
static const struct unit_word statuses[] = {{"null", "no answer"}, {"other", "others"}};
static const struct unit_word oversolds[] = {{"found", "units that were not there"},
                                             {"none", "no unit was sold twice"},
                                             {"not-seen", "none seen; see what was checked"},
                                             {"unchecked", "not checked"}};
static const struct unit_word capacities[] = {
    {"known", "CAPACITY"}, {"ceiling", "AT LEAST"}, {"open", "NOT KNOWN"}, {"none", "NONE"}};
static const struct unit_word limits[] = {
    {"held", "held"},         {"latency", "p99 over goal"}, {"rate", "rate not met"},
    {"errors", "errors"},     {"clients", "clients busy"},  {"generator", "generator"},
    {"broken", "broken off"}, {"ceiling", "--rate-max"}};
static const struct unit_word checks[] = {{"full", "all of them, in full"},
                                          {"counts", "all of them, but not their order in time"},
                                          {"off", "no: --verify off"}};

const struct unit all_units[UNITS] = {
    {"ns", 1, COUNT(durations), durations, 0, NULL},
    {"ms", 1e6, COUNT(durations), durations, 0, NULL},
    {"s", 1e9, COUNT(durations), durations, 0, NULL},
    {"number", 1, COUNT(numbers), numbers, 0, NULL},
    {"share", 100, COUNT(percents), percents, 0, NULL},
    {"measured", 1, COUNT(measured), measured, 0, NULL},
    {"verdict", 1, 0, NULL, COUNT(verdicts), verdicts},
    {"finding", 1, 0, NULL, COUNT(findings), findings},
    {"gate", 1, 0, NULL, COUNT(gates), gates},
    {"status", 1, 0, NULL, COUNT(statuses), statuses},
    {"oversold", 1, 0, NULL, COUNT(oversolds), oversolds},
    {"capacity", 1, 0, NULL, COUNT(capacities), capacities},
    {"limit", 1, 0, NULL, COUNT(limits), limits},
    {"verify", 1, 0, NULL, COUNT(checks), checks},
};

const struct unit *unit_named(const char *name, size_t n)
{
    size_t i = 0;
    while (i < UNITS && (strlen(all_units[i].name) != n || memcmp(all_units[i].name, name, n) != 0))
        i++;
    assert(i < UNITS);
    return &all_units[i];
}

/* "4.810" as "4.81" */
static void drop_zeros(char *number)
{
    char *end = number + strlen(number);
    while (end[-1] == '0')
        end--;
    end[end[-1] == '.' ? -1 : 0] = '\0';
}

static void format_in_step(const struct unit_step *step, double value, char out[UNIT_TEXT_SIZE])
{
    char number[UNIT_TEXT_SIZE / 2], *fraction;
    if (step->rest_per > 0) {
        snprintf(out, UNIT_TEXT_SIZE, "%.0f%s%02.0f%s", floor(value / step->per), step->suffix,
                 floor(fmod(value, step->per) / step->rest_per), step->rest_suffix);
        return;
    }
    snprintf(number, sizeof number, "%.*f", abs(step->decimals), value / step->per);
    if (step->decimals < 0)
        drop_zeros(number);
    digits_group(out, strtoll(number, &fraction, 10));
    size_t n = strlen(out);
    snprintf(out + n, UNIT_TEXT_SIZE - n, "%s%s", fraction, step->suffix);
}

const char *unit_number(const struct unit *unit, double value, char out[UNIT_TEXT_SIZE])
{
    size_t i = 0;
    value *= unit->times;
    while (i < unit->steps && !(value < unit->step[i].below))
        i++;
    if (!isfinite(value))
        snprintf(out, UNIT_TEXT_SIZE, "-");
    else if (i < unit->steps)
        format_in_step(&unit->step[i], value, out);
    else
        snprintf(out, UNIT_TEXT_SIZE, "%.2e", value);
    return out;
}

const char *unit_word(const struct unit *unit, const char *value)
{
    for (size_t i = 0; i < unit->words; i++)
        if (strcmp(unit->word[i].value, value) == 0)
            return unit->word[i].word;
    return NULL;
}

const char *unit_rate(char out[UNIT_TEXT_SIZE], double value)
{
    return unit_number(unit_named("number", 6), value, out);
}

const char *unit_ms(char out[UNIT_TEXT_SIZE], double ms)
{
    return unit_number(unit_named("ms", 2), ms < 0 ? (double)NAN : ms, out);
}

const char *unit_share(char out[UNIT_TEXT_SIZE], double share)
{
    return unit_number(unit_named("share", 5), share, out);
}
