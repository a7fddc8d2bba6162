/* audit.c -- `stockd audit`: see commands.h. Lines are written as they come; the JSON document is
 * kept until the end. Either names at most NAMED_MAX drifts and then says how many more there are.
 */
#include "audit/audit.h"
#include "clock.h"
#include "command/commands.h"
#include "digits.h"
#include "fail.h"
#include "url_password.h"

#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define LIVE_MS      200
#define LOG_MS       5000
#define ID_SIZE      48
#define JSON_OPTIONS (JSON_INDENT(2) | JSON_REAL_PRECISION(6))
#define NAMED_MAX    1000

/* --- what it tells ---------------------------------------------------------------------------- */

struct report {
    bool json;
    const struct audit *audit;
    json_t *drifts; /* with json */
    int64_t named;
    int64_t began_ms, shown_ms; /* monotonic */
    bool live;                  /* progress goes to a terminal, on one line */
    bool out_of_memory;
};

static void put_counts(FILE *out, const struct report *report)
{
    char items[DIGITS_GROUPED_SIZE], reservations[DIGITS_GROUPED_SIZE], shares[DIGITS_GROUPED_SIZE];
    fprintf(out, "%s items, %s reservations, %s customers' shares",
            digits_group(items, report->audit->items),
            digits_group(reservations, report->audit->reservations),
            digits_group(shares, report->audit->shares));
}

static void report_begin(struct report *report, const struct audit *audit, bool json)
{
    *report = (struct report){.json = json,
                              .audit = audit,
                              .began_ms = clock_mono_ms(),
                              .shown_ms = clock_mono_ms(),
                              .live = isatty(STDERR_FILENO)};
    report->drifts = json ? json_array() : NULL;
    report->out_of_memory = json && !report->drifts;
}

/* --- while it runs ---------------------------------------------------------------------------- */

static void clear_line(const struct report *report)
{
    if (report->live)
        fputs("\r\033[K", stderr);
}

static void report_progress(void *user)
{
    struct report *report = user;
    int64_t now_ms = clock_mono_ms();
    if (now_ms - report->shown_ms < (report->live ? LIVE_MS : LOG_MS))
        return;
    report->shown_ms = now_ms;
    clear_line(report);
    fputs("audit: ", stderr);
    put_counts(stderr, report);
    fputs(report->live ? " ..." : " so far\n", stderr);
    fflush(stderr);
}

static void keep_drift(struct report *report, const struct audit_drift *drift)
{
    json_t *one =
        json_pack("{s:s, s:I, s:s, s:s}", "kind", audit_kind_name(drift->kind), "partition",
                  (json_int_t)drift->partition, "name", drift->name, "text", drift->text);
    if (!one || json_array_append_new(report->drifts, one) < 0)
        report->out_of_memory = true;
}

static void report_drift(void *user, const struct audit_drift *drift)
{
    struct report *report = user;
    if (report->named == NAMED_MAX || report->out_of_memory)
        return;
    report->named++;
    if (report->json) {
        keep_drift(report, drift);
        return;
    }
    clear_line(report);
    printf("drift: %s %s: %s\n", audit_kind_name(drift->kind), drift->name, drift->text);
}

static void report_positions(void *user)
{
    const struct report *report = user;
    for (unsigned p = 0; p < report->audit->partitions && !report->json; p++)
        if (strcmp(report->audit->positions[p].state, "open") != 0)
            printf("note: partition %u is not open: state: %s\n", p,
                   report->audit->positions[p].state);
}

/* --- the verdict ------------------------------------------------------------------------------ */

static void say_verdict(const struct report *report, enum audit_result result)
{
    const struct audit *audit = report->audit;
    char count[DIGITS_GROUPED_SIZE];
    if (audit->drift > report->named)
        printf("and %s more\n", digits_group(count, audit->drift - report->named));
    if (audit->why[0])
        printf("audit: could not tell%s: %s%s%s\n", audit->drift > 0 ? " the rest" : "",
               audit->side ? audit->side : "", audit->side ? ": " : "", audit->why);
    if (result == AUDIT_UNSURE)
        return;
    printf("audit: %s: ", audit_result_name(result));
    if (result == AUDIT_DRIFT)
        printf("%s difference%s; compared ", digits_group(count, audit->drift),
               audit->drift == 1 ? "" : "s");
    put_counts(stdout, report);
    printf(" in %.1f s\n", (double)(clock_mono_ms() - report->began_ms) / 1e3);
}

static json_t *json_position(unsigned partition, const struct audit_position *p)
{
    char ledger[ID_SIZE], stream[ID_SIZE];
    snprintf(ledger, sizeof(ledger), "%" PRId64 "-%" PRId64, p->ledger.epoch, p->ledger.seq);
    snprintf(stream, sizeof(stream), "%" PRId64 "-%" PRId64, p->stream.epoch, p->stream.seq);
    return json_pack("{s:I, s:I, s:s, s:s, s:s}", "partition", (json_int_t)partition, "epoch",
                     (json_int_t)p->epoch, "state", p->state, "ledger", ledger, "stream", stream);
}

static json_t *json_positions(const struct audit *audit)
{
    json_t *all = json_array();
    for (unsigned p = 0; all && audit->positions && p < audit->partitions; p++) {
        if (json_array_append_new(all, json_position(p, &audit->positions[p])) < 0) {
            json_decref(all);
            all = NULL;
        }
    }
    return all;
}

