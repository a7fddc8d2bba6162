#include "report/series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* --- the intervals ---------------------------------------------------------------------------- */

/* A histogram an interval, coarser than histogram.h so that hundreds of them stay small:
 * 6 sub-bucket bits, 1.6 %, 8 KiB each. */
#define COARSE_BITS    6
#define COARSE_BUCKETS ((HISTOGRAM_TOP - COARSE_BITS + 2) << COARSE_BITS)

#define INTERVALS_WANTED 200 /* at most: enough for a drawing, and each has answers enough */
#define INTERVAL_MIN_NS  UINT64_C(10000000)

static_assert(INTERVALS_WANTED <= SUMMARY_INTERVALS_MAX, "the header promises it");

/* The newest thing known about a hot item at the end of an interval. */
struct known {
    uint64_t version; /* 0: nothing */
    int64_t remaining;
};

struct series {
    struct summary *s;
    uint32_t (*coarse)[COARSE_BUCKETS];
    int64_t *in_flight;                 /* change in each interval */
    struct known (*known)[SUMMARY_HOT]; /* row 0: before the first interval; then one each */
};

static uint64_t coarse_percentile(const uint32_t *bucket, uint64_t count, double share,
                                  uint64_t max)
{
    uint64_t rank = (uint64_t)ceil(share * (double)count), seen = 0;
    for (size_t i = 0; i < COARSE_BUCKETS; i++) {
        seen += bucket[i];
        if (seen >= rank && seen > 0)
            return histogram_bound_of(i, COARSE_BITS) < max ? histogram_bound_of(i, COARSE_BITS)
                                                            : max;
    }
    return max;
}

/* 10 ms, 20 ms, 50 ms, 100 ms ...: the shortest that gives no more than INTERVALS_WANTED. */
static uint64_t choose_interval(uint64_t span_ns)
{
    static const unsigned steps[] = {1, 2, 5};
    for (uint64_t decade = INTERVAL_MIN_NS;; decade *= 10)
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
            if (span_ns / (decade * steps[i]) < INTERVALS_WANTED)
                return decade * steps[i];
}

/* The interval that a time lies in; what came after the end belongs to the last one. */
static size_t interval_of(const struct summary *s, uint64_t at_ns)
{
    assert(at_ns >= s->from_ns);
    uint64_t i = (at_ns - s->from_ns) / s->interval_ns;
    return i < s->intervals ? (size_t)i : s->intervals - 1;
}

static size_t hot_index(const struct summary *s, uint32_t item)
{
    size_t i = 0;
    while (i < s->hot && s->hot_item[i] != item)
        i++;
    return i;
}

static void note_stock(struct series *w, const struct history_op *op)
{
    const struct summary *s = w->s;
    size_t row = op->end_ns < s->from_ns ? 0 : 1 + interval_of(s, op->end_ns);
    for (unsigned n = 0; n < op->lines && history_says_stock(op->detail); n++) {
        const struct history_line *line = history_line_of(op, n);
        size_t hot = line->version ? hot_index(s, line->item) : s->hot;
        if (hot < s->hot && line->version > w->known[row][hot].version)
            w->known[row][hot] = (struct known){line->version, line->remaining};
    }
}

static void count_answer(struct series *w, const struct history_op *op, uint64_t end_ns)
{
    size_t i = interval_of(w->s, end_ns);
    struct summary_interval *interval = &w->s->interval[i];
    interval->count[summary_classify(op)]++;
    if (!summary_answered(op))
        return;
    uint64_t planned = summary_planned_ns(op);
    uint64_t took = end_ns > planned ? end_ns - planned : 0;
    uint64_t counted = took < HISTOGRAM_MAX ? took : HISTOGRAM_MAX;
    w->coarse[i][histogram_bucket_of(counted, COARSE_BITS)]++;
    if (took > interval->max_ns)
        interval->max_ns = took;
}

