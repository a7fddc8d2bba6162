/* text_tables.c -- latencies, answers, items, workers and thresholds of one run, as tables. */
#include "report/text_run.h"

#include "report/human.h"
#include "report/page.h"
#include "report/printable.h"

#include <inttypes.h>

#define WORKERS_SHOWN 32
#define SKU_COLUMNS   22 /* of "load-", the run, "-" and six digits */

/* As many as fit; JSON and HTML have more. */
static const double percents[] = {50, 90, 99, 99.9, 99.99};

static void put_latency(struct buf *b, const char *name, const char *which,
                        const struct histogram *h)
{
    char text[HUMAN_SIZE];
    buf_printf(b, "  %-15s %-8s %5s", name, which, human_count(h->count, text));
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++)
        buf_printf(b, " %7s", human_duration(histogram_percentile(h, percents[i]), text));
    buf_printf(b, " %7s\n", human_duration(h->max, text));
}

static void put_latencies(struct buf *b, const char *name, const struct histogram *response,
                          const struct histogram *service)
{
    if (!response || response->count == 0)
        return;
    put_latency(b, name, "response", response);
    put_latency(b, "", "service", service);
}

void text_latency(struct buf *b, const struct summary *s)
{
    page_title(b, "Latency of answers (response: from the planned send; service: the real one)");
    if (s->answers == 0) {
        buf_puts(b, STR("  no answer came\n"));
        return;
    }
    buf_printf(b, "  %-15s %-8s %5s %7s %7s %7s %7s %7s %7s\n", "", "", "count", "p50", "p90",
               "p99", "p99.9", "p99.99", "max");
    put_latencies(b, "all", s->response, s->service);
    for (int kind = 0; kind < KINDS; kind++)
        put_latencies(b, summary_kind_name((enum history_kind)kind), s->by_kind[kind][0],
                      s->by_kind[kind][1]);
}

static void put_status(struct buf *b, const struct summary_status *status)
{
    char name[16];
    if (status->status == 0)
        snprintf(name, sizeof name, "no answer");
    else if (status->status == SUMMARY_STATUS_REST)
        snprintf(name, sizeof name, "others");
    else
        snprintf(name, sizeof name, "%u", status->status);
    buf_printf(b, "  %-10s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", name,
               status->count[OUTCOME_OK], status->count[OUTCOME_FAIL],
               status->count[OUTCOME_UNKNOWN]);
}

void text_statuses(struct buf *b, const struct summary *s)
{
    if (s->statuses == 0)
        return;
    page_title(b, "Answers");
    buf_printf(b, "  %-10s %12s %12s %12s\n", "status", "ok", "fail", "unknown");
    for (size_t i = 0; i < s->statuses; i++)
        put_status(b, &s->status[i]);

    char line[64 * DETAILS];
    int n = 0;
    for (int i = DETAIL_NONE + 1; i < DETAILS; i++)
        if (s->detail[i])
            n += snprintf(line + n, sizeof line - (size_t)n, "%s%s %" PRIu64, n ? ", " : "",
                          summary_detail_name((enum history_detail)i), s->detail[i]);
    if (n > 0)
        page_fact(b, "they said", "%s", line);
}

static void put_item(struct buf *b, const struct summary *s, const struct summary_item *item)
{
    char sku[sizeof s->facts->prefix + 16], left[24] = "-", when[HUMAN_SIZE] = "-";
    snprintf(sku, sizeof sku, "%.*s%" PRIu32, (int)sizeof s->facts->prefix, s->facts->prefix,
             item->item);
    if (item->remaining != -1)
        snprintf(left, sizeof left, "%" PRId64, item->remaining);
    uint64_t go_ns = s->facts->go_ns;
    if (item->sold_out_ns)
        human_duration(item->sold_out_ns > go_ns ? item->sold_out_ns - go_ns : 0, when);
    buf_puts(b, STR("  "));
    page_cell(b, str_of(sku), SKU_COLUMNS, false);
    buf_printf(b, " %8" PRIu64 " %8" PRIu64 " %8" PRId64 " %8" PRId64 " %7s %11s\n", item->requests,
               item->sold_out_answers, item->demand, item->taken, left, when);
}

void text_items(struct buf *b, const struct summary *s)
{
    if (s->top == 0)
        return;
    page_title(b, "Items with most requests");
    buf_printf(b, "  %-*s %8s %8s %8s %8s %7s %11s\n", SKU_COLUMNS, "sku", "requests", "no stock",
               "asked", "taken", "left", "sold out at");
    for (size_t i = 0; i < s->top; i++)
        put_item(b, s, &s->top_item[i]);
}

void text_workers(struct buf *b, const struct summary *s)
{
    if (s->workers == 0)
        return;
    page_title(b, "Client processes");
    buf_printf(b, "  %6s %12s %12s %12s %6s\n", "worker", "attempts", "ok", "unknown", "lives");
    for (size_t i = 0; i < s->workers && i < WORKERS_SHOWN; i++)
        buf_printf(b, "  %6zu %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %6" PRIu32 "\n", i,
                   s->worker[i].operations, s->worker[i].ok, s->worker[i].unknown,
                   s->worker[i].lives);
    if (s->workers > WORKERS_SHOWN)
        buf_printf(b, "  and %zu more\n", s->workers - WORKERS_SHOWN);
}

void text_gates(struct buf *b, const struct report_run *run)
{
    if (run->gates == 0)
        return;
    page_title(b, "Thresholds");
    for (size_t i = 0; i < run->gates; i++) {
        const struct gate_result *gate = &run->gate[i];
        buf_printf(b, "  %-8s", gate->met ? "met" : "MISSED");
        page_cell(b, str_of(gate->text), 24, false);
        if (gate->why && *gate->why)
            page_wrap(b, 34, 34, str_of(gate->why));
        else
            buf_printf(b, "is %.6g%s\n", gate->actual, gate->unit ? gate->unit : "");
    }
}
