/* trial.h -- one history, read, summed up and checked.
 *
 * Layer: loadgen. Owned by the caller: trial_open .. trial_close, which is due in any case. What
 * went wrong is said on standard error. The file itself may go away once the trial is open.
 */
#pragma once

#include "options.h"
#include "report/report.h"

struct trial {
    char name[64];
    struct history_reader reader;
    struct summary summary;
    struct verdict verdict;
    struct gate_result *gate;
    int exit_status;
    bool read, summed;
};

/* Level: enum check_level; -1: as the file says. 0 or -errno. */
int trial_open(struct trial *t, const struct options *options, const char *path,
               int level) MUST_CHECK;
void trial_close(struct trial *t);

/* As the reports take it; the trial must outlive that. */
struct report_run trial_report(const struct trial *t, const struct options *options);
