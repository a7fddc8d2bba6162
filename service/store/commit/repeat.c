#include "store/commit/repeat.h"
#include "store/commit/lane.h"
#include "store/reader.h"

#include <stdlib.h>

struct lookup {
    struct store_read read;
    struct repeats *repeats;
    struct store_op *op;
    struct lookup *next; /* while it is free */
};

struct repeats {
    struct store *store;
    struct lookup *free;
    struct lookup all[REPEATS_MAX];
};

struct repeats *repeats_new(struct store *store)
{
    struct repeats *repeats = calloc(1, sizeof(*repeats));
    if (!repeats)
        return NULL;
    repeats->store = store;
    for (unsigned i = 0; i < REPEATS_MAX; i++) {
        repeats->all[i].repeats = repeats;
        repeats->all[i].next = repeats->free;
        repeats->free = &repeats->all[i];
    }
    return repeats;
}

void repeats_free(struct repeats *repeats)
{
    free(repeats);
}

static void on_looked_up(struct store_read *read)
{
    struct lookup *lookup = read->user;
    struct repeats *repeats = lookup->repeats;
    struct store_op *op = lookup->op;
    lookup->next = repeats->free;
    repeats->free = lookup;
    if (outcome_succeeded(read->out.code)) {
        store_admit_repeat(repeats->store, op);
        return;
    }
    if (read->out.code == OUT_NONE) {
        store_overload(op);
    } else {
        op->op.out.code = read->out.code;
        op->op.out.why = read->out.why;
    }
    store_op_complete(op);
}

bool repeat_look_up(struct repeats *repeats, struct store_op *op)
{
    struct lookup *lookup = repeats->free;
    if (str_absent(op->op.key) || !lookup)
        return false;
    repeats->free = lookup->next;
    lookup->op = op;
    lookup->read = (struct store_read){.kind = READ_REPEAT,
                                       .partition = op->op.partition,
                                       .key = op->op.key,
                                       .done = on_looked_up,
                                       .user = lookup};
    reader_submit(repeats->store->reader, &lookup->read);
    return true;
}
