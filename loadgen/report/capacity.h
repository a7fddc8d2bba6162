/* capacity.h -- the highest rate at which a service keeps its p99: the steps of a search, and what
 * they amount to.
 *
 * Layer: report, pure. A step is one run at one rate, open loop: its latency runs from the planned
 * send, so waiting anywhere is in it. A rate is held only if its arrivals were really offered, 99 %
 * of them answered, none refused but for honest reasons (no stock, a limit, a state), and p99 was
 * within the goal. If it was not, something ended it; where that may have been the generator, or
 * too few clients, nothing is claimed of the service.
 */
#pragma once

#include "report/summary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPACITY_REACHED   0.99 /* of what was asked for */
#define CAPACITY_LAG_SHARE 4    /* the generator may be late by the goal divided by this */
#define CAPACITY_STEPS_MAX 100
#define CAPACITY_FEWEST    200 /* requests of a step: with fewer there is no p99 to speak of */

enum capacity_word {
    CAPACITY_HELD,
    CAPACITY_LATENCY,   /* p99 was over the goal */
    CAPACITY_RATE,      /* answers came at a lower rate */
    CAPACITY_ERRORS,    /* nobody served it (503, 429, not sent), or no answer came */
    CAPACITY_CLIENTS,   /* requests waited for a free client, and were answered fast enough then */
    CAPACITY_GENERATOR, /* the generator did not keep up with its own plan */
    CAPACITY_BROKEN,    /* a wrong answer, an interrupt, a trouble: no measurement */
    CAPACITY_CEILING,   /* of a search only: the highest rate that was to be tried was held */
    CAPACITY_WORDS
};

struct capacity_step {
    int64_t rate;            /* asked for, a second */
    double offered;          /* arrivals that were due, a second */
    double answered;         /* of them, a second */
    uint64_t answers;        /* 0: the next two are not known */
    uint64_t p99_ns;         /* response time, from the planned send */
    uint64_t service_p99_ns; /* from the real one */
    uint64_t lag_p99_ns;     /* of the generator's loop behind its plan, whatever the service did */
    double cpu_share;        /* of the generator, of a processor a process; -1: not known */
    uint64_t errors;
    enum capacity_word word;
};

struct capacity {
    uint64_t goal_ns;
    double precision;
    unsigned tries;
    int64_t ceiling;
    int64_t rate;             /* the highest that held; 0: none */
    int64_t missed;           /* the lowest that did not; 0: none */
    enum capacity_word limit; /* what ended it: not CAPACITY_HELD */
    size_t steps;             /* as many as there are runs, in the order of both */
    struct capacity_step step[CAPACITY_STEPS_MAX];
};

/* Fills a step from its run, and judges it. `lag_p99_ns` is what the run's history has not. */
void capacity_measure(struct capacity_step *step, const struct summary *s, int64_t rate,
                      uint64_t lag_p99_ns, uint64_t goal_ns);

/* What a measured step shows. */
enum capacity_word capacity_judge(const struct capacity_step *step, double seconds, bool poisson,
                                  uint64_t goal_ns);

/* Sets c->limit from c->rate, c->missed and the steps; `broken`: the search did not come to its
 * end. */
void capacity_conclude(struct capacity *c, bool broken);

/* Whether the limit was the service's own, so that the highest rate is known. */
bool capacity_known(const struct capacity *c);

/* "held", "latency", ... */
const char *capacity_name(enum capacity_word word);

/* The step that held the rate; NULL when none did. */
const struct capacity_step *capacity_find(const struct capacity *c, int64_t rate);
