/* effect.c -- see effect.h: when effects happened, and what they said. */
#include "check/effect.h"
#include "check/realtime_order.h"
#include "check/removal_table.h"
#include "check/restored.h"

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
    return (struct span){op->begin_ns, ended ? op->end_ns : SWEEP_NEVER, 0, 0};
}

/* A confirm or release known only second-hand may repeat another one of whose fate nobody knows:
 * when the first of those began. */
static uint64_t begin_of_others(const struct index *index, const struct history_op *end)
{
    uint64_t begin_ns = index->incomplete ? 0 : SWEEP_NEVER;
    for (uint32_t at = index->child[end->of]; at; at = index->next[at]) {
        if (index_same_end(index_op(index, at), end) && index->effect[at] == EFFECT_UNRESOLVED)
            begin_ns = least(begin_ns, index_op(index, at)->begin_ns);
    }
    return begin_ns;
}

/* All attempts of one key. A refused attempt counts only when no other one could have done it. */
struct span effect_key_span(const struct index *index, uint32_t first)
{
    const struct history_op *op = index_op(index, first);
    uint64_t any = SWEEP_NEVER;
    struct span span = {SWEEP_NEVER, SWEEP_NEVER, 0, 0};
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
    const struct history_op *answer = index_op(index, index->effect[first]);
    bool replayed = answer->flags & FLAG_REPLAYED;
    if (span.begin_ns == SWEEP_NEVER || replayed)
        span.begin_ns = any;
    if (index_is_end(op) && (replayed || index_role(answer) == ROLE_LOOKUP))
        span.begin_ns = least(span.begin_ns, begin_of_others(index, op));
    return span;
}

uint64_t effect_deadline(const struct index *index, uint32_t reserve)
{
    uint64_t ttl_ns = index->reader->facts->ttl_ms * 1000000u;
    uint64_t last = effect_key_span(index, reserve).begin_ns;
    uint64_t version = 0;
    for (uint32_t at = index->child[reserve]; at; at = index->next[at]) {
        if (index_op(index, at)->kind != KIND_EXTEND || !index_took_effect(index, at))
            continue;
        const struct history_line *line = effect_pair(index, at, 0);
        if (line && line->version > version &&
            !restored_lost(index->restored, line->item, line->version)) {
            version = line->version;
            last = effect_key_span(index, at).begin_ns;
        }
    }
    uint64_t slack = CLOCK_OFF_NS + ttl_ns / CLOCK_DRIFT;
    return last + (ttl_ns > slack ? ttl_ns - slack : 0);
}

/* Whether a refusal because of an end, which quotes no version, can only mean this one: no other is
 * known, and no restore undid one. */
static bool is_the_end(const struct index *index, uint32_t slot)
{
    uint32_t reserve = effect_reservation(index, slot);
    bool alone = index_is_end(index_op(index, slot)) && index->restored->count == 0;
    for (uint32_t at = index->child[reserve]; at && alone; at = index->next[at])
        alone = at == slot || !index_is_end(index_op(index, at)) ||
                !(index_took_effect(index, at) || index->effect[at] == EFFECT_UNRESOLVED);
    return alone;
}

/* Whether the answer of that attempt could only be given once the transition had happened: a get
 * that shows its version, a refusal because of such an end, a repetition of it. */
static bool shows(const struct index *index, uint32_t slot, const struct history_op *change,
                  bool alone)
{
    const struct history_op *op = index_op(index, slot);
    if (op->kind == KIND_GET_RESERVATION) {
        const struct history_line *line = index_line_about(op, change->line.item, 0);
        return history_outcome(op) == OUTCOME_OK && line && line->version == change->line.version;
    }
    if (!alone || index_role(op) == ROLE_LOOKUP)
        return false;
    enum history_detail state = history_confirms(change->kind) ? DETAIL_CONFIRMED : DETAIL_RELEASED;
    if (history_outcome(op) == OUTCOME_FAIL)
        return op->kind != KIND_RESERVE && op->detail == state;
    return index_same_end(op, change) && history_outcome(op) == OUTCOME_OK &&
           (op->flags & FLAG_REPLAYED) && effect_same_pairs(op, change);
}

/* Whether the get could only be answered so before the transition had happened. */
static bool shows_what_was(const struct history_op *op, const struct history_op *change)
{
    if (op->kind != KIND_GET_RESERVATION || history_outcome(op) != OUTCOME_OK || index_is_told(op))
        return false;
    const struct history_line *line = index_line_about(op, change->line.item, 0);
    return line && line->version < change->line.version;
}

/* Narrows the span of the change in that slot by what others were told of its reservation. What
 * leaves nothing of it is no bound here: its reservation's own order tells of that. */
static void narrow(const struct index *index, uint32_t slot, struct span *span)
{
    const struct history_op *said = index_op(index, index->effect[slot]);
    uint32_t reserve = effect_reservation(index, slot);
    bool alone = is_the_end(index, slot), lost = restored_lost_op(index->restored, said);
    for (uint32_t child = index->child[reserve]; child; child = index->next[child]) {
        for (uint32_t at = child; at; at = at == child ? index->child[at] : index->next[at]) {
            const struct history_op *op = index_op(index, at);
            if (op->end_ns < span->end_ns && op->end_ns >= span->begin_ns &&
                shows(index, at, said, alone)) {
                span->end_ns = op->end_ns;
                span->seen = at;
            } else if (op->begin_ns > span->begin_ns && op->begin_ns <= span->end_ns && !lost &&
                       shows_what_was(op, said)) {
                span->begin_ns = op->begin_ns;
                span->unseen = at;
            }
        }
    }
}

struct span effect_span(const struct index *index, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    enum index_role role = index_role(op);
    if ((role == ROLE_ATTEMPT || role == ROLE_LOOKUP) && index->effect[slot] != slot &&
        index->effect[op->of] == slot)
        return effect_span(index, op->of); /* it is the answer of its key */
    bool took = role == ROLE_FIRST && index_took_effect(index, slot);
    struct span span =
        took && index->child[slot] ? effect_key_span(index, slot) : effect_attempt_span(op);
    bool expiry = role == ROLE_GET_RESERVATION && index->effect[slot] == slot;
    if (expiry) {
        /* Whoever saw the expiry saw it happened. One that was seen too early is reported from its
         * reservation; then it has no bound here, so that it is not reported from its items too. */
        uint64_t deadline_ns = effect_deadline(index, op->of);
        span.begin_ns = deadline_ns <= span.end_ns ? deadline_ns : 0;
    }
    if (expiry ||
        (took && (op->kind == KIND_RESERVE || op->kind == KIND_EXTEND || index_is_end(op))))
        narrow(index, slot, &span);
    return span;
}

const struct history_line *effect_pair(const struct index *index, uint32_t slot, unsigned n)
{
    if (index_op(index, slot)->kind == KIND_DELETE)
        return removals_line(index->removals, slot);
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
    return a->lines > 0 && !((a->flags ^ b->flags) & FLAG_TOOK_AGAIN);
}

bool effect_took_again(const struct index *index, uint32_t slot)
{
    uint32_t answer = index_took_effect(index, slot) ? index->effect[slot] : slot;
    return index_op(index, answer)->flags & FLAG_TOOK_AGAIN;
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
