/* builtin.h -- the commands that every program lists beside its own.
 *
 * Layer: common.
 */
#pragma once

#include "cli/cli.h"

/* `help [COMMAND...]` and `version`, for those who expect words where others expect flags. */
extern const struct cli_command cli_help, cli_version;

/* `completion bash|zsh|fish`: a script for the shell. */
extern const struct cli_command cli_completion;

/* `man 1|5`: the manual page, for who builds a package. Hidden. SOURCE_DATE_EPOCH is its day, where
 * it is set. */
extern const struct cli_command cli_man;
