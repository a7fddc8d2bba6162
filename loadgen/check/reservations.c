/* reservations.c -- a reservation leaves "held" once, in time, and is found as it was left.
 *
 * For each reservation: the transitions that took effect, and everything that was
 * said about it, must be one timeline (PROPERTY_ENDED_ONCE, LASTING, ANSWERS), in an order that
 * agrees with the order of time (LINEARIZABLE). Expiries come to light here: a get that shows one
 * becomes its evidence in index->effect. They are no operations of any client, so they have only a
 * bound: not before the time of the last reserve or extend is up, less what clocks may be off.
 */
#include "check/describe.h"
#include "check/effect.h"
#include "check/passes.h"
#include "check/realtime_order.h"
#include "check/reservation_rules.h"
#include "check/timeline.h"
#include "check/verdict.h"
#include "history/names.h"

#include <inttypes.h>

/* --- after its time: changed all the same, or held for long ----------------------------------- */

/* All times are the clients', so no clocks need agree: the time to live begins, at the latest, when
 * the answer that gave it was read, and a request is decided, at the earliest, when it was sent. A
 * confirm, release or extend that was sent later than the time allows, but for what a server may
 * take to look at its clock, had to be refused.
 *
 * A server writes an expiry within about a second; one that has not written it after
 * HISTORY_OVERDUE_NS keeps units from everybody. Whether there is evidence is up to the settling,
 * which looks at held reservations that long. */

#define DRIFT    1000 /* the clocks of client and server may differ by one part in so many */
#define STALE_NS UINT64_C(100000000) /* how old the time may be by which a server decides */

/* When a time to live that was given no later than that is up at the latest. */
static uint64_t up_at(const struct index *index, uint64_t given_ns)
{
    uint64_t ttl_ns = index->reader->facts->ttl_ms * 1000000;
    return given_ns == SWEEP_NEVER ? SWEEP_NEVER : given_ns + ttl_ns + ttl_ns / DRIFT;
}

/* When the last time to live was up at the latest; SWEEP_NEVER when that is not known. */
static uint64_t time_up(const struct timeline *t, const struct index *index)
{
    uint64_t last_ns = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct event *e = &t->events[i];
        if (e->what != EVENT_TRANSITION)
            continue;
        uint64_t end_ns = effect_span(index, e->slot).end_ns;
        last_ns = end_ns > last_ns ? end_ns : last_ns;
    }
    return up_at(index, last_ns);
}

static void report_late(const struct timeline *t, const struct index *index, uint32_t given,
                        const struct event *late, uint64_t up_ns, struct verdict *v)
{
    const struct history_op *op = index_op(index, late->slot);
    verdict_violation(v, PROPERTY_ENDED_ONCE, OPS(given, late->slot),
                      "Accepted too late: %s was sent at %s and made version %" PRIu64
                      " of %s, but the time of %" PRIu64 "ms that its reservation (client %" PRIu32
                      ", request %" PRIu32 ") had was up at %s at the latest.",
                      describe_who(op).text, describe_time(index->reader, op->begin_ns).text,
                      late->version, describe_sku(index->reader, op->line.item).text,
                      index->reader->facts->ttl_ms, index_op(index, t->reserve)->client,
                      index_op(index, t->reserve)->seq, describe_time(index->reader, up_ns).text);
}

/* Whether all extensions of its time are known. */
static bool knows_time(const struct timeline *t, const struct index *index)
{
    return !t->shaken && !index->incomplete && t->unresolved == t->unresolved_ends;
}

/* The first change that was sent after the time that those before it had given. */
static void check_late(const struct timeline *t, const struct index *index, struct verdict *v)
{
    uint64_t up_ns = SWEEP_NEVER;
    uint32_t given = 0;
    for (size_t i = 0; i < t->count && knows_time(t, index); i++) {
        const struct event *e = &t->events[i];
        const struct history_op *op = index_op(index, e->slot);
        if (e->what != EVENT_TRANSITION || e->slot == t->expiry ||
            effect_took_again(index, e->slot))
            continue;
        bool first = index_role(op) == ROLE_FIRST;
        uint64_t begin_ns = first ? effect_key_span(index, e->slot).begin_ns : op->begin_ns;
        if (up_ns != SWEEP_NEVER && begin_ns > up_ns + STALE_NS) {
            report_late(t, index, given, e, up_ns, v);
            return;
        }
        uint64_t until_ns = up_at(index, effect_span(index, e->slot).end_ns);
        given = e->slot;
        up_ns = until_ns;
    }
}

