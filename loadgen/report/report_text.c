/* report_text.c -- one run in full, or several side by side, for people. */
#include "report/document.h"
#include "report/flush.h"
#include "report/text_run.h"

#define RUN_MAX (1024 * 1024) /* bytes of the page, for each run */

/* The verdict first: all else is read in its light. Where nobody looked, tables of zeros would only
 * hide that. */
static void put_run(struct buf *b, const json_t *run)
{
    text_verdict(b, run);
    if (template_holds(run, "verdict.checked")) {
        text_properties(b, run);
        text_witnesses(b, run);
    }
    for (size_t i = 0; i < LAYOUT_SECTIONS; i++)
        text_section(b, &layout_sections[i], run);
}

int report_text(FILE *out, const struct report_run *runs, size_t count)
{
    json_t *document = document_make(runs, count);
    if (!document)
        return -ENOMEM;
    const json_t *shown = json_object_get(document, "runs");
    struct buf b;
    buf_init(&b, RUN_MAX * (count ? count : 1));
    if (count == 1)
        put_run(&b, json_array_get(shown, 0));
    else
        text_comparison(&b, shown);
    int result = flush_buf(out, &b);
    buf_free(&b);
    json_decref(document);
    return result;
}
