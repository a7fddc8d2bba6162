/* numbers.c -- the versions and numbers of every item, from its creation to its end.
 *
 * Walks each item's entries in the order of versions (replay_versions.h), looks at
 * each refusal and at the limits of customers (limits.h), adds up the effects, and holds the order
 * against time (realtime_order.h). Violations: VERSIONS for a version that nobody made or two did,
 * ANSWERS for a number that does not follow, SUMS for one below zero, LINEARIZABLE for an order
 * that time contradicts, ENDED_ONCE when that is an expiry's. What a restore undid (restored.h) is
 * walked along like everything else, but adds up to nothing.
 */
#include "check/describe.h"
#include "check/effect.h"
#include "check/passes.h"
#include "check/realtime_order.h"
#include "check/removals.h"
#include "check/replay_versions.h"
#include "check/restored.h"

#include <inttypes.h>
#include <stdio.h>

#define RIGHT_SIZE 128

/* One item on the way. */
struct trail {
    const struct index *index;
    struct verdict *verdict;
    struct item *item;
    struct limits *limits;
    struct words sku;
    struct walk walk;
    struct sweep sweep;
    const struct restored_jump *jump, *jump_end; /* those ahead */
    uint32_t before; /* slot of the entry before this one, 0 at the start */
    uint32_t blamed; /* the operation whose begin the last violation of order was about */
    bool below_zero; /* said once */
    bool gone;       /* removed by the last transition */
    uint32_t claim;  /* the claim over first that the item has changed since the version at hand */
};

/* One entry, with what belongs to it. */
struct stop {
    uint32_t slot;
    bool read;
    const struct history_op *op;
    const struct history_line *asked; /* item and quantity */
    const struct history_line *said;  /* version and remaining */
    uint64_t version;                 /* as said, but within bounds: the one it is sorted by */
};

static struct stop stop_at(const struct index *index, struct radix_pair entry)
{
    struct stop stop = {.slot = entry_slot(entry), .read = entry_is_read(entry)};
    stop.version = entry_version(entry);
    unsigned n = entry_line(entry);
    stop.op = index_op(index, stop.slot);
    stop.asked = index_line(stop.op, n);
    stop.said = stop.read ? stop.asked : effect_pair(index, stop.slot, n);
    return stop;
}

/* A read saw what no operation ever left: it was made in between and undone, or made up. */
static void found_dirty(struct trail *t, enum property property, const struct stop *stop,
                        const char *right)
{
    verdict_violation(t->verdict, property, OPS(stop->slot, t->before),
                      "%s: a dirty read: %s showed %" PRId64 " left at version %" PRIu64
                      ", the effect of an operation that never happened; %s.",
                      t->sku.text, describe_who(stop->op).text, stop->said->remaining,
                      stop->said->version, right);
}

/* Whether the item never had that version, by its counters at the end. */
static bool never_came(const struct trail *t, uint64_t version)
{
    const struct history_counters *end = items_counters(t->index, t->item);
    return end && end->found && end->version < version && t->jump == t->jump_end;
}

static void found_gap(struct trail *t, const struct stop *stop, uint64_t version)
{
    uint64_t missing = t->walk.missing;
    uint64_t last = t->walk.missing_to;
    /* Versions before something that was only seen after the load may be as late as that. */
    bool late = stop->op->kind == KIND_GET_RESERVATION && history_phase(stop->op) == PHASE_SETTLE;
    if (t->index->incomplete || items_take_slack(t->item, missing, late)) {
        t->item->gap = true;
        verdict_unknown(t->verdict, PROPERTY_VERSIONS,
                        "%" PRIu64 " versions of %s up to %" PRIu64
                        " belong to no known operation; one that nobody answered for may have "
                        "made them.",
                        missing, t->sku.text, last);
        return;
    }
    t->item->disturbed = true;
    if (stop->read && history_reads(stop->op->kind) && never_came(t, version)) {
        found_dirty(t, PROPERTY_VERSIONS, stop, "at the end the item has not come that far");
        return;
    }
    verdict_violation(t->verdict, PROPERTY_VERSIONS,
                      OPS(t->before ? t->before : stop->slot, t->before ? stop->slot : 0),
                      "%s: version %" PRIu64 " belongs to no request (%" PRIu64
                      " missing up to %" PRIu64 "): %s quotes version %" PRIu64
                      ", and all operations before it end at version %" PRIu64
                      ". Something changed the stock without an answer that says so.",
                      t->sku.text, last - missing + 1, missing, last, describe_who(stop->op).text,
                      version, last - missing);
}

