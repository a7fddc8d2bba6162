/* usage.h -- what each client has there that a quota may limit, as apply keeps count of it.
 *
 * Layer: ledger. In the transaction that the caller has begun; what is handed out lives in the
 * caller's arena. Clients without a name are counted nowhere (sql/0013_tenants.sql).
 *
 * What Redis keeps for a time after it was done leaves hour by hour: it counts as long as its hour
 * is not over by that time, so up to an hour longer than Redis keeps it, and never shorter.
 */
#pragma once

#include "arena.h"
#include "ledger/db.h"

#define USAGE_CLIENTS_MAX 1000

struct client_usage {
    struct str tenant, client; /* of the default tenant: TENANT_DEFAULT */
    int64_t open_holds, units_held;
    int64_t metadata_bytes; /* of what is held, and of what ended since */
    int64_t operation_keys; /* recorded since */
};

/* Since when things that were done count: what Redis keeps is younger. */
struct usage_since {
    int64_t operations_ms, reservations_ms;
};

/* Those that have anything, by tenant and client, up to `max`. */
enum db_result usage_read(struct db *db, struct arena *arena, const struct usage_since *since,
                          size_t max, struct client_usage **clients, size_t *count) MUST_CHECK;
