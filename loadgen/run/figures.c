/* figures.c -- printf knows no grouping without a locale. */
#include "run/figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *figure_count(char out[FIGURE_SIZE], int64_t value)
{
    char digits[FIGURE_SIZE];
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    size_t n = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, size);
    char *to = out;
    if (value < 0)
        *to++ = '-';
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

const char *figure_rate(char out[FIGURE_SIZE], double value)
{
    if (value < 100)
        snprintf(out, FIGURE_SIZE, "%.1f", value);
    else
        figure_count(out, value < 1e15 ? (int64_t)(value + 0.5) : (int64_t)1e15);
    return out;
}

const char *figure_ms(char out[FIGURE_SIZE], double ms)
{
    if (ms < 0)
        snprintf(out, FIGURE_SIZE, "-");
    else if (ms < 0.9995)
        snprintf(out, FIGURE_SIZE, "%.0f us", ms * 1000);
    else if (ms < 999.5)
        snprintf(out, FIGURE_SIZE, ms < 9.995 ? "%.2f ms" : ms < 99.95 ? "%.1f ms" : "%.0f ms", ms);
    else
        snprintf(out, FIGURE_SIZE, "%.2f s", ms / 1000);
    return out;
}
