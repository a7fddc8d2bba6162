/* choose.c -- what a client wants next. */
#include "client/client.h"
#include "history/reader.h"

#include <string.h>

#define PARTIAL_SHARE 0.2  /* of confirms that could sell a part */
#define TAKE_SHARE    0.2  /* of adjustments that take units away */
#define TURN_SHARE    0.7  /* of lists that go on from the page before, where there is one */
#define ALL_SHARE     0.3  /* of lists that are of all items */
#define REVIVE_SHARE  0.05 /* of requests of a client that knows of an item that is gone */
#define SAME_SHARE    0.4  /* of operations that are about what an earlier one of their batch is */

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

/* False when there is no other item. */
static bool choose_transfer(struct intent *i, const struct workload *w, struct rng *rng)
{
    if (w->skus < 2)
        return false;
    uint32_t from = workload_item(w, rng), to = workload_item(w, rng);
    int32_t quantity = (int32_t)workload_quantity(w, rng);
    i->kind = KIND_TRANSFER;
    i->lines = 2;
    i->line[0] = (struct history_line){.item = from, .quantity = -quantity};
    i->line[1] =
        (struct history_line){.item = to == from ? (to + 1) % w->skus : to, .quantity = quantity};
    return true;
}

/* Fewer units of each line, perhaps none, but not of all. A rereserve takes some of each: it would
 * leave alone an item of which it takes none, and which was deleted since. */
static void sell_a_part(struct intent *i, struct rng *rng)
{
    unsigned kept = (unsigned)rng_below(rng, i->lines);
    i->partial = i->lines > 1 || i->line[0].quantity > 1;
    for (unsigned n = 0; n < i->lines && i->partial; n++) {
        uint64_t most = (uint64_t)i->line[n].quantity;
        bool some = n == kept || i->kind == KIND_RERESERVE;
        i->line[n].quantity =
            some ? 1 + (int32_t)rng_below(rng, most) : (int32_t)rng_below(rng, most + 1);
    }
}

/* Items and quantities as an operation before asked for them. */
static void ask_like(struct intent *i, const struct history_op *op)
{
    i->lines = op->lines;
    for (unsigned n = 0; n < i->lines; n++) {
        const struct history_line *line = history_line_of(op, n);
        i->line[n] = (struct history_line){.item = line->item, .quantity = line->quantity};
    }
}

static void use_held(struct intent *i, enum history_kind kind, const struct held *held,
                     struct rng *rng)
{
    i->kind = kind;
    i->held = *held;
    ask_like(i, held->op);
    if (history_confirms(kind) && workload_chance(rng, PARTIAL_SHARE))
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

static bool choose_end(struct client *c, struct intent *i, enum history_kind kind,
                       const struct workload *w, struct client *others, size_t count)
{
    struct rng *rng = &c->shared->rng;
    if (workload_chance(rng, w->again)) {
        const struct held *held = workload_chance(rng, 0.5) && c->ended.id_bytes > 0
                                      ? &c->ended
                                      : held_of_another(c, others, count);
        if (held) {
            use_held(i, kind, held, rng);
            return true;
        }
    }
    if (c->helds == 0)
        return false;
    unsigned pick = (unsigned)rng_below(rng, c->helds);
    use_held(i, kind, &c->held[pick], rng);
    if (kind == KIND_EXTEND)
        return true;
    c->helds--;
    memmove(&c->held[pick], &c->held[pick + 1], (c->helds - pick) * sizeof(c->held[0]));
    return true;
}

/* One look in two is at a reservation that it holds, if it holds one. */
static bool choose_get_held(struct client *c, struct intent *i)
{
    struct rng *rng = &c->shared->rng;
    bool looks = c->helds > 0 && workload_chance(rng, 0.5);
    if (looks)
        use_held(i, KIND_GET_RESERVATION, &c->held[rng_below(rng, c->helds)], rng);
    return looks;
}

/* What ends a reservation that was kept until about its deadline, or moves its end, each as likely
 * as ever; but to take the units again is for just this. */
static const struct late_end {
    enum work work;
    enum history_kind kind;
    unsigned times;
} late_ends[] = {{WORK_CONFIRM, KIND_CONFIRM, 1},
                 {WORK_RELEASE, KIND_RELEASE, 1},
                 {WORK_EXTEND, KIND_EXTEND, 1},
                 {WORK_RERESERVE, KIND_RERESERVE, 8}};
#define LATE_ENDS (sizeof(late_ends) / sizeof(late_ends[0]))

static uint64_t weight_of(const struct workload *w, const struct late_end *end)
{
    return (uint64_t)w->weight[end->work] * end->times;
}

static uint64_t ends_of(const struct workload *w)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < LATE_ENDS; i++)
        sum += weight_of(w, &late_ends[i]);
    return sum;
}

