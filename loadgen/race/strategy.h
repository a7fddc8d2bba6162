/* strategy.h -- the ways to take units of one key: what is sent, and what the answer means.
 *
 * Layer: loadgen. A strategy keeps no state but the connection's.
 */
#ifndef LOADGEN_RACE_STRATEGY_H
#define LOADGEN_RACE_STRATEGY_H

#include "race/link.h"

#include <stdatomic.h>

#define RACE_STRATEGIES 3

enum race_outcome {
    RACE_GOT,      /* *units were taken */
    RACE_CONFLICT, /* somebody else was faster: nothing happened, try again */
    RACE_EMPTY,    /* nothing is left */
    RACE_ERROR,    /* link->err says why */
};

struct race_strategy {
    const char *name;  /* as --strategy has it */
    const char *about; /* one line */
    /* Once a connection. NULL for nothing to do. */
    bool (*prepare)(struct race_link *link);
    /* One try to take up to *units, and how many it were. Before anything is sent that could take
     * units, *pending says how many; whoever dies leaves that behind. */
    enum race_outcome (*take)(struct race_link *link, _Atomic int64_t *pending, int64_t *units);
    bool batches; /* takes more than one when asked to */
};

/* In the order of enum option_strategy. */
extern const struct race_strategy race_strategies[RACE_STRATEGIES];

#endif
