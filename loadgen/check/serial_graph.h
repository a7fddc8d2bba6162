/* serial_graph.h -- what serial.h orders, and what keeps it from that: operations as nodes.
 *
 * Layer: check, pure; the words that serial.h and cycle.h share.
 */
#ifndef LOADGEN_CHECK_SERIAL_GRAPH_H
#define LOADGEN_CHECK_SERIAL_GRAPH_H

#include "check/radix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIAL_LINES_MAX 127 /* of one node */
#define SERIAL_CYCLE_MAX 64

/* What is to be ordered. Entries are as in entries.h: item i has first[i] .. first[i + 1] - 1, keys
 * are version * 2, + 1 for a read, and the low 32 bits of a value are the node. */
struct serial {
    size_t items;
    const struct radix_pair *entries;
    const size_t *first;
    uint32_t nodes; /* numbers are below this; those without an entry are left alone */
    void *ctx;
    void (*span)(void *ctx, uint32_t node, uint64_t *begin_ns, uint64_t *end_ns);
    /* The n-th line of a node: its item and its key (0: it has no entry). False after the last. */
    bool (*line)(void *ctx, uint32_t node, unsigned n, uint32_t *item, uint64_t *key);
};

struct serial_result {
    uint64_t ordered; /* operations that found their place */
    unsigned length;  /* of the cycle; 0: there is none. May be longer than what is kept */
    bool by_time;     /* the last ended before the first began; else versions alone close it */
    uint32_t cycle[SERIAL_CYCLE_MAX]; /* each comes before the next by versions */
};

#endif
