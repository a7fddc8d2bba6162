#include "command/commands.h"
#include "cli/builtin.h"
#include "fail.h"

#include <stdlib.h>

/* In the order in which help lists them. */
/* clang-format off */
static const struct cli_command *const commands[] = {
    &command_serve,
    &command_ledger,
    &command_hooks,
    &command_migrate,
    &command_audit,
    &command_restore,
    &command_keys,
    &command_items,
    &command_reservations,
    &command_health,
    &cli_completion,
    &cli_man,
    &cli_help,
    &cli_version,
    NULL,
};
/* clang-format on */

static const struct cli_exit exits[] = {
    {EXIT_SUCCESS, "It is done; a service was asked to end."},
    {EXIT_FAILURE, "It failed, and standard error says why."},
    {EXIT_USAGE, "The command line is wrong."},
    {0},
};

const struct cli_program commands_stockd = {
    .name = "stockd",
    .help = "stock reservations over HTTP, in Redis",
    .about = "Without a command it is serve, and without --redis that starts a Redis of its own.",
    .env_prefix = "STOCKD_",
    .commands = commands,
    .otherwise = &command_serve,
    .usage_status = EXIT_USAGE,
    .exits = exits,
};

int command_fail(const struct cli_call *call, const char *why)
{
    fprintf(stderr, "%s: %s\n", call->path, why);
    return EXIT_FAILURE;
}

bool command_has_both(const char *redis, const char *ledger, char *err, size_t err_size)
{
    return (redis && ledger) || fail_with(err, err_size, "--redis and --ledger are needed");
}
