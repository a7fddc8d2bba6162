/* expiry.h -- the expiry that an answer tells of besides: its expired_lines.
 *
 * Layer: client. A reservation whose units were taken again after it had expired shows, for good,
 * what each of its items had right after that expiry. To the history this is one more thing that
 * was seen of the reservation: a SLOT_EXPIRY.
 */
#pragma once

#include "client/answer.h"
#include "client/mismatch.h"
#include "history/writer.h"

/* Whether the answer to the operation has some, as they must be: the reservation is confirmed, and
 * each item of the operation has one, with what remained and its version. What is wrong with them
 * is told, unless m says something already. */
bool expiry_fits(struct mismatch *m, const struct history_facts *facts, const struct history_op *op,
                 const struct answer *a);

/* Appends what expired_lines, which fitted, say in the answer that was read at end_ns. reserve: the
 * slot of the operation that made the reservation. */
int expiry_record(struct history_writer *w, const struct history_facts *facts,
                  const struct history_op *op, struct str expired_lines, uint32_t reserve,
                  uint64_t end_ns) MUST_CHECK;
