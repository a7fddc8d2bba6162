/* report_json.c -- everything known about one run or several, for programs. The fields are
 * described in report.schema.json. */
#include "report/jsonrun.h"

#include <errno.h>

#define REPORT_FORMAT 1 /* raised when a member changes its meaning or goes away */

static void put_gates(struct jsonput *j, json_t *run, const struct report_run *from)
{
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
    }
}

static void put_run(struct jsonput *j, json_t *runs, const struct report_run *from)
{
    json_t *run = jsonput_object(j, runs, NULL);
    jsonput_text(j, run, "name", str_of(from->name));
    jsonput_integer(j, run, "exit_status", from->exit_status);
    jsonrun_verdict(j, run, from);
    jsonrun_facts(j, run, from->summary->facts);
    jsonrun_numbers(j, run, from->summary);
    put_gates(j, run, from);
}

int report_json(FILE *out, const struct report_run *runs, size_t count)
{
    struct jsonput j = {0};
    json_t *root = json_object();
    if (!root)
        return -ENOMEM;
    jsonput_integer(&j, root, "format", REPORT_FORMAT);
    json_t *list = jsonput_array(&j, root, "runs");
    for (size_t i = 0; i < count; i++)
        put_run(&j, list, &runs[i]);
    int result = j.failed ? -ENOMEM : 0;
    if (result == 0 && (json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) < 0 ||
                        fputc('\n', out) == EOF))
        result = -EIO;
    json_decref(root);
    return result;
}
