/* main.c -- the command line of stockload. */
#include "client/workload.h"
#include "options.h"
#include "race/race.h"
#include "run/capacity.h"
#include "run/judge.h"
#include "run/run.h"
#include "startup.h"
#include "version.h"

#include <stdio.h>
#include <stdlib.h>

static int list_command(const struct options *options)
{
    size_t count;
    const struct workload *scenarios = workload_scenarios(&count);
    for (size_t i = 0; i < count; i++)
        printf("%-8s %s\n", scenarios[i].scenario, scenarios[i].about);
    return EXITS_RIGHT;
}

static int help_command(const struct options *options)
{
    options_print_help(stdout, options->about);
    return EXITS_RIGHT;
}

static int version_command(const struct options *options)
{
    printf("stockload %s\n", stockd_version);
    return EXITS_RIGHT;
}

static int (*const commands[COMMANDS])(const struct options *options) = {
    [COMMAND_RUN] = run_command,           [COMMAND_CHECK] = check_command,
    [COMMAND_REPORT] = report_command,     [COMMAND_RACE] = race_command,
    [COMMAND_CAPACITY] = capacity_command, [COMMAND_LIST] = list_command,
    [COMMAND_HELP] = help_command,         [COMMAND_VERSION] = version_command,
};

int main(int argc, char **argv)
{
    struct options options;
    char err[OPTIONS_ERR_SIZE];
    startup_confine_rights();
    startup_keep_standard();
    if (options_parse(&options, argc, argv, getenv, err, sizeof(err)) != OPTIONS_OK) {
        fprintf(stderr, "stockload: %s\n", err);
        return EXITS_USAGE;
    }
    int status = commands[options.command](&options);
    options_free(&options);
    return status;
}
