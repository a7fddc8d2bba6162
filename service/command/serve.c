/* serve.c -- `stockd serve`: see commands.h. */
#include "command/commands.h"
#include "process/key_watch.h"
#include "process/listen.h"
#include "process/master.h"

static bool is_complete(struct cli_call *call, char *err, size_t err_size)
{
    struct config *config = call->options;
    return config_complete(config, err, err_size) &&
           listen_check("--listen", config->listen, config_is_public(config), err, err_size) &&
           key_watch_check(config, err, err_size);
}

static int run_serve(const struct cli_call *call)
{
    return master_run(call->options, call->from);
}

const struct cli_command command_serve = {
    .name = "serve",
    .help = "serve stock over HTTP",
    .about = "Prints \"listening on http://ADDR:PORT\" when it can serve. Without --redis a Redis "
             "of its own is started, with its data and a ledger in --data-dir.",
    .specs = config_specs,
    .options_size = sizeof(struct config),
    .complete = is_complete,
    .run = run_serve,
};
