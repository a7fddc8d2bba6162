/* effect.c -- see effect.h: when effects happened, and what they said. */
#include "check/effect.h"
#include "check/restored.h"
#include "check/sweep.h"

/* How far the server's clock may be off while it counts a ttl. */
#define CLOCK_OFF_NS 10000000u
#define CLOCK_DRIFT  1000u /* one part in so many */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct span effect_attempt_span(const struct history_op *op)
{
    bool ended = history_outcome(op) != OUTCOME_UNKNOWN && op->end_ns != 0;
    return (struct span){op->begin_ns, ended ? op->end_ns : SWEEP_NEVER};
}

/* All attempts of one key. A refused attempt counts only when no other one could have done it. */
static struct span span_of_key(const struct index *index, uint32_t first)
{
    const struct history_op *op = index_op(index, first);
    uint64_t any = SWEEP_NEVER;
    struct span span = {SWEEP_NEVER, SWEEP_NEVER};
    for (uint32_t at = first; at; at = at == first ? index->child[first] : index->next[at]) {
        const struct history_op *attempt = index_op(index, at);
        if (attempt->kind != op->kind || (at != first && index_role(attempt) != ROLE_ATTEMPT) ||
            (at != first && index->effect[at] == at))
            continue;
        any = least(any, attempt->begin_ns);
        if (history_outcome(attempt) != OUTCOME_FAIL)
            span.begin_ns = least(span.begin_ns, attempt->begin_ns);
        if (history_outcome(attempt) == OUTCOME_OK)
            span.end_ns = least(span.end_ns, effect_attempt_span(attempt).end_ns);
    }
    uint32_t answer = index->effect[first];
    if (span.begin_ns == SWEEP_NEVER || index_op(index, answer)->flags & FLAG_REPLAYED)
        span.begin_ns = any;
    return span;
}

uint64_t effect_deadline(const struct index *index, uint32_t reserve)
{
    uint64_t ttl_ns = index->reader->facts->ttl_ms * 1000000u;
    uint64_t last = span_of_key(index, reserve).begin_ns;
    uint64_t version = 0;
    for (uint32_t at = index->child[reserve]; at; at = index->next[at]) {
        if (index_op(index, at)->kind != KIND_EXTEND || !index_took_effect(index, at))
            continue;
        const struct history_line *line = effect_pair(index, at, 0);
        if (line && line->version > version &&
            !restored_lost(index->restored, line->item, line->version)) {
            version = line->version;
            last = span_of_key(index, at).begin_ns;
        }
    }
    uint64_t slack = CLOCK_OFF_NS + ttl_ns / CLOCK_DRIFT;
    return last + (ttl_ns > slack ? ttl_ns - slack : 0);
}

struct span effect_span(const struct index *index, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    enum index_role role = index_role(op);
    if (role == ROLE_FIRST && index_took_effect(index, slot) && index->child[slot])
        return span_of_key(index, slot);
    struct span span = effect_attempt_span(op);
    if (role == ROLE_GET_RESERVATION && index->effect[slot] == slot) {
        /* Whoever saw the expiry saw it happened. One that was seen too early is reported from its
         * reservation; then it has no bound here, so that it is not reported from its items too. */
        uint64_t deadline_ns = effect_deadline(index, op->of);
        span.begin_ns = deadline_ns <= span.end_ns ? deadline_ns : 0;
    }
    return span;
}

const struct history_line *effect_pair(const struct index *index, uint32_t slot, unsigned n)
{
    uint32_t answer = index_took_effect(index, slot) ? index->effect[slot] : slot;
    return index_line_about(index_op(index, answer), index_line(index_op(index, slot), n)->item, n);
}

bool effect_same_pairs(const struct history_op *a, const struct history_op *b)
{
    for (unsigned n = 0; n < a->lines; n++) {
        const struct history_line *mine = index_line(a, n);
        const struct history_line *other = index_line_about(b, mine->item, n);
        if (!other || other->version != mine->version || other->remaining != mine->remaining)
            return false;
    }
    return a->lines > 0;
}

uint32_t effect_reservation(const struct index *index, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    if (index_role(op) == ROLE_ATTEMPT) {
        slot = op->of;
        op = index_op(index, slot);
    }
    return op->kind == KIND_RESERVE ? slot : op->of;
}
