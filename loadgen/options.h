/* options.h -- what stockload was told, by flags and the environment (STOCKLOAD_*).
 *
 * Layer: loadgen. One struct, filled once before anything is forked; everybody else reads it.
 *
 * What depends on the scenario is 0 (zipf, limit: -1, `mixed`: false) when the user said nothing:
 * the scenario fills it in. Fields of flags that the command does not take are 0 or NULL.
 *
 * Invariant after options_complete: 1 <= processes, and <= connections for `run` and `capacity`;
 * `stages` and `rate` are not both set; duration_ms is 0 only when `requests` ends the run; 1 <=
 * rate_min <= rate_max for `capacity`.
 */
#pragma once

#include "cli/cli.h"
#include "client/workload.h"
#include "store/redis/tls_files.h"
#include "ui/place.h"
#include "value_parsers.h"

#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_PROCESSES_MAX 256

enum command {
    COMMAND_RUN,
    COMMAND_CHECK,
    COMMAND_REPORT,
    COMMAND_RACE,
    COMMAND_CAPACITY,
    COMMAND_CLEAN,
    COMMANDS
};

enum option_death { DEATH_FAIL, DEATH_RESPAWN };
enum option_arrival { ARRIVAL_CONST, ARRIVAL_POISSON };
enum option_verify { VERIFY_FULL, VERIFY_COUNTS, VERIFY_OFF }; /* as enum check_level */
enum option_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV, FORMAT_QUIET };
enum option_strategy {
    STRATEGY_WATCH,
    STRATEGY_WATCH_BATCH,
    STRATEGY_TURN,
    STRATEGY_SCRIPT,
    STRATEGY_ALL
};

struct options {
    enum command command;
    struct arg_list words; /* the call's; check, report: the histories, at least one */
    struct weburl url;     /* run, capacity, clean */
    char *command_line;    /* as typed, secrets masked, quoted for a shell where needed */

    /* Pool. */
    int64_t processes; /* never 0: resolved to the online CPUs (race: 16) */
    int64_t checkers;  /* of the check: as many, but never more than there are CPUs */
    int64_t connections;
    int64_t max_tasks_per_child; /* 0: no limit */
    int worker_death;            /* enum option_death */

    /* Length. */
    int64_t duration_ms; /* the sum of the stages when there are any; 0: `requests` ends it */
    int64_t requests;    /* 0: time ends it */
    int64_t warmup_ms, grace_ms;

    /* Rate. */
    int64_t rate; /* a second; 0 without stages: closed loop */
    int arrival;  /* enum option_arrival */
    struct form_stages stages;
    int64_t max_backlog;

    /* Work. */
    char *scenario;           /* one that workload_find knows */
    int64_t skus, stock;      /* 0: unset; race: stock is never 0 */
    double zipf;              /* -1: unset */
    struct form_range qty;    /* 0, 0: unset */
    struct form_range basket; /* lines; 0, 0: unset */
    struct form_range batch;  /* operations */
    bool mixed;               /* whether weights were given */
    uint32_t mix[WORKS];
    int64_t ttl_ms;    /* whole seconds; 0: unset */
    int64_t limit;     /* units a customer; 0: none; -1: unset */
    int64_t customers; /* 0: unset */
    int64_t think_ms;
    double dup, abort; /* probabilities, 0..1 */
    int64_t seed;      /* never 0: random when not given */

    /* HTTP. */
    struct arg_list headers; /* "Name: value" */
    int64_t timeout_ms;
    bool keepalive;
    struct tls_files tls;        /* with https:// */
    char *key_file, *token_file; /* the same by two names; NULL: none */

    /* Verification. */
    int verify;    /* enum option_verify */
    char *history; /* NULL: a temporary one */
    int64_t settle_ms;

    /* Output. */
    struct arg_list thresholds; /* as typed */
    char *output;               /* NULL or "-": standard output */
    int output_format;          /* enum option_format */
    char *html, *hgrm;
    bool tui; /* the live view is wanted, if there is a terminal */
    bool quiet, verbose;

    /* The live page. */
    bool ui; /* it is wanted */
    struct ui_place ui_at;
    int64_t ui_linger_ms; /* it stays for so long afterwards */

    /* Items afterwards. */
    bool clean;   /* run: remove them */
    char *run;    /* clean: those of this run; NULL: of all runs */
    bool dry_run; /* clean: only say which */

    /* Race. */
    char *redis;
    struct tls_files redis_tls;
    int strategy; /* enum option_strategy */
    int64_t batch_max;

    /* Capacity. */
    int64_t goal_ns;  /* of p99 */
    int64_t rate_max; /* a second; nothing above is tried; `rate` is tried first */
    int64_t rate_min; /* of which a step has just enough requests */
    double precision; /* how near the answer is to be, as a share of it */
    int64_t tries;    /* of one rate before it counts as missed */

    /* As typed; the fields above hold what they say. */
    char *ui_text, *p99_text, *stages_text, *qty_text, *basket_text, *batch_text, *mix_text;
};

/* What no row of the table can say: reads the small notations, checks what does not go together,
 * fills in what was left open. False, with in err what is wrong, where, and what would be right.
 * After true the caller calls options_free once; what the rows describe stays the call's. */
bool options_complete(struct cli_call *call, enum command command, char *err,
                      size_t err_size) MUST_CHECK;
void options_free(struct options *options);

/* --- what the exit status says: an interface, since pipelines are built on the numbers --- */

enum exit_code {
    EXITS_RIGHT = 0,         /* every answer was right, every threshold was met */
    EXITS_VIOLATION = 1,     /* an answer was wrong */
    EXITS_UNKNOWN = 2,       /* not enough evidence: no success, nothing contended, unsettled */
    EXITS_THRESHOLD = 99,    /* a threshold was missed */
    EXITS_INTERRUPTED = 105, /* stopped by a signal; the report was written */
    EXITS_USAGE = 254,       /* the command line is wrong; nothing was sent */
    EXITS_INTERNAL = 255,    /* target unreachable, pool broken, disk full */
};

/* The one of two that says more: 1 beats 255 beats 2 beats 105 beats 99 beats 0. 254 comes right
 * after 255; a number that is none of these counts as 255. */
int exit_worst(int a, int b);

/* --- the table of all flags: optionrows.c --- */

#define OPTION_ROWS_MAX 90
#define OPTION_ENV      "STOCKLOAD_"

/* Fills specs with the table for one command, up to a row without a name. Flags of other commands
 * are in it as ARG_REFUSED, so that the message says where they belong. */
void option_specs(enum command command, struct arg_spec specs[OPTION_ROWS_MAX]);
