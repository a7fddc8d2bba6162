#include "command/audit.h"
#include "address.h"
#include "args.h"
#include "command/audit_report.h"
#include "config.h"
#include "log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct options {
    char *redis, *ledger;
    int64_t wait_ms, reservation_retention_ms;
    bool json;
};

#define HOUR_MS (INT64_C(3600) * 1000)

static const struct arg_spec specs[] = {
    {"redis", ARG_STRING, offsetof(struct options, redis), .metavar = "URL", .secret = true,
     .help = "The Redis of the store: redis://[user:password@]host:port[/db] or unix:/path.sock."},
    {"ledger", ARG_STRING, offsetof(struct options, ledger), .metavar = "URL", .secret = true,
     .help = "Its ledger: sqlite:/path/file.db or postgresql://user@host/name."},
    {"wait", ARG_DURATION_MS, offsetof(struct options, wait_ms), 0, HOUR_MS, .default_text = "30s",
     .help = "How long to wait for the ledger to get as far as Redis was."},
    {"reservation-retention", ARG_DURATION_MS, offsetof(struct options, reservation_retention_ms),
     1000, 366 * 24 * HOUR_MS, .default_text = "24h",
     .help = "What serve was told: finished reservations that are younger must be in Redis."},
    {"json", ARG_BOOL, offsetof(struct options, json),
     .help = "Write one JSON document instead of lines."},
};
#define SPECS (sizeof(specs) / sizeof(specs[0]))

/* --- what there is to open -------------------------------------------------------------------- */

static bool known_ledger(const char *url)
{
    static const char *const kinds[] = {"sqlite:", "postgresql://", "postgres://"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(url, kinds[i], strlen(kinds[i])) == 0)
            return url[strlen(kinds[i])] != '\0';
    return false;
}

static bool complete(const struct options *options, char *err, size_t err_size)
{
    struct address redis;
    if (!options->redis || !options->ledger) {
        snprintf(err, err_size, "--redis and --ledger are needed");
        return false;
    }
    if (!known_ledger(options->ledger)) {
        snprintf(err, err_size, "--ledger: sqlite:/path/file.db or postgresql://user@host/name");
        return false;
    }
    return address_parse(options->redis, &redis, err, err_size);
}

/* Opening would make a file that is not there. */
static bool is_missing_file(const char *url)
{
    static const char kind[] = "sqlite:";
    return strncmp(url, kind, sizeof(kind) - 1) == 0 && access(url + sizeof(kind) - 1, F_OK) != 0;
}

static bool open_ledger(struct audit *audit, const char *url)
{
    audit->side = "the ledger";
    if (is_missing_file(url)) {
        snprintf(audit->why, sizeof(audit->why), "there is no such file: %s", url);
        return false;
    }
    if (db_open(&audit->db, url, audit->why, sizeof(audit->why)) != DB_OK)
        return false;
    audit->why[0] = '\0';
    audit->side = NULL;
    return true;
}

static bool open_redis(struct audit *audit)
{
    const char *why;
    if (admin_connect(audit->admin, &why) == ADMIN_OK)
        return true;
    audit->side = "Redis";
    snprintf(audit->why, sizeof(audit->why), "%s", why);
    return false;
}

/* --- the audit -------------------------------------------------------------------------------- */

/* For the metric of the last result. A Redis without a store gets no trace of ours. */
static void keep_result(const struct audit *audit, enum audit_result result)
{
    const char *why;
    if (!audit->positions || strcmp(audit->positions[0].state, "missing") == 0 ||
        admin_connect(audit->admin, &why) != ADMIN_OK)
        return;
    struct scan_audit kept = {.result = result,
                              .drift = audit->drift,
                              .items = audit->items,
                              .reservations = audit->reservations,
                              .at_ms = admin_now_ms(audit->admin)};
    if (kept.at_ms < 0 || scan_keep_audit(audit->admin, &kept) < 0)
        fprintf(stderr, "stockd audit: the result is not kept for the metrics: %s\n",
                admin_why(audit->admin));
}

static enum audit_result compare_stores(struct audit *audit, struct audit_report *report,
                                        const char *url)
{
    if (!open_ledger(audit, url) || !open_redis(audit))
        return AUDIT_UNSURE;
    if (audit_meet(audit) == AUDIT_UNSURE)
        return audit->drift > 0 ? AUDIT_DRIFT : AUDIT_UNSURE;
    audit_report_positions(report);
    enum audit_result result = audit_run(audit);
    keep_result(audit, result);
    return result;
}

static int run_audit(const struct options *options)
{
    struct store_config config = {.redis_url = options->redis, .ledger = true, .partitions = 1};
    struct store_shared shared = {.store_id = 0};
    struct audit_report report;
    struct audit audit;
    char err[ARGS_ERR_SIZE];
    struct admin *admin = admin_new(&config, &shared, err, sizeof(err));
    if (!admin) {
        fprintf(stderr, "stockd audit: %s\n", err);
        return AUDIT_UNSURE;
    }
    audit_init(&audit, admin, NULL);
    audit.wait_ms = options->wait_ms;
    audit.reservation_retention_ms = options->reservation_retention_ms;
    audit.on_drift = audit_report_drift;
    audit.on_progress = audit_report_progress;
    audit.user = &report;
    audit_report_begin(&report, &audit, options->json);
    enum audit_result result = compare_stores(&audit, &report, options->ledger);
    audit_report_end(&report, result);
    db_close(audit.db);
    audit_free(&audit);
    admin_free(admin);
    return (int)result;
}

int command_audit(int argc, char **argv)
{
    struct options options = {0};
    char err[ARGS_ERR_SIZE] = "";
    enum args_result parsed =
        args_parse(specs, SPECS, "STOCKD_", argc, argv, getenv, NULL, &options, err, sizeof(err));
    if (parsed == ARGS_HELP) {
        printf("stockd audit: compare Redis with its ledger; exits 0 equal, 1 drift, 2 could not "
               "tell\n\n");
        args_print_help(stdout, specs, SPECS, "STOCKD_");
        return EXIT_SUCCESS;
    }
    log_set_process("audit", -1);
    log_configure(LOG_LOGFMT, LOG_WARN);
    signal(SIGPIPE, SIG_IGN); /* a Redis that goes away is an error like any other */
    int status = EXIT_USAGE;
    if (parsed == ARGS_OK && complete(&options, err, sizeof(err)))
        status = run_audit(&options);
    else
        fprintf(stderr, "stockd audit: %s\n", err);
    if (parsed == ARGS_OK)
        args_free(specs, SPECS, &options);
    return status;
}
