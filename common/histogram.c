/* histogram.c -- the two rules of histogram.h, and sums over them. */
#include "histogram.h"

#include <assert.h>
#include <math.h>

#define SUB_BUCKETS (UINT64_C(1) << HISTOGRAM_BITS)

static_assert(HISTOGRAM_BUCKETS == (HISTOGRAM_TOP - HISTOGRAM_BITS + 2) * SUB_BUCKETS,
              "one row for the values below 256, then one for each exponent");

static uint64_t get(const _Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

static void set(_Atomic uint64_t *to, uint64_t value)
{
    atomic_store_explicit(to, value, memory_order_relaxed);
}

/* There is one writer, so this needs no locked instruction. */
static void raise_by(_Atomic uint64_t *to, uint64_t more)
{
    set(to, get(to) + more);
}

uint64_t histogram_bound(size_t bucket)
{
    assert(bucket < HISTOGRAM_BUCKETS);
    return histogram_bound_of(bucket, HISTOGRAM_BITS);
}

static uint64_t lower_bound(size_t bucket)
{
    return bucket == 0 ? 0 : histogram_bound(bucket - 1) + 1;
}

static double middle(size_t bucket)
{
    return ((double)lower_bound(bucket) + (double)histogram_bound(bucket)) / 2;
}

/* Takes `count` > 0 values from min to max into account, all but their buckets. */
static void widen(struct histogram *h, uint64_t count, uint64_t sum, uint64_t min, uint64_t max)
{
    if (get(&h->count) == 0 || min < get(&h->min))
        set(&h->min, min);
    if (max > get(&h->max))
        set(&h->max, max);
    raise_by(&h->sum, sum);
    raise_by(&h->count, count);
}

void histogram_add(struct histogram *h, uint64_t value)
{
    if (value > HISTOGRAM_MAX)
        value = HISTOGRAM_MAX;
    raise_by(&h->bucket[histogram_bucket_of(value, HISTOGRAM_BITS)], 1);
    widen(h, 1, value, value, value);
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
    uint64_t count = get(&from->count);
    if (count == 0)
        return;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        raise_by(&h->bucket[i], get(&from->bucket[i]));
    widen(h, count, get(&from->sum), get(&from->min), get(&from->max));
}

void histogram_difference(struct histogram *to, const struct histogram *now,
                          const struct histogram *before)
{
    uint64_t sum = get(&now->sum) - get(&before->sum);
    uint64_t count = 0, min = 0, max = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t more = get(&now->bucket[i]) - get(&before->bucket[i]);
        set(&to->bucket[i], more);
        if (more == 0)
            continue;
        if (count == 0)
            min = lower_bound(i);
        max = histogram_bound(i);
        count += more;
    }
    set(&to->count, count);
    set(&to->sum, sum);
    set(&to->min, min);
    set(&to->max, max);
}

/* Which value, counted from the smallest, that is 1. 99.9 % of 1000 is 999, although neither
 * number nor its product is exact in binary: hence the slack before rounding up. */
static uint64_t rank_of(uint64_t count, double percent)
{
    double exact = percent * (double)count / 100;
    uint64_t rank = (uint64_t)ceil(exact * (1 - 1e-14));
    if (rank < 1)
        return 1;
    return rank < count ? rank : count;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    assert(percent >= 0 && percent <= 100);
    uint64_t count = get(&h->count), max = get(&h->max);
    if (count == 0)
        return 0;
    uint64_t rank = rank_of(count, percent), seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += get(&h->bucket[i]);
        if (seen >= rank)
            return histogram_bound(i) < max ? histogram_bound(i) : max;
    }
    return max; /* the owner is counting: its buckets came after its count */
}

double histogram_mean(const struct histogram *h)
{
    uint64_t count = get(&h->count);
    return count == 0 ? 0 : (double)get(&h->sum) / (double)count;
}

/* Of the buckets' middles, around their own mean: equal values deviate by nothing. */
double histogram_deviation(const struct histogram *h)
{
    double count = 0, sum = 0, squares = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        double n = (double)get(&h->bucket[i]);
        count += n;
        sum += n * middle(i);
    }
    if (count == 0)
        return 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        double n = (double)get(&h->bucket[i]);
        if (n > 0)
            squares += n * (middle(i) - sum / count) * (middle(i) - sum / count);
    }
    return sqrt(squares / count);
}
