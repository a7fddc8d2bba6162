#include "commands.h"
#include "cli/builtin.h"
#include "client/workload.h"
#include "options.h"
#include "race/race.h"
#include "run/capacity.h"
#include "run/clean.h"
#include "run/judge.h"
#include "run/run.h"

#include <stdio.h>

static struct arg_spec specs[COMMANDS][OPTION_ROWS_MAX];

/* The two functions of a command that has options. */
#define COMMAND(id, name)                                                                          \
    static bool complete_##name(struct cli_call *call, char *err, size_t err_size)                 \
    {                                                                                              \
        return options_complete(call, id, err, err_size);                                          \
    }                                                                                              \
    static int run_##name(const struct cli_call *call)                                             \
    {                                                                                              \
        int status = name##_command(call->options);                                                \
        options_free(call->options);                                                               \
        return status;                                                                             \
    }
COMMAND(COMMAND_RUN, run)
COMMAND(COMMAND_CHECK, check)
COMMAND(COMMAND_REPORT, report)
COMMAND(COMMAND_RACE, race)
COMMAND(COMMAND_CAPACITY, capacity)
COMMAND(COMMAND_CLEAN, clean)

static int run_list(const struct cli_call *call)
{
    size_t count;
    const struct workload *scenarios = workload_scenarios(&count);
    for (size_t i = 0; i < count; i++)
        printf("%-8s %s\n", scenarios[i].scenario, scenarios[i].about);
    return EXITS_RIGHT;
}

#define OPTIONS(id, name)                                                                          \
    .specs = specs[id], .options_size = sizeof(struct options), .complete = complete_##name,       \
    .run = run_##name

static const struct cli_command run = {
    .name = "run",
    .help = "load a service, then check its answers",
    .about = "Without a URL it is " WEBURL_DEFAULT ".\n"
             "  stockload run -c 200 -d 30s --scenario flash http://127.0.0.1:8080\n"
             "  stockload run -R 5k -d 1m --warmup 10s --threshold 'p99<50ms'",
    .words = "[URL]",
    OPTIONS(COMMAND_RUN, run),
};
static const struct cli_command check = {
    .name = "check",
    .help = "check recorded runs again",
    .about = "A history is what `stockload run --history FILE` recorded.",
    .words = "HISTORY...",
    .words_are = CLI_WORDS_FILES,
    OPTIONS(COMMAND_CHECK, check),
};
static const struct cli_command report = {
    .name = "report",
    .help = "report on recorded runs, several side by side",
    .about = "A history is what `stockload run --history FILE` recorded.",
    .words = "HISTORY...",
    .words_are = CLI_WORDS_FILES,
    OPTIONS(COMMAND_REPORT, report),
};
static const struct cli_command race = {
    .name = "race",
    .help = "processes straight at Redis, for one item",
    OPTIONS(COMMAND_RACE, race),
};
static const struct cli_command capacity = {
    .name = "capacity",
    .help = "the highest rate that keeps a given p99",
    .about = "Without a URL it is " WEBURL_DEFAULT ".\n"
             "  stockload capacity --p99 5ms",
    .words = "[URL]",
    OPTIONS(COMMAND_CAPACITY, capacity),
};
static const struct cli_exit clean_exits[] = {
    {EXITS_RIGHT, "No item of theirs is left."},
    {EXITS_UNKNOWN, "Something is left, and standard error says why."},
    {EXITS_USAGE, "The command line is wrong; nothing was sent."},
    {EXITS_INTERNAL, "The service was out of reach, or refused."},
    {0},
};
static const struct cli_command clean = {
    .name = "clean",
    .help = "remove the items that runs have made",
    .about =
        "Those are the items named load-RUN-NUMBER, and no others; what is held of them is "
        "released. A run that goes on loses its items, too. Without a URL it is " WEBURL_DEFAULT
        ".",
    .words = "[URL]",
    .exits = clean_exits,
    OPTIONS(COMMAND_CLEAN, clean),
};
static const struct cli_command list = {
    .name = "list",
    .help = "the scenarios of run",
    .run = run_list,
};

/* In the order in which help lists them. */
static const struct cli_command *const commands[] = {
    &run,  &check,          &report,  &race,     &capacity,    &clean,
    &list, &cli_completion, &cli_man, &cli_help, &cli_version, NULL,
};

static const struct cli_exit exits[] = {
    {EXITS_RIGHT, "Every answer was right, and thresholds were met."},
    {EXITS_VIOLATION, "An answer was wrong."},
    {EXITS_UNKNOWN, "Unknown: not enough evidence."},
    {EXITS_THRESHOLD, "A threshold was missed."},
    {EXITS_INTERRUPTED, "Interrupted; the report was written."},
    {EXITS_USAGE, "The command line is wrong; nothing was sent."},
    {EXITS_INTERNAL, "The target was out of reach, a process died, a disk was full. 1 beats 255 "
                     "beats 2 beats 105 beats 99."},
    {0},
};

const struct cli_program *commands_stockload(void)
{
    static const struct cli_program program = {
        .name = "stockload",
        .help = "load for a stock service, and proof that its answers were right",
        .about = "Options or a URL without a command are those of run.",
        .env_prefix = OPTION_ENV,
        .commands = commands,
        .otherwise = &run,
        .needs_words = true,
        .usage_status = EXITS_USAGE,
        .exits = exits,
    };
    for (enum command c = 0; c < COMMANDS; c++)
        option_specs(c, specs[c]);
    return &program;
}
