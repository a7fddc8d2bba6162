/* render.h -- what the ledger said, as JSON.
 *
 * Layer: http, pure. Every answer from the ledger has a member `ledger`, which says how far it is
 * behind Redis and up to when it goes.
 */
#pragma once

#include "buf.h"
#include "http/answer/render.h"
#include "http/history/query.h"
#include "stats.h"

struct history_lag {
    int64_t events, ms; /* in Redis and not in SQL; the age of the oldest of them */
    int64_t as_of_ms;   /* the time of the last event in SQL; 0: none */
};

/* As the metrics have it; stats: NULL for none. */
struct history_lag history_lag_of(const struct stats *stats, int64_t as_of_ms);

/* `"ledger":{...}`. */
void history_put_ledger(struct buf *b, const struct history_lag *lag);

/* One change of an item, without the braces: others may stand beside its members. */
void movement_put(struct buf *b, const struct movement *movement);

/* wall_ms: now, for the time that holds have left. */
void history_render(const struct history_query *query, const struct history_lag *lag,
                    int64_t wall_ms, struct answer *answer, struct buf *body);
