#include "report/document.h"
#include "clock.h"
#include "printable.h"
#include "report/jsoncapacity.h"
#include "report/summary.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define REPORT_FORMAT 1 /* raised when a member changes its meaning or goes away */
#define WARNING_MAX   1024

/* --- what the run was ------------------------------------------------------------------------- */

#define FIELD(array) printable_field((array), sizeof(array))

static const char *const progress_names[] = {
    [RUN_STARTED] = "started", [RUN_LOADED] = "loaded", [RUN_SETTLED] = "settled"};
static const char *const verify_names[] = {"full", "counts", "off"};

/* What was asked for. */
static void put_settings(struct jsonput *j, json_t *o, const struct history_facts *facts)
{
    jsonput_text(j, o, "arrival", FIELD(facts->arrival));
    jsonput_number(j, o, "rate", facts->rate > 0 ? facts->rate : (double)NAN);
    jsonput_count(j, o, "processes", facts->processes);
    jsonput_count(j, o, "clients", facts->clients);
    jsonput_count(j, o, "items", facts->items);
    jsonput_count(j, o, "stock", facts->stock);
    jsonput_count_if(j, o, "limit", facts->limit, facts->limit);
    jsonput_count(j, o, "limited_every", facts->limited_every);
    jsonput_count(j, o, "customers", facts->customers);
    jsonput_bool(j, o, "contended", facts->contended);
    jsonput_count(j, o, "ttl_ms", facts->ttl_ms);
    jsonput_count(j, o, "timeout_ms", facts->timeout_ms);
    jsonput_count(j, o, "warmup_ns", facts->warmup_ns);
    jsonput_count_if(j, o, "duration_ns", facts->duration_ns, facts->duration_ns);
    jsonput_count_if(j, o, "requests", facts->requests, facts->requests);
    jsonput_text(j, o, "verify", str_of(facts->verify < 3 ? verify_names[facts->verify] : "off"));
}

/* How it went. */
static void put_course(struct jsonput *j, json_t *o, const struct history_facts *facts)
{
    uint32_t progress = facts->progress, trouble = facts->trouble;
    jsonput_count(j, o, "established", facts->established);
    jsonput_bool(j, o, "metrics", facts->metrics);
    jsonput_count(j, o, "go_ns", facts->go_ns);
    jsonput_count_if(j, o, "stop_ns", facts->stop_ns, facts->stop_ns);
    jsonput_text(j, o, "progress",
                 str_of(progress_names[progress <= RUN_SETTLED ? progress : RUN_STARTED]));
    json_t *troubles = jsonput_array(j, o, "trouble");
    for (size_t i = 0; i < SUMMARY_TROUBLES; i++)
        if (trouble & summary_troubles[i].bit)
            jsonput_text(j, troubles, NULL, str_of(summary_troubles[i].name));
    jsonput_count(j, o, "unsent", facts->attempts_unsent);
    jsonput_count(j, o, "deaths", facts->deaths);
    jsonput_count(j, o, "respawns", facts->respawns);
    jsonput_count(j, o, "restores", facts->restores);
    jsonput_count(j, o, "failovers", facts->failovers);
    jsonput_count(j, o, "cpu_ns", facts->cpu_ns);
}

static void put_facts(struct jsonput *j, json_t *run, const struct history_facts *facts)
{
    json_t *o = jsonput_object(j, run, "facts");
    char started[CLOCK_RFC3339_SIZE], seed[24];
    clock_format_rfc3339(facts->started_wall_ms, started);
    snprintf(seed, sizeof seed, "%" PRIu64, facts->seed);
    jsonput_text(j, o, "run", FIELD(facts->run));
    jsonput_text(j, o, "scenario", FIELD(facts->scenario));
    jsonput_text(j, o, "url", FIELD(facts->url));
    jsonput_text(j, o, "command", FIELD(facts->command));
    jsonput_text(j, o, "version", FIELD(facts->version));
    jsonput_text(j, o, "host", FIELD(facts->host));
    jsonput_text(j, o, "seed", str_of(seed));
    jsonput_text(j, o, "started_at", str_of(started));
    put_settings(j, o, facts);
    put_course(j, o, facts);
}

/* --- what it was to reach --------------------------------------------------------------------- */

