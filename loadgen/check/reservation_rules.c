#include "check/reservation_rules.h"
#include "check/describe.h"
#include "check/effect.h"
#include "check/realtime_order.h"
#include "check/restored.h"
#include "history/names.h"

#include <inttypes.h>

/* The replayed 2xx among the attempts of a key, 0 when there is none. */
static uint32_t replay_of(const struct index *index, uint32_t first)
{
    for (uint32_t at = first; at; at = at == first ? index->child[at] : index->next[at]) {
        const struct history_op *op = index_op(index, at);
        if (history_outcome(op) == OUTCOME_OK && (op->flags & FLAG_REPLAYED))
            return at;
    }
    return 0;
}

/* Whether op asks for as many units of each item as the other one. */
static bool same_quantities(const struct history_op *op, const struct history_op *other)
{
    bool same = true;
    for (unsigned n = 0; n < op->lines && same; n++) {
        const struct history_line *line = index_line(op, n);
        const struct history_line *of = index_line_about(other, line->item, n);
        same = of && of->quantity == line->quantity;
    }
    return same;
}

/* Whether the request asks for the very end that its reservation had already. */
static bool repeats_end(const struct timeline *t, const struct index *index,
                        const struct history_op *op)
{
    const struct history_op *end = t->end ? index_op(index, t->end) : NULL;
    return end && index_same_end(end, op) &&
           (!history_confirms(op->kind) || same_quantities(op, end));
}

/* False: nothing explains it. */
static bool explain_repeat(const struct timeline *t, const struct index *index, uint32_t replay,
                           struct verdict *v)
{
    const struct history_op *op = index_op(index, replay);
    v->property[PROPERTY_ANSWERS].checked++;
    if ((!t->end && (t->unresolved_ends || index->incomplete)) || t->ends > 1)
        return true; /* nobody knows what it repeats, or that there are several is said elsewhere */
    const uint32_t ops[] = {replay, t->end ? t->end : t->reserve, 0};
    bool before = t->end && index_same_end(index_op(index, t->end), op) &&
                  effect_span(index, t->end).begin_ns <= op->end_ns;
    if (!before) {
        verdict_violation(v, PROPERTY_ANSWERS, ops,
                          "%s of %s got an answer marked as replayed, but nobody had %s it before: "
                          "a refused request had an effect, or the mark is wrong.",
                          describe_who(op).text,
                          describe_reservation(index_op(index, t->reserve)).text,
                          history_confirms(op->kind) ? "confirmed" : "released");
        return false;
    }
    const struct history_op *end = index_op(index, index->effect[t->end]);
    /* Who names no quantities means all of them, or, perhaps, those of the first. */
    if (!repeats_end(t, index, op) && !same_quantities(op, index_op(index, t->reserve)))
        verdict_violation(v, PROPERTY_ANSWERS, ops,
                          "%s of %s asked for other quantities than the confirm that succeeded, "
                          "and yet got the answer to that one. It had to be refused.",
                          describe_who(op).text,
                          describe_reservation(index_op(index, t->reserve)).text);
    else if (!effect_same_pairs(op, end))
        verdict_violation(v, PROPERTY_ANSWERS, ops,
                          "%s of %s was answered again with version %" PRIu64 " and %" PRId64
                          " left of %s; the first answer, which a repetition must give again, "
                          "said version %" PRIu64 " and %" PRId64 " left.",
                          describe_who(op).text,
                          describe_reservation(index_op(index, t->reserve)).text, op->line.version,
                          op->line.remaining, describe_sku(index->reader, op->line.item).text,
                          end->line.version, end->line.remaining);
    return true;
}

bool rules_explain_repeats(const struct timeline *t, struct index *index, struct verdict *v)
{
    bool explained = true;
    if (t->shaken)
        return true; /* what they repeat may be undone */
    for (uint32_t at = index->child[t->reserve]; at; at = index->next[at]) {
        /* One without a replay is known from a look-up, and told to be a repeat by its numbers. */
        uint32_t replay = index->effect[at] == EFFECT_AGAIN ? replay_of(index, at) : 0;
        if (replay && !explain_repeat(t, index, replay, v)) {
            index->effect[at] = replay;
            explained = false;
        }
    }
    return explained;
}

/* Whether the refusal may be about something that was undone behind it. */
static bool claims_what_was(const struct timeline *t, const struct index *index,
                            const struct history_op *refused)
{
    uint32_t item = index_op(index, t->reserve)->line.item;
    return t->shaken && restored_after(index->restored, item, refused->begin_ns);
}

/* What the reservation became; DETAIL_NONE while nobody knows. */
static enum history_detail became(const struct timeline *t, const struct index *index)
{
    const struct event *last = timeline_last(t);
    bool known = t->read_back && !t->unresolved_ends && !index->incomplete;
    bool for_good = last->state == DETAIL_EXPIRED ? !t->unresolved_again && !index->incomplete
                                                  : last->state != DETAIL_HELD;
    return for_good || known ? (enum history_detail)last->state : DETAIL_NONE;
}

