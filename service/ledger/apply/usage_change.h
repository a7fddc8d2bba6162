/* usage_change.h -- by how much a chunk moves what clients with a name have in the ledger.
 *
 * Layer: ledger, pure, private to apply*.c. What a client has is summed up by hours, since it is
 * counted for a time only, and apart from those what it holds. Owners without a client are counted
 * nowhere, so a service without keys moves nothing.
 */
#pragma once

#include "ledger/apply/projection.h"

#define USAGE_HELD    INT64_C(-1)
#define USAGE_HOUR_MS INT64_C(3600000)

/* One row of the tables; hour_ms is the beginning of the hour, or USAGE_HELD. */
struct usage_change {
    struct str owner;
    int64_t hour_ms;
    int64_t open_holds, units_held;         /* of USAGE_HELD */
    int64_t metadata_bytes, operation_keys; /* keys: never of USAGE_HELD */
};

/* After projection_run(): in the arena of the projection, each row once, in the order of hours and
 * owners. False: no memory. */
bool usage_changes(struct projection *p, const struct usage_change **changes,
                   size_t *count) MUST_CHECK;
