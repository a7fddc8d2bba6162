#include "http/tally.h"
#include "clock.h"
#include "core/hot.h"
#include "http/exchange.h"
#include "stats.h"

static enum stats_outcome outcome_of(const struct outcome *out)
{
    if (outcome_succeeded(out->code))
        return out->replayed ? STATS_REPLAYED : STATS_DONE;
    if (out->code == OUT_INSUFFICIENT_STOCK)
        return STATS_INSUFFICIENT;
    if (out->code == OUT_LIMIT_EXCEEDED)
        return STATS_LIMITED;
    return problem_get(problem_of_outcome(out->code))->status < 500 ? STATS_REFUSED : STATS_FAILED;
}

/* Of an item that is there somebody wanted something; others may be names that nobody has. */
static void note_items(struct hot *hot, const struct op *op)
{
    const struct reservation *r = op->line_count == 0 ? op->out.resv : NULL;
    unsigned count = r ? r->line_count : op->line_count;
    int64_t now_ms = clock_mono_ms();
    for (unsigned i = 0; i < count; i++)
        hot_note(hot, r ? r->lines[i].sku : op->lines[i].sku, now_ms);
}

void tally_decided(struct http_server *server, const struct op *op)
{
    enum stats_outcome outcome = outcome_of(&op->out);
    if (op_trait(op->kind)->event == EVENT_NONE)
        return;
    stats_operation(op->kind, outcome);
    if (server->hot &&
        (outcome == STATS_DONE || outcome == STATS_INSUFFICIENT || outcome == STATS_LIMITED))
        note_items(server->hot, op);
}