static void report_refused_repeat(const struct timeline *t, const struct index *index,
                                  const struct event *e, struct verdict *v)
{
    const struct history_op *op = index_op(index, e->slot);
    verdict_violation(v, PROPERTY_ANSWERS, OPS(t->end, e->slot),
                      "%s was refused because %s was %s already. Right would have been the answer "
                      "that it got then once more, marked as replayed.",
                      describe_who(op).text, describe_reservation(index_op(index, t->reserve)).text,
                      history_detail_text(e->state));
}

static void check_claim(const struct timeline *t, const struct index *index, const struct event *e,
                        struct verdict *v)
{
    const struct history_op *op = index_op(index, e->slot);
    uint32_t last = timeline_last(t)->slot;
    const uint32_t ops[] = {t->reserve, e->slot, last == t->reserve ? 0 : last, 0};
    v->property[PROPERTY_ANSWERS].checked++;
    if (e->state == DETAIL_NO_RESERVATION) {
        if (index->may_lose &&
            restored_lost_op(index->restored, index_op(index, index->effect[t->reserve])))
            return; /* losses.c tells of it */
        verdict_violation(v, PROPERTY_LASTING, ops,
                          "Lost: %s was acknowledged, but at %s %s found that there is none.",
                          describe_reservation(index_op(index, t->reserve)).text,
                          describe_time(index->reader, op->end_ns).text, describe_who(op).text);
        return;
    }
    enum history_detail is = became(t, index);
    if (claims_what_was(t, index, op))
        return;
    /* Nobody knows what it became: an expiry needs no client, the others need somebody. */
    if (is == e->state && repeats_end(t, index, op)) {
        report_refused_repeat(t, index, e, v);
        return;
    }
    bool unseen = e->state == DETAIL_EXPIRED || t->unresolved_ends || index->incomplete;
    if (is == e->state || (is == DETAIL_NONE && unseen))
        return;
    if (is == DETAIL_HELD && e->state == DETAIL_EXPIRED)
        return; /* its time was up, or check_time tells; that it expired may be written later */
    if (e->state == DETAIL_EXPIRED && timeline_took_again(t, index) &&
        op->begin_ns <= effect_span(index, t->end).end_ns)
        return; /* so it was, before its units were taken again */
    bool ended = is != DETAIL_NONE && is != DETAIL_HELD;
    verdict_violation(v, PROPERTY_ANSWERS, ops,
                      "%s got the answer that %s was %s, but %s%s. What has ended never changes.",
                      describe_who(op).text, describe_reservation(index_op(index, t->reserve)).text,
                      history_detail_text(e->state), ended ? "it was " : "nobody had ended it",
                      ended ? history_detail_text(is) : "");
}

static void report_read(const struct timeline *t, const struct index *index, const struct event *e,
                        const struct event *right, struct verdict *v)
{
    const struct history_op *op = index_op(index, e->slot);
    bool after = history_phase(op) == PHASE_SETTLE;
    verdict_violation(v, after ? PROPERTY_LASTING : PROPERTY_ANSWERS, OPS(right->slot, e->slot),
                      "%s%s showed %s as %s at version %" PRIu64 " of %s (%" PRId64
                      " left), where its operations make it %s at version %" PRIu64 ".",
                      after ? "After the load, " : "", describe_who(op).text,
                      describe_reservation(index_op(index, t->reserve)).text,
                      history_detail_text(e->state), e->version,
                      describe_sku(index->reader, op->line.item).text, op->line.remaining,
                      history_detail_text(right->state), right->version);
}

/* The confirm sold other units than a read shows. */
static void report_sold(const struct timeline *t, const struct index *index, uint32_t confirm,
                        uint32_t read, struct verdict *v)
{
    const struct history_op *asked = index_op(index, confirm);
    const struct history_op *op = index_op(index, read);
    unsigned n = 0;
    while (n + 1 < op->lines && index_line_about(asked, index_line(op, n)->item, n)->quantity ==
                                    index_line(op, n)->quantity)
        n++;
    const struct history_line *line = index_line(op, n);
    verdict_violation(
        v, PROPERTY_ANSWERS, OPS(t->reserve, confirm, read),
        "%s shows that %" PRId32 " of %s were sold of %s, where %s sold %" PRId32 " of them.",
        describe_who(op).text, line->quantity, describe_sku(index->reader, line->item).text,
        describe_reservation(index_op(index, t->reserve)).text, describe_who(asked).text,
        index_line_about(asked, line->item, n)->quantity);
}

