#include "run/figures.h"

#include <stdio.h>

const char *figure_rate(char out[FIGURE_SIZE], double value)
{
    if (value < 100)
        snprintf(out, FIGURE_SIZE, "%.1f", value);
    else
        unit_count(value < 1e15 ? (int64_t)(value + 0.5) : (int64_t)1e15, out);
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
