/* hooks_state.h -- the commands of `stockd hooks` that ask SQL what was sent, and change that.
 *
 * Each takes --ledger, and no file of hooks.
 */
#pragma once

#include "cli/cli.h"

extern const struct cli_command hooks_list, hooks_dead, hooks_replay, hooks_drop, hooks_on,
    hooks_off, hooks_forget;