static void check_read(const struct timeline *t, const struct index *index, const struct event *e,
                       struct verdict *v)
{
    const struct history_op *op = index_op(index, e->slot);
    v->property[PROPERTY_ANSWERS].checked++;
    const struct event *last = timeline_last(t);
    const struct event *at = timeline_transition(t, e->version);
    if (!at || at->state != e->state) {
        bool missing = !at && index->incomplete;
        if (!t->unresolved && !e->lost && !missing) /* which might be what it shows */
            report_read(t, index, e, at ? at : last, v);
        return;
    }
    const struct history_op *said = index_op(index, index->effect[at->slot]);
    if (!effect_same_pairs(op, said) ||
        (history_phase(op) == PHASE_SETTLE && at != last && e->slot == t->read_back))
        report_read(t, index, e, last, v);
    else if (index->says_sold && e->state == DETAIL_CONFIRMED && index_is_end(said) &&
             index_is_end(index_op(index, at->slot)) &&
             !same_quantities(op, index_op(index, at->slot)))
        report_sold(t, index, at->slot, e->slot, v);
}

void rules_check_words(const struct timeline *t, const struct index *index, struct verdict *v)
{
    bool told = false;
    for (size_t i = 0; i < t->count; i++) {
        const struct event *e = &t->events[i];
        bool missed = e->what == EVENT_CLAIM && e->state == DETAIL_NO_RESERVATION;
        if (missed && told && t->gone)
            continue; /* lost in a restore: once is enough */
        told |= missed;
        if (e->what == EVENT_CLAIM)
            check_claim(t, index, e, v);
        else if (e->what == EVENT_READ)
            check_read(t, index, e, v);
    }
}

/* `early` was over before `late` began, and yet comes after it by their versions. */
static void report_order(const struct timeline *t, const struct index *index, uint32_t early,
                         uint32_t late, struct verdict *v)
{
    const struct history_op *was = index_op(index, early);
    const struct history_op *began = index_op(index, late);
    bool stale = began->kind == KIND_GET_RESERVATION;
    verdict_violation(v, PROPERTY_LINEARIZABLE, OPS(early, late),
                      "%s: %s about %s was over at %s; %s began after that, at %s, and yet %s.",
                      stale ? "Out of date" : "Out of order", describe_who(was).text,
                      describe_reservation(index_op(index, t->reserve)).text,
                      describe_time(index->reader, was->end_ns).text, describe_who(began).text,
                      describe_time(index->reader, began->begin_ns).text,
                      stale ? "shows the state before it" : "comes before it by its version");
}

/* Who is told that the time is up, after which nothing can change the reservation any more, is told
 * so perhaps before the expiry is written: gets may show it held for a while. */
static bool check_time_up(const struct timeline *t, const struct index *index, struct verdict *v)
{
    uint64_t begin_ns = 0;
    uint32_t last = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct event *e = &t->events[i];
        if (e->what != EVENT_TRANSITION || e->lost || e->slot == t->expiry ||
            effect_took_again(index, e->slot))
            continue;
        struct span span = effect_span(index, e->slot);
        if (span.begin_ns > begin_ns) {
            begin_ns = span.begin_ns;
            last = e->slot;
        }
    }
    for (size_t i = 0; i < t->count; i++) {
        const struct event *e = &t->events[i];
        const struct history_op *op = index_op(index, e->slot);
        if (e->what != EVENT_CLAIM || e->state != DETAIL_EXPIRED || op->end_ns >= begin_ns ||
            claims_what_was(t, index, op))
            continue;
        report_order(t, index, e->slot, last, v);
        return false;
    }
    return true;
}

void rules_check_order(const struct timeline *t, const struct index *index, struct verdict *v)
{
    if (!check_time_up(t, index, v))
        return;
    struct sweep sweep;
    sweep_start(&sweep);
    bool known = timeline_last(t)->state != DETAIL_HELD;
    for (size_t i = 0; i < t->count; i++) {
        const struct event *e = &t->events[i];
        const struct history_op *op = index_op(index, e->slot);
        bool transition = e->what == EVENT_TRANSITION;
        if (e->what == EVENT_CLAIM &&
            (!known || e->state == DETAIL_EXPIRED || claims_what_was(t, index, op)))
            continue; /* about an end that is in nobody's hands, or not any more */
        if (e->lost)
            continue; /* after the restore, older versions are shown again */
        if (!transition && index_is_told(op))
            continue; /* of what was before, whenever it is told */
        struct span span = transition ? effect_span(index, e->slot) : effect_attempt_span(op);
        uint32_t late = sweep_step(&sweep, transition, span.begin_ns, span.end_ns, e->slot);
        v->property[PROPERTY_LINEARIZABLE].checked++;
        if (late && late != t->expiry) {
            report_order(t, index, e->slot, late, v);
            return;
        }
    }
}
