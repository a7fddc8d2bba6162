/* commands.h -- what stockload can be asked for: one table, from which main dispatches and help is
 * printed.
 *
 * Layer: loadgen, the top.
 */
#pragma once

#include "cli/cli.h"

/* The table; the rows of its options are made at the first call. */
const struct cli_program *commands_stockload(void);
