/* ends.c -- see ends.h. */
#include "check/ends.h"
#include "check/describe.h"
#include "check/effect.h"
#include "history/names.h"

#include <inttypes.h>

static void check_time(const struct timeline *story, const struct index *index, struct verdict *v)
{
    uint64_t deadline_ns = effect_deadline(index, story->reserve);
    uint32_t early = 0;
    for (size_t i = 0; i < story->count && !early; i++) {
        const struct event *e = &story->events[i];
        const struct history_op *op = index_op(index, e->slot);
        if (e->what != EVENT_TRANSITION && e->state == DETAIL_EXPIRED && op->end_ns < deadline_ns)
            early = e->slot;
    }
    if (!early)
        return;
    const uint32_t ops[] = {story->reserve, early, 0};
    verdict_violation(v, PROPERTY_ENDED_ONCE, ops,
                      "Expired too early: %s of %s was over at %s, though its time of %" PRIu64
                      " ms was not up before %s.",
                      describe_reservation(index_op(index, story->reserve)).text,
                      describe_sku(index->reader, index_op(index, story->reserve)->line.item).text,
                      describe_time(index->reader, index_op(index, early)->end_ns).text,
                      index->reader->facts->ttl_ms, describe_time(index->reader, deadline_ns).text);
}

static bool ends_it(const struct timeline *story, const struct event *e)
{
    return (e->what == EVENT_TRANSITION && e->state != DETAIL_HELD && !e->lost) ||
           e->slot == story->expiry;
}

/* Two different ends of one story, in the order of versions. */
static void report_ends(const struct timeline *story, const struct index *index, struct verdict *v)
{
    uint32_t ops[4] = {story->reserve};
    const char *states[2] = {"", ""};
    unsigned n = 0;
    for (size_t i = 0; i < story->count && n < 2; i++) {
        const struct event *e = &story->events[i];
        if (ends_it(story, e)) {
            states[n] = history_detail_text(e->state);
            ops[++n] = e->slot;
        }
    }
    const struct history_op *op = index_op(index, story->reserve);
    verdict_violation(v, PROPERTY_ENDED_ONCE, ops,
                      "Ended twice: %s, %" PRId32 " of %s, was %s and then %s: its units came back "
                      "or were sold more than once. The second had to be refused.",
                      describe_reservation(index_op(index, story->reserve)).text, op->line.quantity,
                      describe_sku(index->reader, op->line.item).text, states[0], states[1]);
}

/* True, with a violation, when its time was extended though it had ended. */
static bool revived(const struct timeline *story, const struct index *index, struct verdict *v)
{
    const struct event *end = NULL, *revival = NULL;
    for (size_t i = 0; i < story->count && !revival; i++) {
        const struct event *e = &story->events[i];
        if (!end && ends_it(story, e))
            end = e;
        else if (end && e->what == EVENT_TRANSITION && e->state == DETAIL_HELD && !e->lost)
            revival = e;
    }
    if (!revival)
        return false;
    const uint32_t ops[] = {end->slot, revival->slot, 0};
    verdict_violation(v, PROPERTY_ENDED_ONCE, ops,
                      "Extended after its end: %s was %s at version %" PRIu64
                      ", and yet %s succeeded at version %" PRIu64 ". It had to be refused.",
                      describe_reservation(index_op(index, story->reserve)).text,
                      history_detail_text(end->state), end->version,
                      describe_who(index_op(index, revival->slot)).text, revival->version);
    return true;
}

/* Whether it expired first, and its units were taken again then by the one that ended it. */
static bool taken_again(const struct timeline *story, const struct index *index)
{
    if (story->ends != 1 || !story->expiry || !timeline_took_again(story, index))
        return false;
    const struct history_line *again = effect_pair(index, story->end, 0);
    const struct history_line *before =
        index_line_about(index_op(index, story->expiry), again->item, 0);
    return before && before->version < again->version;
}

/* Whether whoever did that had not asked for it: by its own answer, or by what is known of it where
 * nobody else can have done it. */
static bool is_unasked(const struct timeline *story, const struct index *index)
{
    const struct history_op *answer = index_op(index, index->effect[story->end]);
    bool own = index_role(answer) != ROLE_LOOKUP && !(answer->flags & FLAG_REPLAYED);
    bool alone = !story->unresolved_ends && !story->shaken && !index->incomplete;
    return answer->kind == KIND_CONFIRM && (own || alone);
}

static void report_unasked(const struct timeline *story, const struct index *index,
                           struct verdict *v)
{
    const uint32_t ops[] = {story->expiry, story->end, 0};
    verdict_violation(v, PROPERTY_ENDED_ONCE, ops,
                      "Taken again unasked: %s had expired, and %s took its units once more, which "
                      "only \"if_expired\" asks for. It had to be refused.",
                      describe_reservation(index_op(index, story->reserve)).text,
                      describe_who(index_op(index, story->end)).text);
}

bool ends_check(const struct timeline *story, const struct index *index, struct verdict *v)
{
    bool again = taken_again(story, index);
    if (story->ends + (story->expiry != 0) > 1u + again) {
        report_ends(story, index, v);
        return false;
    }
    if (again && is_unasked(story, index)) {
        report_unasked(story, index, v);
        return false;
    }
    check_time(story, index, v);
    return !revived(story, index, v);
}
