/* migrate.c -- `stockd migrate`: see commands.h. */
#include "clock.h"
#include "command/commands.h"
#include "fail.h"
#include "ledger/schema.h"
#include "url_password.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
    char *ledger, *ledger_password;
};

static const struct arg_spec specs[] = {
    {"ledger", ARG_STRING, offsetof(struct options, ledger), .metavar = "URL", .secret = true,
     .help = "The database: sqlite:/path/file.db or postgresql://user@host/name."},
    PASSWORD_ROW("ledger", offsetof(struct options, ledger_password)),
    {0},
};

static int run_migrate(const struct cli_call *call)
{
    const struct options *options = call->options;
    struct db *db;
    struct schema_file files[SCHEMA_FILES];
    struct migrate_report report;
    char err[DB_WHY_SIZE];
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error of a write, as a full disk is */
    enum db_result opened = db_open(&db, options->ledger, err, sizeof(err));
    if (opened != DB_OK) {
        fprintf(stderr, "stockd migrate: %s\n", err);
        return EXIT_FAILURE;
    }
    schema_list(files);
    enum migrate_result result = migrate_run(db, files, SCHEMA_FILES, clock_wall_ms(), &report);
    for (size_t i = report.before; i < report.after; i++)
        printf("applied %s\n", files[i].name);
    if (result == MIGRATE_DONE)
        printf("ledger %s (%s) has schema %zu\n", report.ledger_id, db_engine_name(db),
               report.after);
    else
        fprintf(stderr, "stockd migrate: %s\n", report.why);
    db_close(db);
    return result == MIGRATE_DONE ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool is_complete(struct cli_call *call, char *err, size_t err_size)
{
    struct options *options = call->options;
    if (!url_take_password(&options->ledger, options->ledger_password, "ledger", err, err_size))
        return false;
    return options->ledger || fail_with(err, err_size, "--ledger is needed");
}

const struct cli_command command_migrate = {
    .name = "migrate",
    .help = "bring a ledger's database to this version's schema",
    .specs = specs,
    .options_size = sizeof(struct options),
    .complete = is_complete,
    .run = run_migrate,
};
