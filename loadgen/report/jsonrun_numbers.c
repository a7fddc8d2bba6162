/* jsonrun_numbers.c -- rates, latencies, counts, items, workers and the series, in JSON. */
#include "history/names.h"
#include "report/document.h"

#include <math.h>

static const struct {
    const char *key;
    double percent;
} percentiles[] = {
    {"p50_ns", 50}, {"p75_ns", 75},     {"p90_ns", 90},       {"p95_ns", 95},
    {"p99_ns", 99}, {"p99_9_ns", 99.9}, {"p99_99_ns", 99.99},
};

/* null for a histogram of nothing: zeros would look like the best of latencies. */
static void put_latency(struct jsonput *j, json_t *parent, const char *key,
                        const struct histogram *h)
{
    if (!h || h->count == 0) {
        jsonput_null(j, parent, key);
        return;
    }
    json_t *o = jsonput_object(j, parent, key);
    jsonput_count(j, o, "count", h->count);
    jsonput_count(j, o, "min_ns", h->min);
    jsonput_number(j, o, "mean_ns", histogram_mean(h));
    jsonput_number(j, o, "deviation_ns", histogram_deviation(h));
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++)
        jsonput_count(j, o, percentiles[i].key, histogram_percentile(h, percentiles[i].percent));
    jsonput_count(j, o, "max_ns", h->max);
}

static void put_classes(struct jsonput *j, json_t *parent, const char *key,
                        const uint64_t count[CLASSES])
{
    json_t *o = jsonput_object(j, parent, key);
    for (int i = 0; i < CLASSES; i++)
        jsonput_count(j, o, summary_class_name((enum summary_class)i), count[i]);
}

static void put_load(struct jsonput *j, json_t *run, const struct summary *s)
{
    struct pace pace = pace_of(s);
    json_t *o = jsonput_object(j, run, "load");
    jsonput_count(j, o, "from_ns", s->from_ns);
    jsonput_count(j, o, "to_ns", s->to_ns);
    jsonput_number(j, o, "seconds", s->seconds);
    jsonput_count(j, o, "attempts", s->operations);
    jsonput_count(j, o, "requests", s->requests);
    jsonput_count(j, o, "warmup_attempts", s->warmup);
    jsonput_count(j, o, "answers", s->answers);
    jsonput_count(j, o, "successes", s->successes);
    jsonput_number(j, o, "attempts_per_second", pace.sent_per_second);
    jsonput_number(j, o, "answers_per_second", s->per_second);
    if (pace.open)
        jsonput_bool(j, o, "target_reached", pace.reached);
    else
        jsonput_null(j, o, "target_reached");
    jsonput_count(j, o, "dropped", s->facts->dropped);
    jsonput_number(j, o, "cpu_share", pace.cpu_share >= 0 ? pace.cpu_share : (double)NAN);
    put_latency(j, o, "late", pace.open ? s->late : NULL);
}

static void put_conflicts(struct jsonput *j, json_t *run, const struct summary *s)
{
    const char *doubt = s->conflicts_doubt;
    if (!doubt && s->successes == 0)
        doubt = "nothing succeeded";
    jsonput_text_or_null(j, run, "conflicts_doubt", str_of(doubt ? doubt : ""));
    if (s->conflicts_doubt) {
        jsonput_null(j, run, "conflicts");
        return;
    }
    /* Without a success there is no ratio, but the counts are known all the same. */
    json_t *o = jsonput_object(j, run, "conflicts");
    double ratio = s->conflicts_per_success;
    jsonput_count(j, o, "lost", s->conflicts);
    jsonput_number(j, o, "per_success", ratio >= 0 ? ratio : (double)NAN);
    jsonput_count(j, o, "batches", s->batches);
    jsonput_count(j, o, "batch_operations", s->batch_ops);
}

static void put_kinds(struct jsonput *j, json_t *run, const struct summary *s)
{
    json_t *list = jsonput_array(j, run, "kinds");
    for (int kind = 0; kind < KINDS; kind++) {
        uint64_t sent = 0;
        for (int i = 0; i < CLASSES; i++)
            sent += s->kind_count[kind][i];
        if (sent == 0)
            continue;
        json_t *o = jsonput_object(j, list, NULL);
        jsonput_text(j, o, "kind", str_of(history_kind_name((enum history_kind)kind)));
        put_classes(j, o, "outcomes", s->kind_count[kind]);
        put_latency(j, o, "response", s->by_kind[kind][0]);
        put_latency(j, o, "service", s->by_kind[kind][1]);
    }
}

static void put_statuses(struct jsonput *j, json_t *run, const struct summary *s)
{
    json_t *list = jsonput_array(j, run, "statuses");
    for (size_t i = 0; i < s->statuses; i++) {
        const struct summary_status *status = &s->status[i];
        json_t *o = jsonput_object(j, list, NULL);
        if (status->status == 0)
            jsonput_null(j, o, "status");
        else if (status->status == SUMMARY_STATUS_REST)
            jsonput_text(j, o, "status", STR("other"));
        else
            jsonput_count(j, o, "status", status->status);
        for (int outcome = 0; outcome < OUTCOMES; outcome++)
            jsonput_count(j, o, history_outcome_name((enum history_outcome)outcome),
                          status->count[outcome]);
    }
    json_t *details = jsonput_object(j, run, "details");
    for (int i = 0; i < DETAILS; i++)
        jsonput_count(j, details, history_detail_name((enum history_detail)i), s->detail[i]);
}

