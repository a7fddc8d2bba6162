/* history_mutate.h -- changes one thing in a history file, and puts it back.
 *
 * For tests that ask what a checker makes of it. The file must be one that stockload wrote; what is
 * changed is drawn. Owned by the caller: history_mutant_open .. history_mutant_close.
 */
#pragma once

#include "history/reader.h"
#include "random.h"

enum mutation {
    MUTATE_VERSION,
    MUTATE_REMAINING,
    MUTATE_QUANTITY,
    MUTATE_ITEM,
    MUTATE_LINES,
    MUTATE_STATUS,
    MUTATE_OUTCOME,
    MUTATE_DETAIL,
    MUTATE_BEGIN,
    MUTATE_END,
    MUTATE_CLIENT,
    MUTATE_SEQ,
    MUTATE_OF,
    MUTATE_KIND,
    MUTATE_PHASE,
    MUTATE_REPLAYED,
    MUTATE_RESENT,
    MUTATE_AGAIN,
    MUTATE_BATCHED,
    MUTATE_COUNTERS,
    MUTATE_DROP,
    MUTATE_DUPLICATE,
    MUTATE_SWAP_VERSIONS,
    MUTATE_SWAP_ANSWERS,
    MUTATE_TURN_ROUND, /* two parts of a batch, one directly behind the other */
    MUTATIONS
};

#define MUTANT_SLOTS 16

struct history_mutant {
    struct history_reader reader;
    unsigned char *map; /* the same file, to be written */
    uint32_t *op;       /* slots of all operations, and of what answers told besides */
    uint32_t ops;
    uint32_t *counters;
    uint32_t counter_count;
    /* What the last mutation did. */
    uint32_t slot; /* of the record */
    unsigned touched;
    uint32_t at[MUTANT_SLOTS];
    unsigned char was[MUTANT_SLOTS][HISTORY_SLOT_BYTES];
};

const char *history_mutation_name(enum mutation mutation);

/* 0 or -errno. */
int history_mutant_open(struct history_mutant *m, const char *path);
void history_mutant_close(struct history_mutant *m);

/* False when what was drawn offers no place for it: nothing is changed then. */
bool history_mutate(struct history_mutant *m, enum mutation mutation, struct rng *rng);

void history_mutate_back(struct history_mutant *m);
