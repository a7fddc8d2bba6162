/* resolve.c -- did it happen? Attempts, replays and look-ups of one key, as one decision.
 *
 * A key took effect when one of its attempts was answered with 2xx, or when it was
 * found after the load. It did not when all attempts were refused (4xx, 503, never sent), or when
 * it was not found. What contradicts itself is a violation:
 *
 *   two different 2xx, neither marked as replayed      took effect twice           (VERSIONS)
 *   a replay, and nobody who could have been first     an effect behind a refusal  (ANSWERS)
 *   found after the load, though every attempt failed  the same                    (ANSWERS)
 *   attempts that quote different numbers              a replay that differs       (ANSWERS)
 *   refused after it had been answered with 2xx        not replayed                (ANSWERS)
 *   acknowledged, and not found after the load         lost                        (LASTING)
 */
#include "check/describe.h"
#include "check/effect.h"
#include "check/passes.h"
#include "check/restored.h"
#include "history/names.h"

#include <inttypes.h>

/* What the attempts of one key, and its look-up, said. Slots; 0 for none. */
struct key {
    uint32_t first;
    uint32_t answer; /* the first 2xx that was not a replay */
    uint32_t second; /* one more of them, that says something else or came later */
    uint32_t replay; /* the replay that was over first */
    uint32_t lookup; /* found, or not; the best that was said */
    bool found, absent;
    unsigned unknown, attempts;
};

/* Whether a 2xx carries what the interface promises; without it nothing can be placed. */
static bool answer_is_whole(const struct history_op *op)
{
    if (history_outcome(op) != OUTCOME_OK)
        return false;
    for (unsigned n = 0; n < op->lines && op->kind != KIND_DELETE; n++) {
        if (index_line(op, n)->version == 0)
            return false;
    }
    return op->lines > 0;
}

static bool apart(const struct history_op *a, const struct history_op *b)
{
    return a->end_ns <= b->begin_ns || b->end_ns <= a->begin_ns;
}

static void add_answer(const struct index *index, struct key *key, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    if (op->flags & FLAG_REPLAYED) {
        if (!key->replay || op->end_ns < index_op(index, key->replay)->end_ns)
            key->replay = slot;
    } else if (!key->answer) {
        key->answer = slot;
    } else {
        /* Two that are in flight at once may both be given the one result. */
        const struct history_op *answer = index_op(index, key->answer);
        if (!key->second && (!effect_same_pairs(op, answer) || apart(op, answer)))
            key->second = slot;
    }
}

static void add_attempt(const struct index *index, struct key *key, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    key->attempts++;
    if (answer_is_whole(op))
        add_answer(index, key, slot);
    else if (history_outcome(op) != OUTCOME_FAIL)
        key->unknown++;
}

static void add_lookup(const struct index *index, struct key *key, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    if (answer_is_whole(op)) {
        key->found = true;
        key->lookup = slot;
    } else if (history_outcome(op) == OUTCOME_FAIL && !key->found) {
        key->absent = true;
        key->lookup = slot;
    }
}

static void gather_attempts(const struct index *index, uint32_t first, struct key *key)
{
    *key = (struct key){.first = first};
    const struct history_op *op = index_op(index, first);
    add_attempt(index, key, first);
    for (uint32_t at = index->child[first]; at; at = index->next[at]) {
        const struct history_op *child = index_op(index, at);
        if (child->kind != op->kind)
            continue; /* something about the reservation that this reserve made */
        if (index_role(child) == ROLE_ATTEMPT)
            add_attempt(index, key, at);
        else
            add_lookup(index, key, at);
    }
}

/* A mark on what was no whole answer says nothing. */
static bool is_replay(const struct history_op *op)
{
    return history_outcome(op) == OUTCOME_OK && (op->flags & FLAG_REPLAYED);
}

/* Whether another attempt of this key can be the one whose answer was replayed: it began before
 * the replay was over, was not refused, and is no replay itself. */
static bool replay_is_explained(const struct index *index, const struct key *key)
{
    const struct history_op *replay = index_op(index, key->replay);
    for (uint32_t at = key->first; at; at = at == key->first ? index->child[at] : index->next[at]) {
        const struct history_op *op = index_op(index, at);
        bool attempt = at == key->first || index_role(op) == ROLE_ATTEMPT;
        if (attempt && at != key->replay && op->kind == replay->kind &&
            history_outcome(op) != OUTCOME_FAIL && !is_replay(op) && op->begin_ns < replay->end_ns)
            return true;
    }
    return false;
}

