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
#ifndef LOADGEN_CHECK_SERIAL_H
#define LOADGEN_CHECK_SERIAL_H

#include "check/serial_graph.h"

/* 0 or -ENOMEM. */
int serial_order(const struct serial *serial, struct serial_result *result)
    __attribute__((warn_unused_result));

#endif
