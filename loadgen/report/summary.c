/* summary.c -- what one attempt counts as, and what things are called. */
#include "report/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool summary_answered(const struct history_op *op)
{
    return history_outcome(op) != OUTCOME_UNKNOWN && op->status != 0 && op->end_ns != 0;
}

uint64_t summary_planned_ns(const struct history_op *op)
{
    uint64_t late_ns = (uint64_t)op->late_us * 1000;
    return op->begin_ns > late_ns ? op->begin_ns - late_ns : 0;
}

enum summary_class summary_classify(const struct history_op *op)
{
    enum history_outcome outcome = history_outcome(op);
    if (outcome == OUTCOME_OK)
        return CLASS_OK;
    if (outcome == OUTCOME_UNKNOWN)
        return CLASS_UNKNOWN;
    if (op->detail == DETAIL_NO_STOCK)
        return CLASS_NO_STOCK;
    bool busy = op->status == 0 || op->status == 429 || op->status == 503;
    return busy ? CLASS_BUSY : CLASS_REFUSED;
}

static const char *const class_names[CLASSES] = {
    [CLASS_OK] = "ok",     [CLASS_NO_STOCK] = "no-stock", [CLASS_REFUSED] = "refused",
    [CLASS_BUSY] = "busy", [CLASS_UNKNOWN] = "unknown",
};

const struct summary_trouble summary_troubles[SUMMARY_TROUBLES] = {
    {TROUBLE_INTERRUPTED, "interrupted", "The run was interrupted before its end."},
    {TROUBLE_WORKER_DIED, "worker-died", "A client process died and was not replaced."},
    {TROUBLE_UNREACHABLE, "unreachable", "The server could not be connected to."},
    {TROUBLE_DISK, "disk", "The history could not be written completely."},
    {TROUBLE_UNSETTLED, "unsettled",
     "The server did not answer what settling needs, or did not come to rest."},
    {TROUBLE_SETUP, "setup", "An item could not be created."},
};

const char *summary_class_name(enum summary_class c)
{
    assert(c < CLASSES);
    return class_names[c];
}

void summary_free(struct summary *s)
{
    free(s->response);
    free(s->service);
    free(s->late);
    for (int kind = 0; kind < KINDS; kind++)
        for (int which = 0; which < 2; which++)
            free(s->by_kind[kind][which]);
    free(s->interval);
    memset(s, 0, sizeof *s);
}

/* --- whether the load generator itself kept up ------------------------------------------------ */

/* Arrivals of a Poisson process vary by the square root of their number: a run that sent three of
 * those too few by chance alone did reach its rate. */
static bool reached(const struct summary *s, double target)
{
    double expected = target * s->seconds;
    double enough = expected * PACE_REACHED;
    if (strncmp(s->facts->arrival, "poisson", sizeof s->facts->arrival) == 0)
        enough = fmin(enough, expected - 3 * sqrt(expected));
    return (double)s->requests >= enough;
}

static double cpu_share(const struct history_facts *facts)
{
    if (facts->stop_ns <= facts->go_ns || facts->processes == 0 || facts->cpu_ns == 0)
        return -1;
    return (double)facts->cpu_ns /
           ((double)(facts->stop_ns - facts->go_ns) * (double)facts->processes);
}

struct pace pace_of(const struct summary *s)
{
    double rate = s->facts->rate;
    bool open = isfinite(rate) && rate > 0;
    struct pace pace = {
        .sent_per_second = s->seconds > 0 ? (double)s->operations / s->seconds : 0,
        .open = open,
        .target = open ? rate : 0,
        .reached = true,
        .late_p99_ns = histogram_percentile(s->late, 99),
        .cpu_share = cpu_share(s->facts),
    };
    if (open)
        pace.reached = reached(s, rate);
    pace.late = open && pace.late_p99_ns > PACE_LATE_LIMIT_NS;
    pace.cpu_bound = pace.cpu_share > PACE_CPU_LIMIT;
    return pace;
}
