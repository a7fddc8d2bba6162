/* past.c -- see past.h. */
#include "support/past.h"
#include "random.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define ITEMS     7
#define LINES     4
#define RECENT    64
#define BATCH     12
#define EPOCH_OPS 400 /* about so many operations an epoch */

static const struct plan_limits limits = {.max_hold_ms = 60000, .reservation_retention_ms = 8000};
static const char *const skus[ITEMS] = {"apple", "pear", "plum", "fig", "lime", "kiwi", "date"};
static const char *const owners[] = {"acme/shop", "acme/till", "bulk/shop", "default/shop"};
static const char *const people[] = {"anna", "Zo\xc3\xab", "o'neil \"x\" \\, {a}"};

struct made {
    struct op op;
    struct op_line lines[LINES];
    char key[64], id[32], owner[OWNER_MAX_BYTES + 1];
};

struct maker {
    struct past *h;
    struct rng rng;
    struct rid recent[RECENT];
    unsigned recent_count, made_count;
    int64_t epoch, seq;
    bool older; /* writes as a program that knows neither transfers nor tenants */
};

static int64_t below(struct maker *m, int64_t n)
{
    return (int64_t)rng_below(&m->rng, (uint64_t)n);
}

/* --- the stream ------------------------------------------------------------------------------- */

static void add_entry(struct maker *m, struct str bytes)
{
    struct past *h = m->h;
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 256;
        h->entries = realloc(h->entries, h->cap * sizeof(*h->entries));
        assert(h->entries);
    }
    char *copy = malloc(bytes.n);
    assert(copy);
    memcpy(copy, bytes.p, bytes.n);
    h->entries[h->count++] = (struct event_entry){{m->epoch, m->seq++}, {copy, bytes.n}};
}

static void open_epoch(struct maker *m)
{
    struct buf bytes;
    struct event event = {.type = EVENT_EPOCH};
    m->epoch++;
    m->seq = 0;
    buf_init(&bytes, 4096);
    event_begin(&bytes, 0);
    event_put(&bytes, &event, 0);
    add_entry(m, buf_str(&bytes));
    m->h->event_count++;
    buf_free(&bytes);
}

/* --- operations ------------------------------------------------------------------------------- */

static void add_line(struct maker *m, struct made *made)
{
    struct str sku = str_of(skus[below(m, ITEMS)]);
    for (unsigned i = 0; i < made->op.line_count; i++)
        if (str_equal(made->lines[i].sku, sku))
            return;
    made->lines[made->op.line_count++] = (struct op_line){.sku = sku, .quantity = 1 + below(m, 5)};
}

static void new_rid(struct maker *m, struct op *op)
{
    for (unsigned i = RID_BUCKET_BYTES; i < RID_BYTES; i++)
        op->rid.b[i] = (uint8_t)below(m, 256);
}

static void fill_item_op(struct maker *m, struct op *op)
{
    op->has_on_hand = true;
    op->on_hand = below(m, 300);
    op->has_max = below(m, 3) == 0;
    op->max_per_customer = below(m, 40);
    op->if_match.kind = below(m, 2) ? PRE_ANY : PRE_NONE;
    op->delta = below(m, 200) - 60;
    if (op->delta == 0)
        op->delta = 1;
    op->reason = STR("it's \xe2\x82\xac 5, \\N {NULL}");
    op->reference = below(m, 2) ? STR("PO-1") : (struct str){NULL, 0};
}

static void fill_transfer(struct maker *m, struct made *made)
{
    while (made->op.line_count < 2)
        add_line(m, made);
    made->lines[1].quantity = made->lines[0].quantity;
    made->op.reason = STR("moved");
}

static void fill_reserve(struct maker *m, struct made *made)
{
    struct op *op = &made->op;
    for (int64_t more = below(m, LINES); more > 0; more--)
        add_line(m, made);
    new_rid(m, op);
    if (below(m, 2))
        op->customer = str_of(people[below(m, 3)]);
    if (below(m, 4) == 0)
        op->metadata = STR("{\"gift\":true,\"note\":\"a\\u0000b\"}");
    if (below(m, 3) == 0)
        op->reference = STR("");
}

/* Whose request it is: of a reservation most often its tenant's, of whom anybody may ask. A key is
 * named by its inner name. */
static void fill_owner(struct maker *m, struct made *made)
{
    struct op *op = &made->op;
    const struct reservation *r =
        op_trait(op->kind)->names_reservation ? world_read_record(&m->h->world, &op->rid) : NULL;
    bool owned = !m->older && op->kind != OP_SWEEP;
    struct str owner =
        owned && below(m, 4) > 0 ? str_of(owners[below(m, 4)]) : (struct str){NULL, 0};
    if (owned && r && !owner_shares_tenant(owner, r->owner) && below(m, 8) > 0)
        owner = r->owner;
    snprintf(made->owner, sizeof(made->owner), "%.*s", STR_ARG(owner));
    if (!str_absent(owner))
        op->owner = str_of(made->owner);
    if (!str_absent(op->key) && !tenant_is_default(owner_tenant(owner))) {
        snprintf(made->key, sizeof(made->key), "%.*s key'%u", STR_ARG(owner_tenant(owner)),
                 m->made_count);
        op->key = str_of(made->key);
    }
}