static void plot_op(struct series *w, const struct history_op *op)
{
    const struct summary *s = w->s;
    if (history_phase(op) == PHASE_SETTLE)
        return;
    if (op->end_ns != 0)
        note_stock(w, op);
    if (history_phase(op) != PHASE_LOAD)
        return;
    /* An attempt whose process died was never given up: it is shown where it began. */
    uint64_t end_ns = op->end_ns ? op->end_ns : op->begin_ns;
    if (end_ns < s->from_ns)
        return;
    uint64_t begin_ns = op->begin_ns > s->from_ns ? op->begin_ns : s->from_ns;
    w->in_flight[interval_of(s, begin_ns)]++;
    w->in_flight[interval_of(s, end_ns)]--;
    if (summary_planned_ns(op) >= s->from_ns)
        count_answer(w, op, end_ns);
}

static void finish_percentiles(struct series *w, size_t i)
{
    struct summary_interval *interval = &w->s->interval[i];
    uint64_t count = 0;
    for (size_t b = 0; b < COARSE_BUCKETS; b++)
        count += w->coarse[i][b];
    if (count == 0)
        return;
    interval->p50_ns = coarse_percentile(w->coarse[i], count, 0.50, interval->max_ns);
    interval->p90_ns = coarse_percentile(w->coarse[i], count, 0.90, interval->max_ns);
    interval->p99_ns = coarse_percentile(w->coarse[i], count, 0.99, interval->max_ns);
}

/* What is only known once all attempts were seen: sums over the intervals before. */
static void finish_series(struct series *w, const struct curve *curve)
{
    struct summary *s = w->s;
    uint64_t lost = curve_at(curve, CURVE_CONFLICTS, s->from_ns);
    int64_t in_flight = 0;
    for (size_t i = 0; i < s->intervals; i++) {
        struct summary_interval *interval = &s->interval[i];
        finish_percentiles(w, i);
        in_flight += w->in_flight[i];
        interval->in_flight = in_flight > 0 ? (uint64_t)in_flight : 0;
        uint64_t end_ns = s->from_ns + (i + 1) * s->interval_ns;
        uint64_t lost_then =
            curve_at(curve, CURVE_CONFLICTS, end_ns < s->to_ns ? end_ns : s->to_ns);
        interval->conflicts = lost_then - lost;
        lost = lost_then;
        for (size_t hot = 0; hot < SUMMARY_HOT; hot++) {
            if (w->known[i + 1][hot].version < w->known[i][hot].version)
                w->known[i + 1][hot] = w->known[i][hot];
            const struct known *known = &w->known[i + 1][hot];
            interval->left[hot] = known->version ? known->remaining : -1;
        }
    }
}

int series_make(struct summary *s, const struct history_reader *r, const struct curve *curve)
{
    if (s->to_ns <= s->from_ns)
        return 0;
    uint64_t span_ns = s->to_ns - s->from_ns;
    s->interval_ns = choose_interval(span_ns);
    /* A rest of less than half an interval belongs to the one before it. */
    s->intervals = (size_t)((span_ns + s->interval_ns / 2) / s->interval_ns);
    s->intervals += s->intervals == 0;
    assert(s->intervals > 0 && s->intervals <= SUMMARY_INTERVALS_MAX);

    int result = -ENOMEM;
    struct series w = {.s = s};
    s->interval = calloc(s->intervals, sizeof *s->interval);
    w.coarse = calloc(s->intervals, sizeof *w.coarse);
    w.in_flight = calloc(s->intervals, sizeof *w.in_flight);
    w.known = calloc(s->intervals + 1, sizeof *w.known);
    if (s->interval && w.coarse && w.in_flight && w.known) {
        uint32_t slot;
        struct history_pass pass = history_pass(r);
        for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;)
            if (type == SLOT_OP)
                plot_op(&w, history_at(r, slot));
        finish_series(&w, curve);
        result = 0;
    }
    free(w.coarse);
    free(w.in_flight);
    free(w.known);
    return result;
}
