/* ledger.c -- `stockd ledger`: see commands.h. */
#include "command/commands.h"
#include "process/apart.h"
#include "process/port_look.h"
#include "shared.h"

/* What serve has defaults for and this has not. */
static bool is_complete(struct cli_call *call, char *err, size_t err_size)
{
    struct config *config = call->options;
    return config_complete(config, err, err_size) &&
           apart_check_port("--ledger-listen", config->ledger_listen, config, err, err_size) &&
           command_has_both(config->redis, config_has_ledger(config) ? config->ledger : NULL, err,
                            err_size);
}

static bool make_look(struct shared_state *shared)
{
    shared->ledger_look = shared_alloc(sizeof(*shared->ledger_look));
    if (shared->ledger_look)
        shared->ledger_look->state = LEDGER_BEGINS;
    return shared->ledger_look != NULL;
}

static int run_ledger(const struct cli_call *call)
{
    const struct config *config = call->options;
    const struct apart apart = {
        .command = "stockd ledger",
        .child = "ledger",
        .said = "carrying events",
        .status = "Carrying events",
        .listen_option = "--ledger-listen",
        .listen = config->ledger_listen,
        .run = ledger_process_run,
        .look = port_look_ledger,
        .make = make_look,
    };
    return apart_run(&apart, config);
}

const struct cli_command command_ledger = {
    .name = "ledger",
    .help = "bring events into the ledger, beside serve --no-ledger-apply",
    .about =
        "Prints \"carrying events\" when it has begun. Most of its options are those of serve, and "
        "are taken so that both can have the same.",
    .specs = config_specs,
    .options_size = sizeof(struct config),
    .complete = is_complete,
    .run = run_ledger,
};
