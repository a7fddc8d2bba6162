/* past.h -- a random past of a shop, as the stream that stockd would have written, and as
 * the state that the same operations left in a Redis in memory.
 *
 * Layer: tests. plan() decides the operations (plan_world.h), so whatever it can emit comes along:
 * baskets, partial confirms, expiries, rereserves, deleted items, keys, several epochs, tenants and
 * clients with a name.
 */
#pragma once

#include "ledger/apply/apply.h"
#include "support/plan_world.h"

struct past {
    struct world world;
    struct event_entry *entries; /* their bytes are the past's */
    size_t count, cap;
    size_t event_count;
    size_t older; /* so many entries could be of a program that knows neither transfers nor
                     tenants: about half */
};

/* About so many operations; the same seed gives the same past. Aborts when out of memory. */
void past_make(struct past *h, uint64_t seed, unsigned operations);
void past_free(struct past *h);

/* The operation's key in the world; absent: it is not there. */
struct str past_result(const struct past *h, struct str key);
