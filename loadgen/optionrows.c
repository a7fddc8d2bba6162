/* optionrows.c -- one row a flag, in groups as the help shows them. */
#include "options.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static const char *const deaths[] = {"fail", "respawn", NULL};
static const char *const arrivals[] = {"const", "poisson", NULL};
static const char *const levels[] = {"full", "counts", "off", NULL};
static const char *const formats[] = {"text", "json", "csv", "quiet", NULL};
static const char *const strategies[] = {"watch", "watch-batch", "turn", "script", "all", NULL};

#define SECOND    INT64_C(1000)
#define HOUR      (3600 * SECOND)
#define DAY       (24 * HOUR)
#define LIMIT_MAX INT64_C(1000000000) /* what the service takes */
#define AT(field) offsetof(struct options, field)

#define RUN      (1u << COMMAND_RUN)
#define RACE     (1u << COMMAND_RACE)
#define CHECK    (1u << COMMAND_CHECK)
#define OFFLINE  (CHECK | 1u << COMMAND_REPORT)
#define CAPACITY (1u << COMMAND_CAPACITY)
#define LOADS    (RUN | CAPACITY)
#define CLEAN    (1u << COMMAND_CLEAN)

struct option_row {
    unsigned commands; /* bits 1 << enum command */
    struct arg_spec spec;
};

