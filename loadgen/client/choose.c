/* choose.c -- what a client wants next, and what it remembers of its reservations. */
#include "client/client.h"
#include "history/reader.h"

#include <assert.h>
#include <string.h>

#define PARTIAL_SHARE 0.2  /* of confirms that could sell a part */
#define TAKE_SHARE    0.2  /* of adjustments that take units away */
#define TURN_SHARE    0.7  /* of lists that go on from the page before, where there is one */
#define ALL_SHARE     0.3  /* of lists that are of all items */
#define REVIVE_SHARE  0.05 /* of requests of a client that knows of an item that is gone */

/* Around the deadline of a reservation that is kept: some are ended just before it, some while it
 * is being written, most behind it, so late that nobody can take them for being in time. */
#define EARLY_NS UINT64_C(50000000)
#define SPAN_NS  UINT64_C(700000000)

static void choose_reserve(struct intent *i, const struct workload *w, struct rng *rng)
{
    uint32_t items[HISTORY_LINES_MAX];
    i->kind = KIND_RESERVE;
    i->lines = workload_basket(w, rng, items);
    for (unsigned n = 0; n < i->lines; n++)
        i->line[n] =
            (struct history_line){.item = items[n], .quantity = (int32_t)workload_quantity(w, rng)};
}

static void choose_item(struct intent *i, enum history_kind kind, const struct workload *w,
                        struct rng *rng)
{
    i->kind = kind;
    i->lines = 1;
    i->line[0] = (struct history_line){.item = workload_item(w, rng)};
    if (kind == KIND_DECREMENT)
        i->line[0].quantity = (int32_t)workload_quantity(w, rng);
    if (kind == KIND_ADJUST)
        i->line[0].quantity = workload_chance(rng, TAKE_SHARE)
                                  ? -1
                                  : 1 + (int32_t)rng_below(rng, (uint64_t)w->qty_max * 2);
}

/* Fewer units of each line, perhaps none, but not of all. */
static void sell_a_part(struct intent *i, struct rng *rng)
{
    unsigned kept = (unsigned)rng_below(rng, i->lines);
    i->partial = i->lines > 1 || i->line[0].quantity > 1;
    for (unsigned n = 0; n < i->lines && i->partial; n++) {
        uint64_t most = (uint64_t)i->line[n].quantity;
        i->line[n].quantity =
            n == kept ? 1 + (int32_t)rng_below(rng, most) : (int32_t)rng_below(rng, most + 1);
    }
}

/* Lines of the reservation as they were asked for. */
static void use_held(struct intent *i, enum history_kind kind, const struct held *held,
                     struct rng *rng)
{
    i->kind = kind;
    i->held = *held;
    i->lines = held->op->lines;
    for (unsigned n = 0; n < i->lines; n++) {
        const struct history_line *line = history_line((struct history_op *)(uintptr_t)held->op, n);
        i->line[n] = (struct history_line){.item = line->item, .quantity = line->quantity};
    }
    if (kind == KIND_CONFIRM && workload_chance(rng, PARTIAL_SHARE))
        sell_a_part(i, rng);
}

/* A reservation that another client holds: both will try to end it, and one must lose. */
static struct held *held_of_another(struct client *c, struct client *others, size_t count)
{
    struct client *other = &others[rng_below(&c->shared->rng, count)];
    if (other == c || other->helds == 0)
        return NULL;
    struct held *held = &other->held[rng_below(&c->shared->rng, other->helds)];
    held->shared = true;
    return held;
}

static bool choose_end(struct client *c, enum history_kind kind, const struct workload *w,
                       struct client *others, size_t count)
{
    struct rng *rng = &c->shared->rng;
    if (workload_chance(rng, w->again)) {
        const struct held *held = workload_chance(rng, 0.5) && c->ended.id_bytes > 0
                                      ? &c->ended
                                      : held_of_another(c, others, count);
        if (held) {
            use_held(&c->intent, kind, held, rng);
            return true;
        }
    }
    if (c->helds == 0)
        return false;
    unsigned pick = (unsigned)rng_below(rng, c->helds);
    use_held(&c->intent, kind, &c->held[pick], rng);
    if (kind == KIND_EXTEND)
        return true;
    c->helds--;
    memmove(&c->held[pick], &c->held[pick + 1], (c->helds - pick) * sizeof(c->held[0]));
    return true;
}

