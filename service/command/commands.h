/* commands.h -- what stockd can be asked for: one table, from which main dispatches and help is
 * printed.
 *
 * Each command is described in its own file: its options, what it does, what its exit status says.
 * Each status is EXIT_USAGE for what the command line has wrong.
 */
#pragma once

#include "cli/cli.h"
#include "config.h"

extern const struct cli_program commands_stockd;

/* Serves until it is asked to end. */
extern const struct cli_command command_serve;

/* The ledger process alone, under a parent that restarts it, for a service that runs with
 * --no-ledger-apply, on another host if need be. */
extern const struct cli_command command_ledger;

/* The ledger's schema, by hand. */
extern const struct cli_command command_migrate;

/* Webhooks: `stockd hooks run` sends them, the others show and change what it could not send. */
extern const struct cli_command command_hooks;

/* Compares Redis with its ledger. */
extern const struct cli_command command_audit;

/* Builds the store in Redis anew from SQL. */
extern const struct cli_command command_restore;

/* The API keys in a file, for `serve --keys-file`. */
extern const struct cli_command command_keys;

/* Small commands for operators: each asks a running service over HTTP. */
extern const struct cli_command command_items;
extern const struct cli_command command_reservations;

/* Whether a service, or a ledger process, is well: for containers, which need neither curl nor a
 * shell for it. */
extern const struct cli_command command_health;

/* Says why on standard error. Returns EXIT_FAILURE. */
int command_fail(const struct cli_call *call, const char *why);

/* Of a command that needs both: NULL is an option that was not given. */
bool command_has_both(const char *redis, const char *ledger, char *err, size_t err_size) MUST_CHECK;
