/* event_id.h -- where an entry of events stands in its partition's stream: <epoch>-<seq>.
 *
 * Layer: core, values only. Dense in an epoch, which begins with 0; epochs only go up.
 */
#pragma once

#include "str.h"

#include <stdint.h>

#define EVENT_ENDS_MAX 8 /* a request is answered or told 504 long before so many have passed */

struct event_id {
    int64_t epoch, seq; /* epoch 0: before the first entry */
};

/* Where epochs ended, newest first. */
struct event_ends {
    size_t count;
    struct event_id ends[EVENT_ENDS_MAX];
};

struct event_entry {
    struct event_id id;
    struct str bytes; /* as event.h has them; absent: not an entry of ours */
};

/* -1, 0, 1 as strcmp. */
static inline int event_id_compare(struct event_id a, struct event_id b)
{
    if (a.epoch != b.epoch)
        return a.epoch < b.epoch ? -1 : 1;
    return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}
