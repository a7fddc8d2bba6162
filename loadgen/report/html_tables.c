/* html_tables.c -- see html_tables.h. */
#include "report/html_tables.h"

#include "report/html.h"
#include "report/html_data.h"

#include <inttypes.h>

static void gates(FILE *out, const struct report_run *run)
{
    static const char *const heads[] = {"Threshold", "Measured", "Result", NULL};
    if (run->gates == 0)
        return;
    html_table(out, "Thresholds", NULL, heads);
    for (size_t i = 0; i < run->gates; i++) {
        const struct gate_result *gate = &run->gate[i];
        fputs("<tr>", out);
        html_cell_name(out, str_of(gate->text));
        if (*gate->why)
            fprintf(out, "<td>%s</td>", gate->why);
        else
            fprintf(out, "<td>%.6g%s</td>", gate->actual, gate->unit);
        fprintf(out, "<td class=\"%s\">%s</td></tr>\n", gate->met ? "right" : "violation",
                gate->met ? "met" : "missed");
    }
    html_table_end(out);
}

static void latency_row(FILE *out, const char *kind, const char *what, const struct histogram *h)
{
    static const double percents[] = {50, 75, 90, 95, 99, 99.9, 99.99};
    if (!h || h->count == 0)
        return;
    fputs("<tr>", out);
    html_cell_name(out, str_of(kind));
    fprintf(out, "<td>%s</td>", what);
    html_cell_count(out, h->count);
    html_cell_duration(out, (uint64_t)histogram_mean(h));
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
        html_cell_duration(out, histogram_percentile(h, percents[i]));
    html_cell_duration(out, h->max);
    fputs("</tr>\n", out);
}

static void latency(FILE *out, const struct summary *s)
{
    static const char *const heads[] = {"Operation", "Time", "Answers", "Mean", "p50",
                                        "p75",       "p90",  "p95",     "p99",  "p99.9",
                                        "p99.99",    "Max",  NULL};
    if (!html_data_latency(s))
        return;
    html_table(out, "Latency",
               "Response time runs from the moment the request was planned for, service time "
               "from the moment it was sent.",
               heads);
    latency_row(out, "all", "response", s->response);
    latency_row(out, "all", "service", s->service);
    for (int k = 0; k < KINDS; k++) {
        const char *name = summary_kind_name((enum history_kind)k);
        latency_row(out, name, "response", s->by_kind[k][0]);
        latency_row(out, name, "service", s->by_kind[k][1]);
    }
    latency_row(out, "sent late by", "generator", s->late);
    html_table_end(out);
}

static const char *const class_heads[] = {"Operation", "OK",      "Sold out", "Refused",
                                          "Busy",      "Unknown", NULL};
static_assert(sizeof(class_heads) / sizeof(class_heads[0]) == CLASSES + 2, "a head for each class");

static void class_row(FILE *out, const char *name, const uint64_t count[CLASSES])
{
    uint64_t sum = 0;
    for (int c = 0; c < CLASSES; c++)
        sum += count[c];
    if (sum == 0)
        return;
    fputs("<tr>", out);
    html_cell_name(out, str_of(name));
    for (int c = 0; c < CLASSES; c++)
        html_cell_count(out, count[c]);
    fputs("</tr>\n", out);
}

static void outcomes(FILE *out, const struct summary *s)
{
    if (s->operations == 0)
        return;
    html_table(out, "Outcomes by operation",
               "Unknown: no whole answer, or one that says so; the checker finds out what became "
               "of it.",
               class_heads);
    class_row(out, "all", s->count);
    for (int k = 0; k < KINDS; k++)
        class_row(out, summary_kind_name((enum history_kind)k), s->kind_count[k]);
    html_table_end(out);
}

static void statuses(FILE *out, const struct summary *s)
{
    static const char *const heads[] = {"Status", "OK", "Failed", "Unknown", NULL};
    static const enum history_outcome order[] = {OUTCOME_OK, OUTCOME_FAIL, OUTCOME_UNKNOWN};
    if (s->statuses == 0)
        return;
    html_table(out, "HTTP status by outcome", NULL, heads);
    for (size_t i = 0; i < s->statuses; i++) {
        fputs("<tr>", out);
        char name[16];
        snprintf(name, sizeof(name), "%" PRIu16, s->status[i].status);
        html_cell_name(out, s->status[i].status ? str_of(name) : STR("no answer"));
        for (size_t o = 0; o < OUTCOMES; o++)
            html_cell_count(out, s->status[i].count[order[o]]);
        fputs("</tr>\n", out);
    }
    html_table_end(out);
}

