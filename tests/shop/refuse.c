/* refuse.c -- refusals without a ground: which fault strikes which operations, and how it is put.
 */
#include "shop/store.h"

#define IN(kind) (1u << OP_##kind)
#define SALES    (IN(RESERVE) | IN(DECREMENT))

static void with_nothing(const struct op *op, struct answer *a)
{
    answer_reset(a);
    a->status = 409;
    a->content_type = "";
}

/* As something in between would put it. */
static void with_a_page(const struct op *op, struct answer *a)
{
    with_nothing(op, a);
    a->content_type = "text/html";
    PUT(&a->body, "<html><body>Conflict</body></html>\n");
}

static void without_numbers(const struct op *op, struct answer *a)
{
    answer_shorts_begin(a);
    buf_printf(&a->body, "{\"sku\":\"%s\",\"requested\":%lld}", op->line[0].sku,
               (long long)op->line[0].quantity);
    answer_shorts_end(a);
}

static void as_forbidden(const struct op *op, struct answer *a)
{
    answer_problem(a, PROBLEM_FORBIDDEN);
}

static void as_apart(const struct op *op, struct answer *a)
{
    answer_problem(a, PROBLEM_CROSS_PARTITION);
}

static void as_missing(const struct op *op, struct answer *a)
{
    answer_no_item(a, op->line[0].sku);
}

static void as_too_long(const struct op *op, struct answer *a)
{
    answer_invalid(a, "ttl_seconds");
}

static const struct {
    enum fault fault;
    unsigned kinds;
    void (*answer)(const struct op *op, struct answer *a);
} refusals[] = {
    {FAULT_REFUSES_EMPTY, SALES, with_nothing},   {FAULT_REFUSES_HTML, SALES, with_a_page},
    {FAULT_REFUSES_BARE, SALES, without_numbers}, {FAULT_REFUSES_403, ~IN(PUT), as_forbidden},
    {FAULT_REFUSES_APART, IN(RESERVE), as_apart}, {FAULT_REFUSES_TOO_LONG, IN(EXTEND), as_too_long},
    {FAULT_REFUSES_MISSING, SALES, as_missing},
};

/* Of an item that was gone before, but is there now, and is all that the operation is about. */
static bool may_be_missing(const struct store *s, const struct op *op)
{
    const struct item *item = op->line_count == 1 ? store_item(s, op->line[0].sku) : NULL;
    return item && item->removals > 0;
}

bool refuse_falsely(struct store *s, const struct op *op, struct answer *a)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].fault == FAULT_REFUSES_MISSING && !may_be_missing(s, op))
            continue;
        if (!(refusals[i].kinds & 1u << op->kind) || !fault_fires(&s->faults, refusals[i].fault))
            continue;
        refusals[i].answer(op, a);
        return true;
    }
    return false;
}
