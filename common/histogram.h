/* histogram.h -- log-linear histogram of durations: fixed memory, mergeable, never averaged.
 *
 * Layer: common, pure. 8 sub-bucket bits: a value is known to 1 part in 256 (0.39 %), from 0 to
 * HISTOGRAM_MAX; larger ones count as that. One writer; readers in other processes may look on (a
 * bucket is one relaxed atomic), so it may lie in shared memory. All zero is an empty histogram.
 *
 *   value < 256             bucket = value
 *   2^e <= value < 2^(e+1)  256 buckets of 2^(e-8) each
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BITS    8
#define HISTOGRAM_TOP     36 /* the highest exponent: values below 2^37, 137 s in nanoseconds */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_TOP - HISTOGRAM_BITS + 2) << HISTOGRAM_BITS)
#define HISTOGRAM_MAX     ((UINT64_C(1) << (HISTOGRAM_TOP + 1)) - 1)

struct histogram {
    _Atomic uint64_t count;
    _Atomic uint64_t sum;
    _Atomic uint64_t max; /* exact */
    _Atomic uint64_t min; /* exact; meaningless when count is 0 */
    _Atomic uint64_t bucket[HISTOGRAM_BUCKETS];
};

/* The bucket of a value, and the highest value of a bucket, with so many sub-bucket bits. */
static inline size_t histogram_bucket_of(uint64_t value, unsigned bits)
{
    if (value < UINT64_C(1) << bits)
        return value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - bits;
    return ((size_t)shift << bits) + (value >> shift);
}

static inline uint64_t histogram_bound_of(size_t bucket, unsigned bits)
{
    size_t row = (size_t)1 << bits;
    return bucket < row ? bucket : ((bucket % row + row + 1) << (bucket / row - 1)) - 1;
}

/* Counts one value. Only the owner calls this. */
void histogram_add(struct histogram *h, uint64_t value);

/* Adds all that `from` counted. */
void histogram_merge(struct histogram *h, const struct histogram *from);

/* What `now` counted beyond `before` (an earlier copy of it); min and max are then those of the
 * buckets' bounds. For intervals. */
void histogram_difference(struct histogram *to, const struct histogram *now,
                          const struct histogram *before);

/* The value that `percent` (0..100) of all values do not exceed: the upper bound of its bucket, and
 * never more than max. 0 when empty. */
uint64_t histogram_percentile(const struct histogram *h, double percent);

/* 0 when empty. */
double histogram_mean(const struct histogram *h);
double histogram_deviation(const struct histogram *h);

/* The highest value that the bucket of this index counts. */
uint64_t histogram_bound(size_t bucket);
