/* remember.c -- what a client remembers of its answers: reservations, keys, items. */
#include "client/client.h"
#include "history/reader.h"

#include <assert.h>
#include <string.h>

/* Around the deadline of a reservation that is kept: some are ended just before it, some while it
 * is being written, most behind it, so late that nobody can take them for being in time. */
#define EARLY_NS UINT64_C(50000000)
#define SPAN_NS  UINT64_C(700000000)

/* The reservation that an earlier attempt made, NULL when it is not remembered. */
static const struct held *held_before(const struct client *c, uint32_t root_slot)
{
    for (unsigned n = c->helds; n-- > 0;)
        if (c->held[n].slot == root_slot)
            return &c->held[n];
    for (unsigned n = c->lates; n-- > 0;)
        if (c->late[n].slot == root_slot)
            return &c->late[n];
    return c->forgotten.slot == root_slot ? &c->forgotten : NULL;
}

struct str client_reservation(const struct client *c, const struct call *call)
{
    const struct held *held = &call->intent.held;
    if (call->op->kind == KIND_LOOKUP)
        return (struct str){call->intent.about.id, call->intent.about.id_bytes};
    if (call->op->kind == KIND_RESERVE && call->op != call->root)
        held = held_before(c, call->root_slot);
    if (!held)
        return (struct str){NULL, 0};
    return held->id_bytes > 0 ? (struct str){held->id, held->id_bytes} : (struct str){NULL, 0};
}

/* Where a new reservation is remembered. */
static struct held *place_for_held(struct client *c, const struct workload *w, uint64_t now_ns)
{
    struct rng *rng = &c->shared->rng;
    if (workload_chance(rng, w->forget))
        return &c->forgotten;
    if (c->lates < CLIENT_LATE && c->lates < workload_keeps(w, c->number) && client_ends_late(w) &&
        workload_chance(rng, w->late)) {
        struct held *late = &c->late[c->lates++];
        late->turn_ns = now_ns + w->ttl_ms * UINT64_C(1000000) - EARLY_NS + rng_below(rng, SPAN_NS);
        return late;
    }
    if (c->helds == CLIENT_HELD) { /* the oldest is left to expire */
        c->helds--;
        memmove(&c->held[0], &c->held[1], c->helds * sizeof(c->held[0]));
    }
    return &c->held[c->helds++];
}

static void remember_held(struct held *held, const struct call *call, struct str id)
{
    held->op = call->root;
    held->slot = call->root_slot;
    held->shared = false;
    held->id_bytes = (uint8_t)id.n;
    assert(id.n <= sizeof(held->id));
    memcpy(held->id, id.p, id.n);
}

static void remember_done(struct client *c, const struct call *call, struct str id)
{
    c->done.op = call->op;
    c->done.slot = call->slot;
    c->done.id_bytes = (uint8_t)id.n;
    memcpy(c->done.id, id.n > 0 ? id.p : "", id.n);
    if (call->op->kind == KIND_DECREMENT || call->op->kind == KIND_ADJUST ||
        call->op->kind == KIND_TRANSFER)
        c->counted = c->done;
}

/* That an item is gone is known from who deleted it, or did not find it. */
static void remember_gone(struct client *c, const struct history_op *op, const struct workload *w,
                          const struct lesson *lesson)
{
    bool gone = lesson->outcome == OUTCOME_OK ? op->kind == KIND_DELETE
                                              : lesson->detail == DETAIL_NO_ITEM && op->lines == 1;
    if (!gone || !workload_removes(w, op->line.item))
        return;
    c->gone = op->line.item;
    c->knows_gone = true;
}

void client_remember(struct client *c, const struct call *call, const struct workload *w,
                     const struct lesson *lesson, uint64_t now_ns)
{
    const struct history_op *op = call->op;
    remember_gone(c, op, w, lesson);
    if (lesson->outcome != OUTCOME_OK)
        return;
    bool first = op == call->root || call->root->outcome != OUTCOME_OK;
    bool effect = history_mutates(op->kind);
    if (op->kind == KIND_RESERVE && first)
        remember_held(place_for_held(c, w, now_ns), call, lesson->id);
    if (history_ends(op->kind)) {
        c->ended = call->intent.held;
        c->ended.shared = true;
    }
    /* A delete has left no numbers by which to know its record. */
    if (effect && op == call->root && !(op->flags & FLAG_REPLAYED) && op->kind != KIND_DELETE)
        remember_done(c, call, lesson->id);
    if (op->kind == KIND_LIST)
        c->further = lesson->further;
    if (op->kind == KIND_GET_ITEM && lesson->on_hand != ANSWER_UNSAID &&
        lesson->held != ANSWER_UNSAID)
        c->seen =
            (struct seen_item){op->line.item, op->line.version, lesson->on_hand, lesson->held};
}
