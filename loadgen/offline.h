/* offline.h -- `stockload check` and `stockload report`: from history files alone.
 *
 * Layer: loadgen. Nothing is sent anywhere.
 */
#ifndef LOADGEN_OFFLINE_H
#define LOADGEN_OFFLINE_H

#include "options.h"

/* Checks the histories again, in full unless --verify says less, and reports. An exit status. */
int check_command(const struct options *options) __attribute__((warn_unused_result));

/* Reports what the histories show, side by side when there are several, checked as far as they
 * were when they were made. An exit status. */
int report_command(const struct options *options) __attribute__((warn_unused_result));

#endif
