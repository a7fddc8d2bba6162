#include "check/restored.h"
#include "check/radix.h"

#include <errno.h>
#include <stdlib.h>

#define VERSION_MAX (UINT64_MAX >> 2)
#define HALF_STEP   (RESTORED_STEP / 2)

/* Bits of a quote: it was only read, or it is that of a creation. Reads of a version come last. */
#define QUOTE_READ    2u
#define QUOTE_CREATES 1u

/* Every version that was quoted, as version * 4 and those bits. */
struct quotes {
    uint64_t *all, *spare;
    size_t *first; /* by item */
    struct restored *stamp;
};

/* The answer was there at that moment, so the restores up to its version had been. */
static void stamp(struct restored *restored, uint32_t item, uint64_t version, uint64_t at_ns)
{
    struct restored_jump *jump = restored->all + restored->first[item];
    struct restored_jump *end = restored->all + restored->first[item + 1];
    for (; jump < end && jump->first <= version; jump++)
        jump->seen_ns = at_ns < jump->seen_ns ? at_ns : jump->seen_ns;
}

/* Counts a version of that item, or, once there is room, puts it there; and once the jumps are
 * found, says when they had been. */
static void quote(struct quotes *q, uint32_t item, uint64_t version, unsigned bits, uint64_t at_ns)
{
    if (version == 0)
        return;
    if (q->stamp) {
        stamp(q->stamp, item, version, at_ns);
        return;
    }
    size_t at = q->first[item]++;
    if (q->all)
        q->all[at] = (version < VERSION_MAX ? version : VERSION_MAX) << 2 | bits;
}

static void each_quote(struct quotes *q, const struct index *index)
{
    for (struct index_pass pass = index_pass(index); index_next(&pass);) {
        const struct history_op *op = pass.op;
        enum history_outcome outcome = history_outcome(op);
        for (unsigned n = 0; n < op->lines && outcome != OUTCOME_UNKNOWN; n++) {
            const struct history_line *line = index_line(op, n);
            bool read = outcome == OUTCOME_FAIL || op->kind == KIND_GET_ITEM ||
                        op->kind == KIND_LIST || op->kind == KIND_LOOKUP;
            unsigned bits = (read ? QUOTE_READ : 0) | (op->kind == KIND_PUT ? QUOTE_CREATES : 0);
            quote(q, line->item, line->version, bits, op->end_ns);
        }
    }
    uint32_t slot;
    struct history_pass counters = history_pass(index->reader);
    for (enum history_type type; (type = history_next(&counters, &slot)) != SLOT_EMPTY;) {
        const struct history_counters *c = history_at(index->reader, slot);
        if (type == SLOT_COUNTERS && c->found && c->item < index->items)
            quote(q, c->item, c->version, QUOTE_READ, UINT64_MAX);
    }
}

/* Sorts the quotes by item; all[first[i] ..] are then those of item i. */
static int sort_quotes(struct quotes *q, const struct index *index)
{
    q->first = calloc((size_t)index->items + 1, sizeof(*q->first));
    if (!q->first)
        return -ENOMEM;
    each_quote(q, index);
    size_t sum = radix_starts(q->first, (size_t)index->items + 1);
    q->all = malloc((sum + 1) * sizeof(*q->all));
    q->spare = malloc((sum + 1) * sizeof(*q->spare));
    if (!q->all || !q->spare)
        return -ENOMEM;
    each_quote(q, index);
    /* Each start has moved to the end of its item, which is the start of the next. */
    for (size_t i = index->items; i > 0; i--)
        q->first[i] = q->first[i - 1];
    q->first[0] = 0;
    return 0;
}

/* Whether one of the quotes up to this one is of that version. */
static bool is_quoted(const uint64_t *first, const uint64_t *last, uint64_t version)
{
    while (last > first && *last >> 2 > version)
        last--;
    return *last >> 2 == version;
}