/* clang-format off */
static const struct option_row pool[] = {
    {LOADS | RACE | OFFLINE, {"processes", ARG_INT, AT(processes), 0, OPTIONS_PROCESSES_MAX, .short_name = 'p', .default_text = "0",
     .help = "Processes: that load, never more than connections; that check, never more than CPUs; 0: one per online CPU (race: 16)."}},
    {LOADS, {"connections", ARG_COUNT, AT(connections), 1, 1000000, .short_name = 'c', .default_text = "50",
     .help = "Simulated clients in all, one connection each, spread over the processes."}},
    {RUN, {"max-tasks-per-child", ARG_COUNT, AT(max_tasks_per_child), .metavar = "N",
     .help = "A process leaves after so many tasks and is forked again; without it they stay."}},
    {RUN, {"worker-death", ARG_ENUM, AT(worker_death), .choices = deaths, .default_text = "fail",
     .help = "When a process dies: end the run, or fork it again and go on"}},
};
static const struct option_row length[] = {
    {LOADS | RACE, {"duration", ARG_DURATION_MS, AT(duration_ms), 1, 7 * DAY, .short_name = 'd',
     .help = "How long; 10s if neither this nor --requests nor --stages says more (race: the most for each strategy; capacity: of each step)."}},
    {RUN, {"requests", ARG_COUNT, AT(requests), .short_name = 'n', .default_text = "0",
     .help = "End when so many were sent, a batch as one; 0: no such end."}},
    {LOADS, {"warmup", ARG_DURATION_MS, AT(warmup_ms), 0, DAY, .default_text = "0",
     .help = "Comes before the duration, in addition to it: checked, but not in the statistics."}},
    {LOADS, {"grace", ARG_DURATION_MS, AT(grace_ms), 0, HOUR, .default_text = "5s",
     .help = "Time for requests in flight at the end before they are aborted."}},
};
static const struct option_row rate[] = {
    {LOADS, {"rate", ARG_COUNT, AT(rate), 0, FORM_RATE_MAX, .short_name = 'R', .default_text = "0",
     .help = "Requests a second in all, sent when due (open loop); 0: each client waits for its answer (closed loop). Capacity tries this one first."}},
    {LOADS, {"arrival", ARG_ENUM, AT(arrival), .choices = arrivals, .default_text = "poisson",
     .help = "How arrivals of an open loop are spaced"}},
    {RUN, {"stages", ARG_STRING, AT(stages_text), .metavar = "TIME:RATE,...",
     .help = "Open loop whose rate changes, as in 30s:500,1m:2k."}},
    {LOADS, {"max-backlog", ARG_COUNT, AT(max_backlog), 0, 100000000, .default_text = "10k",
     .help = "Arrivals that may wait for a free connection, in each process; more are dropped and counted."}},
};
static const struct option_row work[] = {
    {LOADS, {"scenario", ARG_STRING, AT(scenario), .metavar = "NAME", .default_text = "churn",
     .help = "What clients do: flash, zipf, basket, churn, restock, mixed; `stockload list` says more."}},
    {LOADS, {"skus", ARG_COUNT, AT(skus), 1, WORKLOAD_SKUS_MAX,
     .help = "Items; without it as the scenario says."}},
    {LOADS | RACE, {"stock", ARG_COUNT, AT(stock), 1, WORKLOAD_STOCK_MAX,
     .help = "Units of each item at the start; without it as the scenario says (race: 10k)."}},
    {LOADS, {"zipf", ARG_NUMBER, AT(zipf), .number_max = 10, .metavar = "THETA",
     .help = "Skew of the items' popularity; 0: all alike; without it as the scenario says."}},
    {LOADS, {"qty", ARG_STRING, AT(qty_text), .metavar = "A-B",
     .help = "Units asked for by one line; without it as the scenario says."}},
    {LOADS, {"basket", ARG_STRING, AT(basket_text), .metavar = "A-B",
     .help = "Lines of one reservation; without it as the scenario says."}},
    {LOADS, {"batch", ARG_STRING, AT(batch_text), .metavar = "A-B", .default_text = "1-10",
     .help = "Operations of one batch, 100 at the most"}},
    {LOADS, {"mix", ARG_STRING, AT(mix_text), .metavar = "KIND=WEIGHT,...",
     .help = "Share of each operation, as in reserve=70,confirm=15,release=10,get=5."}},
    {LOADS, {"ttl", ARG_DURATION_MS, AT(ttl_ms), SECOND, 7 * DAY,
     .help = "Life of a reservation, in whole seconds; without it as the scenario says."}},
    {LOADS, {"limit", ARG_INT, AT(limit), -1, LIMIT_MAX, .default_text = "-1",
     .help = "What a customer may hold and buy of an item: of each one, in mixed of every fifth; 0: no limit; -1: as the scenario says."}},
    {LOADS, {"customers", ARG_COUNT, AT(customers), 0, HISTORY_CUSTOMERS_MAX, .default_text = "0",
     .help = "Customers for whom the clients reserve and buy, in turns; 0: as the scenario says, or one for each client."}},
    {RUN, {"think", ARG_DURATION_MS, AT(think_ms), 0, HOUR, .default_text = "0",
     .help = "Pause of a client between an answer and its next request (closed loop)."}},
    {RUN, {"dup", ARG_NUMBER, AT(dup), .number_max = 1, .metavar = "P", .default_text = "0",
     .help = "Share of requests sent once more with the same idempotency key, as in 0.01 or 1%."}},
    {RUN, {"abort", ARG_NUMBER, AT(abort), .number_max = 1, .metavar = "P", .default_text = "0",
     .help = "Share of requests given up right after sending: half of them closed, half reset."}},
    {LOADS, {"seed", ARG_INT, AT(seed), 0, INT64_MAX, .default_text = "0",
     .help = "The same seed makes the same requests; 0: a random one, which the report names."}},
};
static const struct option_row http[] = {
    {LOADS | CLEAN, {"header", ARG_LIST, AT(headers), .short_name = 'H', .metavar = "'NAME: VALUE'", .secret = true,
     .help = "Sent with every request; repeatable."}},
    {LOADS, {"timeout", ARG_DURATION_MS, AT(timeout_ms), 1, HOUR, .default_text = "10s",
     .help = "An answer that takes longer is given up: its connection is closed, its outcome unknown."}},
    {LOADS | CLEAN, {"keepalive", ARG_BOOL, AT(keepalive), .default_text = "yes",
     .help = "Many requests on one connection."}},
    {LOADS | CLEAN, {"ca", ARG_STRING, AT(tls.ca), .metavar = "FILE",
     .help = "With https://: the CAs, in PEM, that the certificate of the service may be of; without it those that the system trusts."}},
    {LOADS | CLEAN, {"cert", ARG_STRING, AT(tls.cert), .metavar = "FILE",
     .help = "With https://: a certificate, in PEM, to show to a service that asks for one."}},
    {LOADS | CLEAN, {"cert-key", ARG_STRING, AT(tls.key), .metavar = "FILE",
     .help = "The private key of --cert, in PEM, without a password."}},
    {LOADS | CLEAN, {"key-file", ARG_STRING, AT(key_file), .metavar = "FILE",
     .help = "File with an API key, sent as Authorization: Bearer."}},
    {LOADS | CLEAN, {"token-file", ARG_STRING, AT(token_file), .metavar = "FILE",
     .help = "--key-file by its earlier name."}},
};
static const struct option_row verification[] = {
    {LOADS | CHECK, {"verify", ARG_ENUM, AT(verify), .choices = levels, .default_text = "full",
     .help = "How the answers are checked (counts leaves out the order in time)"}},
    {RUN, {"history", ARG_STRING, AT(history), .metavar = "FILE",
     .help = "Keep every operation in this new file, for `check` and `report`."}},
    {LOADS, {"settle", ARG_DURATION_MS, AT(settle_ms), 0, HOUR, .default_text = "6s",
     .help = "Wait before operations without an answer are looked up: longer than the service may take; 0: at once."}},
    {RUN | OFFLINE, {"threshold", ARG_LIST, AT(thresholds), .metavar = "'p99<50ms'",
     .help = "What must hold, of p50..p99.99 max mean rps errors conflicts dropped unknown; repeatable."}},
};
static const struct option_row output[] = {
    {LOADS | OFFLINE, {"output", ARG_STRING, AT(output), .short_name = 'o', .metavar = "FILE",
     .help = "The report goes there instead of to standard output."}},
    {LOADS | OFFLINE, {"output-format", ARG_ENUM, AT(output_format), .choices = formats, .default_text = "text",
     .help = "Form of the report"}},
    {LOADS | RACE | OFFLINE, {"html", ARG_STRING, AT(html), .metavar = "FILE",
     .help = "The report with charts too, one file that needs no network (race: the strategies beside each other)."}},
    {RUN | OFFLINE, {"hgrm", ARG_STRING, AT(hgrm), .metavar = "FILE",
     .help = "Percentiles too, for plotters of HdrHistogram."}},
    {LOADS, {"tui", ARG_BOOL, AT(tui), .default_text = "yes",
     .help = "Redraw a live view on a terminal; otherwise a line a second."}},
    {LOADS | RACE | OFFLINE, {"quiet", ARG_BOOL, AT(quiet), .short_name = 'q', .help = "Show no progress (race: no shares of the workers)."}},
    {LOADS | RACE, {"ui", ARG_BOOL, AT(ui),
     .help = "Serve a live page on this machine while it goes on, and say where."}},
    {LOADS | RACE, {"ui-listen", ARG_STRING, AT(ui_text), .metavar = "ADDR:PORT",
     .help = "Serve the live page there, a loopback address; without it at 127.0.0.1 and a free port."}},
    {LOADS | RACE, {"ui-linger", ARG_DURATION_MS, AT(ui_linger_ms), 0, DAY, .default_text = "0",
     .help = "Keep the live page for so long when all is over, or until Ctrl-C."}},
    {LOADS | OFFLINE, {"verbose", ARG_BOOL, AT(verbose), .short_name = 'v', .help = "The whole report as text; and on standard error the run, its seed and its history, how long steps took."}},
};
static const struct option_row removal[] = {
    {RUN, {"clean", ARG_BOOL, AT(clean), .flag_only = true,
     .help = "Remove the items that the run has made when its verdict is known, whatever that is; it stays the exit status."}},
    {CLEAN, {"run", ARG_STRING, AT(run), .metavar = "NAME", .flag_only = true,
     .help = "Only items of this run: the name between the dashes of their SKUs, and `run` in a report as JSON."}},
    {CLEAN, {"dry-run", ARG_BOOL, AT(dry_run), .flag_only = true,
     .help = "Say which runs have items, and remove none."}},
};
static const struct option_row race[] = {
    {RACE, {"redis", ARG_STRING, AT(redis), .metavar = "URL", .secret = true,
     .help = "As `stockd serve` is told: redis://host:port[/db], unix:/path.sock, redis+sentinel://host:port,.../NAME or redis+cluster://host:port,...; one key is used and removed."}},
    {RACE, TLS_CA_ROW(AT(redis_tls.ca))},
    {RACE, TLS_CERT_ROW(AT(redis_tls.cert))},
    {RACE, TLS_KEY_ROW(AT(redis_tls.key))},
    {RACE, {"strategy", ARG_ENUM, AT(strategy), .choices = strategies, .default_text = "all",
     .help = "How a unit is taken"}},
    {RACE, {"batch-max", ARG_INT, AT(batch_max), 1, 100000, .default_text = "64",
     .help = "Units that one transaction of watch-batch takes at the most."}},
};
static const struct option_row capacity[] = {
    {CAPACITY, {"p99", ARG_STRING, AT(p99_text), .metavar = "TIME", .default_text = "5ms",
     .help = "The goal: 99 of 100 answers come within this time of their planned send, as in 750us, 5ms or 1s."}},
    {CAPACITY, {"rate-max", ARG_COUNT, AT(rate_max), 1, FORM_RATE_MAX, .default_text = "1m",
     .help = "No higher rate is tried."}},
    {CAPACITY, {"precision", ARG_NUMBER, AT(precision), .number_max = 1, .metavar = "P", .default_text = "5%",
     .help = "How near the highest rate that holds and the lowest that does not must come."}},
    {CAPACITY, {"tries", ARG_INT, AT(tries), 1, 10, .default_text = "2",
     .help = "Steps that a rate has to miss before it counts as missed."}},
};
static const struct option_row strangers[] = {
    {0, {"threads", ARG_REFUSED, .short_name = 't',
     .help = "means threads in wrk and a timeout in hey; give -p, --processes and -c, --connections, or --timeout"}},
};
/* clang-format on */

