/* plan_run.c -- see plan_run.h. */
#include "support/plan_run.h"

#include <stdio.h>
#include <string.h>

struct plan_run run;
const char *const skus[MODEL_ITEMS] = {"i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"};
const char *const people[MODEL_CUSTOMERS] = {"c0", "c1", "c2", "c3", "c4"};
const struct plan_limits limits = {.max_hold_ms = 60000, .reservation_retention_ms = 8000};

int64_t below(int64_t n)
{
    return (int64_t)rng_below(&run.rng, (uint64_t)n);
}

bool percent(unsigned p)
{
    return rng_below(&run.rng, 100) < p;
}

/* Counters that are about to reach their limit, in all that keeps one; a version goes back when the
 * next stretch begins, or nothing could happen to the item any more. */
static void plant_counters(int i, uint64_t at_op)
{
    struct model_item *m = &run.model.items[i];
    const int64_t most = (INT64_C(1) << 53) - 1, last_version = most - (INT64_C(1) << 40);
    if (m->version == 0)
        return;
    struct item item = world_read_item(&run.world, skus[i]);
    if (item.version > last_version - 100000)
        item.version = (int64_t)at_op;
    else if (percent(10))
        item.version = last_version - below(60);
    if (item.exists && percent(12))
        item.sold = most - below(60);
    m->received += item.sold - m->sold;
    m->sold = run.replicas[i].sold = item.sold;
    m->version = run.replicas[i].version = item.version;
    world_write_item(&run.world, skus[i], &item);
    for (int c = 0; c < MODEL_CUSTOMERS; c++)
        if (m->used[c] > 0 && percent(10)) {
            m->used[c] = most - below(20);
            world_write_units(&run.world, skus[i], people[c], m->used[c]);
        }
}

/* A store that is of either format for a while. */
static void choose_format(void)
{
    static struct parts parts;
    uint32_t serials[PARTS_OPEN];
    for (unsigned i = 0; i < PARTS_OPEN; i++)
        serials[i] = 0x0a0b0c;
    parts_init(&parts, serials);
    bool second = percent(50);
    run.world.limits.parts = run.model.limits.parts = second ? &parts : NULL;
    run.world.limits.brief_events = second;
}

void plan_run_stretch(uint64_t at_op)
{
    static const unsigned base[OP_KINDS] = {
        [OP_PUT] = 3,      [OP_ADJUST] = 6,   [OP_DELETE] = 3,   [OP_DECREMENT] = 12,
        [OP_RESERVE] = 40, [OP_CONFIRM] = 15, [OP_RELEASE] = 8,  [OP_EXTEND] = 6,
        [OP_GET] = 2,      [OP_SWEEP] = 3,    [OP_TRANSFER] = 8,
    };
    static const int64_t ttls[] = {50, 1500, 6000, 40000}, stocks[] = {5, 60, 600, 3000};
    static const int64_t steps[] = {2, 40, 400};
    struct phase *p = &run.phase;
    *p = (struct phase){.items = 1 + (unsigned)below(MODEL_ITEMS),
                        .ttl_most = ttls[below(4)],
                        .on_hand_most = stocks[below(4)],
                        .step_most = steps[below(3)],
                        .quantity_most = 1 + below(percent(20) ? 20 : 4),
                        .batch_most = percent(15) ? 1 : BATCH_MOST,
                        .jump_percent = (unsigned)below(4),
                        .key_percent = (unsigned)below(50),
                        .customer_percent = (unsigned)below(101),
                        .chain_percent = percent(30) ? 30 : 0,
                        .overload_percent = percent(30) ? (unsigned)below(101) : 0};
    for (unsigned i = 0; i < OP_KINDS; i++) {
        p->weights[i] = base[i] * (unsigned)below(4);
        p->weight_sum += p->weights[i];
    }
    p->weights[OP_RESERVE] += 10;
    p->weight_sum += 10;
    for (int i = 0; i < MODEL_ITEMS; i++)
        plant_counters(i, at_op);
    run.world.slow = percent(50);
    run.world.again = percent(20);
    choose_format();
}

static enum op_kind some_kind(void)
{
    int64_t at = below(run.phase.weight_sum);
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        at -= run.phase.weights[kind];
        if (at < 0)
            return (enum op_kind)kind;
    }
    return OP_RESERVE;
}

static void add_line(struct sent *s, int64_t item)
{
    for (unsigned i = 0; i < s->op.line_count; i++)
        if (str_equal(s->lines[i].sku, str_of(skus[item])))
            return; /* lines of one sku are merged before */
    s->lines[s->op.line_count] = (struct op_line){
        .sku = str_of(skus[item]),
        .quantity = 1 + below(run.phase.quantity_most),
        .index = s->op.line_count,
    };
    s->op.line_count++;
}

static void some_rid(struct op *op)
{
    if (op->kind != OP_RESERVE && run.recent_count > 0 && !percent(2)) {
        int64_t known = run.recent_count < RECENT ? run.recent_count : RECENT;
        int64_t back = below(percent(60) && known > 40 ? 40 : known);
        op->rid = run.recent[(run.recent_count - 1 - (unsigned)back) % RECENT];
        return;
    }
    op->rid = (struct rid){.partition = 0};
    for (unsigned i = RID_BUCKET_BYTES; i < RID_BYTES; i++)
        op->rid.b[i] = (uint8_t)below(256);
}