/* Whether the way from the quote `last` to the one behind it is a restore's. */
static bool is_jump(const uint64_t *first, const uint64_t *quoted, struct restored_jump *jump)
{
    uint64_t behind = quoted[1], last = *quoted >> 2, version = behind >> 2;
    uint64_t base = version - !(behind & QUOTE_READ); /* before it, if it is a transition */
    if (version <= last || base - last < HALF_STEP)
        return false;
    uint64_t up = (base - last + HALF_STEP) / RESTORED_STEP * RESTORED_STEP;
    if (base <= up)
        return false; /* the ledger would have had no version of it at all */
    /* Before a creation the item was gone, and of what is gone nobody quotes a version: so it was
     * deleted only behind the restore. */
    bool gone = behind & QUOTE_CREATES && base - up <= last && base - up > 1;
    if (gone && is_quoted(first, quoted, base - up)) {
        base--;
        gone = false;
    }
    /* More than was known before: behind the restore, or before it, somebody got no answer. */
    uint64_t kept = base - up < last ? base - up : last;
    *jump = (struct restored_jump){
        .kept = kept, .last = last, .first = kept + up, .seen_ns = UINT64_MAX, .gone = gone};
    return true;
}

static int add_jump(struct restored *r, size_t *room, const struct restored_jump *jump)
{
    if (r->count == *room) {
        size_t more = *room ? *room * 2 : 64;
        struct restored_jump *all = realloc(r->all, more * sizeof(*all));
        if (!all)
            return -ENOMEM;
        r->all = all;
        *room = more;
    }
    r->all[r->count++] = *jump;
    return 0;
}

static int find_jumps(struct restored *r, const struct quotes *q, uint32_t items, uint32_t most)
{
    size_t room = 0;
    int err = 0;
    for (uint32_t i = 0; i < items; i++) {
        uint64_t *at = q->all + q->first[i];
        size_t count = q->first[i + 1] - q->first[i];
        r->first[i] = r->count;
        radix_sort_keys(at, count, q->spare);
        struct restored_jump jump;
        for (size_t n = 1; n < count && r->count - r->first[i] < most && err == 0; n++) {
            if (is_jump(at, &at[n - 1], &jump))
                err = add_jump(r, &room, &jump);
        }
    }
    r->first[items] = r->count;
    return err;
}

int restored_make(struct restored *restored, const struct index *index)
{
    *restored = (struct restored){0};
    uint32_t restores = index->reader->facts->restores + index->rewound;
    if (restores == 0)
        return 0;
    struct quotes q = {0};
    int err = sort_quotes(&q, index);
    restored->first = calloc((size_t)index->items + 1, sizeof(*restored->first));
    if (err == 0)
        err = restored->first ? find_jumps(restored, &q, index->items, restores) : -ENOMEM;
    if (err == 0 && restored->count > 0) {
        q.stamp = restored;
        each_quote(&q, index);
    }
    free(q.all);
    free(q.spare);
    free(q.first);
    return err;
}

void restored_free(struct restored *restored)
{
    free(restored->all);
    free(restored->first);
    *restored = (struct restored){0};
}

const struct restored_jump *restored_of(const struct restored *restored, uint32_t item,
                                        const struct restored_jump **end)
{
    if (restored->count == 0)
        return *end = NULL;
    *end = restored->all + restored->first[item + 1];
    return restored->all + restored->first[item];
}

bool restored_turn(struct restored *restored, uint32_t item)
{
    bool turned = false;
    if (restored->count == 0)
        return false;
    for (size_t i = restored->first[item]; i < restored->first[item + 1]; i++) {
        struct restored_jump *jump = &restored->all[i];
        if (!jump->gone)
            continue;
        uint64_t up = jump->first - jump->kept;
        jump->kept += jump->behind ? 1 : -UINT64_C(1);
        jump->first = jump->kept + up;
        jump->behind = !jump->behind;
        turned = true;
    }
    return turned;
}

bool restored_after(const struct restored *restored, uint32_t item, uint64_t at_ns)
{
    const struct restored_jump *end, *jump = restored_of(restored, item, &end);
    return jump < end && end[-1].seen_ns > at_ns;
}

bool restored_lost(const struct restored *restored, uint32_t item, uint64_t version)
{
    const struct restored_jump *end, *jump = restored_of(restored, item, &end);
    while (jump < end && jump->last < version)
        jump++;
    return jump < end && jump->kept < version;
}

bool restored_lost_op(const struct restored *restored, const struct history_op *answer)
{
    for (unsigned n = 0; restored->count > 0 && n < answer->lines; n++) {
        const struct history_line *line = index_line(answer, n);
        if (restored_lost(restored, line->item, line->version))
            return true;
    }
    return false;
}