/* The sum of the weights of what ends a reservation, or moves its end. */
static uint64_t ends_of(const struct workload *w)
{
    return (uint64_t)w->weight[WORK_CONFIRM] + w->weight[WORK_RELEASE] + w->weight[WORK_EXTEND];
}

/* What was kept until now is confirmed, released or extended, as likely as ever. */
static void choose_late(struct client *c, const struct workload *w)
{
    static const struct {
        enum work work;
        enum history_kind kind;
    } ends[] = {
        {WORK_CONFIRM, KIND_CONFIRM}, {WORK_RELEASE, KIND_RELEASE}, {WORK_EXTEND, KIND_EXTEND}};
    struct rng *rng = &c->shared->rng;
    uint64_t dice = rng_below(rng, ends_of(w));
    unsigned i = 0;
    while (dice >= w->weight[ends[i].work])
        dice -= w->weight[ends[i++].work];
    use_held(&c->intent, ends[i].kind, &c->late, rng);
    c->late.id_bytes = 0;
}

/* --- what was over --- */

static bool choose_past(struct client *c)
{
    struct rng *rng = &c->shared->rng;
    const struct held *past =
        workload_chance(rng, 0.5) && c->forgotten.id_bytes > 0 ? &c->forgotten : &c->ended;
    if (past->id_bytes == 0)
        return false;
    use_held(&c->intent, KIND_GET_RESERVATION, past, rng);
    return true;
}

static void about_what_was(struct intent *i, enum history_kind kind, const struct answered *about)
{
    i->kind = kind;
    i->about = *about;
    i->lines = about->op->lines;
    for (unsigned n = 0; n < i->lines; n++) {
        const struct history_line *line =
            history_line((struct history_op *)(uintptr_t)about->op, n);
        i->line[n] = (struct history_line){.item = line->item, .quantity = line->quantity};
    }
}

static bool choose_lookup(struct client *c)
{
    if (c->done.op)
        about_what_was(&c->intent, KIND_LOOKUP, &c->done);
    return c->done.op != NULL;
}

static bool choose_reuse(struct client *c)
{
    struct intent *i = &c->intent;
    if (!c->counted.op)
        return false;
    about_what_was(i, KIND_REUSE, &c->counted);
    i->line[0].quantity += i->line[0].quantity > 0 ? 1 : -1;
    return true;
}

/* --- items that are there --- */

/* What it read, a few units more or less, but never below what was held then. */
static bool choose_set(struct client *c)
{
    struct intent *i = &c->intent;
    int64_t on_hand = c->seen.on_hand - 2 + (int64_t)rng_below(&c->shared->rng, 5);
    on_hand = on_hand > c->seen.held ? on_hand : c->seen.held;
    bool known = c->seen.version > 0 && on_hand >= 0 && on_hand <= WORKLOAD_STOCK_MAX;
    c->sets_next = false;
    if (known) {
        i->kind = KIND_SET;
        i->lines = 1;
        i->line[0] = (struct history_line){.item = c->seen.item, .quantity = (int32_t)on_hand};
        i->if_match = c->seen.version;
    }
    c->seen.version = 0; /* once: it is out of date then, or was before */
    return known;
}

/* The page behind the one that it saw last, or the first of some or all of the items. */
static void choose_list(struct client *c, const struct workload *w)
{
    struct rng *rng = &c->shared->rng;
    struct intent *i = &c->intent;
    i->kind = KIND_LIST;
    if (c->further.cursor_bytes > 0 && workload_chance(rng, TURN_SHARE))
        i->list = c->further;
    else
        i->list = (struct listing){.after = LISTING_END,
                                   .all = workload_chance(rng, ALL_SHARE),
                                   .prefix = workload_item(w, rng)};
    c->further.cursor_bytes = 0;
    i->list.limit = i->lines = 1 + (unsigned)rng_below(rng, LISTING_LIMIT_MAX);
}

