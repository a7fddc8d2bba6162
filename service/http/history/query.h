/* query.h -- what a GET asks the ledger for.
 *
 * Layer: http, pure. All texts of a query are in the arena that it was read into; what the ledger
 * finds goes there too.
 */
#pragma once

#include "core/route.h"
#include "core/tenant.h"
#include "http/problem.h"
#include "ledger/query/history.h"

enum history_kind { HISTORY_RESERVATIONS, HISTORY_MOVEMENTS, HISTORY_ITEM, HISTORY_LEVELS };

struct history_query {
    enum history_kind kind;
    struct history_reservations reservations;
    struct history_movements movements;
    struct history_levels levels;
    struct {
        struct str sku;
        int64_t at_ms;
        struct item item; /* found */
    } instant;
};

/* Whether a GET of this resource is about the past. Of an item it is if it says `at`. */
bool history_query_meant(const struct route_match *match, struct arena *arena);

/* Reads the path and the parameters, of whoever asks. */
bool history_query_read(struct history_query *query, struct arena *arena,
                        const struct route_match *match, const struct requester *by,
                        struct refusal *why) MUST_CHECK;
