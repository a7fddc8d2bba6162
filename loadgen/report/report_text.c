/* report_text.c -- one run in full, or several side by side, for people. */
#include "report/flush.h"
#include "report/text_run.h"

#define RUN_MAX (1024 * 1024) /* bytes of the page, for each run */

/* The verdict first: all else is read in its light. Where nothing ran, or nobody looked, tables of
 * zeros would only hide that. */
static void put_run(struct buf *b, const struct report_run *run)
{
    const struct summary *s = run->summary;
    bool ran = s->operations > 0 || s->warmup > 0;
    text_verdict(b, run->verdict);
    if (ran && text_was_checked(run->verdict)) {
        text_properties(b, run->verdict);
        text_witnesses(b, run->verdict, run->history);
        text_coverage(b, run->verdict, s->facts);
    }
    text_facts(b, run);
    if (ran) {
        text_pace(b, s);
        text_latency(b, s);
        text_statuses(b, s);
        text_items(b, s);
        text_workers(b, s);
    }
    text_gates(b, run);
}

int report_text(FILE *out, const struct report_run *runs, size_t count)
{
    struct buf b;
    buf_init(&b, RUN_MAX * (count ? count : 1));
    if (count == 1)
        put_run(&b, runs);
    else
        text_comparison(&b, runs, count);
    int result = flush_buf(out, &b);
    buf_free(&b);
    return result;
}
