/* report_csv.c -- one row for each line of each attempt (RFC 4180).
 *
 * What is not known is an empty field, never a zero. inv_ns is the first send of the operation,
 * send_ns that of the attempt.
 */
#include "report/attempts.h"
#include "report/flush.h"
#include "report/printable.h"
#include "report/report.h"

#include <inttypes.h>

#define PIECE_BYTES (64 * 1024)

static const char head[] = "inv_ns,sched_ns,send_ns,resp_ns,worker,client,seq,attempt,op,line,sku,"
                           "qty,status,outcome,detail,version,remaining,reservation,replayed,"
                           "phase\r\n";

static const char *const phase_names[] = {
    [PHASE_SETUP] = "setup", [PHASE_LOAD] = "load", [PHASE_SETTLE] = "settle"};

struct csv {
    struct buf b;
    struct attempts attempts;
    const struct history_facts *facts;
};

/* What all rows of an attempt begin with. */
static void put_attempt(struct csv *c, const struct history_op *op, uint32_t slot,
                        const struct history_chunk *chunk, unsigned attempt)
{
    const struct history_op *first =
        history_op_at(c->attempts.reader, attempts_root(&c->attempts, slot));
    buf_printf(&c->b, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",",
               first ? first->begin_ns : op->begin_ns, summary_planned_ns(op), op->begin_ns);
    if (op->end_ns)
        buf_printf(&c->b, "%" PRIu64, op->end_ns);
    buf_putc(&c->b, ',');
    if (chunk->worker < HISTORY_WORKERS_MAX)
        buf_printf(&c->b, "%" PRIu32, chunk->worker);
    buf_printf(&c->b, ",%" PRIu32 ",%" PRIu32 ",%u,%s,", op->client, op->seq, attempt,
               summary_kind_name((enum history_kind)op->kind));
}

static void put_line(struct csv *c, const struct history_op *op, unsigned n)
{
    const struct history_line *line = history_line_of(op, n);
    struct buf *b = &c->b;
    char sku[sizeof c->facts->prefix + 16];
    int length = snprintf(sku, sizeof sku, "%.*s%" PRIu32, (int)sizeof c->facts->prefix,
                          c->facts->prefix, line->item);
    buf_printf(b, "%u,", n + 1);
    printable_put_csv(b, (struct str){sku, (size_t)length});
    buf_printf(b, ",%" PRId32 ",", line->quantity);
}

/* A read that found no reservation has no line, and still a row. */
static void put_row(struct csv *c, uint32_t slot, const struct history_chunk *chunk, unsigned n,
                    unsigned attempt)
{
    const struct history_op *op = history_at(c->attempts.reader, slot);
    struct buf *b = &c->b;
    char id[HISTORY_ID_MAX];
    put_attempt(c, op, slot, chunk, attempt);
    if (n < op->lines)
        put_line(c, op, n);
    else
        buf_puts(b, STR(",,,"));
    if (op->status)
        buf_printf(b, "%u", op->status);
    buf_printf(b, ",%s,%s,", summary_outcome_name(history_outcome(op)),
               op->detail ? summary_detail_name((enum history_detail)op->detail) : "");
    const struct history_line *line = n < op->lines ? history_line_of(op, n) : NULL;
    if (line && line->version && history_says_stock(op->detail))
        buf_printf(b, "%" PRIu64 ",%" PRId64 ",", line->version, line->remaining);
    else if (line && line->version)
        buf_printf(b, "%" PRIu64 ",,", line->version);
    else
        buf_puts(b, STR(",,"));
    printable_put_csv(b, attempts_reservation(&c->attempts, slot, id));
    buf_printf(b, ",%s,%s\r\n", op->flags & FLAG_REPLAYED ? "true" : "false",
               phase_names[history_phase(op)]);
}

static int put_rows(struct csv *c, FILE *out)
{
    struct history_pass pass;
    uint32_t slot;
    int result = 0;
    history_pass(&pass, c->attempts.reader);
    for (enum history_type type; !result && (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        if (type != SLOT_OP)
            continue;
        const struct history_op *op = history_at(c->attempts.reader, slot);
        unsigned attempt = attempts_count(&c->attempts, attempts_root(&c->attempts, slot));
        unsigned rows = op->lines ? op->lines : 1;
        for (unsigned n = 0; n < rows; n++)
            put_row(c, slot, pass.chunk, n, attempt);
        if (c->b.n >= PIECE_BYTES || c->b.failed)
            result = flush_buf(out, &c->b);
    }
    return result;
}

int report_csv(FILE *out, const struct report_run *run)
{
    struct csv c = {.facts = run->history->facts};
    buf_init(&c.b, 16 * PIECE_BYTES);
    int result = attempts_init(&c.attempts, run->history);
    if (result == 0) {
        buf_puts(&c.b, str_of(head));
        result = put_rows(&c, out);
        if (result == 0)
            result = flush_buf(out, &c.b);
        attempts_free(&c.attempts);
    }
    buf_free(&c.b);
    return result;
}
