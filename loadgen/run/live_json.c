#include "run/live_json.h"
#include "printable.h"
#include "report/document.h"
#include "report/layout.h"
#include "report/template.h"

#include <inttypes.h>
#include <math.h>

#define COMMAND_SHOWN 2000 /* bytes of a command line */
#define FIGURE_MAX    1024
#define DIGITS        1e3 /* of measured numbers: a thousandth is enough to be looked at */

static_assert((int)LIVE_CLASSES == (int)CLASSES && (int)LIVE_NO_STOCK == (int)CLASS_NO_STOCK &&
                  (int)LIVE_BUSY == (int)CLASS_BUSY && (int)LIVE_UNKNOWN == (int)CLASS_UNKNOWN,
              "the live view has the classes of the report");

#define FIELD(array) printable_field((array), sizeof(array))

/* What is below 0 is not known. */
static void put_measured(struct jsonput *j, json_t *parent, const char *key, double value)
{
    jsonput_number(j, parent, key, value >= 0 ? round(value * DIGITS) / DIGITS : (double)NAN);
}

static void put_classes(struct jsonput *j, json_t *document, const uint64_t count[CLASSES])
{
    json_t *o = jsonput_object(j, document, "answers");
    for (int i = 0; i < CLASSES; i++)
        jsonput_count(j, o, summary_class_name((enum summary_class)i), count[i]);
}

static void put_facts(struct jsonput *j, json_t *document, const struct history_facts *facts)
{
    json_t *o = jsonput_object(j, document, "facts");
    char seed[24];
    struct str command = FIELD(facts->command);
    snprintf(seed, sizeof(seed), "%" PRIu64, facts->seed);
    command.n = command.n < COMMAND_SHOWN ? command.n : COMMAND_SHOWN;
    jsonput_text(j, o, "run", FIELD(facts->run));
    jsonput_text(j, o, "scenario", FIELD(facts->scenario));
    jsonput_text(j, o, "url", FIELD(facts->url));
    jsonput_text(j, o, "command", command);
    jsonput_text(j, o, "seed", str_of(seed));
    jsonput_text(j, o, "prefix", FIELD(facts->prefix));
    jsonput_count(j, o, "clients", facts->clients);
    jsonput_count(j, o, "processes", facts->processes);
    jsonput_count(j, o, "items", facts->items);
    jsonput_count(j, o, "stock", facts->stock);
}

json_t *live_json_begin(const struct history_facts *facts)
{
    static const char *const later[] = {"step", "load", "verdict", "exit_status"};
    struct jsonput j = {0};
    json_t *document = json_object();
    jsonput_text(&j, document, "kind", STR("run"));
    jsonput_text(&j, document, "phase", STR("starting"));
    jsonput_bool(&j, document, "over", false);
    put_facts(&j, document, facts);
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
        jsonput_null(&j, document, later[i]);
    return jsonput_end(&j, document);
}

static void put_step(struct jsonput *j, json_t *document, const struct live_state *s)
{
    json_t *o = jsonput_object(j, document, "step");
    jsonput_integer(j, o, "percent", live_percent(s));
    jsonput_count_if(j, o, "done", !s->step_percent, s->step_done);
    jsonput_count_if(j, o, "all", !s->step_percent, s->step_all);
}

static void put_clock(struct jsonput *j, json_t *load, const struct live_state *s)
{
    int percent = live_percent(s);
    jsonput_integer(j, load, "elapsed_ms", s->elapsed_ms);
    jsonput_count_if(j, load, "planned_ms", s->planned_ms > 0, (uint64_t)s->planned_ms);
    jsonput_count_if(j, load, "requests_planned", s->requests_planned > 0, s->requests_planned);
    jsonput_count_if(j, load, "percent", percent >= 0, (uint64_t)percent);
}

static void put_numbers(struct jsonput *j, json_t *load, const struct live_state *s)
{
    jsonput_count(j, load, "requests", s->requests_sent);
    put_classes(j, load, s->count);
    put_measured(j, load, "rate_now", s->rate_now);
    put_measured(j, load, "rate_average", s->rate_average);
    put_measured(j, load, "p50_ms", s->p50_ms);
    put_measured(j, load, "p99_ms", s->p99_ms);
    put_measured(j, load, "conflicts", s->conflicts);
    jsonput_count(j, load, "in_flight", s->in_flight);
    jsonput_count(j, load, "connections", s->connections);
    jsonput_count(j, load, "dropped", s->dropped);
}

