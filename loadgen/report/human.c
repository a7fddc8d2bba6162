/* human.c -- see human.h. */
#include "report/human.h"

#include <math.h>
#include <stdio.h>

/* Three digits that count: 1.25, 12.5, 125. The bounds are where rounding would add a fourth. */
static const char *three_digits(double value, const char *unit, char out[HUMAN_SIZE])
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(out, HUMAN_SIZE, "%.*f%s", decimals, value, unit);
    return out;
}

const char *human_duration(uint64_t ns, char out[HUMAN_SIZE])
{
    uint64_t s = ns / 1000000000;
    if (ns == 0)
        snprintf(out, HUMAN_SIZE, "0");
    else if (ns < 1000)
        snprintf(out, HUMAN_SIZE, "%uns", (unsigned)ns);
    else if (ns < 999500)
        three_digits((double)ns / 1e3, "us", out);
    else if (ns < 999500000)
        three_digits((double)ns / 1e6, "ms", out);
    else if (s < 120)
        three_digits((double)ns / 1e9, "s", out);
    else if (s < 7200)
        snprintf(out, HUMAN_SIZE, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
    else
        snprintf(out, HUMAN_SIZE, "%lluh%02um", (unsigned long long)(s / 3600),
                 (unsigned)(s % 3600 / 60));
    return out;
}

/* From 9,999.5 on; smaller numbers are written out by the callers. */
static const char *with_prefix(double value, char out[HUMAN_SIZE])
{
    static const char *const prefixes[] = {"k", "M", "G", "T", "P", "E"};
    unsigned i = 0;
    for (value /= 1e3; value >= 999.5 && i + 1 < sizeof prefixes / sizeof prefixes[0]; i++)
        value /= 1e3;
    if (value >= 1e6) {
        snprintf(out, HUMAN_SIZE, "%.2e", value * 1e18);
        return out;
    }
    return three_digits(value, prefixes[i], out);
}

const char *human_count(uint64_t count, char out[HUMAN_SIZE])
{
    if (count >= 10000)
        return with_prefix((double)count, out);
    snprintf(out, HUMAN_SIZE, "%u", (unsigned)count);
    return out;
}

const char *human_number(double value, char out[HUMAN_SIZE])
{
    if (!isfinite(value))
        snprintf(out, HUMAN_SIZE, "-");
    else if (value == 0)
        snprintf(out, HUMAN_SIZE, "0");
    else if (value < 0.00095)
        snprintf(out, HUMAN_SIZE, "%.2g", value);
    else if (value < 0.9995)
        snprintf(out, HUMAN_SIZE, "%.3f", value);
    else if (value >= 9999.5)
        with_prefix(value, out);
    else
        three_digits(value, "", out);
    return out;
}

const char *human_share(uint64_t part, uint64_t whole, char out[HUMAN_SIZE])
{
    double percent = whole ? 100.0 * (double)part / (double)whole : 0;
    if (whole == 0)
        snprintf(out, HUMAN_SIZE, "-");
    else if (part == 0 || part == whole)
        snprintf(out, HUMAN_SIZE, "%s", part ? "100%" : "0%");
    else if (percent < 0.095)
        snprintf(out, HUMAN_SIZE, "%.2g%%", percent);
    else
        three_digits(percent, "%", out);
    return out;
}
