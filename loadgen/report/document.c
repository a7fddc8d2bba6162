/* document.c -- see document.h. */
#include "report/document.h"

#include "report/jsonrun.h"

#define REPORT_FORMAT 1 /* raised when a member changes its meaning or goes away */

static void put_run(struct jsonput *j, json_t *runs, const struct report_run *from)
{
    json_t *run = jsonput_object(j, runs, NULL);
    jsonput_text(j, run, "name", str_of(from->name));
    jsonput_integer(j, run, "exit_status", from->exit_status);
    jsonrun_verdict(j, run, from);
    jsonrun_warnings(j, run, from);
    jsonrun_facts(j, run, from->summary->facts);
    jsonrun_numbers(j, run, from->summary);
    jsonrun_gates(j, run, from);
}

json_t *document_make(const struct report_run *runs, size_t count)
{
    struct jsonput j = {0};
    json_t *root = json_object();
    if (!root)
        return NULL;
    jsonput_integer(&j, root, "format", REPORT_FORMAT);
    json_t *list = jsonput_array(&j, root, "runs");
    for (size_t i = 0; i < count; i++)
        put_run(&j, list, &runs[i]);
    if (j.failed) {
        json_decref(root);
        return NULL;
    }
    return root;
}
