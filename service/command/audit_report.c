#include "command/audit_report.h"
#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIVE_MS      200
#define LOG_MS       5000
#define COUNT_SIZE   32
#define ID_SIZE      48
#define JSON_OPTIONS (JSON_INDENT(2) | JSON_REAL_PRECISION(6))

/* 1234567 as 1,234,567. */
static const char *grouped(int64_t n, char out[COUNT_SIZE])
{
    char digits[COUNT_SIZE];
    size_t count = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, n), at = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

static void put_counts(FILE *out, const struct audit_report *report)
{
    char items[COUNT_SIZE], reservations[COUNT_SIZE], shares[COUNT_SIZE];
    fprintf(out, "%s items, %s reservations, %s customers' shares",
            grouped(report->audit->items, items),
            grouped(report->audit->reservations, reservations),
            grouped(report->audit->shares, shares));
}

void audit_report_begin(struct audit_report *report, const struct audit *audit, bool json)
{
    *report = (struct audit_report){.json = json,
                                    .audit = audit,
                                    .began_ms = clock_mono_ms(),
                                    .shown_ms = clock_mono_ms(),
                                    .live = isatty(STDERR_FILENO)};
    report->drifts = json ? json_array() : NULL;
    report->out_of_memory = json && !report->drifts;
}

/* --- while it runs ---------------------------------------------------------------------------- */

static void clear_line(const struct audit_report *report)
{
    if (report->live)
        fputs("\r\033[K", stderr);
}

void audit_report_progress(void *user)
{
    struct audit_report *report = user;
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

static void keep_drift(struct audit_report *report, const struct audit_drift *drift)
{
    json_t *one =
        json_pack("{s:s, s:I, s:s, s:s}", "kind", audit_kind_name(drift->kind), "partition",
                  (json_int_t)drift->partition, "name", drift->name, "text", drift->text);
    if (!one || json_array_append_new(report->drifts, one) < 0)
        report->out_of_memory = true;
}

void audit_report_drift(void *user, const struct audit_drift *drift)
{
    struct audit_report *report = user;
    if (report->named == AUDIT_REPORT_MAX || report->out_of_memory)
        return;
    report->named++;
    if (report->json) {
        keep_drift(report, drift);
        return;
    }
    clear_line(report);
    printf("drift: %s %s: %s\n", audit_kind_name(drift->kind), drift->name, drift->text);
}

static bool is_open(const struct audit_position *position)
{
    return strcmp(position->state, "open") == 0;
}

void audit_report_positions(struct audit_report *report)
{
    for (unsigned p = 0; p < report->audit->partitions && !report->json; p++)
        if (!is_open(&report->audit->positions[p]))
            printf("note: partition %u is not open: state: %s\n", p,
                   report->audit->positions[p].state);
}

/* --- the verdict ------------------------------------------------------------------------------ */

static void say_verdict(const struct audit_report *report, enum audit_result result)
{
    const struct audit *audit = report->audit;
    char count[COUNT_SIZE];
    if (audit->drift > report->named)
        printf("and %s more\n", grouped(audit->drift - report->named, count));
    if (audit->why[0])
        printf("audit: could not tell%s: %s%s%s\n", audit->drift > 0 ? " the rest" : "",
               audit->side ? audit->side : "", audit->side ? ": " : "", audit->why);
    if (result == AUDIT_UNSURE)
        return;
    printf("audit: %s: ", audit_result_name(result));
    if (result == AUDIT_DRIFT)
        printf("%s difference%s; compared ", grouped(audit->drift, count),
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

static bool write_document(const struct audit_report *report, enum audit_result result)
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

void audit_report_end(struct audit_report *report, enum audit_result result)
{
    clear_line(report);
    if (!report->json)
        say_verdict(report, result);
    else if (!write_document(report, result))
        fprintf(stderr, "stockd audit: out of memory for the document; the verdict: %s\n",
                audit_result_name(result));
    json_decref(report->drifts);
}