#define FAILOVER_LEAST_NS UINT64_C(100000000) /* a request that lived through one took longer */

/* Whether the service may have asked itself by the key: its own first try was answered by a Redis
 * that another one took over from, and what it did was known there. */
static bool may_be_own(const struct index *index, const struct key *key)
{
    const struct history_op *op = index_op(index, key->replay);
    const struct history_op *first = index_op(index, key->first);
    if (index->reader->facts->failovers == 0 || (first->flags & FLAG_AGAIN) ||
        op->end_ns - op->begin_ns < FAILOVER_LEAST_NS)
        return false;
    if (!index_is_end(op))
        return true;
    for (uint32_t at = index->child[first->of]; at; at = index->next[at]) {
        const struct history_op *other = index_op(index, at);
        if (at != key->first && index_same_end(other, op) && history_outcome(other) != OUTCOME_FAIL)
            return false;
    }
    return true;
}

/* Whether it may have found its own effect by its key, since its transaction was lost with the
 * primary that it was sent to. */
static bool found_itself(const struct index *index, const struct history_op *op)
{
    return !(op->flags & FLAG_AGAIN) && unpromised_time(&index->unpromised, op);
}

static uint32_t decide_replay(const struct index *index, const struct key *key, struct verdict *v)
{
    const struct history_op *op = index_op(index, key->replay);
    if (replay_is_explained(index, key) || found_itself(index, op) || may_be_own(index, key) ||
        (index->incomplete && !index_is_end(op)))
        return key->replay;
    if (index_is_end(op))
        return EFFECT_AGAIN;
    verdict_violation(v, PROPERTY_ANSWERS,
                      OPS(key->replay, key->first == key->replay ? 0 : key->first),
                      "%s got an answer marked as replayed, %s, that nobody was given before: a "
                      "refused request had an effect, or the mark is wrong. A refused request must "
                      "change nothing.",
                      describe_who(op).text, describe_made(index->reader, op).text);
    return key->replay;
}

static uint32_t decide_unanswered(const struct index *index, const struct key *key,
                                  struct verdict *v)
{
    if (!key->found)
        return key->unknown && !key->absent ? EFFECT_UNRESOLVED : EFFECT_NONE;
    if (key->unknown || index->incomplete)
        return key->lookup;
    const struct history_op *op = index_op(index, key->first);
    verdict_violation(v, PROPERTY_ANSWERS, OPS(key->first, key->lookup),
                      "%s was refused with %u %s, and yet its key was found after the load: it "
                      "made %s. A refused request must change nothing.",
                      describe_who(op).text, (unsigned)op->status, history_detail_text(op->detail),
                      describe_made(index->reader, index_op(index, key->lookup)).text);
    return key->lookup;
}

static void check_second(struct index *index, const struct key *key, struct verdict *v)
{
    const struct history_op *a = index_op(index, key->answer);
    const struct history_op *b = index_op(index, key->second);
    const uint32_t ops[] = {key->answer, key->second, 0};
    if (effect_same_pairs(a, b)) {
        verdict_violation(v, PROPERTY_ANSWERS, ops,
                          "%s was answered twice with %s, and the second answer is not marked "
                          "as replayed.",
                          describe_who(a).text, describe_made(index->reader, a).text);
        return;
    }
    index->effect[key->second] = key->second;
    if (restored_lost_op(index->restored, a))
        return; /* decided anew, after the first effect was lost: losses.c tells of that */
    verdict_violation(v, PROPERTY_VERSIONS, ops,
                      "One key took effect twice: %s made version %" PRIu64 " of %s, and sent "
                      "again with the same key it made version %" PRIu64
                      ". Right would have been the first answer again, marked as replayed.",
                      describe_who(a).text, a->line.version,
                      describe_sku(index->reader, a->line.item).text, b->line.version);
}