static void found_twice(struct trail *t, const struct stop *stop)
{
    t->item->disturbed = true;
    verdict_violation(t->verdict, PROPERTY_VERSIONS, OPS(t->before, stop->slot),
                      "%s: version %" PRIu64 " was given twice: to %s and to %s. Each transition "
                      "must have a version of its own, so the same units may have gone twice.",
                      t->sku.text, stop->said->version,
                      describe_who(index_op(t->index, t->before)).text,
                      describe_who(stop->op).text);
}

static void found_wrong(struct trail *t, const struct stop *stop)
{
    if (stop->read && history_reads(stop->op->kind)) {
        char right[RIGHT_SIZE];
        snprintf(right, sizeof(right),
                 "right would have been %" PRId64 ", by the operations up to that version",
                 t->walk.expected);
        found_dirty(t, PROPERTY_ANSWERS, stop, right);
        return;
    }
    verdict_violation(t->verdict, PROPERTY_ANSWERS,
                      OPS(t->before ? t->before : stop->slot, t->before ? stop->slot : 0),
                      "%s: %s said that %" PRId64 " were left at version %" PRIu64
                      "; right would have been %" PRId64 ", by the operations up to that version.",
                      t->sku.text, describe_who(stop->op).text, stop->said->remaining,
                      stop->said->version, t->walk.expected);
}

/* Whether it says how many are left; a refusal because of a limit says something else. */
static bool says_stock(const struct stop *stop)
{
    return !stop->read || history_says_stock(stop->op->detail);
}

static void check_below_zero(struct trail *t, const struct stop *stop)
{
    if (stop->said->remaining >= 0 || t->below_zero || !says_stock(stop))
        return;
    t->below_zero = true;
    verdict_violation(t->verdict, PROPERTY_SUMS, OPS(stop->slot),
                      "%s: %" PRId64 " left at version %" PRIu64 ", after %s. Nothing may fall "
                      "below zero: this sold what was not there.",
                      t->sku.text, stop->said->remaining, stop->said->version,
                      describe_who(stop->op).text);
}

/* The stock was not enough, or the refusal is wrong. */
static void check_refusal(struct trail *t, const struct stop *stop)
{
    if (!stop->read || history_reads(stop->op->kind) || !says_stock(stop))
        return;
    if (t->item->refusals < UINT32_MAX)
        t->item->refusals++;
    int64_t wanted = stop->asked->quantity;
    if (stop->op->kind == KIND_ADJUST || stop->op->kind == KIND_TRANSFER)
        wanted = -wanted;
    if (stop->said->remaining < wanted)
        return;
    verdict_violation(t->verdict, PROPERTY_ANSWERS, OPS(stop->slot),
                      "%s: %s was refused although there was enough: it wanted %" PRId64
                      ", and the refusal itself says that %" PRId64 " were left at version "
                      "%" PRIu64 ".",
                      t->sku.text, describe_who(stop->op).text, wanted, stop->said->remaining,
                      stop->said->version);
}

/* Whether a restore undid what happened since. */
static bool is_lost(const struct trail *t, const struct stop *stop)
{
    return t->jump < t->jump_end && stop->version > t->jump->kept;
}

static void add_change(struct trail *t, const struct stop *stop, struct change change)
{
    if (t->item->transitions < UINT32_MAX)
        t->item->transitions++;
    if (is_lost(t, stop)) {
        t->item->undone = true;
        return;
    }
    t->item->received += change.received;
    t->item->sold += change.sold;
    t->item->held += change.held;
}