static void put_hot_items(struct jsonput *j, json_t *load, const struct live_state *s)
{
    json_t *list = jsonput_array(j, load, "items");
    for (size_t i = 0; i < s->hot; i++) {
        const struct live_item *item = &s->item[i];
        json_t *o = jsonput_object(j, list, NULL);
        jsonput_count(j, o, "item", item->index);
        jsonput_integer(j, o, "initial", item->initial);
        jsonput_count_if(j, o, "left", item->remaining >= 0, (uint64_t)item->remaining);
    }
}

/* Lists of numbers, since there may be hundreds: requests, lives, then a count for each class. */
static void put_processes(struct jsonput *j, json_t *load, const struct live_state *s)
{
    json_t *list = jsonput_array(j, load, "processes");
    for (size_t i = 0; i < s->processes; i++) {
        const struct live_process *process = &s->process[i];
        json_t *row = jsonput_array(j, list, NULL);
        jsonput_count(j, row, NULL, process->requests);
        jsonput_count(j, row, NULL, process->lives);
        for (int c = 0; c < LIVE_CLASSES; c++)
            jsonput_count(j, row, NULL, process->count[c]);
    }
}

static void put_past(struct jsonput *j, json_t *load, const struct live_state *s)
{
    json_t *past = jsonput_object(j, load, "past");
    json_t *rate = jsonput_array(j, past, "rate"), *p99 = jsonput_array(j, past, "p99_ms");
    for (size_t i = 0; i < s->past; i++) {
        put_measured(j, rate, NULL, s->past_rate[i]);
        put_measured(j, p99, NULL, s->past_p99_ms[i]);
    }
}

bool live_json_moment(json_t *document, const struct live_state *state)
{
    struct jsonput j = {0};
    jsonput_text(&j, document, "phase", str_of(state->phase ? state->phase : "running"));
    if (state->step) {
        put_step(&j, document, state);
        return !j.failed;
    }
    jsonput_null(&j, document, "step");
    json_t *load = jsonput_object(&j, document, "load");
    put_clock(&j, load, state);
    put_numbers(&j, load, state);
    put_hot_items(&j, load, state);
    put_processes(&j, load, state);
    put_past(&j, load, state);
    return !j.failed;
}

/* --- how it came out -------------------------------------------------------------------------- */

/* What the text report ends with: pairs of a label and a text. */
static void put_figures(struct jsonput *j, json_t *verdict, const json_t *run)
{
    json_t *list = jsonput_array(j, verdict, "figures");
    struct buf text;
    buf_init(&text, FIGURE_MAX);
    for (size_t i = 0; i < layout_headline.fields; i++) {
        const struct layout_field *field = &layout_headline.field[i];
        if (field->only == LAYOUT_PAGE || !template_holds(run, field->when))
            continue;
        buf_reset(&text);
        if (!template_put(&text, field->text, run)) {
            if (!field->otherwise || !template_put(&text, field->otherwise, run))
                continue;
        }
        json_t *pair = jsonput_array(j, list, NULL);
        jsonput_text(j, pair, NULL, str_of(field->label));
        jsonput_text(j, pair, NULL, buf_str(&text));
        j->failed |= text.failed;
    }
    buf_free(&text);
}

static void copy_text(struct jsonput *j, json_t *to, const json_t *from, const char *key)
{
    const char *text = json_string_value(json_object_get(from, key));
    jsonput_text(j, to, key, str_of(text ? text : ""));
}

/* A whole one has all witnesses, which are for the report to show. */
static void put_verdict(struct jsonput *j, json_t *document, const json_t *run, int exit_status)
{
    const json_t *whole = json_object_get(run, "verdict");
    json_t *o = jsonput_object(j, document, "verdict");
    copy_text(j, o, whole, "word");
    copy_text(j, o, whole, "shown");
    copy_text(j, o, whole, "sentence");
    jsonput_integer(j, o, "exit_status", exit_status);
    put_figures(j, o, run);
}

bool live_json_verdict(json_t *document, const struct report_run *from)
{
    struct jsonput j = {0};
    json_t *run = json_object();
    json_t *load = json_object_get(document, "load");
    if (!run)
        return false;
    jsonrun_verdict(&j, run, from);
    jsonrun_numbers(&j, run, from);
    jsonput_text(&j, document, "phase", STR("judged"));
    jsonput_null(&j, document, "step");
    if (json_is_object(load)) {
        jsonput_count(&j, load, "requests", from->summary->requests);
        put_classes(&j, load, from->summary->count);
    }
    put_verdict(&j, document, run, from->exit_status);
    json_decref(run);
    return !j.failed;
}

bool live_json_end(json_t *document, int exit_status)
{
    struct jsonput j = {0};
    jsonput_bool(&j, document, "over", true);
    jsonput_null(&j, document, "step");
    jsonput_integer(&j, document, "exit_status", exit_status);
    return !j.failed;
}