#define GROUP(title, rows)                                                                         \
    {                                                                                              \
        title, rows, sizeof(rows) / sizeof((rows)[0])                                              \
    }
static const struct {
    const char *title;
    const struct option_row *rows;
    size_t count;
} groups[] = {GROUP("Processes and connections", pool),
              GROUP("Items", removal),
              GROUP("Redis", race),
              GROUP("Capacity", capacity),
              GROUP("Length", length),
              GROUP("Rate", rate),
              GROUP("Work", work),
              GROUP("HTTP", http),
              GROUP("Verification", verification),
              GROUP("Output", output),
              GROUP("", strangers)};
enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

/* Where a flag belongs, for whoever gives it to another command. */
static const char *home_of(unsigned commands)
{
    if (commands & RUN)
        return "is an option of `stockload run`";
    if (commands & CLEAN)
        return "is an option of `stockload clean`";
    if (commands & CAPACITY)
        return "is an option of `stockload capacity`";
    return commands & RACE ? "is an option of `stockload race`"
                           : "is an option of `stockload check` and `stockload report`";
}

/* Where a command takes another default than `run`. */
static const struct {
    enum command command;
    const char *name, *text;
} own_defaults[] = {
    {COMMAND_CAPACITY, "connections", "200"}, {COMMAND_CAPACITY, "duration", "5s"},
    {COMMAND_CAPACITY, "warmup", "1s"},       {COMMAND_CAPACITY, "rate", "1k"},
    {COMMAND_CAPACITY, "scenario", "zipf"},
};