static void check_overdue(const struct timeline *t, const struct index *index, struct verdict *v)
{
    check_late(t, index, v);
    if (!t->read_back || t->ends || t->expiry || t->unresolved || t->shaken)
        return;
    const struct history_op *shown = index_op(index, t->read_back);
    uint64_t up_ns = time_up(t, index);
    if (history_outcome(shown) != OUTCOME_OK || shown->detail != DETAIL_HELD ||
        shown->begin_ns < HISTORY_OVERDUE_NS || shown->begin_ns - HISTORY_OVERDUE_NS <= up_ns)
        return;
    verdict_violation(v, PROPERTY_ENDED_ONCE, OPS(t->reserve, t->read_back),
                      "%s is still held at %s, though its time of %" PRIu64
                      "ms was up at %s at the latest: its units come back to nobody.",
                      describe_who(index_op(index, t->reserve)).text,
                      describe_time(index->reader, shown->begin_ns).text,
                      index->reader->facts->ttl_ms, describe_time(index->reader, up_ns).text);
}

/* --- it ends once, and not too early ---------------------------------------------------------- */

/* Of what was confirmed, released or expired only one thing can happen to a reservation; but one
 * that expired may be confirmed by who asked for its units to be taken again. What was ended never
 * goes on. */

static void check_time(const struct timeline *t, const struct index *index, struct verdict *v)
{
    uint64_t deadline_ns = effect_deadline(index, t->reserve);
    uint32_t early = 0;
    for (size_t i = 0; i < t->count && !early; i++) {
        const struct event *e = &t->events[i];
        const struct history_op *op = index_op(index, e->slot);
        if (e->what != EVENT_TRANSITION && e->state == DETAIL_EXPIRED && op->end_ns < deadline_ns)
            early = e->slot;
    }
    if (!early)
        return;
    verdict_violation(v, PROPERTY_ENDED_ONCE, OPS(t->reserve, early),
                      "Expired too early: %s of %s was over at %s, though its time of %" PRIu64
                      "ms was not up before %s.",
                      describe_reservation(index_op(index, t->reserve)).text,
                      describe_sku(index->reader, index_op(index, t->reserve)->line.item).text,
                      describe_time(index->reader, index_op(index, early)->end_ns).text,
                      index->reader->facts->ttl_ms, describe_time(index->reader, deadline_ns).text);
}

static bool ends_it(const struct timeline *t, const struct event *e)
{
    return (e->what == EVENT_TRANSITION && e->state != DETAIL_HELD && !e->lost) ||
           e->slot == t->expiry;
}

/* Two different ends of one timeline, in the order of versions. */
static void report_ends(const struct timeline *t, const struct index *index, struct verdict *v)
{
    uint32_t ops[4] = {t->reserve};
    const char *states[2] = {"", ""};
    unsigned n = 0;
    for (size_t i = 0; i < t->count && n < 2; i++) {
        const struct event *e = &t->events[i];
        if (ends_it(t, e)) {
            states[n] = history_detail_text(e->state);
            ops[++n] = e->slot;
        }
    }
    const struct history_op *op = index_op(index, t->reserve);
    verdict_violation(v, PROPERTY_ENDED_ONCE, ops,
                      "Ended twice: %s, %" PRId32 " of %s, was %s and then %s: its units came back "
                      "or were sold more than once. The second had to be refused.",
                      describe_reservation(index_op(index, t->reserve)).text, op->line.quantity,
                      describe_sku(index->reader, op->line.item).text, states[0], states[1]);
}

