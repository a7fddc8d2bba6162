/* curve.c -- see curve.h. */
#include "report/curve.h"

#include <errno.h>
#include <stdlib.h>

int curve_add(struct curve *c, const struct history_sample *sample)
{
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 64;
        struct curve_point *grown = realloc(c->point, cap * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        c->point = grown;
        c->cap = cap;
    }
    c->point[c->n++] = (struct curve_point){
        sample->at_ns, {sample->conflicts, sample->batches, sample->batch_ops}};
    return 0;
}

static int compare_points(const void *a, const void *b)
{
    const struct curve_point *x = a, *y = b;
    return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

/* Rewrites one counter as the sum of what it grew by; a fall means that it began again at 0. */
static void straighten(struct curve *c, enum curve_counter counter)
{
    uint64_t before = c->n ? c->point[0].value[counter] : 0, total = 0;
    for (size_t i = 0; i < c->n; i++) {
        uint64_t now = c->point[i].value[counter];
        total += now >= before ? now - before : now;
        before = now;
        c->point[i].value[counter] = total;
    }
}

void curve_settle(struct curve *c, uint64_t go_ns, uint64_t stop_ns)
{
    if (c->n == 0)
        return;
    qsort(c->point, c->n, sizeof *c->point, compare_points);
    for (int counter = 0; counter < CURVE_COUNTERS; counter++)
        straighten(c, (enum curve_counter)counter);
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct curve_point point = c->point[i];
        if (kept && c->point[kept - 1].at_ns >= stop_ns)
            break; /* what comes later is of the settling, not of the load */
        if (point.at_ns < go_ns)
            point.at_ns = go_ns;
        if (point.at_ns > stop_ns)
            point.at_ns = stop_ns;
        c->point[kept++] = point;
    }
    c->n = kept;
}

uint64_t curve_at(const struct curve *c, enum curve_counter counter, uint64_t at_ns)
{
    if (c->n == 0)
        return 0;
    /* The last point that is not after at_ns. */
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->point[middle].at_ns <= at_ns)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return c->point[0].value[counter];
    const struct curve_point *a = &c->point[low - 1];
    if (low == c->n)
        return a->value[counter];
    const struct curve_point *b = &c->point[low];
    double share = (double)(at_ns - a->at_ns) / (double)(b->at_ns - a->at_ns);
    return a->value[counter] + (uint64_t)(share * (double)(b->value[counter] - a->value[counter]));
}

void curve_free(struct curve *c)
{
    free(c->point);
    *c = (struct curve){0};
}
