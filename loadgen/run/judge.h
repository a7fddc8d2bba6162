/* judge.h -- from histories to a verdict, its reports and an exit status; `stockload check` and
 * `stockload report`, which are that alone.
 *
 * Layer: loadgen. The last step of `run`, and all of `check` and `report`: nothing but the files is
 * looked at, so all three come to the same result.
 */
#pragma once

#include "options.h"
#include "report/report.h"

/* Checks each history (level: enum check_level; -1: as the file says), writes what the options ask
 * for (-o, --html, --hgrm) and returns the exit status: the worst of all. What went wrong with a
 * file is said on standard error and counts as EXITS_INTERNAL. */
int judge(const struct options *options, char *const *paths, size_t count, int level) MUST_CHECK;

/* Writes what the options ask for, and says what could not be written. An exit status. */
int judge_write(const struct options *options, const struct report *report) MUST_CHECK;

/* Checks the histories again, in full unless --verify says less, and reports. An exit status. */
int check_command(const struct options *options) MUST_CHECK;

/* Reports what the histories show, side by side when there are several, checked as far as they
 * were when they were made. An exit status. */
int report_command(const struct options *options) MUST_CHECK;

/* Whether every --threshold can be read; says which one can not, and why, on standard error. */
bool judge_knows_thresholds(const struct options *options) MUST_CHECK;

/* Whether the files that the options ask for can be written, as far as that can be told before;
 * says which one can not on standard error. Nobody should learn it after an hour of load. */
bool judge_can_write(const struct options *options) MUST_CHECK;
