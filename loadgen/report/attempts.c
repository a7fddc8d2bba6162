/* attempts.c -- see attempts.h. */
#include "report/attempts.h"

#include <errno.h>
#include <stdlib.h>

static int add_id(struct attempts *a, uint32_t slot)
{
    const struct history_id *id = history_at(a->reader, slot);
    if (a->ids == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 256;
        struct attempts_id *grown = realloc(a->id, cap * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        a->id = grown;
        a->cap = cap;
    }
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

int attempts_init(struct attempts *a, const struct history_reader *r)
{
    struct history_pass pass;
    uint32_t slot;
    *a = (struct attempts){.reader = r, .sent = calloc(r->slots ? r->slots : 1, 1)};
    int result = a->sent ? 0 : -ENOMEM;
    history_pass(&pass, r);
    for (enum history_type type; !result && (type = history_next(&pass, &slot)) != SLOT_EMPTY;)
        if (type == SLOT_ID)
            result = add_id(a, slot);
    if (result)
        attempts_free(a);
    else if (a->ids)
        qsort(a->id, a->ids, sizeof *a->id, compare_ids);
    return result;
}

uint32_t attempts_root(const struct attempts *a, uint32_t slot)
{
    const struct history_op *op = history_op_at(a->reader, slot);
    bool resent = op && (op->flags & FLAG_RESENT) && op->of != 0 && op->of < a->reader->slots;
    return resent ? op->of : slot;
}

unsigned attempts_count(struct attempts *a, uint32_t root)
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

static size_t find_first(const struct attempts *a, uint32_t root)
{
    size_t low = 0, high = a->ids;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (a->id[middle].root < root)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct str attempts_reservation(const struct attempts *a, uint32_t slot, char text[HISTORY_ID_MAX])
{
    uint32_t root = reserve_of(a, slot);
    size_t n = 0;
    size_t first = root ? find_first(a, root) : a->ids;
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

void attempts_free(struct attempts *a)
{
    free(a->id);
    free(a->sent);
    *a = (struct attempts){0};
}