static void put_sold_out(struct jsonput *j, json_t *o, uint64_t go_ns, uint64_t at_ns)
{
    jsonput_count_if(j, o, "sold_out_ns", at_ns > 0, at_ns);
    jsonput_count_if(j, o, "sold_out_after_ns", at_ns > 0, at_ns > go_ns ? at_ns - go_ns : 0);
}

static void put_item_totals(struct jsonput *j, json_t *run, const struct report_run *from)
{
    const struct summary *s = from->summary;
    json_t *list = jsonput_array(j, run, "items");
    for (size_t i = 0; i < s->top; i++) {
        const struct summary_item *item = &s->top_item[i];
        json_t *o = jsonput_object(j, list, NULL);
        jsonrun_sku(j, o, "sku", from->history, item->item);
        jsonput_count(j, o, "requests", item->requests);
        jsonput_count(j, o, "sold_out_answers", item->sold_out_answers);
        jsonput_integer(j, o, "demand", item->demand);
        jsonput_integer(j, o, "taken", item->taken);
        jsonput_integer_if(j, o, "remaining", item->remaining != -1, item->remaining);
        put_sold_out(j, o, s->facts->go_ns, item->sold_out_ns);
    }
}

static void put_workers(struct jsonput *j, json_t *run, const struct summary *s)
{
    json_t *list = jsonput_array(j, run, "workers");
    for (size_t i = 0; i < s->workers; i++) {
        json_t *o = jsonput_object(j, list, NULL);
        jsonput_count(j, o, "worker", i);
        jsonput_count(j, o, "attempts", s->worker[i].operations);
        jsonput_count(j, o, "ok", s->worker[i].ok);
        jsonput_count(j, o, "unknown", s->worker[i].unknown);
        jsonput_count(j, o, "lives", s->worker[i].lives);
    }
}

/* Of interval i, since from_ns: the last one is cut off by the end of the run. */
static uint64_t interval_end_ns(const struct summary *s, size_t i)
{
    uint64_t end_ns = s->interval_ns * (i + 1), all_ns = s->to_ns - s->from_ns;
    return i + 1 == s->intervals && all_ns > s->interval_ns * i && all_ns < end_ns ? all_ns
                                                                                   : end_ns;
}

static void put_interval(struct jsonput *j, json_t *list, const struct summary *s, size_t i)
{
    const struct summary_interval *interval = &s->interval[i];
    bool answered = interval->p50_ns || interval->max_ns;
    const struct {
        const char *key;
        uint64_t ns;
    } times[] = {{"p50_ns", interval->p50_ns},
                 {"p90_ns", interval->p90_ns},
                 {"p99_ns", interval->p99_ns},
                 {"max_ns", interval->max_ns}};
    json_t *o = jsonput_object(j, list, NULL);
    jsonput_count(j, o, "end_ns", interval_end_ns(s, i));
    put_classes(j, o, "outcomes", interval->count);
    for (size_t n = 0; n < sizeof times / sizeof times[0]; n++)
        jsonput_count_if(j, o, times[n].key, answered, times[n].ns);
    jsonput_count(j, o, "conflicts", interval->conflicts);
    jsonput_count(j, o, "in_flight", interval->in_flight);
    json_t *left = jsonput_array(j, o, "left");
    for (size_t hot = 0; hot < s->hot; hot++)
        jsonput_integer_if(j, left, NULL, interval->left[hot] != -1, interval->left[hot]);
}

static void put_series(struct jsonput *j, json_t *run, const struct report_run *from)
{
    const struct summary *s = from->summary;
    json_t *o = jsonput_object(j, run, "series");
    jsonput_count(j, o, "interval_ns", s->interval_ns);
    json_t *hot = jsonput_array(j, o, "hot");
    for (size_t i = 0; i < s->hot; i++)
        jsonrun_sku(j, hot, NULL, from->history, s->hot_item[i]);
    json_t *list = jsonput_array(j, o, "intervals");
    for (size_t i = 0; i < s->intervals; i++)
        put_interval(j, list, s, i);
}

/* Five points each time the rest halves, as HdrHistogram draws it, down to the slowest answer. */
static void put_curve(struct jsonput *j, json_t *parent, const char *key, const struct histogram *h)
{
    json_t *points = jsonput_array(j, parent, key);
    uint64_t count = h ? h->count : 0;
    for (int step = 0; count > 0; step++) {
        double one_in = exp2(step / 5.0);
        bool last = one_in >= (double)count;
        double percent = last ? 100.0 : 100.0 * (1.0 - 1.0 / one_in);
        json_t *point = jsonput_object(j, points, NULL);
        jsonput_number(j, point, "one_in", last ? (double)count : one_in);
        jsonput_count(j, point, "ns", histogram_percentile(h, percent));
        if (last)
            return;
    }
}

static void put_curves(struct jsonput *j, json_t *run, const struct summary *s)
{
    json_t *o = jsonput_object(j, run, "curves");
    put_curve(j, o, "response", s->response);
    put_curve(j, o, "service", s->service);
}

void jsonrun_numbers(struct jsonput *j, json_t *run, const struct report_run *from)
{
    const struct summary *s = from->summary;
    put_load(j, run, s);
    put_classes(j, run, "outcomes", s->count);
    put_conflicts(j, run, s);
    json_t *latency = jsonput_object(j, run, "latency");
    put_latency(j, latency, "response", s->response);
    put_latency(j, latency, "service", s->service);
    put_kinds(j, run, s);
    put_statuses(j, run, s);
    put_item_totals(j, run, from);
    put_workers(j, run, s);
    put_series(j, run, from);
    put_curves(j, run, s);
}
