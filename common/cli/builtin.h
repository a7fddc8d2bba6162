/* builtin.h -- the commands that every program lists beside its own.
 *
 * Layer: common.
 */
#pragma once

#include "cli/cli.h"

/* `help [COMMAND...]` and `version`, for those who expect words where others expect flags. */
extern const struct cli_command cli_help, cli_version;
