/* pace.h -- whether the load generator itself kept up.
 *
 * Layer: report, pure. Numbers of a run are worth as much as the generator that made them: it must
 * have sent at the rate that was asked for, on time, and with processor time to spare.
 */
#ifndef LOADGEN_REPORT_PACE_H
#define LOADGEN_REPORT_PACE_H

#include "report/summary.h"

#include <stdbool.h>

#define PACE_REACHED       0.98    /* of the target */
#define PACE_LATE_LIMIT_NS 1000000 /* 99 of 100 sends should be nearer to their plan */
#define PACE_CPU_LIMIT     0.90

struct pace {
    double sent_per_second;
    bool open;     /* arrivals were planned, whatever the answers did */
    double target; /* a second; 0: closed loop */
    bool reached;  /* true when nothing can be compared */
    uint64_t late_p99_ns;
    bool late;        /* late_p99_ns is beyond the limit; never in the closed loop */
    double cpu_share; /* of one processor for each client process; -1: not known */
    bool cpu_bound;
};

struct pace pace_of(const struct summary *s);

#endif
