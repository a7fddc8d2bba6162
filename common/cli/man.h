/* man.h -- manual pages of a program, made from its table: the program's (section 1) and that of
 * its file of settings (section 5).
 *
 * Layer: common.
 */
#pragma once

#include "cli/cli.h"

#include <time.h>

/* at: of which day the pages are said to be. */
void man_print_program(FILE *out, const struct cli_program *program, time_t at);
void man_print_config(FILE *out, const struct cli_program *program, time_t at);
