/* topology_state.h -- what a topology has in hand. Private to topology*.c.
 *
 * Invariant: every owner is the number of a node in its table, or SLOT_UNKNOWN.
 */
#pragma once

#include "random.h"
#include "store/topology/topology_parse.h"

#include <sys/queue.h>

#define TOPOLOGY_SEEDS_MAX (ADDRESS_SEEDS_MAX + TOPOLOGY_FOUND_MAX)

/* Who can be asked: those of the URL first, then those that answers have named. */
struct topology_seed {
    struct endpoint at;
    int64_t asked_ms; /* 0: not yet */
    int64_t shun_ms;  /* others first, until then */
    unsigned failures;
};

struct topology {
    struct address address;
    struct topology_table *now; /* NULL for one Redis */
    uint64_t version;
    uint64_t doubts, settled; /* how many there were, and when that was last answered */
    struct topology_seed seeds[TOPOLOGY_SEEDS_MAX];
    unsigned seed_count;
    int64_t ask_ms;   /* when it may be asked next where there is a doubt */
    int64_t look_ms;  /* where there is none */
    int64_t agree_ms; /* when an answer last fitted what was known */
    unsigned eager;   /* questions in a row that have settled nothing */
    struct rng jitter;
    struct topology_table *said; /* as last logged */
    uint64_t said_version;
    bool lacks_name;
    char why[TOPOLOGY_WHY_SIZE]; /* the last question has found nothing; empty: it has */
    void (*on_doubt)(void *user);
    void *doubt_user;
    LIST_HEAD(, topology_watch) watches;
};

/* All watches are told. */
void topology_changed(struct topology *topology);
