/* choose.c -- what a client wants next, and what it remembers of its reservations. */
#include "client/client.h"

#include <assert.h>
#include <string.h>

#define PARTIAL_SHARE 0.2 /* of confirms that could sell a part */
#define TAKE_SHARE    0.2 /* of adjustments that take units away */

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
    if (kind == KIND_CONFIRM && i->lines == 1 && i->line[0].quantity > 1 &&
        workload_chance(rng, PARTIAL_SHARE)) {
        i->partial = true;
        i->line[0].quantity = 1 + (int32_t)rng_below(rng, (uint64_t)i->line[0].quantity);
    }
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

void client_choose(struct client *c, const struct workload *w, struct client *others, size_t count,
                   uint64_t now_ns)
{
    struct rng *rng = &c->shared->rng;
    struct intent *i = &c->intent;
    i->held.id_bytes = 0;
    i->held.shared = false;
    i->partial = false;
    if (c->late.id_bytes > 0 && c->late.turn_ns <= now_ns) {
        choose_late(c, w);
        return;
    }
    switch (workload_pick(w, rng)) {
    case WORK_CONFIRM:
        if (choose_end(c, KIND_CONFIRM, w, others, count))
            return;
        break;
    case WORK_RELEASE:
        if (choose_end(c, KIND_RELEASE, w, others, count))
            return;
        break;
    case WORK_EXTEND:
        if (choose_end(c, KIND_EXTEND, w, others, count))
            return;
        break;
    case WORK_GET:
        if (c->helds > 0 && workload_chance(rng, 0.5))
            use_held(i, KIND_GET_RESERVATION, &c->held[rng_below(rng, c->helds)], rng);
        else
            choose_item(i, KIND_GET_ITEM, w, rng);
        return;
    case WORK_DECREMENT: choose_item(i, KIND_DECREMENT, w, rng); return;
    case WORK_ADJUST: choose_item(i, KIND_ADJUST, w, rng); return;
    case WORK_RESERVE:
    case WORKS: break;
    }
    choose_reserve(i, w, rng);
}

struct str client_reservation(const struct client *c)
{
    const struct held *held = &c->intent.held;
    if (c->op->kind == KIND_RESERVE && c->op != c->root) {
        held = &c->late;
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

void client_remember(struct client *c, const struct workload *w, const struct lesson *lesson,
                     uint64_t now_ns)
{
    if (lesson->outcome != OUTCOME_OK)
        return;
    bool first = c->op == c->root || c->root->outcome != OUTCOME_OK;
    if (c->op->kind == KIND_RESERVE && first)
        remember_held(c, lesson->id, place_for_held(c, w, now_ns));
    if (c->op->kind == KIND_CONFIRM || c->op->kind == KIND_RELEASE) {
        c->ended = c->intent.held;
        c->ended.shared = true;
    }
}