static const char *default_for(const struct arg_spec *spec, enum command command)
{
    for (size_t i = 0; i < sizeof(own_defaults) / sizeof(own_defaults[0]); i++)
        if (own_defaults[i].command == command && strcmp(own_defaults[i].name, spec->name) == 0)
            return own_defaults[i].text;
    return spec->default_text;
}

static struct arg_spec spec_for(const struct option_row *row, enum command command)
{
    struct arg_spec spec = row->spec;
    if (spec.type != ARG_REFUSED)
        spec.default_text = default_for(&spec, command);
    if (spec.type == ARG_REFUSED || row->commands & 1u << command)
        return spec;
    return (struct arg_spec){.name = spec.name,
                             .type = ARG_REFUSED,
                             .short_name = spec.short_name,
                             .help = home_of(row->commands)};
}

void option_specs(enum command command, struct arg_spec specs[OPTION_ROWS_MAX])
{
    size_t n = 0;
    for (size_t g = 0; g < GROUPS; g++) {
        for (size_t i = 0; i < groups[g].count; i++) {
            assert(n + 1 < OPTION_ROWS_MAX);
            specs[n] = spec_for(&groups[g].rows[i], command);
            specs[n++].group = groups[g].title;
        }
    }
    specs[n] = (struct arg_spec){0};
}