/* True, with a violation, when its time was extended though it had ended. */
static bool revived(const struct timeline *t, const struct index *index, struct verdict *v)
{
    const struct event *end = NULL, *revival = NULL;
    for (size_t i = 0; i < t->count && !revival; i++) {
        const struct event *e = &t->events[i];
        if (!end && ends_it(t, e))
            end = e;
        else if (end && e->what == EVENT_TRANSITION && e->state == DETAIL_HELD && !e->lost)
            revival = e;
    }
    if (!revival)
        return false;
    verdict_violation(v, PROPERTY_ENDED_ONCE, OPS(end->slot, revival->slot),
                      "Extended after its end: %s was %s at version %" PRIu64
                      ", and yet %s succeeded at version %" PRIu64 ". It had to be refused.",
                      describe_reservation(index_op(index, t->reserve)).text,
                      history_detail_text(end->state), end->version,
                      describe_who(index_op(index, revival->slot)).text, revival->version);
    return true;
}

/* Whether it expired first, and its units were taken again then by the one that ended it. */
static bool taken_again(const struct timeline *t, const struct index *index)
{
    if (t->ends != 1 || !t->expiry || !timeline_took_again(t, index))
        return false;
    const struct history_line *again = effect_pair(index, t->end, 0);
    const struct history_line *before =
        index_line_about(index_op(index, t->expiry), again->item, 0);
    return before && before->version < again->version;
}

/* Whether whoever did that had not asked for it: by its own answer, or by what is known of it where
 * nobody else can have done it. */
static bool is_unasked(const struct timeline *t, const struct index *index)
{
    const struct history_op *answer = index_op(index, index->effect[t->end]);
    bool own = index_role(answer) != ROLE_LOOKUP && !(answer->flags & FLAG_REPLAYED);
    bool alone = !t->unresolved_ends && !t->shaken && !index->incomplete;
    return answer->kind == KIND_CONFIRM && (own || alone);
}

static void report_unasked(const struct timeline *t, const struct index *index, struct verdict *v)
{
    verdict_violation(v, PROPERTY_ENDED_ONCE, OPS(t->expiry, t->end),
                      "Taken again unasked: %s had expired, and %s took its units once more, which "
                      "only \"if_expired\" asks for. It had to be refused.",
                      describe_reservation(index_op(index, t->reserve)).text,
                      describe_who(index_op(index, t->end)).text);
}

/* False, with a violation: what is said about it adds up to nothing then. */
static bool ends_once(const struct timeline *t, const struct index *index, struct verdict *v)
{
    bool again = taken_again(t, index);
    if (t->ends + (t->expiry != 0) > 1u + again) {
        report_ends(t, index, v);
        return false;
    }
    if (again && is_unasked(t, index)) {
        report_unasked(t, index, v);
        return false;
    }
    check_time(t, index, v);
    return !revived(t, index, v);
}

/* --- all of it -------------------------------------------------------------------------------- */

struct work {
    struct index *index;
    struct item *items;
    struct verdict *verdict;
    bool order;
    uint64_t latest_ns;   /* when the last counters were read */
    uint64_t not_read;    /* reservations whose end nobody knows */
    uint32_t not_read_eg; /* one of them */
};

static void count_end(struct coverage *c, enum history_detail state)
{
    c->reservations++;
    c->confirmed += state == DETAIL_CONFIRMED;
    c->released += state == DETAIL_RELEASED;
    c->expired += state == DETAIL_EXPIRED;
    c->held += state == DETAIL_HELD;
}

/* Transitions that may have happened to this reservation and left no trace in the history. */
static void count_possible(struct work *w, const struct timeline *t)
{
    const struct history_op *reserve = index_op(w->index, t->reserve);
    if (!t->expiry && timeline_took_again(t, w->index))
        items_add_slack(w->items, reserve, 1); /* it has expired, and nobody tells when */
    if (t->ends || t->expiry || t->gone)
        return;
    if (!t->read_back) {
        items_add_slack(w->items, reserve, 1);
        w->not_read++;
        w->not_read_eg = t->reserve;
    } else if (effect_deadline(w->index, t->reserve) <= w->latest_ns) {
        /* Held when it was read back, and perhaps expired before the items were read. */
        items_add_late_slack(w->items, reserve);
    }
}

