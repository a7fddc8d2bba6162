/* topology_loop.h -- asks for a topology on a loop: once a second, and at once where there is a
 * doubt.
 *
 * Layer: store. One question at a time, each on a connection of its own, names looked up off the
 * loop; of one Redis there is nothing to ask, and nothing is.
 *
 * Ownership: topology_loop_new .. topology_loop_close, after which the memory goes when the loop
 * has run. The topology must outlive it.
 */
#pragma once

#include "store/topology/topology.h"

#include <uv.h>

struct topology_loop;

/* Begins to ask. `partitions`: that are of interest in the log. NULL: out of memory. */
struct topology_loop *topology_loop_new(uv_loop_t *loop, struct topology *topology,
                                        unsigned partitions);
void topology_loop_close(struct topology_loop *asker);

/* A name is being looked up, which keeps a thread of the system until that is over. */
bool topology_loop_looks_up(const struct topology_loop *asker);
