/* audit.h -- does Redis hold what the ledger says it must?
 *
 * Layer: audit; reads store and ledger, writes neither. Items, reservations, the indexes of
 * deadlines, customers' shares, and the ledger's own sums, each as of its own version: Redis and
 * SQL are read at different times while the service works, so what differs is only called drift
 * once SQL has got past the end that the stream had after Redis was read.
 *
 * Ownership: admin and db are the caller's, open, and nobody else's while a call runs. Whoever
 * called audit_init calls audit_free. Memory is bounded by a page, whatever there is to compare.
 *
 *   audit_init -> audit_meet -> audit_run -> audit_free
 *
 * audit_meet finds out what there is to compare: metas, the ledger's id, where both stand. A caller
 * that knows (a restore, whose store is not open yet) sets `partitions` and leaves it out.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "audit/audit_state.h"

void audit_init(struct audit *audit, struct admin *admin, struct db *db);
void audit_free(struct audit *audit);

/* AUDIT_EQUAL: there is something to compare. AUDIT_DRIFT: so much is clear already, but go on.
 * AUDIT_UNSURE: not these two; audit_run would be meaningless. */
enum audit_result audit_meet(struct audit *audit) __attribute__((warn_unused_result));

/* Compares. Drift that was found counts even if the rest could not be told. */
enum audit_result audit_run(struct audit *audit) __attribute__((warn_unused_result));

/* "item", "reservation", ...; "equal", "drift", "unsure". */
const char *audit_kind_name(enum audit_kind kind);
const char *audit_result_name(enum audit_result result);

#endif