/* Whether what the item is at this point is known for sure. */
static bool is_known(const struct trail *t)
{
    const struct item *item = t->item;
    return !item->disturbed && !item->undone && !item->gap && !t->index->incomplete &&
           t->walk.started && !t->walk.at.doubted && !t->walk.at.adrift && t->jump == t->jump_end;
}

/* Everything is taken away, and nothing may be held. */
static struct change change_of_delete(struct trail *t, const struct stop *stop)
{
    struct item *item = t->item;
    const uint32_t ops[] = {stop->slot, t->before, 0};
    /* What nobody answered for may have come before it, if nothing comes behind it. */
    if (is_known(t) && item->slack == 0 && item->held != 0) {
        verdict_violation(t->verdict, PROPERTY_ANSWERS, ops,
                          "%s: %s was answered with 204 and made version %" PRIu64
                          ", though %" PRId64 " units were held. It had to be refused.",
                          t->sku.text, describe_who(stop->op).text, stop->version, item->held);
        item->disturbed = true;
    }
    item->gap |= item->slack > 0;
    sums_check_oversold(t->index, item, stop->asked->item, ops, t->verdict);
    return (struct change){.available = (int64_t) - (uint64_t)t->walk.at.remaining,
                           .received = -item->received,
                           .sold = -item->sold,
                           .held = -item->held};
}

/* What a creation finds must be nothing. */
static struct change change_of_creation(struct trail *t, const struct stop *stop)
{
    bool next = t->walk.started && stop->version == t->walk.at.version + 1;
    if (!next || t->gone)
        return entries_change(t->index, stop->slot, 0);
    if (is_known(t))
        verdict_violation(t->verdict, PROPERTY_ANSWERS, OPS(t->before, stop->slot),
                          "%s: %s created it at version %" PRIu64 ", though it was there, with "
                          "%" PRId64 " left at version %" PRIu64 ". It had to be refused.",
                          t->sku.text, describe_who(stop->op).text, stop->version,
                          t->walk.at.remaining, t->walk.at.version);
    t->item->disturbed = true;
    int64_t change = (int64_t)((uint64_t)stop->said->remaining - (uint64_t)t->walk.at.remaining);
    return (struct change){.available = change, .received = change};
}

/* An answer with the numbers of an item that was gone. */
static void check_there(struct trail *t, const struct stop *stop)
{
    if (!stop->read || !t->gone || stop->version != t->walk.at.version || !is_known(t))
        return;
    verdict_violation(t->verdict, PROPERTY_ANSWERS, OPS(stop->slot, t->before),
                      "%s: %s showed %" PRId64 " left at version %" PRIu64
                      ", which is the one at which it was removed.",
                      t->sku.text, describe_who(stop->op).text, stop->said->remaining,
                      stop->version);
}

/* What a set changes: on_hand is as it says afterwards, and what is held stays so. Where that is
 * not known for sure, the answer is taken at its word. */
static struct change change_of_set(const struct trail *t, const struct stop *stop)
{
    int64_t change =
        is_known(t) ? stop->asked->quantity - t->item->held - t->walk.at.remaining
                    : (int64_t)((uint64_t)stop->said->remaining - (uint64_t)t->walk.at.remaining);
    return (struct change){.available = change, .received = change};
}

/* The item was still at that version when the refusal was over. */
static void found_unchanged(const struct trail *t, uint32_t next)
{
    const struct history_op *op = index_op(t->index, t->claim);
    verdict_violation(t->verdict, PROPERTY_ANSWERS, OPS(t->claim, next),
                      "%s: %s was told at %s that the item is not at version %" PRIu64
                      " any more, as If-Match says; but %s.",
                      t->sku.text, describe_who(op).text,
                      describe_time(t->index->reader, op->end_ns).text, op->line.version,
                      next ? "what made the next version began only later"
                           : "there is no later version");
}

