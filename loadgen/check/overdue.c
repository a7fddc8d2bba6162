/* overdue.c -- see overdue.h. */
#include "check/overdue.h"
#include "check/describe.h"
#include "check/effect.h"
#include "check/sweep.h"

#include <inttypes.h>

#define DRIFT 1000 /* the clocks of client and server may differ by one part in so many */

/* When the last time to live was up at the latest; SWEEP_NEVER when that is not known. */
static uint64_t time_up(const struct story *story, const struct index *index)
{
    uint64_t ttl_ns = index->reader->facts->ttl_ms * 1000000;
    uint64_t last_ns = 0;
    for (size_t i = 0; i < story->count; i++) {
        const struct event *e = &story->events[i];
        if (e->what != EVENT_TRANSITION)
            continue;
        uint64_t end_ns = effect_span(index, e->slot).end_ns;
        last_ns = end_ns > last_ns ? end_ns : last_ns;
    }
    return last_ns == SWEEP_NEVER ? SWEEP_NEVER : last_ns + ttl_ns + ttl_ns / DRIFT;
}

void overdue_check(const struct story *story, const struct index *index, struct verdict *v)
{
    if (!story->read_back || story->ends || story->expiry || story->unresolved || story->shaken)
        return;
    const struct history_op *shown = index_op(index, story->read_back);
    uint64_t up_ns = time_up(story, index);
    if (history_outcome(shown) != OUTCOME_OK || shown->detail != DETAIL_HELD ||
        shown->begin_ns < HISTORY_OVERDUE_NS || shown->begin_ns - HISTORY_OVERDUE_NS <= up_ns)
        return;
    const uint32_t ops[] = {story->reserve, story->read_back, 0};
    verdict_violation(v, PROPERTY_ENDED_ONCE, ops,
                      "%s is still held at %s, though its time of %" PRIu64
                      " ms was up at %s at the latest: its units come back to nobody.",
                      describe_who(index_op(index, story->reserve)).text,
                      describe_time(index->reader, shown->begin_ns).text,
                      index->reader->facts->ttl_ms, describe_time(index->reader, up_ns).text);
}
