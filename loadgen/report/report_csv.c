/* report_csv.c -- one row for each line of each attempt (RFC 4180).
 *
 * What is not known is an empty field, never a zero. inv_ns is the first send of the operation,
 * send_ns that of the attempt.
 */
#include "check/describe.h"
#include "grow.h"
#include "history/names.h"
#include "history/reader.h"
#include "printable.h"
#include "report/report.h"
#include "search.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define PIECE_BYTES (64 * 1024)

static const char head[] = "inv_ns,sched_ns,send_ns,resp_ns,worker,client,seq,attempt,op,line,sku,"
                           "qty,status,outcome,detail,version,remaining,reservation,replayed,"
                           "phase\r\n";

static const char *const phase_names[] = {
    [PHASE_SETUP] = "setup", [PHASE_LOAD] = "load", [PHASE_SETTLE] = "settle"};

/* --- which attempts belong together ----------------------------------------------------------- */

/* Attempts with one key are one operation; its root is the slot of the first. The id of a
 * reservation may lie under any attempt of the reserve that made it, and is found from all of them,
 * and from the confirms, releases and reads of the reservation. */

struct attempts_id {
    uint32_t root, op, slot; /* of the reserve; of its attempt; of the first id slot */
    uint16_t offset;
};

struct attempts {
    const struct history_reader *reader;
    size_t ids, cap;
    struct attempts_id *id; /* sorted by root, attempt, offset */
    unsigned char *sent;    /* how often the operation with that root was sent; saturating */
};

/* The slot of the first attempt with the key of the operation in this slot. */
static uint32_t attempts_root(const struct attempts *a, uint32_t slot)
{
    const struct history_op *op = history_op_at(a->reader, slot);
    bool resent = op && (op->flags & FLAG_RESENT) && op->of != 0 && op->of < a->reader->slots;
    return resent ? op->of : slot;
}

static int add_id(struct attempts *a, uint32_t slot)
{
    const struct history_id *id = history_at(a->reader, slot);
    struct attempts_id *grown = grow(a->id, a->ids, &a->cap, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    a->id = grown;
    a->id[a->ids++] = (struct attempts_id){attempts_root(a, id->op), id->op, slot, id->offset};
    return 0;
}

static int compare_ids(const void *left, const void *right)
{
    const struct attempts_id *x = left, *y = right;
    if (x->root != y->root)
        return x->root < y->root ? -1 : 1;
    if (x->op != y->op)
        return x->op < y->op ? -1 : 1;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

static void attempts_free(struct attempts *a)
{
    free(a->id);
    free(a->sent);
    *a = (struct attempts){0};
}

/* 0 or -ENOMEM. */
static int attempts_init(struct attempts *a, const struct history_reader *r)
{
    uint32_t slot;
    *a = (struct attempts){.reader = r, .sent = calloc(r->slots ? r->slots : 1, 1)};
    int result = a->sent ? 0 : -ENOMEM;
    struct history_pass pass = history_pass(r);
    for (enum history_type type; !result && (type = history_next(&pass, &slot)) != SLOT_EMPTY;)
        if (type == SLOT_ID)
            result = add_id(a, slot);
    if (result)
        attempts_free(a);
    else if (a->ids)
        qsort(a->id, a->ids, sizeof *a->id, compare_ids);
    return result;
}

/* The number of this attempt, from 1. To be asked once for each, in the order of the file. */
static unsigned attempts_count(struct attempts *a, uint32_t root)
{
    assert(root < a->reader->slots);
    if (a->sent[root] < UINT8_MAX)
        a->sent[root]++;
    return a->sent[root];
}

/* The root of the reserve that made the reservation that this operation is about; 0 for none. */
static uint32_t reserve_of(const struct attempts *a, uint32_t slot)
{
    uint32_t root = attempts_root(a, slot);
    const struct history_op *op = history_op_at(a->reader, root);
    if (!op || op->kind == KIND_RESERVE)
        return op ? root : 0;
    bool about =
        history_ends(op->kind) || op->kind == KIND_EXTEND || op->kind == KIND_GET_RESERVATION;
    return about && op->of ? attempts_root(a, op->of) : 0;
}

/* The id of the reservation that the operation is about, into text; "" when nobody knows it. */
static struct str attempts_reservation(const struct attempts *a, uint32_t slot,
                                       char text[HISTORY_ID_MAX])
{
    uint32_t root = reserve_of(a, slot);
    size_t n = 0;
    size_t first = root ? SEARCH_FIRST(0, a->ids, i, a->id[i].root >= root) : a->ids;
    /* The offset tells where it ends: a second attempt, told the same id, begins at 0 again. */
    for (size_t i = first; i < a->ids && a->id[i].root == root; i++) {
        const struct history_id *id = history_at(a->reader, a->id[i].slot);
        if (id->offset != n || n + id->bytes > HISTORY_ID_MAX || id->bytes > sizeof id->text)
            break;
        memcpy(text + n, id->text, id->bytes);
        n += id->bytes;
    }
    return (struct str){text, n};
}

/* --- the rows --------------------------------------------------------------------------------- */

struct csv {
    struct buf b;
    struct attempts attempts;
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
               history_kind_name((enum history_kind)op->kind));
}

static void put_csv_line(struct csv *c, const struct history_op *op, unsigned n)
{
    const struct history_line *line = history_line_of(op, n);
    struct buf *b = &c->b;
    struct words sku = describe_sku(c->attempts.reader, line->item);
    buf_printf(b, "%u,", n + 1);
    printable_put_csv(b, str_of(sku.text));
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
        put_csv_line(c, op, n);
    else
        buf_puts(b, STR(",,,"));
    if (op->status)
        buf_printf(b, "%u", op->status);
    buf_printf(b, ",%s,%s,", history_outcome_name(history_outcome(op)),
               op->detail ? history_detail_name((enum history_detail)op->detail) : "");
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
    uint32_t slot;
    int result = 0;
    struct history_pass pass = history_pass(c->attempts.reader);
    for (enum history_type type; !result && (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        if (type != SLOT_OP)
            continue;
        const struct history_op *op = history_at(c->attempts.reader, slot);
        unsigned attempt = attempts_count(&c->attempts, attempts_root(&c->attempts, slot));
        unsigned rows = op->lines ? op->lines : 1;
        for (unsigned n = 0; n < rows; n++)
            put_row(c, slot, pass.chunk, n, attempt);
        if (c->b.n >= PIECE_BYTES || c->b.failed)
            result = buf_flush(&c->b, out);
    }
    return result;
}

int report_csv(FILE *out, const struct report_run *run)
{
    struct csv c;
    buf_init(&c.b, 16 * PIECE_BYTES);
    int result = attempts_init(&c.attempts, run->history);
    if (result == 0) {
        buf_puts(&c.b, str_of(head));
        result = put_rows(&c, out);
        if (result == 0)
            result = buf_flush(&c.b, out);
        attempts_free(&c.attempts);
    }
    buf_free(&c.b);
    return result;
}