/* Thresholds and how they came out. */
static void put_gates(struct jsonput *j, json_t *run, const struct report_run *from)
{
    size_t missed = 0;
    json_t *list = jsonput_array(j, run, "gates");
    for (size_t i = 0; i < from->gates; i++) {
        const struct gate_result *gate = &from->gate[i];
        bool measured = !gate->why || *gate->why == '\0';
        json_t *o = jsonput_object(j, list, NULL);
        jsonput_text(j, o, "text", str_of(gate->text));
        jsonput_bool(j, o, "met", gate->met);
        jsonput_text(j, o, "result",
                     str_of(gate->unknown ? "unknown"
                            : gate->met   ? "met"
                                          : "missed"));
        jsonput_number(j, o, "actual", measured ? gate->actual : (double)NAN);
        jsonput_text(j, o, "unit", str_of(gate->unit));
        jsonput_text_or_null(j, o, "why", str_of(gate->why));
        missed += !gate->met && !gate->unknown;
    }
    jsonput_count_if(j, run, "gates_missed", from->gates > 0, missed);
}

static void warn_of_generator(struct jsonput *j, json_t *list, const struct summary *s)
{
    struct pace pace = pace_of(s);
    char text[WARNING_MAX];
    if (!pace.reached) {
        snprintf(text, sizeof text, "The target rate was not reached, only %.1f%% of it.",
                 100 * (double)s->requests / (pace.target * s->seconds));
        jsonput_text(j, list, NULL, str_of(text));
    }
    if (pace.late)
        jsonput_text(
            j, list, NULL,
            STR("The generator was more than 1ms late, and response times hold that; where "
                "all clients were busy, more of them (-c) would send sooner."));
    if (pace.cpu_bound)
        jsonput_text(j, list, NULL,
                     STR("The client processes had no processor time to spare: the generator "
                         "itself may be the limit."));
}

static void warn_of_gate(struct jsonput *j, json_t *list, const struct gate_result *gate)
{
    char text[WARNING_MAX];
    if (gate->met)
        return;
    if (gate->unknown)
        snprintf(text, sizeof text, "Nobody knows whether the threshold %s is met: %s.", gate->text,
                 gate->why);
    else
        snprintf(text, sizeof text, "The threshold %s was missed%s%s.", gate->text,
                 *gate->why ? ": " : "", gate->why);
    jsonput_text(j, list, NULL, str_of(text));
}

/* What a reader should know before the numbers. */
static void put_warnings(struct jsonput *j, json_t *run, const struct report_run *from)
{
    uint32_t trouble = from->summary->facts->trouble;
    json_t *list = jsonput_array(j, run, "warnings");
    for (size_t i = 0; i < SUMMARY_TROUBLES; i++)
        if (trouble & summary_troubles[i].bit)
            jsonput_text(j, list, NULL, str_of(summary_troubles[i].text));
    for (size_t i = 0; i < from->gates; i++)
        warn_of_gate(j, list, &from->gate[i]);
    warn_of_generator(j, list, from->summary);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void put_run(struct jsonput *j, json_t *runs, const struct report_run *from)
{
    json_t *run = jsonput_object(j, runs, NULL);
    jsonput_text(j, run, "name", str_of(from->name));
    jsonput_integer(j, run, "exit_status", from->exit_status);
    jsonrun_verdict(j, run, from);
    put_warnings(j, run, from);
    put_facts(j, run, from->summary->facts);
    jsonrun_numbers(j, run, from);
    put_gates(j, run, from);
}

json_t *document_make(const struct report *report)
{
    struct jsonput j = {0};
    json_t *root = json_object();
    jsonput_integer(&j, root, "format", REPORT_FORMAT);
    json_t *list = jsonput_array(&j, root, "runs");
    for (size_t i = 0; i < report->count; i++)
        put_run(&j, list, &report->runs[i]);
    if (report->capacity)
        jsoncapacity_put(&j, root, report->capacity);
    return jsonput_end(&j, root);
}

int report_json(FILE *out, const struct report *report)
{
    json_t *document = document_make(report);
    if (!document)
        return -ENOMEM;
    bool written =
        json_dumpf(document, out, JSON_INDENT(2) | DOCUMENT_FORMAT) == 0 && fputc('\n', out) != EOF;
    json_decref(document);
    return written ? 0 : -EIO;
}
