#include "store/relay/relay_copy.h"
#include "core/tenant.h"

#define ALIGN         16u
#define REQUEST_BYTES (6u << 10) /* some 30 lines, or the largest metadata */
#define WHY_BYTES     512u
#define CELL_BYTES    (RELAY_CELL_BYTES - sizeof(struct relay_cell))

/* The most that an outcome takes: a reservation of all lines and texts there can be, and what
 * stands beside it. Refusals name lines instead, which are smaller. */
#define LINE_BYTES (sizeof(struct reservation_line) + SKU_STORED_MAX_BYTES + ALIGN)
#define OUTCOME_BYTES                                                                              \
    (LINES_MAX * LINE_BYTES + sizeof(struct reservation) + METADATA_MAX_BYTES +                    \
     2 * TEXT_MAX_BYTES + OWNER_MAX_BYTES + 2 * SKU_STORED_MAX_BYTES + KEY_STORED_MAX_BYTES +      \
     WHY_BYTES + 16 * ALIGN)
_Static_assert(sizeof(struct outcome_short) <= sizeof(struct reservation_line), "a smaller line");
_Static_assert(REQUEST_BYTES + OUTCOME_BYTES <= CELL_BYTES, "any outcome fits behind any request");

/* n bytes of the cell below `limit`; NULL: there are not so many. */
static void *take_bytes(struct relay_cell *cell, size_t n, size_t limit)
{
    size_t size = (n + ALIGN - 1) / ALIGN * ALIGN;
    if (size < n || size > limit - cell->used)
        return NULL;
    void *bytes = cell->bytes + cell->used;
    cell->used += size;
    return bytes;
}

/* *text in the cell, with a NUL behind it. */
static bool copy_text(struct relay_cell *cell, struct str *text, size_t limit)
{
    if (str_absent(*text))
        return true;
    char *copy = text->n < limit ? take_bytes(cell, text->n + 1, limit) : NULL;
    if (!copy)
        return false;
    memcpy(copy, text->p, text->n);
    copy[text->n] = '\0';
    text->p = copy;
    return true;
}

static bool copy_request_lines(struct relay_cell *cell)
{
    struct op *op = &cell->op;
    if (op->line_count == 0)
        return true;
    struct op_line *lines = take_bytes(cell, op->line_count * sizeof(*lines), REQUEST_BYTES);
    if (!lines)
        return false;
    memcpy(lines, op->lines, op->line_count * sizeof(*lines));
    op->lines = lines;
    for (unsigned i = 0; i < op->line_count; i++)
        if (!copy_text(cell, &lines[i].sku, REQUEST_BYTES))
            return false;
    return true;
}

bool relay_copy_request(struct relay_cell *cell, const struct op *op)
{
    struct op *copy = &cell->op;
    cell->used = 0;
    *copy = *op;
    copy->overload = NULL; /* who commits knows */
    copy->out = (struct outcome){.field_line = -1};
    copy->share = (struct str){NULL, 0}; /* so does it name that */
    struct str *const texts[] = {&copy->key,    &copy->id,       &copy->customer, &copy->reference,
                                 &copy->reason, &copy->metadata, &copy->owner,    &copy->trace};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (!copy_text(cell, texts[i], REQUEST_BYTES))
            return false;
    return copy_request_lines(cell);
}

/* --- the outcome ------------------------------------------------------------------------------ */

/* *bytes, n of them, in the cell. */
static bool copy_bytes(struct relay_cell *cell, const void **bytes, size_t n)
{
    void *copy = n > 0 ? take_bytes(cell, n, CELL_BYTES) : NULL;
    if (copy)
        *bytes = memcpy(copy, *bytes, n);
    return copy || n == 0;
}

static bool copy_reservation(struct relay_cell *cell, const void **from)
{
    if (!copy_bytes(cell, from, sizeof(struct reservation)))
        return false;
    struct reservation *r = (struct reservation *)*from;
    const void *lines = r->lines;
    if (!copy_bytes(cell, &lines, r->line_count * sizeof(*r->lines)))
        return false;
    r->lines = (struct reservation_line *)lines;
    r->share = (struct str){NULL, 0}; /* no part of an answer */
    for (unsigned i = 0; i < r->line_count; i++)
        if (!copy_text(cell, &r->lines[i].sku, CELL_BYTES))
            return false;
    return copy_text(cell, &r->customer, CELL_BYTES) &&
           copy_text(cell, &r->reference, CELL_BYTES) &&
           copy_text(cell, &r->metadata, CELL_BYTES) && copy_text(cell, &r->owner, CELL_BYTES);
}

static bool copy_shorts(struct relay_cell *cell, const void **from, unsigned count)
{
    if (!copy_bytes(cell, from, count * sizeof(struct outcome_short)))
        return false;
    struct outcome_short *shorts = (struct outcome_short *)*from;
    for (unsigned i = 0; i < count; i++)
        if (!copy_text(cell, &shorts[i].sku, CELL_BYTES))
            return false;
    return true;
}

bool relay_copy_outcome(struct relay_cell *cell, const struct outcome *from)
{
    struct outcome *out = &cell->op.out;
    struct str why = {from->why, from->why ? strnlen(from->why, WHY_BYTES - 1) : 0};
    const void *resv = from->resv, *shorts = from->shorts;
    *out = *from;
    if (!copy_text(cell, &out->sku, CELL_BYTES) || !copy_text(cell, &out->id, CELL_BYTES) ||
        !copy_text(cell, &out->to.sku, CELL_BYTES) || !copy_text(cell, &why, CELL_BYTES) ||
        (resv && !copy_reservation(cell, &resv)) ||
        (from->short_count > 0 && !copy_shorts(cell, &shorts, from->short_count)))
        return false;
    out->resv = resv;
    out->shorts = shorts;
    out->why = why.p;
    return true;
}