bool client_ends_late(const struct workload *w)
{
    return ends_of(w) > 0;
}

/* What was left to expire, be it over by now or not, or else what is held. */
static bool choose_rereserve(struct client *c, struct intent *i, const struct workload *w,
                             struct client *others, size_t count)
{
    if (c->forgotten.id_bytes == 0 || workload_chance(&c->shared->rng, 0.5))
        return choose_end(c, i, KIND_RERESERVE, w, others, count);
    use_held(i, KIND_RERESERVE, &c->forgotten, &c->shared->rng);
    c->forgotten.id_bytes = 0;
    return true;
}

static void choose_late(struct client *c, struct intent *i, const struct workload *w, unsigned pick)
{
    struct rng *rng = &c->shared->rng;
    uint64_t dice = rng_below(rng, ends_of(w));
    const struct late_end *end = late_ends;
    for (; dice >= weight_of(w, end); end++)
        dice -= weight_of(w, end);
    use_held(i, end->kind, &c->late[pick], rng);
    c->late[pick] = c->late[--c->lates];
}

/* --- what was over --- */

static bool choose_past(struct client *c, struct intent *i)
{
    struct rng *rng = &c->shared->rng;
    const struct held *past =
        workload_chance(rng, 0.5) && c->forgotten.id_bytes > 0 ? &c->forgotten : &c->ended;
    if (past->id_bytes == 0)
        return false;
    use_held(i, KIND_GET_RESERVATION, past, rng);
    return true;
}

static void about_what_was(struct intent *i, enum history_kind kind, const struct answered *about)
{
    i->kind = kind;
    i->about = *about;
    ask_like(i, about->op);
}

static bool choose_lookup(const struct client *c, struct intent *i)
{
    if (c->done.op)
        about_what_was(i, KIND_LOOKUP, &c->done);
    return c->done.op != NULL;
}

static bool choose_reuse(const struct client *c, struct intent *i)
{
    if (!c->counted.op)
        return false;
    about_what_was(i, KIND_REUSE, &c->counted);
    for (unsigned n = 0; n < i->lines; n++)
        i->line[n].quantity += i->line[n].quantity > 0 ? 1 : -1;
    return true;
}

/* --- items that are there --- */

