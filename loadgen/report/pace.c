#include "report/pace.h"

#include <math.h>
#include <string.h>

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
