/* topology_link.h -- asks for a topology where waiting harms nobody: the keeper, the ledger
 * process, commands.
 *
 * Layer: store. A question takes TOPOLOGY_QUESTION_MS at the most, beside the look-up of a name.
 */
#pragma once

#include "store/topology/topology.h"

/* Asks if it is time to; the answer is in force afterwards. `partitions`: that are of interest in
 * the log. */
void topology_refresh(struct topology *topology, unsigned partitions);

/* Where the slot is written to. Where that is not known or in doubt, all who can be asked are, one
 * after the other, until one answers well. False: nobody did. */
bool topology_seek(struct topology *topology, unsigned slot, unsigned partitions,
                   struct endpoint *at) MUST_CHECK;