/* An answer that says it is the first, although a repetition of it was over before. */
static void check_mark(const struct index *index, const struct key *key, struct verdict *v)
{
    const struct history_op *answer = index_op(index, key->answer);
    const struct history_op *replay = index_op(index, key->replay);
    if (replay->end_ns > answer->begin_ns || restored_lost_op(index->restored, replay))
        return;
    verdict_violation(v, PROPERTY_ANSWERS, OPS(key->replay, key->answer),
                      "%s was answered as a repetition first, and then, sent again with the same "
                      "key, as if it had never been answered. The mark is wrong once.",
                      describe_who(replay).text);
}

static void check_same(const struct index *index, uint32_t answer, uint32_t other,
                       struct verdict *v)
{
    const struct history_op *a = index_op(index, answer);
    const struct history_op *b = index_op(index, other);
    if (other == answer || effect_same_pairs(a, b))
        return;
    verdict_violation(v, PROPERTY_ANSWERS, OPS(answer, other),
                      "%s got two answers that differ: %" PRId64 " left at version %" PRIu64
                      " of %s, and %" PRId64 " left at version %" PRIu64
                      ". A key's answer must be the same every time.",
                      describe_who(a).text, a->line.remaining, a->line.version,
                      describe_sku(index->reader, a->line.item).text, b->line.remaining,
                      b->line.version);
}

/* A refusal about the state, not about the service being busy. */
static bool refused_on_merits(const struct history_op *op)
{
    return history_outcome(op) == OUTCOME_FAIL && op->detail >= DETAIL_CONFIRMED &&
           (op->detail <= DETAIL_NO_RESERVATION || op->detail == DETAIL_LIMIT ||
            op->detail == DETAIL_IN_USE || op->detail == DETAIL_EXISTS);
}

/* Everything else that was said about a key that was answered must agree with that answer. */
static void check_others(const struct index *index, const struct key *key, uint32_t answer,
                         struct verdict *v)
{
    const struct history_op *op = index_op(index, answer);
    bool acknowledged = answer != key->lookup;
    if (restored_lost_op(index->restored, op))
        return; /* losses.c tells of it */
    for (uint32_t at = key->first; at; at = at == key->first ? index->child[at] : index->next[at]) {
        const struct history_op *other = index_op(index, at);
        if (other->kind != op->kind || at == answer || at == key->second)
            continue;
        if (answer_is_whole(other))
            check_same(index, answer, at, v);
        if (acknowledged && index_role(other) != ROLE_LOOKUP && refused_on_merits(other) &&
            other->begin_ns > op->end_ns)
            verdict_violation(v, PROPERTY_ANSWERS, OPS(answer, at),
                              "%s was answered with %u, and then, sent again with the same key, "
                              "refused with %u %s. Right would have been the first answer again.",
                              describe_who(op).text, (unsigned)op->status, (unsigned)other->status,
                              history_detail_text(other->detail));
    }
    if (acknowledged && key->absent && !key->found)
        verdict_violation(v, PROPERTY_LASTING, OPS(answer, key->lookup),
                          "%s was answered with %u, %s, but after the load the service knew "
                          "nothing of its key.",
                          describe_who(op).text, (unsigned)op->status,
                          describe_made(index->reader, op).text);
}

static void resolve_key(struct index *index, uint32_t first, struct verdict *v)
{
    struct key key;
    gather_attempts(index, first, &key);
    uint32_t effect;
    if (key.answer)
        effect = key.answer;
    else if (key.replay)
        effect = decide_replay(index, &key, v);
    else
        effect = decide_unanswered(index, &key, v);
    index->effect[first] = effect;
    v->property[PROPERTY_ANSWERS].checked += key.attempts > 1 || key.lookup;
    uint32_t answer = effect == EFFECT_AGAIN ? key.replay : effect;
    if (answer < EFFECT_SLOT_MIN)
        return;
    if (key.second)
        check_second(index, &key, v);
    if (key.answer && key.replay)
        check_mark(index, &key, v);
    if (key.attempts > 1 || key.lookup)
        check_others(index, &key, answer, v);
}

void resolve_effects(struct index *index, struct verdict *v)
{
    for (struct index_pass pass = index_pass(index); index_next(&pass);) {
        const struct history_op *op = pass.op;
        if (index_role(op) == ROLE_FIRST)
            resolve_key(index, pass.slot, v);
    }
}