static void some_conditions(struct op *op, const struct model_item *item)
{
    int64_t dice = below(100);
    if (dice < 45)
        op->if_match.kind = PRE_ANY;
    else if (dice < 65)
        op->if_match = (struct op_condition){
            .kind = PRE_VERSIONS, .count = 2, .versions = {item->version - 1, item->version}};
    else if (dice < 70)
        op->if_match = (struct op_condition){
            .kind = PRE_VERSIONS, .count = 1, .versions = {item->version + below(3)}};
    else if (dice < 72)
        op->if_match.kind = PRE_NEVER;
    if (percent(5))
        op->if_none_match.kind = PRE_ANY;
}

static void fill_item_op(struct sent *s)
{
    struct op *op = &s->op;
    int64_t item = below(run.phase.items);
    const struct model_item *now = &run.model.items[item];
    add_line(s, item);
    op->has_on_hand = percent(85);
    op->on_hand = below(run.phase.on_hand_most + 1);
    op->has_max = percent(30);
    op->max_per_customer = percent(50) ? 0 : 1 + below(60);
    if (op->kind == OP_PUT && !(percent(60) && !now->exists))
        some_conditions(op, now);
    if (op->kind == OP_DELETE && percent(20))
        some_conditions(op, now);
    op->delta = below(2 * run.phase.on_hand_most) - run.phase.on_hand_most;
    if (percent(1))
        op->delta = DELTA_MAX - below(3);
    if (op->delta == 0)
        op->delta = 1;
}

static void fill_transfer(struct sent *s)
{
    int64_t from = below(run.phase.items);
    add_line(s, from);
    add_line(s, (from + 1 + below(MODEL_ITEMS - 1)) % MODEL_ITEMS);
    s->lines[1].quantity = s->lines[0].quantity;
}

/* Lines of a confirm: some of the reservation's, mostly in bounds. */
static void some_confirm_lines(struct sent *s)
{
    const struct model_resv *r = model_find(&run.model, &s->op.rid);
    s->op.rereserve = percent(50);
    s->op.has_lines = percent(35);
    if (!s->op.has_lines)
        return;
    for (unsigned i = 0; r && i < r->line_count; i++) {
        if (percent(30))
            continue;
        add_line(s, r->lines[i].item);
        int64_t most = r->lines[i].reserved;
        s->lines[s->op.line_count - 1].quantity =
            percent(40) ? most : 1 + below(percent(3) ? most + 3 : most);
    }
    if (s->op.line_count == 0 || (percent(2) && s->op.line_count < MODEL_LINES))
        add_line(s, below(MODEL_ITEMS));
}

static void fill(struct sent *s)
{
    struct op *op = &s->op;
    op->kind = some_kind();
    op->ttl_ms = 1 + below(run.phase.ttl_most);
    if (percent(1))
        op->ttl_ms = limits.max_hold_ms + below(3) - 1;
    switch (op->kind) {
    case OP_PUT:
    case OP_ADJUST:
    case OP_DELETE:
    case OP_SWEEP: fill_item_op(s); return;
    case OP_TRANSFER: fill_transfer(s); return;
    case OP_DECREMENT:
    case OP_RESERVE:
        add_line(s, below(run.phase.items));
        for (int64_t more = percent(30) ? below(MODEL_LINES) : 0;
             more > 0 && op->kind == OP_RESERVE; more--)
            add_line(s, below(run.phase.items));
        if (percent(run.phase.customer_percent))
            op->customer = str_of(people[below(MODEL_CUSTOMERS)]);
        some_rid(op);
        return;
    default: some_rid(op); break;
    }
    if (op->kind == OP_CONFIRM)
        some_confirm_lines(s);
}

/* A copy whose pointers lead into the copy. */
static void copy_sent(struct sent *to, const struct sent *from)
{
    *to = *from;
    to->op.lines = to->lines;
    to->op.id.p = to->id;
    if (!str_absent(from->op.key))
        to->op.key.p = to->key;
}

void plan_run_generate(struct sent *s)
{
    if (run.sent_count > 0 && percent(run.phase.key_percent / 4)) {
        unsigned known = run.sent_count < SENT ? run.sent_count : SENT;
        copy_sent(s, &run.sent[below(known)]);
        if (percent(15))
            s->op.fingerprint[0] ^= 1;
        /* Not recorded: it is decided afresh, and a reserve must then make a new id. */
        some_rid(&s->op);
        if (s->op.kind != OP_RESERVE)
            s->op.rid = run.sent[0].op.rid;
        return;
    }
    *s = (struct sent){.op = {.lines = s->lines}};
    fill(s);
    snprintf(s->id, sizeof(s->id), "op-%llu", (unsigned long long)run.id_count++);
    s->op.id = str_of(s->id);
    if (!percent(run.phase.key_percent) || s->op.kind == OP_SWEEP)
        return;
    snprintf(s->key, sizeof(s->key), "k%llu", (unsigned long long)run.key_count++);
    s->op.key = str_of(s->key);
    s->op.fingerprint[0] = (uint8_t)(below(128) * 2);
    copy_sent(&run.sent[run.sent_count++ % SENT], s);
}
