/* ledger_open.h -- how a process of the service comes into the ledger's database.
 *
 * Opens it, brings it to this program's schema if it is the embedded one, reads its id and puts
 * that where all processes of the service find it. The caller owns *db.
 *
 * Invariant: the id of a running service never changes. A database with another one is refused.
 */
#pragma once

#include "config.h"
#include "ledger/schema.h"

/* *why, for all but IDENTITY_KNOWN, is without passwords; *db is NULL then. */
enum identity_result ledger_open(const struct config *config, struct store_shared *shared,
                                 struct db **db, char *why, size_t why_size) MUST_CHECK;

/* For one that is open already, after trouble: is it still the same ledger? */
enum identity_result ledger_check(struct db *db, struct store_shared *shared, char *why,
                                  size_t why_size) MUST_CHECK;
