/* overdue.c -- see overdue.h. */
#include "check/overdue.h"
#include "check/describe.h"
#include "check/effect.h"
#include "check/realtime_order.h"

#include <inttypes.h>

#define DRIFT    1000 /* the clocks of client and server may differ by one part in so many */
#define STALE_NS UINT64_C(100000000) /* how old the time may be by which a server decides */

/* When a time to live that was given no later than that is up at the latest. */
static uint64_t up_at(const struct index *index, uint64_t given_ns)
{
    uint64_t ttl_ns = index->reader->facts->ttl_ms * 1000000;
    return given_ns == SWEEP_NEVER ? SWEEP_NEVER : given_ns + ttl_ns + ttl_ns / DRIFT;
}

/* When the last time to live was up at the latest; SWEEP_NEVER when that is not known. */
static uint64_t time_up(const struct timeline *story, const struct index *index)
{
    uint64_t last_ns = 0;
    for (size_t i = 0; i < story->count; i++) {
        const struct event *e = &story->events[i];
        if (e->what != EVENT_TRANSITION)
            continue;
        uint64_t end_ns = effect_span(index, e->slot).end_ns;
        last_ns = end_ns > last_ns ? end_ns : last_ns;
    }
    return up_at(index, last_ns);
}

static void report_late(const struct timeline *story, const struct index *index, uint32_t given,
                        const struct event *late, uint64_t up_ns, struct verdict *v)
{
    const struct history_op *op = index_op(index, late->slot);
    const uint32_t ops[] = {given, late->slot, 0};
    verdict_violation(v, PROPERTY_ENDED_ONCE, ops,
                      "Accepted too late: %s was sent at %s and made version %" PRIu64
                      " of %s, but the time of %" PRIu64 " ms that its reservation (client %" PRIu32
                      ", request %" PRIu32 ") had was up at %s at the latest.",
                      describe_who(op).text, describe_time(index->reader, op->begin_ns).text,
                      late->version, describe_sku(index->reader, op->line.item).text,
                      index->reader->facts->ttl_ms, index_op(index, story->reserve)->client,
                      index_op(index, story->reserve)->seq,
                      describe_time(index->reader, up_ns).text);
}

/* Whether all extensions of its time are known. */
static bool knows_time(const struct timeline *story, const struct index *index)
{
    return !story->shaken && !index->incomplete && story->unresolved == story->unresolved_ends;
}

/* The first change that was sent after the time that those before it had given. */
static void check_late(const struct timeline *story, const struct index *index, struct verdict *v)
{
    uint64_t up_ns = SWEEP_NEVER;
    uint32_t given = 0;
    for (size_t i = 0; i < story->count && knows_time(story, index); i++) {
        const struct event *e = &story->events[i];
        const struct history_op *op = index_op(index, e->slot);
        if (e->what != EVENT_TRANSITION || e->slot == story->expiry ||
            effect_took_again(index, e->slot))
            continue;
        bool first = index_role(op) == ROLE_FIRST;
        uint64_t begin_ns = first ? effect_key_span(index, e->slot).begin_ns : op->begin_ns;
        if (up_ns != SWEEP_NEVER && begin_ns > up_ns + STALE_NS) {
            report_late(story, index, given, e, up_ns, v);
            return;
        }
        uint64_t until_ns = up_at(index, effect_span(index, e->slot).end_ns);
        given = e->slot;
        up_ns = until_ns;
    }
}

void overdue_check(const struct timeline *story, const struct index *index, struct verdict *v)
{
    check_late(story, index, v);
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
