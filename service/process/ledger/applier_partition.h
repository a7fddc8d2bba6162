/* applier_partition.h -- one partition on its way to SQL: looks, reads, applies, trims, opens,
 * closes.
 *
 * Belongs to the ledger process, which owns the connections. Everything that is known of a
 * partition is thrown away with the connection that it was learnt on (carry_forget).
 *
 *   UNSEEN -checkpoint read-> SEEN -meta of an earlier Redis-> BEHIND -all applied-> FLOWING
 *                             SEEN -meta of this one-> FLOWING
 *   any -events that do not follow-> STUCK    until meta is open again
 *   any -stream or meta gone, or entries that SQL disowns-> LOST    until they are back
 *   any -SQL is in the epoch of a later promotion-> DEPOSED    until this one is promoted again
 *
 * What a closed partition holds is applied all the same: its history is not at fault.
 */
#pragma once

#include "process/ledger/applier_state.h"

void carry_init(struct carry *carry, unsigned partition);

/* The connection is a new one, or SQL was: nothing that was known counts. */
void carry_forget(struct carry *carry);

/* Reads the checkpoint of a partition that is UNSEEN. */
enum carry_result carry_begin(struct carrier *carrier, struct carry *carry) MUST_CHECK;

/* Looks at meta and at the end of the stream, if it is time for it. `has_past`: SQL has events of
 * some partition, so a store that is not there was lost, and must not be made. */
enum carry_result carry_look(struct carrier *carrier, struct carry *carry, bool has_past,
                             int64_t now_ms) MUST_CHECK;

/* Takes one chunk; when nothing is left after a look, opens the epoch if that is what it waits
 * for. */
enum carry_result carry_step(struct carrier *carrier, struct carry *carry) MUST_CHECK;

/* How long to gather entries behind a pass that took busy_ms and left none, in ms. What one commit
 * costs, many events share: so the busier, the longer, and the load it is for keeps most of a
 * processor that both want. */
int64_t carry_gather_ms(int64_t busy_ms);