/* What it read, a few units more or less, but never below what was held then. */
static bool choose_set(struct client *c, struct intent *i)
{
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
static void choose_list(struct client *c, struct intent *i, const struct workload *w)
{
    struct rng *rng = &c->shared->rng;
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

static void choose_creation(struct client *c, struct intent *i, const struct workload *w)
{
    uint64_t some = rng_below(&c->shared->rng, (uint64_t)w->stock / 2 + 1);
    c->knows_gone = false;
    i->kind = KIND_PUT;
    i->lines = 1;
    i->line[0] =
        (struct history_line){.item = c->gone, .quantity = (int32_t)(w->stock - (uint32_t)some)};
}

static void choose_remove(struct client *c, struct intent *i, const struct workload *w)
{
    if (c->knows_gone) {
        choose_creation(c, i, w);
        return;
    }
    i->kind = KIND_DELETE;
    i->lines = 1;
    i->line[0] = (struct history_line){.item = workload_removable(w, &c->shared->rng)};
}

/* --- all of it --- */

/* False when the client has nothing to do that to. */
static bool choose_work(struct client *c, struct intent *i, enum work work,
                        const struct workload *w, struct client *others, size_t count)
{
    struct rng *rng = &c->shared->rng;
    switch (work) {
    case WORK_CONFIRM: return choose_end(c, i, KIND_CONFIRM, w, others, count);
    case WORK_RELEASE: return choose_end(c, i, KIND_RELEASE, w, others, count);
    case WORK_EXTEND: return choose_end(c, i, KIND_EXTEND, w, others, count);
    case WORK_GET:
        if (!choose_get_held(c, i))
            choose_item(i, KIND_GET_ITEM, w, rng);
        return true;
    case WORK_DECREMENT: choose_item(i, KIND_DECREMENT, w, rng); return true;
    case WORK_ADJUST: choose_item(i, KIND_ADJUST, w, rng); return true;
    case WORK_PAST: return choose_past(c, i);
    case WORK_LOOKUP: return choose_lookup(c, i);
    case WORK_REUSE: return choose_reuse(c, i);
    case WORK_SET:
        c->sets_next = true; /* what it reads first */
        choose_item(i, KIND_GET_ITEM, w, rng);
        return true;
    case WORK_LIST: choose_list(c, i, w); return true;
    case WORK_REMOVE: choose_remove(c, i, w); return true;
    case WORK_RERESERVE: return choose_rereserve(c, i, w, others, count);
    case WORK_TRANSFER: return choose_transfer(i, w, rng);
    default: return false;
    }
}

/* The next call of the attempt, with nothing chosen yet. */
static struct intent *next_call(struct attempt *a)
{
    struct intent *i = &a->call[a->calls++].intent;
    i->held.id_bytes = 0;
    i->held.shared = false;
    i->partial = false;
    return i;
}

/* --- several in one request --- */

/* What a batch knows, each as likely as the next. A set is of what was read last, and a get is of a
 * reservation. */
static bool choose_part(struct client *c, struct intent *i, const struct workload *w,
                        struct client *others, size_t count)
{
    static const enum work known[] = {WORK_RESERVE,   WORK_DECREMENT, WORK_CONFIRM, WORK_RELEASE,
                                      WORK_EXTEND,    WORK_ADJUST,    WORK_GET,     WORK_SET,
                                      WORK_RERESERVE, WORK_TRANSFER};
    enum work work = known[rng_below(&c->shared->rng, sizeof(known) / sizeof(known[0]))];
    if (work == WORK_GET)
        return choose_get_held(c, i) || choose_past(c, i);
    if (work == WORK_SET)
        return choose_set(c, i);
    return choose_work(c, i, work, w, others, count);
}

/* What is about the reservation of an earlier part shows in which order the two were applied: a
 * look at it, or a second end of it. */
static bool choose_same_hold(struct intent *i, const struct intent *earlier, struct rng *rng)
{
    static const enum history_kind kinds[] = {KIND_GET_RESERVATION, KIND_CONFIRM, KIND_RELEASE,
                                              KIND_EXTEND, KIND_RERESERVE};
    if (earlier->held.id_bytes == 0 || !workload_chance(rng, SAME_SHARE))
        return false;
    use_held(i, kinds[rng_below(rng, sizeof(kinds) / sizeof(kinds[0]))], &earlier->held, rng);
    i->held.shared = true;
    return true;
}

/* So does what is about one of its items. */
static void choose_same_item(struct intent *i, const struct intent *earlier, struct rng *rng)
{
    bool takes_one = i->kind == KIND_DECREMENT || i->kind == KIND_ADJUST ||
                     i->kind == KIND_RESERVE || i->kind == KIND_TRANSFER;
    uint32_t item = earlier->line[0].item;
    for (unsigned n = 0; n < i->lines && takes_one; n++)
        takes_one = i->line[n].item != item; /* not twice in one operation */
    if (takes_one && workload_chance(rng, SAME_SHARE))
        i->line[0].item = item;
}

static void choose_batch(struct client *c, const struct workload *w, struct client *others,
                         size_t count)
{
    struct rng *rng = &c->shared->rng;
    struct attempt *a = &c->attempt;
    unsigned parts = workload_batch(w, rng);
    a->batch = true;
    while (a->calls < parts) {
        const struct intent *earlier =
            a->calls > 0 ? &a->call[rng_below(rng, a->calls)].intent : NULL;
        struct intent *i = next_call(a);
        if (earlier && choose_same_hold(i, earlier, rng))
            continue;
        if (!choose_part(c, i, w, others, count))
            choose_reserve(i, w, rng);
        if (earlier)
            choose_same_item(i, earlier, rng);
    }
}

static void choose_single(struct client *c, enum work work, const struct workload *w,
                          struct client *others, size_t count)
{
    struct intent *i = next_call(&c->attempt);
    if (!choose_work(c, i, work, w, others, count))
        choose_reserve(i, w, &c->shared->rng);
}

/* What is due, whatever the dice say. */
static bool choose_due(struct client *c, const struct workload *w, uint64_t now_ns)
{
    unsigned late = 0;
    while (late < c->lates && c->late[late].turn_ns > now_ns)
        late++;
    if (late == c->lates && !c->sets_next)
        return false;
    struct intent *i = next_call(&c->attempt);
    if (late < c->lates)
        choose_late(c, i, w, late);
    else if (!choose_set(c, i))
        c->attempt.calls = 0;
    return c->attempt.calls > 0;
}

void client_choose(struct client *c, const struct workload *w, struct client *others, size_t count,
                   uint64_t now_ns)
{
    c->attempt.calls = 0;
    c->attempt.batch = c->attempt.resent = false;
    if (choose_due(c, w, now_ns))
        return;
    if (c->knows_gone && workload_chance(&c->shared->rng, REVIVE_SHARE)) {
        choose_creation(c, next_call(&c->attempt), w);
        return;
    }
    enum work work = workload_pick(w, &c->shared->rng);
    if (work == WORK_BATCH)
        choose_batch(c, w, others, count);
    else
        choose_single(c, work, w, others, count);
}