/* --- items that come and go --- */

static void choose_creation(struct client *c, const struct workload *w)
{
    struct intent *i = &c->intent;
    uint64_t some = rng_below(&c->shared->rng, (uint64_t)w->stock / 2 + 1);
    c->knows_gone = false;
    i->kind = KIND_PUT;
    i->lines = 1;
    i->line[0] =
        (struct history_line){.item = c->gone, .quantity = (int32_t)(w->stock - (uint32_t)some)};
}

static void choose_remove(struct client *c, const struct workload *w)
{
    struct intent *i = &c->intent;
    if (c->knows_gone) {
        choose_creation(c, w);
        return;
    }
    i->kind = KIND_DELETE;
    i->lines = 1;
    i->line[0] = (struct history_line){.item = workload_removable(w, &c->shared->rng)};
}

/* --- all of it --- */

/* False when the client has nothing to do that to. */
static bool choose_work(struct client *c, enum work work, const struct workload *w,
                        struct client *others, size_t count);

/* What a batch knows, each as likely as the next. */
static bool choose_batch(struct client *c, const struct workload *w, struct client *others,
                         size_t count)
{
    static const enum work known[] = {WORK_RESERVE, WORK_DECREMENT, WORK_CONFIRM, WORK_RELEASE,
                                      WORK_EXTEND,  WORK_ADJUST,    WORK_PAST};
    uint64_t dice = rng_below(&c->shared->rng, sizeof(known) / sizeof(known[0]));
    if (!choose_work(c, known[dice], w, others, count))
        choose_reserve(&c->intent, w, &c->shared->rng);
    c->intent.batch = true;
    return true;
}

static bool choose_work(struct client *c, enum work work, const struct workload *w,
                        struct client *others, size_t count)
{
    struct rng *rng = &c->shared->rng;
    struct intent *i = &c->intent;
    switch (work) {
    case WORK_CONFIRM: return choose_end(c, KIND_CONFIRM, w, others, count);
    case WORK_RELEASE: return choose_end(c, KIND_RELEASE, w, others, count);
    case WORK_EXTEND: return choose_end(c, KIND_EXTEND, w, others, count);
    case WORK_GET:
        if (c->helds > 0 && workload_chance(rng, 0.5))
            use_held(i, KIND_GET_RESERVATION, &c->held[rng_below(rng, c->helds)], rng);
        else
            choose_item(i, KIND_GET_ITEM, w, rng);
        return true;
    case WORK_DECREMENT: choose_item(i, KIND_DECREMENT, w, rng); return true;
    case WORK_ADJUST: choose_item(i, KIND_ADJUST, w, rng); return true;
    case WORK_PAST: return choose_past(c);
    case WORK_LOOKUP: return choose_lookup(c);
    case WORK_REUSE: return choose_reuse(c);
    case WORK_SET:
        c->sets_next = true; /* what it reads first */
        choose_item(i, KIND_GET_ITEM, w, rng);
        return true;
    case WORK_LIST: choose_list(c, w); return true;
    case WORK_BATCH: return choose_batch(c, w, others, count);
    case WORK_REMOVE: choose_remove(c, w); return true;
    default: return false;
    }
}

void client_choose(struct client *c, const struct workload *w, struct client *others, size_t count,
                   uint64_t now_ns)
{
    struct rng *rng = &c->shared->rng;
    struct intent *i = &c->intent;
    i->held.id_bytes = 0;
    i->held.shared = false;
    i->partial = false;
    i->batch = false;
    if (c->late.id_bytes > 0 && c->late.turn_ns <= now_ns) {
        choose_late(c, w);
        return;
    }
    if (c->sets_next && choose_set(c))
        return;
    if (c->knows_gone && workload_chance(rng, REVIVE_SHARE)) {
        choose_creation(c, w);
        return;
    }
    if (!choose_work(c, workload_pick(w, rng), w, others, count))
        choose_reserve(i, w, rng);
}

