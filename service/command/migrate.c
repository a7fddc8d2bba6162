#include "command/migrate.h"
#include "args.h"
#include "clock.h"
#include "config.h"
#include "ledger/migrate.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
    char *ledger;
};

static const struct arg_spec specs[] = {
    {"ledger", ARG_STRING, offsetof(struct options, ledger), .metavar = "URL", .secret = true,
     .help = "The database: sqlite:/path/file.db or postgresql://user@host/name."},
};
#define SPECS (sizeof(specs) / sizeof(specs[0]))

static int migrate(const char *url)
{
    struct db *db;
    struct schema_file files[SCHEMA_FILES];
    struct migrate_report report;
    char err[DB_WHY_SIZE];
    enum db_result opened = db_open(&db, url, err, sizeof(err));
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

int command_migrate(int argc, char **argv)
{
    struct options options = {0};
    char err[ARGS_ERR_SIZE] = "";
    enum args_result parsed =
        args_parse(specs, SPECS, "STOCKD_", argc, argv, getenv, NULL, &options, err, sizeof(err));
    if (parsed == ARGS_HELP) {
        printf("stockd migrate: bring a ledger's database to this version's schema\n\n");
        args_print_help(stdout, specs, SPECS, "STOCKD_");
        return EXIT_SUCCESS;
    }
    if (parsed == ARGS_USAGE || !options.ledger) {
        fprintf(stderr, "stockd migrate: %s\n", *err ? err : "--ledger is needed");
        if (parsed == ARGS_OK)
            args_free(specs, SPECS, &options);
        return EXIT_USAGE;
    }
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error of a write, as a full disk is */
    int status = migrate(options.ledger);
    args_free(specs, SPECS, &options);
    return status;
}
