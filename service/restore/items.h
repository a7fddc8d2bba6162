/* items.h -- items as SQL has them, as they lie in Redis.
 *
 * Layer: restore, for whoever writes a store from SQL. The reservations of the items come first,
 * and rebuild_flush behind them: when an item has a hold due is read off those.
 */
#pragma once

#include "ledger/query/current_state.h"
#include "store/admin/rebuild.h"

/* Each with `step` added to its version, as store_listed in the arena with its due_ms: *listed,
 * `count` of them. REBUILD_WRONG: SQL contradicts itself. */
enum rebuild_result items_put(struct rebuild *rebuild, struct arena *arena, unsigned partition,
                              const struct current_item *items, size_t count, int64_t step,
                              struct store_listed **listed) MUST_CHECK;
