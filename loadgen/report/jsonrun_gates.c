/* jsonrun_gates.c -- the thresholds, and what there is to be warned of, in JSON. */
#include "report/jsonrun.h"

#include "report/pace.h"

#include <stdio.h>

#define WARNING_MAX 1024

void jsonrun_gates(struct jsonput *j, json_t *run, const struct report_run *from)
{
    size_t missed = 0;
    json_t *list = jsonput_array(j, run, "gates");
    for (size_t i = 0; i < from->gates; i++) {
        const struct gate_result *gate = &from->gate[i];
        bool measured = !gate->why || *gate->why == '\0';
        json_t *o = jsonput_object(j, list, NULL);
        jsonput_text(j, o, "text", str_of(gate->text));
        jsonput_bool(j, o, "met", gate->met);
        if (measured)
            jsonput_number(j, o, "actual", gate->actual);
        else
            jsonput_null(j, o, "actual");
        jsonput_text(j, o, "unit", str_of(gate->unit));
        jsonput_text_or_null(j, o, "why", str_of(gate->why));
        missed += !gate->met;
    }
    if (from->gates > 0)
        jsonput_count(j, run, "gates_missed", missed);
    else
        jsonput_null(j, run, "gates_missed");
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
    snprintf(text, sizeof text, "The threshold %s was missed.", gate->text);
    jsonput_text(j, list, NULL, str_of(text));
}

void jsonrun_warnings(struct jsonput *j, json_t *run, const struct report_run *from)
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
