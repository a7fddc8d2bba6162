/* restore.c -- `stockd restore`: see commands.h. */
#include "clock.h"
#include "command/commands.h"
#include "process/ledger/ledger_restore.h"
#include "url_password.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PROGRESS_MS          5000
#define PROGRESS_TERMINAL_MS 200
#define DAY_MS               (INT64_C(24) * 3600 * 1000)

struct options {
    char *redis, *ledger, *redis_password, *ledger_password;
    struct tls_files redis_tls;
    int64_t partitions, operation_retention_ms, reservation_retention_ms;
    bool dry_run, discard_unapplied;
};

#define AT(field) offsetof(struct options, field)

/* clang-format off */
static const struct arg_spec specs[] = {
    {"redis", ARG_STRING, AT(redis), .metavar = "URL", .secret = true,
     .help = "The Redis to build the store in, as `stockd serve` is told."},
    {"ledger", ARG_STRING, AT(ledger), .metavar = "URL", .secret = true,
     .help = "The database to build it from: sqlite:/path/file.db or postgresql://user@host/name."},
    PASSWORD_ROW("redis", AT(redis_password)),
    TLS_CA_ROW(AT(redis_tls.ca)),
    TLS_CERT_ROW(AT(redis_tls.cert)),
    TLS_KEY_ROW(AT(redis_tls.key)),
    PASSWORD_ROW("ledger", AT(ledger_password)),
    {"dry-run", ARG_BOOL, AT(dry_run),
     .help = "Look and count, write nothing."},
    {"partitions", ARG_INT, AT(partitions), 0, PARTITIONS_MAX, .default_text = "0", .metavar = "N",
     .help = "Partitions of the store; needed only if neither SQL nor Redis tells."},
    {"operation-retention", ARG_DURATION_MS, AT(operation_retention_ms), 1000, 365 * DAY_MS, .default_text = "24h",
     .help = "Results of Idempotency-Keys younger than this come back; as the services have it."},
    {"reservation-retention", ARG_DURATION_MS, AT(reservation_retention_ms), 1000, 365 * DAY_MS, .default_text = "24h",
     .help = "Finished reservations younger than this come back; as the services have it."},
    {"discard-unapplied", ARG_BOOL, AT(discard_unapplied),
     .help = "Restore even if Redis has entries that SQL has not: they are lost."},
    {0},
};
/* clang-format on */

/* --- progress --------------------------------------------------------------------------------- */

struct progress {
    bool terminal, said;
    int64_t next_ms;
};

static bool on_progress(void *user, const struct restore *restore)
{
    struct progress *p = user;
    int64_t now_ms = clock_mono_ms();
    if (now_ms < p->next_ms)
        return true;
    p->next_ms = now_ms + (p->terminal ? PROGRESS_TERMINAL_MS : PROGRESS_MS);
    if (p->terminal)
        fputs("\r\033[K", stderr);
    restore_print_progress(stderr, restore, p->terminal ? "" : "\n");
    p->said = true;
    return true;
}

/* --- the command ------------------------------------------------------------------------------ */

static const int statuses[] = {
    [RESTORE_DONE] = EXIT_SUCCESS,
    [RESTORE_SOUND] = EXIT_FAILURE,
    [RESTORE_REFUSED] = EXIT_FAILURE,
    [RESTORE_FAILED] = EXIT_FAILURE,
    [RESTORE_UNSURE] = 2,
};

static int run_restore(const struct cli_call *call)
{
    const struct options *o = call->options;
    static struct restore restore; /* large */
    struct progress progress = {.terminal = isatty(STDERR_FILENO),
                                .next_ms = clock_mono_ms() + PROGRESS_MS};
    struct restore_options options = {.redis_url = o->redis,
                                      .ledger_url = o->ledger,
                                      .partitions = (unsigned)o->partitions,
                                      .operation_retention_ms = o->operation_retention_ms,
                                      .reservation_retention_ms = o->reservation_retention_ms,
                                      .dry_run = o->dry_run,
                                      .discard_unapplied = o->discard_unapplied,
                                      .on_progress = on_progress,
                                      .user = &progress};
    if (progress.terminal)
        progress.next_ms = 0;
    if (options.reservation_retention_ms < options.operation_retention_ms)
        options.reservation_retention_ms = options.operation_retention_ms;
    log_configure(LOG_LOGFMT, LOG_WARN);
    enum restore_result result = ledger_restore_run(&restore, &options);
    if (progress.terminal && progress.said)
        fputs("\r\033[K", stderr);
    if (result == RESTORE_DONE)
        restore_print(stdout, &restore);
    else
        fprintf(stderr, "stockd restore: %s\n", restore.why);
    restore_free(&restore);
    return statuses[result];
}

static bool is_complete(struct cli_call *call, char *err, size_t err_size)
{
    struct options *options = call->options;
    if (!url_take_password(&options->redis, options->redis_password, "redis", err, err_size) ||
        !url_take_password(&options->ledger, options->ledger_password, "ledger", err, err_size))
        return false;
    return command_has_both(options->redis, options->ledger, err, err_size) &&
           config_check_redis(options->redis, &options->redis_tls, err, err_size);
}

static const struct cli_exit exits[] = {
    {EXIT_SUCCESS, "It is done."},
    {EXIT_FAILURE, "Refused, or failed: Redis stays as it was, or closed."},
    {2, "Redis or SQL is out of reach, or somebody else is at work: try again."},
    {EXIT_USAGE, "The command line is wrong."},
    {0},
};

const struct cli_command command_restore = {
    .name = "restore",
    .help = "build the store in Redis anew from the ledger",
    .about =
        "For a Redis that was emptied, or came back with less than the ledger has. Services may "
        "run: they answer 503 until it is done, and go on by themselves.",
    .specs = specs,
    .options_size = sizeof(struct options),
    .complete = is_complete,
    .run = run_restore,
    .exits = exits,
};