/* A claim that the item has changed; and whether what comes next bears out those before it. */
static void take_claim(struct trail *t, const struct stop *stop)
{
    t->verdict->property[PROPERTY_ANSWERS].checked++;
    if (!t->claim || stop->op->end_ns < index_op(t->index, t->claim)->end_ns)
        t->claim = stop->slot;
}

static void judge_claims(struct trail *t, const struct stop *next, bool known)
{
    const struct removal *removal =
        next->op->kind == KIND_DELETE ? removals_find(t->index->removals, next->slot) : NULL;
    uint64_t begin_ns = removal ? removal->begin_ns : effect_span(t->index, next->slot).begin_ns;
    if (t->claim && known && begin_ns > index_op(t->index, t->claim)->end_ns)
        found_unchanged(t, next->slot);
    t->claim = 0;
}

static void judge_last_claims(struct trail *t)
{
    bool known = !t->item->gap && !t->index->incomplete && t->jump == t->jump_end &&
                 t->item->slack == 0 && t->item->late_slack == 0;
    if (t->claim && known)
        found_unchanged(t, 0);
}

static struct change change_of(struct trail *t, const struct stop *stop, unsigned n)
{
    switch (stop->op->kind) {
    case KIND_SET: return change_of_set(t, stop);
    case KIND_PUT: return change_of_creation(t, stop);
    case KIND_DELETE: return change_of_delete(t, stop);
    default: return entries_change(t->index, stop->slot, n);
    }
}

/* Comes when everything else is known of the step. */
static void check_limit(struct trail *t, const struct stop *stop, struct change change)
{
    bool lost = is_lost(t, stop);
    const struct limits_step step = {
        .slot = stop->slot,
        .op = stop->op,
        .asked = stop->asked,
        .said = stop->said,
        .read = stop->read,
        .units = change.held + change.sold,
        .known = !t->item->gap && !t->item->disturbed && !t->index->incomplete &&
                 (lost || !t->walk.at.adrift),
        .lost = lost,
    };
    limits_step(t->limits, &step);
}

/* False when its place in the order is not known. */
static bool check_numbers(struct trail *t, const struct stop *stop, unsigned n)
{
    struct change change = {0};
    if (!stop->read) {
        change = change_of(t, stop, n);
        add_change(t, stop, change);
        t->gone = stop->op->kind == KIND_DELETE;
    }
    struct walk_step step = {
        .read = stop->read,
        .mute = !says_stock(stop),
        .creates = stop->op->kind == KIND_PUT,
        .version = stop->version,
        .change = change.available,
        .remaining = stop->said->remaining,
    };
    enum walk_found found = walk_step(&t->walk, &step);
    if (!stop->read)
        judge_claims(t, stop, found != WALK_GAP && found != WALK_TWICE);
    switch (found) {
    case WALK_FINE: break;
    case WALK_GAP: found_gap(t, stop, step.version); break;
    case WALK_TWICE: found_twice(t, stop); break;
    case WALK_WRONG: found_wrong(t, stop); break;
    }
    t->verdict->property[PROPERTY_VERSIONS].checked += !stop->read;
    t->verdict->property[PROPERTY_ANSWERS].checked++;
    check_below_zero(t, stop);
    check_refusal(t, stop);
    check_there(t, stop);
    check_limit(t, stop, change);
    return found != WALK_TWICE;
}

/* An expiry whose time was not up yet, by what was over before. */
static void found_early(struct trail *t, const struct stop *stop, struct span over, uint32_t late,
                        struct span early)
{
    const struct history_reader *r = t->index->reader;
    verdict_violation(t->verdict, PROPERTY_ENDED_ONCE, OPS(late, stop->slot, over.seen),
                      "%s: expired too early: %s shows an expiry whose time was not up before "
                      "%s, but %s, which comes after it at version %" PRIu64 ", was over at %s.",
                      t->sku.text, describe_who(index_op(t->index, late)).text,
                      describe_time(r, early.begin_ns).text, describe_who(stop->op).text,
                      stop->said->version, describe_time(r, over.end_ns).text);
}

#define SHOWN_SIZE 128

