/* report_hgrm.c -- percentiles of the response times in the layout of HdrHistogram's tools.
 *
 * Milliseconds, five ticks for each halving of the distance to 100 %; the columns and the footer
 * are those of hdr_percentiles_print, so that plotters made for it can read them.
 */
#include "report/report.h"

#include <math.h>

#define TICKS_PER_HALF 5
#define NS_PER_MS      1e6

/* The next percentile behind `percent`: the nearer to 100, the finer. */
static double next_tick(double percent)
{
    double half_distance = pow(2, floor(log2(100 / (100 - percent))) + 1);
    return percent + 100 / (TICKS_PER_HALF * half_distance);
}

/* How many values lie in the buckets up to the one that `value` is in. */
static uint64_t count_up_to(const struct histogram *h, uint64_t value)
{
    uint64_t count = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (i > 0 && histogram_bound(i - 1) >= value)
            break;
        count += h->bucket[i];
    }
    return count;
}

static void put_row(struct buf *b, uint64_t value, double percent, uint64_t count)
{
    double share = percent / 100;
    buf_printf(b, "%12.3f %12.6f %12llu ", (double)value / NS_PER_MS, share,
               (unsigned long long)count);
    if (share < 1)
        buf_printf(b, "%12.2f\n", 1 / (1 - share));
    else
        buf_puts(b, STR("         inf\n"));
}

int report_hgrm(FILE *out, const struct report_run *run)
{
    const struct histogram *h = run->summary->response;
    uint64_t total = h->count, count = 0;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_printf(&b, "%12s %12s %12s %12s\n\n", "Value", "Percentile", "TotalCount",
               "1/(1-Percentile)");
    for (double percent = 0; count < total && percent < 100; percent = next_tick(percent)) {
        uint64_t value = histogram_percentile(h, percent);
        count = count_up_to(h, value);
        put_row(&b, value, percent, count);
    }
    put_row(&b, total ? h->max : 0, 100, total);
    buf_printf(&b, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", histogram_mean(h) / NS_PER_MS,
               histogram_deviation(h) / NS_PER_MS);
    buf_printf(&b, "#[Max     = %12.3f, Total count    = %12llu]\n",
               total ? (double)h->max / NS_PER_MS : 0, (unsigned long long)total);
    buf_printf(&b, "#[Buckets = %12d, SubBuckets     = %12d]\n",
               HISTOGRAM_BUCKETS >> HISTOGRAM_BITS, 1 << HISTOGRAM_BITS);
    int result = buf_flush(&b, out);
    buf_free(&b);
    return result;
}
