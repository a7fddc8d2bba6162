#include "check/entries.h"
#include "check/effect.h"

#include <errno.h>
#include <stdlib.h>

#define VERSION_MAX (UINT64_MAX >> 1)

/* Whether the operation in slot has entries, and of which sort. */
enum sort { SORT_NONE, SORT_TRANSITION, SORT_READ };

bool entries_is_transition(const struct index *index, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    switch (index_role(op)) {
    case ROLE_FIRST: return index_took_effect(index, slot) && !entry_is_refusal(op);
    case ROLE_ATTEMPT:
        if (index->effect[slot] == slot)
            return true;
        /* fall through */
    case ROLE_LOOKUP:
        return index->effect[op->of] == slot && entry_is_refusal(index_op(index, op->of));
    case ROLE_GET_RESERVATION: return index->effect[slot] == slot;
    default: return false;
    }
}

static enum sort sort_of(const struct index *index, uint32_t slot, const struct history_op *op)
{
    if (index_role(op) == ROLE_GET_ITEM)
        return history_outcome(op) == OUTCOME_OK ? SORT_READ : SORT_NONE;
    if (entries_is_transition(index, slot))
        return SORT_TRANSITION;
    bool asks = index_role(op) == ROLE_FIRST || index_role(op) == ROLE_ATTEMPT;
    return asks && (entry_is_refusal(op) || entry_is_claim(op)) ? SORT_READ : SORT_NONE;
}

static uint64_t key_of(const struct index *index, uint32_t slot, unsigned n, enum sort sort)
{
    const struct history_line *line = sort == SORT_TRANSITION
                                          ? effect_pair(index, slot, n)
                                          : index_line(index_op(index, slot), n);
    if (!line || line->version == 0)
        return 0;
    uint64_t version = line->version < VERSION_MAX ? line->version : VERSION_MAX;
    return version << 1 | (sort == SORT_READ);
}

uint64_t entries_key(const struct index *index, uint32_t slot, unsigned n)
{
    enum sort sort = sort_of(index, slot, index_op(index, slot));
    return sort == SORT_NONE ? 0 : key_of(index, slot, n, sort);
}

/* Counts the entries of each item, or, once there is room, puts them at first[item]++. */
static void each_entry(struct entries *entries, const struct index *index)
{
    for (struct index_pass pass = index_pass(index); index_next(&pass);) {
        const struct history_op *op = pass.op;
        enum sort sort = sort_of(index, pass.slot, op);
        for (unsigned n = 0; sort != SORT_NONE && n < op->lines; n++) {
            uint64_t key = key_of(index, pass.slot, n, sort);
            if (!key)
                continue;
            size_t at = entries->first[index_line(op, n)->item]++;
            if (entries->all)
                entries->all[at] = (struct radix_pair){key, (uint64_t)n << 32 | pass.slot};
        }
    }
}

static size_t longest(const struct entries *entries, size_t items)
{
    size_t most = 0;
    for (size_t i = 0; i < items; i++) {
        size_t count = entries->first[i + 1] - entries->first[i];
        most = count > most ? count : most;
    }
    return most;
}

int entries_make(struct entries *entries, const struct index *index)
{
    *entries = (struct entries){0};
    entries->first = calloc((size_t)index->items + 1, sizeof(*entries->first));
    if (!entries->first)
        return -ENOMEM;
    each_entry(entries, index);
    entries->count = radix_starts(entries->first, (size_t)index->items + 1);
    entries->all = malloc((entries->count + 1) * sizeof(*entries->all));
    if (!entries->all)
        return -ENOMEM;
    each_entry(entries, index);
    /* Each start has moved to the end of its item, which is the start of the next. */
    for (size_t i = index->items; i > 0; i--)
        entries->first[i] = entries->first[i - 1];
    entries->first[0] = 0;

    struct radix_pair *spare = malloc((longest(entries, index->items) + 1) * sizeof(*spare));
    if (!spare)
        return -ENOMEM;
    for (size_t i = 0; i < index->items; i++)
        radix_sort_pairs(entries->all + entries->first[i],
                         entries->first[i + 1] - entries->first[i], spare);
    free(spare);
    return 0;
}

void entries_free(struct entries *entries)
{
    free(entries->all);
    free(entries->first);
    *entries = (struct entries){0};
}

/* Units of that item in the reservation that the operation is about. */
static int64_t reserved(const struct index *index, uint32_t slot, uint32_t item, unsigned hint)
{
    const struct history_op *reserve = index_op(index, effect_reservation(index, slot));
    const struct history_line *line = index_line_about(reserve, item, hint);
    return line ? line->quantity : 0;
}

struct change entries_change(const struct index *index, uint32_t slot, unsigned n)
{
    const struct history_op *op = index_op(index, slot);
    const struct history_line *line = index_line(op, n);
    int64_t quantity = line->quantity;
    int64_t held = 0;
    switch (op->kind) {
    case KIND_PUT:
    case KIND_TRANSFER:
    case KIND_ADJUST: return (struct change){.available = quantity, .received = quantity};
    case KIND_DECREMENT: return (struct change){.available = -quantity, .sold = quantity};
    case KIND_RESERVE: return (struct change){.available = -quantity, .held = quantity};
    case KIND_RERESERVE:
    case KIND_CONFIRM:
        if (effect_took_again(index, slot))
            return (struct change){.available = -quantity, .sold = quantity};
        held = reserved(index, slot, line->item, n);
        return (struct change){.available = held - quantity, .sold = quantity, .held = -held};
    case KIND_RELEASE:
    case KIND_GET_RESERVATION: /* it shows an expiry */
        held = reserved(index, slot, line->item, n);
        return (struct change){.available = held, .held = -held};
    default: return (struct change){0};
    }
}
