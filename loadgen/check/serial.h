/* serial.h -- is there one order for all operations on all items?
 *
 * Layer: check, pure. Operations are nodes. Versions say on each item who comes before whom: a
 * transition after all reads of the version before it, a read after the transition of its version.
 * Time says that whoever was over before another began comes before it. There is one order for all
 * (strict serializability) exactly if these two kinds of edges form no cycle.
 *
 * The edges of time are never built. An operation may be taken when all its predecessors by version
 * were taken, and nobody who was not taken yet ended before it began: that is, when its begin is
 * not after the earliest end of all that are left. So this takes exactly the nodes without
 * predecessors, one after the other, as any topological sort does; and since a later begin only
 * makes it harder, it is enough to try the ready one that began first. If that one may not be
 * taken, or none is ready, every node left has a predecessor among those left: a cycle.
 *
 * The cycle shown: let e be the one left that ended first. No one left comes before e by time, nor
 * before anyone who began before e ended. So going back from e by versions either meets an f that
 * began after e had ended (f ... e by versions, e f by time), or never gets out of a set in which
 * everyone has a predecessor by version: then there is a cycle of versions alone.
 *
 * Invariant: on each item entries are taken in their order, all reads of one version as one group.
 */
#pragma once

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

/* 0 or -ENOMEM. */
int serial_order(const struct serial *serial, struct serial_result *result) MUST_CHECK;