/* What ended twice does not add up: one violation is enough. */
static void disturb(struct work *w, uint32_t reserve)
{
    const struct history_op *op = index_op(w->index, reserve);
    for (unsigned n = 0; n < op->lines; n++)
        w->items[index_line(op, n)->item].disturbed = true;
}

static int check_one(struct work *w, struct timeline *t, uint32_t reserve)
{
    int err = timeline_gather(t, w->index, reserve);
    if (err == 0 && !rules_explain_repeats(t, w->index, w->verdict))
        err = timeline_gather(t, w->index, reserve);
    if (err < 0)
        return err;
    bool sound = ends_once(t, w->index, w->verdict);
    if (t->expiry && !(t->end && effect_same_pairs(index_op(w->index, t->expiry),
                                                   index_op(w->index, w->index->effect[t->end]))))
        err = timeline_add_expiry(t, w->index);
    if (err < 0)
        return err;
    count_possible(w, t);
    count_end(&w->verdict->coverage, (enum history_detail)timeline_last(t)->state);
    w->verdict->coverage.taken_again += timeline_took_again(t, w->index);
    w->verdict->coverage.read_back += t->read_back != 0;
    w->verdict->property[PROPERTY_ENDED_ONCE].checked++;
    w->verdict->property[PROPERTY_LASTING].checked++;
    if (!sound) {
        disturb(w, reserve);
    } else {
        check_overdue(t, w->index, w->verdict);
        rules_check_words(t, w->index, w->verdict);
        if (w->order)
            rules_check_order(t, w->index, w->verdict);
    }
    return 0;
}

static uint64_t latest_counters(const struct index *index, const struct item *items)
{
    uint64_t latest_ns = 0;
    for (uint32_t i = 0; i < index->items; i++) {
        const struct history_counters *counters = items_counters(index, &items[i]);
        if (counters && counters->at_ns > latest_ns)
            latest_ns = counters->at_ns;
    }
    return latest_ns;
}

/* No client could know the name of a reservation that was never made: what is about it anyway
 * belongs to one that the file does not show. */
static void forget_strays(struct index *index, uint32_t reserve)
{
    for (uint32_t at = index->child[reserve]; at; at = index->next[at]) {
        if (index_op(index, at)->kind == KIND_RESERVE)
            continue;
        index_break(index);
        index->effect[at] = EFFECT_NONE;
        for (uint32_t again = index->child[at]; again; again = index->next[again])
            index->effect[again] = EFFECT_NONE;
    }
}

/* An operation that may have happened may have been one transition; an unknown reserve may have
 * been two, for it may have expired since. */
static void count_unresolved(struct work *w, const struct history_op *op)
{
    items_add_slack(w->items, op, op->kind == KIND_RESERVE ? 2 : 1);
}

int reservations_check(struct index *index, struct item *items, bool order, struct verdict *v)
{
    struct work w = {.index = index, .items = items, .verdict = v, .order = order};
    w.latest_ns = latest_counters(index, items);
    struct timeline t = {0};
    int err = 0;
    for (struct index_pass pass = index_pass(index); err == 0 && index_next(&pass);) {
        const struct history_op *op = pass.op;
        if (index_role(op) != ROLE_FIRST)
            continue;
        if (index->effect[pass.slot] == EFFECT_UNRESOLVED)
            count_unresolved(&w, op);
        if (op->kind != KIND_RESERVE)
            continue;
        if (index_took_effect(index, pass.slot))
            err = check_one(&w, &t, pass.slot);
        else
            forget_strays(index, pass.slot);
    }
    timeline_free(&t);
    if (w.not_read)
        verdict_unknown(v, PROPERTY_LASTING,
                        "%" PRIu64 " reservations, as the one of client %" PRIu32
                        ", request %" PRIu32
                        ", neither ended by an answer nor were read back after the load.",
                        w.not_read, index_op(index, w.not_read_eg)->client,
                        index_op(index, w.not_read_eg)->seq);
    return err;
}
