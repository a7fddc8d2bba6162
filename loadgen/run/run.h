/* run.h -- `stockload run`: items, load, settling, verdict.
 *
 * Layer: loadgen. Whatever happens in between, a history that was begun is judged: an interrupted
 * run, a server that went away or a client process that died end in a report, too.
 */
#pragma once

#include "options.h"

/* An exit status. */
int run_command(const struct options *options) MUST_CHECK;
