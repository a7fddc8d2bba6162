/* topology_link.h -- asks for a topology where waiting harms nobody: the keeper, the ledger
 * process, commands.
 *
 * Layer: store. A question takes TOPOLOGY_QUESTION_MS at the most, beside the look-up of a name.
 */
#pragma once

#include "store/topology/topology.h"

/* Where the slot is written to; asks first if it is time to. Where that is not known or in doubt,
 * one after the other is asked, until one answers well or the patience is over: with none, nobody
 * waits for the time to ask. False: it is not known. `partitions`: that are of interest in the
 * log. */
bool topology_seek(struct topology *topology, unsigned slot, unsigned partitions,
                   int64_t patience_ms, struct endpoint *at) MUST_CHECK;