/* The last kind is what older programs do not know. */
static void fill(struct maker *m, struct made *made)
{
    static const enum op_kind kinds[] = {
        OP_PUT,     OP_PUT,     OP_ADJUST,  OP_ADJUST,  OP_DELETE,  OP_DECREMENT, OP_DECREMENT,
        OP_RESERVE, OP_RESERVE, OP_RESERVE, OP_RESERVE, OP_RESERVE, OP_CONFIRM,   OP_CONFIRM,
        OP_CONFIRM, OP_RELEASE, OP_EXTEND,  OP_SWEEP,   OP_TRANSFER};
    struct op *op = &made->op;
    int64_t known = sizeof(kinds) / sizeof(kinds[0]) - (m->older ? 1 : 0);
    *made = (struct made){.op = {.kind = kinds[below(m, known)]}};
    op->lines = made->lines;
    op->ttl_ms = 1 + below(m, 4000);
    snprintf(made->id, sizeof(made->id), "op-%u", m->made_count++);
    op->id = str_of(made->id);
    if (op->kind != OP_SWEEP && below(m, 3) == 0) {
        snprintf(made->key, sizeof(made->key), "key'%u", m->made_count);
        op->key = str_of(made->key);
    }
    if (m->recent_count > 0)
        op->rid = m->recent[below(m, m->recent_count < RECENT ? m->recent_count : RECENT)];
    if (!op_trait(op->kind)->names_reservation)
        add_line(m, made);
    if (op->kind == OP_PUT || op->kind == OP_ADJUST || op->kind == OP_DELETE)
        fill_item_op(m, op);
    if (op->kind == OP_RESERVE)
        fill_reserve(m, made);
    if (op->kind == OP_TRANSFER)
        fill_transfer(m, made);
    op->rereserve = below(m, 2);
    fill_owner(m, made);
}

/* A part of what a reservation holds, if it is known. */
static void confirm_partly(struct maker *m, struct made *made)
{
    const struct reservation *r = world_read_record(&m->h->world, &made->op.rid);
    if (!r || below(m, 3) != 0)
        return;
    made->op.has_lines = true;
    for (unsigned i = 0; i < r->line_count && i < LINES; i++)
        if (i == 0 || below(m, 2))
            made->lines[made->op.line_count++] = (struct op_line){
                .sku = r->lines[i].sku, .quantity = 1 + below(m, r->lines[i].reserved)};
}

/* --- batches ---------------------------------------------------------------------------------- */

static void run_batch(struct maker *m)
{
    static struct made batch[BATCH];
    struct op *waiting[BATCH];
    struct world *w = &m->h->world;
    unsigned count = 1 + (unsigned)below(m, BATCH);
    world_begin(w);
    w->now_ms += below(m, 300);
    for (unsigned i = 0; i < count; i++) {
        fill(m, &batch[i]);
        if (batch[i].op.kind == OP_CONFIRM)
            confirm_partly(m, &batch[i]);
        waiting[i] = &batch[i].op;
    }
    for (unsigned left = count; left > 0;) {
        size_t events_before = w->event_count;
        world_attempt(w, waiting, left);
        if (w->event_count > events_before) {
            add_entry(m, buf_str(&w->entry));
            m->h->event_count += w->event_count - events_before;
        }
        unsigned kept = 0;
        for (unsigned i = 0; i < left; i++)
            if (waiting[i]->out.code == OUT_NONE)
                waiting[kept++] = waiting[i];
        left = kept;
    }
    for (unsigned i = 0; i < count; i++)
        if (batch[i].op.kind == OP_RESERVE && batch[i].op.out.code == OUT_CREATED &&
            !batch[i].op.out.replayed)
            m->recent[m->recent_count++ % RECENT] = batch[i].op.out.resv->id;
}

void past_make(struct past *h, uint64_t seed, unsigned operations)
{
    struct maker m = {.h = h};
    *h = (struct past){0};
    rng_seed(&m.rng, seed);
    world_init(&h->world, &limits, INT64_C(1795231293825));
    open_epoch(&m);
    while (m.made_count < operations) {
        m.older = m.made_count < operations / 2;
        h->world.limits.brief_events = below(&m, 2) == 0;
        run_batch(&m);
        h->older = m.older ? h->count : h->older;
        if (m.made_count > (unsigned)m.epoch * EPOCH_OPS)
            open_epoch(&m);
    }
}

void past_free(struct past *h)
{
    for (size_t i = 0; i < h->count; i++)
        free((char *)(uintptr_t)h->entries[i].bytes.p);
    free(h->entries);
    world_free(&h->world);
}

struct str past_result(const struct past *h, struct str key)
{
    for (size_t i = 0; i < h->world.key_count; i++) {
        const struct world_key *k = &h->world.keys[i];
        if (str_equal((struct str){k->name, k->name_n}, key))
            return (struct str){k->bytes, k->n};
    }
    return (struct str){NULL, 0};
}