static bool write_document(const struct report *report, enum audit_result result)
{
    const struct audit *audit = report->audit;
    json_t *positions = json_positions(audit);
    if (!positions || report->out_of_memory) {
        json_decref(positions);
        return false;
    }
    json_t *document = json_pack(
        "{s:s, s:s?, s:s?, s:s?, s:I, s:I, s:I, s:I, s:f, s:o, s:O, s:I}", "verdict",
        audit_result_name(result), "why", audit->why[0] ? audit->why : NULL, "side", audit->side,
        "ledger_id", audit->ledger_id[0] ? audit->ledger_id : NULL, "items",
        (json_int_t)audit->items, "reservations", (json_int_t)audit->reservations, "shares",
        (json_int_t)audit->shares, "drift", (json_int_t)audit->drift, "seconds",
        (double)(clock_mono_ms() - report->began_ms) / 1e3, "partitions", positions, "drifts",
        report->drifts, "drifts_left_out", (json_int_t)(audit->drift - report->named));
    bool written = document && json_dumpf(document, stdout, JSON_OPTIONS) == 0;
    json_decref(document);
    putchar('\n');
    return written;
}

static void report_end(struct report *report, enum audit_result result)
{
    clear_line(report);
    if (!report->json)
        say_verdict(report, result);
    else if (!write_document(report, result))
        fprintf(stderr, "stockd audit: out of memory for the document; the verdict: %s\n",
                audit_result_name(result));
    json_decref(report->drifts);
}

struct options {
    char *redis, *ledger, *redis_password, *ledger_password;
    struct tls_files redis_tls;
    int64_t wait_ms, reservation_retention_ms;
    bool json;
};

#define HOUR_MS (INT64_C(3600) * 1000)

static const struct arg_spec specs[] = {
    {"redis", ARG_STRING, offsetof(struct options, redis), .metavar = "URL", .secret = true,
     .help = "The Redis of the store, as `stockd serve` is told."},
    {"ledger", ARG_STRING, offsetof(struct options, ledger), .metavar = "URL", .secret = true,
     .help = "Its ledger: sqlite:/path/file.db or postgresql://user@host/name."},
    PASSWORD_ROW("redis", offsetof(struct options, redis_password)),
    TLS_CA_ROW(offsetof(struct options, redis_tls.ca)),
    TLS_CERT_ROW(offsetof(struct options, redis_tls.cert)),
    TLS_KEY_ROW(offsetof(struct options, redis_tls.key)),
    PASSWORD_ROW("ledger", offsetof(struct options, ledger_password)),
    {"wait", ARG_DURATION_MS, offsetof(struct options, wait_ms), 0, HOUR_MS, .default_text = "30s",
     .help = "How long to wait for the ledger to get as far as Redis was."},
    {"reservation-retention", ARG_DURATION_MS, offsetof(struct options, reservation_retention_ms),
     1000, 366 * 24 * HOUR_MS, .default_text = "24h",
     .help = "What serve was told: finished reservations that are younger must be in Redis."},
    {"json", ARG_BOOL, offsetof(struct options, json),
     .help = "Write one JSON document instead of lines."},
    {0},
};

/* --- what there is to open -------------------------------------------------------------------- */

static bool is_complete(struct cli_call *call, char *err, size_t err_size)
{
    struct options *options = call->options;
    if (!url_take_password(&options->redis, options->redis_password, "redis", err, err_size) ||
        !url_take_password(&options->ledger, options->ledger_password, "ledger", err, err_size))
        return false;
    if (!command_has_both(options->redis, options->ledger, err, err_size))
        return false;
    if (!db_address_known(options->ledger))
        return fail_with(err, err_size,
                         "--ledger: sqlite:/path/file.db or postgresql://user@host/name");
    return config_check_redis(options->redis, &options->redis_tls, err, err_size);
}

/* --- the audit -------------------------------------------------------------------------------- */

static int run_audit(const struct cli_call *call)
{
    const struct options *options = call->options;
    struct store_config config = {.redis_url = options->redis, .ledger = true, .partitions = 1};
    struct store_shared shared = {.store_id = 0};
    struct report report;
    struct audit audit;
    const char *unkept;
    char err[ARGS_ERR_SIZE];
    log_set_process("audit", -1);
    log_configure(LOG_LOGFMT, LOG_WARN);
    signal(SIGPIPE, SIG_IGN); /* a Redis that goes away is an error like any other */
    struct admin *admin = admin_new(&config, &shared, err, sizeof(err));
    if (!admin) {
        fprintf(stderr, "stockd audit: %s\n", err);
        return AUDIT_UNSURE;
    }
    admin_have_patience(admin);
    audit_init(&audit, admin, NULL);
    audit.wait_ms = options->wait_ms;
    audit.reservation_retention_ms = options->reservation_retention_ms;
    audit.on_drift = report_drift;
    audit.on_progress = report_progress;
    audit.on_met = report_positions;
    audit.user = &report;
    report_begin(&report, &audit, options->json);
    enum audit_result result = audit_stores(&audit, options->ledger, &unkept);
    if (unkept)
        fprintf(stderr, "stockd audit: the result is not kept for the metrics: %s\n", unkept);
    report_end(&report, result);
    db_close(audit.db);
    audit_free(&audit);
    admin_free(admin);
    return (int)result;
}

static const struct cli_exit exits[] = {
    {AUDIT_EQUAL, "They are equal."},
    {AUDIT_DRIFT, "They are not; each difference is a line."},
    {AUDIT_UNSURE,
     "It could not be told: one of them is out of reach, or behind, or of another store."},
    {EXIT_USAGE, "The command line is wrong."},
    {0},
};

const struct cli_command command_audit = {
    .name = "audit",
    .help = "compare Redis with its ledger",
    .specs = specs,
    .options_size = sizeof(struct options),
    .complete = is_complete,
    .run = run_audit,
    .exits = exits,
};