struct str client_reservation(const struct client *c)
{
    const struct held *held = &c->intent.held;
    if (c->op->kind == KIND_LOOKUP)
        return (struct str){c->intent.about.id, c->intent.about.id_bytes};
    if (c->op->kind == KIND_RESERVE && c->op != c->root) {
        held = c->forgotten.slot == c->root_slot ? &c->forgotten : &c->late;
        if (c->helds > 0 && c->held[c->helds - 1].slot == c->root_slot)
            held = &c->held[c->helds - 1];
        if (held->slot != c->root_slot)
            return (struct str){NULL, 0};
    }
    return held->id_bytes > 0 ? (struct str){held->id, held->id_bytes} : (struct str){NULL, 0};
}

/* Where a new reservation is remembered. */
static struct held *place_for_held(struct client *c, const struct workload *w, uint64_t now_ns)
{
    struct rng *rng = &c->shared->rng;
    if (workload_chance(rng, w->forget))
        return &c->forgotten;
    if (c->number < w->keepers && c->late.id_bytes == 0 && ends_of(w) > 0 &&
        workload_chance(rng, w->late)) {
        c->late.turn_ns =
            now_ns + w->ttl_ms * UINT64_C(1000000) - EARLY_NS + rng_below(rng, SPAN_NS);
        return &c->late;
    }
    if (c->helds == CLIENT_HELD) { /* the oldest is left to expire */
        c->helds--;
        memmove(&c->held[0], &c->held[1], c->helds * sizeof(c->held[0]));
    }
    return &c->held[c->helds++];
}

static void remember_held(struct client *c, struct str id, struct held *held)
{
    held->op = c->root;
    held->slot = c->root_slot;
    held->shared = false;
    held->id_bytes = (uint8_t)id.n;
    assert(id.n <= sizeof(held->id));
    memcpy(held->id, id.p, id.n);
}

static void remember_done(struct client *c, struct str id)
{
    c->done.op = c->op;
    c->done.slot = c->slot;
    c->done.id_bytes = (uint8_t)id.n;
    memcpy(c->done.id, id.n > 0 ? id.p : "", id.n);
    if (c->op->kind == KIND_DECREMENT || c->op->kind == KIND_ADJUST)
        c->counted = c->done;
}

/* That an item is gone is known from who deleted it, or did not find it. */
static void remember_gone(struct client *c, const struct workload *w, const struct lesson *lesson)
{
    bool gone = lesson->outcome == OUTCOME_OK
                    ? c->op->kind == KIND_DELETE
                    : lesson->detail == DETAIL_NO_ITEM && c->op->lines == 1;
    if (!gone || !workload_removes(w, c->op->line.item))
        return;
    c->gone = c->op->line.item;
    c->knows_gone = true;
}

void client_remember(struct client *c, const struct workload *w, const struct lesson *lesson,
                     uint64_t now_ns)
{
    remember_gone(c, w, lesson);
    if (lesson->outcome != OUTCOME_OK)
        return;
    bool first = c->op == c->root || c->root->outcome != OUTCOME_OK;
    bool effect = !history_reads(c->op->kind) && c->op->kind != KIND_REUSE;
    if (c->op->kind == KIND_RESERVE && first)
        remember_held(c, lesson->id, place_for_held(c, w, now_ns));
    if (c->op->kind == KIND_CONFIRM || c->op->kind == KIND_RELEASE) {
        c->ended = c->intent.held;
        c->ended.shared = true;
    }
    /* A delete has left no numbers by which to know its record. */
    if (effect && c->op == c->root && !(c->op->flags & FLAG_REPLAYED) && c->op->kind != KIND_DELETE)
        remember_done(c, lesson->id);
    if (c->op->kind == KIND_LIST)
        c->further = lesson->further;
    if (c->op->kind == KIND_GET_ITEM && lesson->on_hand != ANSWER_UNSAID &&
        lesson->held != ANSWER_UNSAID)
        c->seen = (struct seen_item){c->op->line.item, c->op->line.version, lesson->on_hand,
                                     lesson->held};
}
