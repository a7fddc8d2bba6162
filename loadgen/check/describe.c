#include "check/describe.h"
#include "check/realtime_order.h"
#include "history/names.h"

#include <inttypes.h>
#include <stdio.h>

struct words describe_sku(const struct history_reader *r, uint32_t item)
{
    struct words words;
    snprintf(words.text, sizeof(words.text), "%.32s%" PRIu32, r->facts->prefix, item);
    return words;
}

struct words describe_time(const struct history_reader *r, uint64_t at_ns)
{
    struct words words;
    double ms = ((double)at_ns - (double)r->facts->go_ns) / 1e6;
    if (at_ns == SWEEP_NEVER)
        snprintf(words.text, sizeof(words.text), "nobody knows when");
    else
        snprintf(words.text, sizeof(words.text), "%.3fms", ms);
    return words;
}

struct words describe_made(const struct history_reader *r, const struct history_op *op)
{
    struct words words, sku = describe_sku(r, op->line.item);
    if (op->kind == KIND_DELETE)
        snprintf(words.text, sizeof(words.text), "the removal of %.60s", sku.text);
    else
        snprintf(words.text, sizeof(words.text), "version %" PRIu64 " of %.60s", op->line.version,
                 sku.text);
    return words;
}

struct words describe_who(const struct history_op *op)
{
    struct words words;
    const char *what =
        op->type == SLOT_EXPIRY ? "expiry told in an answer" : history_kind_text(op->kind);
    snprintf(words.text, sizeof(words.text), "the %s of client %" PRIu32 ", request %" PRIu32, what,
             op->client, op->seq);
    return words;
}

struct words describe_reservation(const struct history_op *reserve)
{
    struct words words;
    snprintf(words.text, sizeof(words.text),
             "the reservation of client %" PRIu32 ", request %" PRIu32, reserve->client,
             reserve->seq);
    return words;
}

/* What the reservation holds of the item, for a confirm that may sell less; 0: not known. */
static int32_t reserved(const struct history_reader *r, const struct history_op *op, uint32_t item)
{
    if (op->flags & FLAG_RESENT || history_phase(op) == PHASE_SETTLE)
        op = history_op_at(r, op->of);
    const struct history_op *reserve =
        op && history_confirms(op->kind) ? history_op_at(r, op->of) : NULL;
    const struct history_line *line = reserve ? history_line_about(reserve, item) : NULL;
    return line ? line->quantity : 0;
}

static void describe_line(struct buf *out, const struct history_reader *r,
                          const struct history_op *op, const struct history_line *line)
{
    int32_t held = reserved(r, op, line->item);
    if (held && held != line->quantity)
        buf_printf(out, " %" PRId32 " of the %" PRId32 " reserved of", line->quantity, held);
    else if (op->kind != KIND_GET_ITEM && op->kind != KIND_LIST && op->kind != KIND_EXTEND &&
             op->kind != KIND_DELETE && op->type != SLOT_EXPIRY)
        buf_printf(out, " %" PRId32 " of", line->quantity);
    buf_printf(out, " %s", describe_sku(r, line->item).text);
    if (line->version)
        buf_printf(out, " (%" PRId64 " %s at version %" PRIu64 ")", line->remaining,
                   history_says_stock(op->detail) ? "left" : "used", line->version);
}

/* Whether it went out together with others. */
static bool is_batched(const struct history_reader *r, const struct history_op *op, uint32_t slot)
{
    const struct history_op *next = history_op_at(r, slot + HISTORY_OP_SLOTS(op->lines));
    return (op->flags | (next ? next->flags : 0)) & FLAG_BATCHED;
}

static void describe_answer(struct buf *out, const struct history_op *op)
{
    if (op->status)
        buf_printf(out, " -> %u", (unsigned)op->status);
    else
        buf_printf(out, " -> no answer");
    const char *detail = history_detail_text(op->detail);
    if (*detail)
        buf_printf(out, " %s", detail);
    if (op->flags & FLAG_TOOK_AGAIN)
        buf_printf(out, ", taken again after it expired");
    if (op->flags & FLAG_REPLAYED)
        buf_printf(out, ", replayed");
    if (op->flags & FLAG_RESENT)
        buf_printf(out, ", sent again with the same key");
    if (history_phase(op) == PHASE_SETTLE)
        buf_printf(out, ", looked up after the load");
}

void describe_op(struct buf *out, const struct history_reader *r, uint32_t slot)
{
    const struct history_op *op = history_op_at(r, slot);
    if (!op) {
        buf_printf(out, "slot %" PRIu32 " holds no operation", slot);
        return;
    }
    buf_printf(out, "%s", describe_time(r, op->begin_ns).text);
    if (op->end_ns)
        buf_printf(out, " .. %s", describe_time(r, op->end_ns).text);
    buf_printf(out, "  client %" PRIu32 ", request %" PRIu32 ": %s", op->client, op->seq,
               op->type == SLOT_EXPIRY ? "its answer tells of" : history_kind_text(op->kind));
    for (unsigned n = 0; n < op->lines; n++) {
        if (n > 0)
            buf_putc(out, ',');
        describe_line(out, r, op, history_line_of(op, n));
    }
    describe_answer(out, op);
    if (is_batched(r, op, slot))
        buf_printf(out, ", in a batch");
}