/* ", shown by the get of client 3, request 17"; nothing without a slot. */
static const char *shown(const struct trail *t, char *text, const char *how, uint32_t slot)
{
    text[0] = '\0';
    if (slot)
        snprintf(text, SHOWN_SIZE, ", %s %s", how, describe_who(index_op(t->index, slot)).text);
    return text;
}

static void found_disorder(struct trail *t, const struct stop *stop, struct span over,
                           uint32_t late)
{
    const struct history_op *began = index_op(t->index, late);
    const struct history_reader *r = t->index->reader;
    struct span begun = effect_span(t->index, late);
    if (began->kind == KIND_GET_RESERVATION && !begun.unseen) {
        found_early(t, stop, over, late, begun);
        return;
    }
    uint32_t ops[5] = {late, stop->slot};
    unsigned n = 2;
    if (over.seen)
        ops[n++] = over.seen;
    if (begun.unseen)
        ops[n] = begun.unseen;
    char seen[SHOWN_SIZE], unseen[SHOWN_SIZE];
    verdict_violation(
        t->verdict, PROPERTY_LINEARIZABLE, ops,
        "%s: order and time disagree: %s was over at %s%s, and quotes version %" PRIu64
        "; %s began only at %s%s, and %s, which comes before that. No order of the "
        "operations, one after the other, gives these answers.",
        t->sku.text, describe_who(stop->op).text, describe_time(r, over.end_ns).text,
        shown(t, seen, "shown by", over.seen), stop->said->version, describe_who(began).text,
        describe_time(r, begun.begin_ns).text, shown(t, unseen, "not shown by", begun.unseen),
        entries_is_transition(t->index, late) ? "made a version" : "saw a version");
}

static void check_stop_order(struct trail *t, const struct stop *stop)
{
    struct span span =
        stop->read ? effect_attempt_span(stop->op) : effect_span(t->index, stop->slot);
    uint32_t late = sweep_step(&t->sweep, !stop->read, span.begin_ns, span.end_ns, stop->slot);
    t->verdict->property[PROPERTY_LINEARIZABLE].checked++;
    /* Once for each operation that began too late: everything behind it would say the same. */
    if (late && late != t->blamed) {
        t->blamed = late;
        found_disorder(t, stop, span, late);
    }
}

/* Passes the restores that come before that version. */
static void pass_restores(struct trail *t, uint64_t version)
{
    while (t->jump < t->jump_end && version > t->jump->last) {
        walk_restore(&t->walk, t->jump->first);
        t->claim = 0;
        if (++t->jump < t->jump_end)
            walk_foresee(&t->walk, t->jump->kept);
    }
}

void numbers_check_item(const struct index *index, const struct entries *entries,
                        struct item *items, uint32_t item, struct limits *limits, bool order,
                        struct verdict *v)
{
    struct trail t = {
        .index = index,
        .verdict = v,
        .item = &items[item],
        .limits = limits,
        .sku = describe_sku(index->reader, item),
    };
    sweep_start(&t.sweep);
    limits_begin(limits, item, v);
    t.jump = restored_of(index->restored, item, &t.jump_end);
    if (t.jump < t.jump_end)
        walk_foresee(&t.walk, t.jump->kept);
    for (size_t i = entries->first[item]; i < entries->first[item + 1]; i++) {
        struct stop stop = stop_at(index, entries->all[i]);
        pass_restores(&t, entry_version(entries->all[i]));
        if (entry_is_claim(stop.op)) {
            take_claim(&t, &stop);
            continue;
        }
        if (check_numbers(&t, &stop, entry_line(entries->all[i])) && order)
            check_stop_order(&t, &stop);
        t.before = stop.slot;
        if (i % (HISTORY_LOOKS / 64) == 0) /* they lie further apart in the file than in a pass */
            history_relax(index->reader);
    }
    pass_restores(&t, UINT64_MAX);
    judge_last_claims(&t);
    t.item->version = t.walk.at.version;
    t.item->remaining = t.walk.at.remaining;
    t.item->adrift = t.walk.at.adrift;
    t.item->last = t.before;
    t.item->gone = t.gone;
}