static void details(FILE *out, const struct summary *s)
{
    static const char *const heads[] = {"What the answer said", "Answers", NULL};
    uint64_t sum = 0;
    for (int d = DETAIL_NONE + 1; d < DETAILS; d++)
        sum += s->detail[d];
    if (sum == 0)
        return;
    html_table(out, "States and refusals", NULL, heads);
    for (int d = DETAIL_NONE + 1; d < DETAILS; d++) {
        if (s->detail[d] == 0)
            continue;
        fputs("<tr>", out);
        html_cell_name(out, str_of(summary_detail_name((enum history_detail)d)));
        html_cell_count(out, s->detail[d]);
        fputs("</tr>\n", out);
    }
    html_table_end(out);
}

/* Seconds since the clients were let go, or a dash. */
static void sold_out_cell(FILE *out, const struct summary *s, uint64_t at_ns)
{
    uint64_t origin = s->facts->go_ns;
    if (at_ns == 0)
        html_cell_none(out);
    else
        fprintf(out, "<td>%.3f s</td>", at_ns > origin ? (double)(at_ns - origin) / 1e9 : 0.0);
}

static void items(FILE *out, const struct summary *s)
{
    static const char *const heads[] = {"Item", "Requests",         "Units asked for", "Units got",
                                        "Left", "Sold-out answers", "Sold out at",     NULL};
    if (s->top == 0)
        return;
    html_table(out, "Busiest items",
               "What was left is the last that an answer said; sold out at: seconds after the "
               "clients were let go.",
               heads);
    for (size_t i = 0; i < s->top; i++) {
        const struct summary_item *item = &s->top_item[i];
        char sku[64];
        struct str prefix = HTML_FIELD(s->facts->prefix);
        snprintf(sku, sizeof(sku), "%.*s%" PRIu32, STR_ARG(prefix), item->item);
        fputs("<tr>", out);
        html_cell_name(out, str_of(sku));
        html_cell_count(out, item->requests);
        html_cell_signed(out, item->demand);
        html_cell_signed(out, item->taken);
        html_cell_signed(out, item->remaining);
        html_cell_count(out, item->sold_out_answers);
        sold_out_cell(out, s, item->sold_out_ns);
        fputs("</tr>\n", out);
    }
    html_table_end(out);
}

static void workers(FILE *out, const struct summary *s)
{
    static const char *const heads[] = {"Process", "Operations", "OK", "Unknown", "Lives", NULL};
    if (s->workers == 0)
        return;
    html_table(out, "Client processes",
               "More than one life: it died or left, and was forked again.", heads);
    for (size_t i = 0; i < s->workers; i++) {
        const struct summary_worker *worker = &s->worker[i];
        fprintf(out, "<tr><th scope=\"row\">%zu</th>", i);
        html_cell_count(out, worker->operations);
        html_cell_count(out, worker->ok);
        html_cell_count(out, worker->unknown);
        html_cell_count(out, worker->lives);
        fputs("</tr>\n", out);
    }
    html_table_end(out);
}

static void coverage(FILE *out, const struct coverage *c)
{
    static const char *const heads[] = {"What the proof rests on", "Count", NULL};
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"requests sent", c->operations},
        {"effects that happened", c->successes},
        {"unknown: happened after all", c->happened},
        {"unknown: had no effect", c->absent},
        {"unknown: never resolved", c->unresolved},
        {"sent again with the same key", c->resent},
        {"answers marked as replayed", c->replays},
        {"baskets that took effect", c->baskets},
        {"batches of several operations", c->batches},
        {"items that sold out", c->sold_out_items},
        {"sold-out answers", c->sold_out_answers},
        {"refusals by a customer's limit", c->limit_answers},
        {"reservations made", c->reservations},
        {"… confirmed in the end", c->confirmed},
        {"… after they had expired", c->taken_again},
        {"… released", c->released},
        {"… expired", c->expired},
        {"… still held", c->held},
        {"reservations read back", c->read_back},
        {"most requests in flight on one item", c->most_in_flight},
    };
    html_table(out, "Coverage", "A pass that met no contention would prove nothing.", heads);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fprintf(out, "<tr><th scope=\"row\">%s</th>", rows[i].name);
        html_cell_count(out, rows[i].value);
        fputs("</tr>\n", out);
    }
    html_table_end(out);
}

void html_tables(FILE *out, const struct report_run *run)
{
    latency(out, run->summary);
    items(out, run->summary);
    fputs("<div class=\"narrow\">\n", out);
    gates(out, run);
    outcomes(out, run->summary);
    statuses(out, run->summary);
    details(out, run->summary);
    coverage(out, &run->verdict->coverage);
    workers(out, run->summary);
    fputs("</div>\n", out);
}
