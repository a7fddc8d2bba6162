/* applier_steps.h -- what applier_partition.c and opening.c do of a partition's way. Private to
 * them.
 *
 * Every result but CARRY_IDLE, SHORT and FULL has its reason in carrier->why.
 */
#pragma once

#include "process/ledger/applier_state.h"
#include "store/meta.h"

/* Redis, or SQL, is in trouble: admin_why(), apply->why. The connection to Redis is closed. */
enum carry_result carry_from_redis(struct carrier *carrier);
enum carry_result carry_from_sql(struct carrier *carrier);

/* The one that there is, made ready for the partition. */
struct apply *carry_apply(struct carrier *carrier, const struct carry *carry);

/* Where SQL is, and where the epochs before that ended. */
void carry_keep_place(struct carry *carry, const struct apply *apply);

/* Open, and for this Redis. */
void carry_flow(struct carrier *carrier, struct carry *carry);

/* Tells everybody, in meta: "<what>: <detail>". */
enum carry_result carry_shut(struct carrier *carrier, struct carry *carry, enum carry_state to,
                             const char *what, const char *detail);

/* SQL is in the epoch of a later promotion, as it was last seen. */
bool carry_is_older(const struct carrier *carrier, const struct carry *carry);
enum carry_result carry_depose(struct carrier *carrier, struct carry *carry, const char *detail);

/* --- opening.c -------------------------------------------------------------------------------- */

/* Opens the next epoch of a partition that is BEHIND and has nothing left behind the checkpoint. */
enum carry_result opening_step(struct carrier *carrier, struct carry *carry) MUST_CHECK;
