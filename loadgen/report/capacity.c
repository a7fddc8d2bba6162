/* capacity.c -- see capacity.h. */
#include "report/capacity.h"

#include "report/summary.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const char *const names[CAPACITY_WORDS] = {
    [CAPACITY_HELD] = "held",       [CAPACITY_LATENCY] = "latency",
    [CAPACITY_RATE] = "rate",       [CAPACITY_ERRORS] = "errors",
    [CAPACITY_CLIENTS] = "clients", [CAPACITY_GENERATOR] = "generator",
    [CAPACITY_BROKEN] = "broken",   [CAPACITY_CEILING] = "ceiling",
};

const char *capacity_name(enum capacity_word word)
{
    return names[word];
}

/* Arrivals of a Poisson process vary by the square root of their number. */
static bool was_offered(const struct capacity_step *step, double seconds, bool poisson)
{
    double wanted = (double)step->rate * seconds;
    double enough = wanted * CAPACITY_REACHED;
    if (poisson)
        enough = fmin(enough, wanted - 3 * sqrt(wanted));
    return step->offered * seconds >= enough - 1; /* the last may be due at the very end */
}

enum capacity_word capacity_judge(const struct capacity_step *step, double seconds, bool poisson,
                                  uint64_t goal_ns)
{
    bool offered = was_offered(step, seconds, poisson);
    bool reached = step->answered >= step->offered * CAPACITY_REACHED;
    if (step->errors > 0)
        return CAPACITY_ERRORS;
    if (offered && reached && step->answers > 0 && step->p99_ns <= goal_ns)
        return CAPACITY_HELD;
    if (!offered || step->lag_p99_ns > goal_ns / CAPACITY_LAG_SHARE ||
        step->cpu_share > PACE_CPU_LIMIT)
        return CAPACITY_GENERATOR;
    if (step->answers > 0 && step->service_p99_ns <= goal_ns)
        return CAPACITY_CLIENTS;
    return reached ? CAPACITY_LATENCY : CAPACITY_RATE;
}

void capacity_measure(struct capacity_step *step, const struct summary *s, int64_t rate,
                      uint64_t lag_p99_ns, uint64_t goal_ns)
{
    const struct history_facts *facts = s->facts;
    double seconds = (double)facts->duration_ns / 1e9;
    double answered = s->operations > 0 ? (double)s->answers / (double)s->operations : 0;
    bool poisson = strncmp(facts->arrival, "poisson", sizeof(facts->arrival)) == 0;
    *step = (struct capacity_step){
        .rate = rate,
        .offered = (double)(s->requests + facts->dropped) / seconds,
        .answered = (double)s->requests * answered / seconds,
        .answers = s->answers,
        .p99_ns = histogram_percentile(s->response, 99),
        .service_p99_ns = histogram_percentile(s->service, 99),
        .lag_p99_ns = lag_p99_ns,
        .cpu_share = pace_of(s).cpu_share,
        .errors = s->count[CLASS_BUSY] + s->count[CLASS_UNKNOWN],
    };
    step->word = capacity_judge(step, seconds, poisson, goal_ns);
}

const struct capacity_step *capacity_find(const struct capacity *c, int64_t rate)
{
    for (size_t i = 0; i < c->steps; i++)
        if (c->step[i].rate == rate && c->step[i].word == CAPACITY_HELD)
            return &c->step[i];
    return NULL;
}

/* Why the lowest rate that missed did so: of its tries, the one that leaves most open. */
static enum capacity_word why_missed(const struct capacity *c)
{
    enum capacity_word word = CAPACITY_BROKEN;
    for (size_t i = 0; i < c->steps; i++) {
        enum capacity_word one = c->step[i].word;
        if (c->step[i].rate == c->missed && one != CAPACITY_HELD &&
            (word == CAPACITY_BROKEN || one > word))
            word = one;
    }
    return word;
}

void capacity_conclude(struct capacity *c, bool broken)
{
    assert(broken || c->missed > 0 || c->rate == c->ceiling);
    if (broken)
        c->limit = CAPACITY_BROKEN;
    else
        c->limit = c->missed > 0 ? why_missed(c) : CAPACITY_CEILING;
}

bool capacity_known(const struct capacity *c)
{
    return c->limit == CAPACITY_LATENCY || c->limit == CAPACITY_RATE || c->limit == CAPACITY_ERRORS;
}
