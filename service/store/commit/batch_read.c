/* batch_read.c -- a round of reads: what the view wants, as commands, and their replies. */
#include "store/commit/batch.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <assert.h>
#include <stdlib.h>

/* --- what to ask ------------------------------------------------------------------------------ */

/* Lists what is unknown. False: out of memory. */
static bool list_wants(struct batch *b)
{
    struct view *v = &b->view;
    b->read_items = arena_alloc(&b->arena, v->items.count * sizeof(void *));
    b->read_heads = arena_alloc(&b->arena, v->items.count * sizeof(void *));
    b->read_keys = arena_alloc(&b->arena, v->keys.count * sizeof(void *));
    b->read_customers = arena_alloc(&b->arena, v->customers.count * sizeof(void *));
    b->read_records = arena_alloc(&b->arena, v->reservations.count * sizeof(void *));
    if (!b->read_items || !b->read_heads || !b->read_keys || !b->read_customers || !b->read_records)
        return false;
    b->item_count = b->key_count = b->customer_count = b->record_count = b->head_count = 0;
    for (uint32_t i = 0; i < v->items.count; i++) {
        struct view_item *item = view_item(v, i);
        if (!item->known)
            b->read_items[b->item_count++] = item;
        if (item->want_head && !item->head_known)
            b->read_heads[b->head_count++] = item;
    }
    for (uint32_t i = 0; i < v->keys.count; i++)
        if (!view_key(v, i)->known)
            b->read_keys[b->key_count++] = view_key(v, i);
    for (uint32_t i = 0; i < v->customers.count; i++)
        if (!view_customer(v, i)->known)
            b->read_customers[b->customer_count++] = view_customer(v, i);
    for (uint32_t i = 0; i < v->reservations.count; i++)
        if (!view_reservation(v, i)->known)
            b->read_records[b->record_count++] = view_reservation(v, i);
    qsort(b->read_customers, b->customer_count, sizeof(void *), batch_by_item);
    qsort(b->read_records, b->record_count, sizeof(void *), batch_by_bucket);
    return true;
}

static void ask_watch(struct batch *b, struct buf *out, struct str marker)
{
    bool first = b->rounds == 0;
    if (!first && b->item_count + b->key_count == 0)
        return;
    resp_begin(out, 1 + (size_t)(first ? 2 : 0) + b->item_count + b->key_count);
    resp_arg(out, STR("WATCH"));
    if (first) {
        resp_key(out, b->partition, KEY_META, NO_NAME);
        resp_arg(out, marker);
    }
    for (uint32_t i = 0; i < b->item_count; i++) {
        resp_key(out, b->partition, KEY_ITEM, b->read_items[i]->sku);
        b->read_items[i]->watched = true;
    }
    for (uint32_t i = 0; i < b->key_count; i++)
        resp_key(out, b->partition, KEY_OPERATION, b->read_keys[i]->key);
    b->replies++;
}

static void ask_values(struct batch *b, struct buf *out)
{
    if (b->item_count + b->key_count == 0)
        return;
    resp_begin(out, 1 + b->item_count + b->key_count);
    resp_arg(out, STR("MGET"));
    for (uint32_t i = 0; i < b->item_count; i++)
        resp_key(out, b->partition, KEY_ITEM, b->read_items[i]->sku);
    for (uint32_t i = 0; i < b->key_count; i++)
        resp_key(out, b->partition, KEY_OPERATION, b->read_keys[i]->key);
    b->replies++;
}

/* The end of the run of customers that begins at `from` and belongs to one item. */
static uint32_t customer_run(const struct batch *b, uint32_t from)
{
    uint32_t to = from;
    while (to < b->customer_count && b->read_customers[to]->item == b->read_customers[from]->item)
        to++;
    return to;
}

static void ask_customers(struct batch *b, struct buf *out)
{
    for (uint32_t from = 0, to; from < b->customer_count; from = to) {
        to = customer_run(b, from);
        layout_command(out, STR("HMGET"), b->partition, KEY_CUSTOMERS,
                       view_item(&b->view, b->read_customers[from]->item)->sku, to - from);
        for (uint32_t i = from; i < to; i++)
            resp_arg(out, b->read_customers[i]->customer);
        b->replies++;
    }
}

static uint32_t record_run(const struct batch *b, uint32_t from)
{
    uint32_t to = from;
    while (to < b->record_count &&
           rid_bucket(&b->read_records[to]->id) == rid_bucket(&b->read_records[from]->id))
        to++;
    return to;
}

static void ask_records(struct batch *b, struct buf *out)
{
    for (uint32_t from = 0, to; from < b->record_count; from = to) {
        to = record_run(b, from);
        layout_command_records(out, STR("HMGET"), b->partition,
                               rid_bucket(&b->read_records[from]->id), to - from);
        for (uint32_t i = from; i < to; i++)
            layout_put_id(out, &b->read_records[i]->id);
        b->replies++;
    }
}

static void ask_heads(struct batch *b, struct buf *out)
{
    for (uint32_t i = 0; i < b->head_count; i++) {
        layout_ask_holds(out, b->partition, b->read_heads[i]->sku, VIEW_DUE_MAX);
        b->replies++;
    }
}

size_t batch_ask(struct batch *b, struct buf *out, struct str marker, bool unwatch)
{
    b->replies = 0;
    if (!list_wants(b))
        return 0;
    if (unwatch) {
        resp_words(out, 1, "UNWATCH");
        b->replies++;
    }
    b->asked_time = b->rounds == 0;
    ask_watch(b, out, marker);
    if (b->asked_time) {
        layout_ask_meta(out, b->partition);
        resp_words(out, 1, "TIME");
        b->replies += 2;
    }
    ask_values(b, out);
    ask_customers(b, out);
    ask_records(b, out);
    ask_heads(b, out);
    b->rounds++;
    return out->failed ? 0 : b->replies;
}

/* --- what came -------------------------------------------------------------------------------- */

struct taker {
    struct batch *batch;
    redisReply **reply, **end; /* the next one; one past the last */
    const char *wrong;         /* what did not fit, or NULL */
    bool no_memory;
    bool named; /* names were learnt */
};

/* The next reply, or NULL with `wrong` set. */
static const redisReply *next_reply(struct taker *t)
{
    if (t->reply < t->end)
        return *t->reply++;
    t->wrong = "fewer answers than questions";
    return NULL;
}

static const redisReply *next_array(struct taker *t, size_t elements)
{
    const redisReply *reply = next_reply(t);
    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == elements)
        return reply;
    t->wrong = "an array of another length, or none";
    return NULL;
}

static void take_item(struct taker *t, struct view_item *item, const redisReply *reply)
{
    enum layout_found found = layout_item(reply, &item->was);
    if (found == LAYOUT_BROKEN)
        t->wrong = "an item that cannot be read";
    if (found == LAYOUT_MISSING)
        item->was.due_exact = true;
    item->now = item->was;
    item->known = true;
}

static void take_values(struct taker *t)
{
    struct batch *b = t->batch;
    if (b->item_count + b->key_count == 0)
        return;
    const redisReply *reply = next_array(t, b->item_count + b->key_count);
    for (uint32_t i = 0; reply && i < b->item_count; i++)
        take_item(t, b->read_items[i], reply->element[i]);
    for (uint32_t i = 0; reply && i < b->key_count; i++) {
        struct str text = reply_text(reply->element[b->item_count + i]);
        b->read_keys[i]->was = arena_str(&b->arena, text);
        b->read_keys[i]->known = true;
        t->no_memory |= str_absent(b->read_keys[i]->was) != str_absent(text);
    }
}

static void take_customers(struct taker *t)
{
    struct batch *b = t->batch;
    for (uint32_t from = 0, to; from < b->customer_count && !t->wrong; from = to) {
        to = customer_run(b, from);
        const redisReply *reply = next_array(t, to - from);
        for (uint32_t i = from; reply && i < to; i++) {
            struct view_customer *c = b->read_customers[i];
            c->was = c->now = layout_units(reply->element[i - from]);
            c->known = true;
            if (!counter_valid(c->was))
                t->wrong = "a customer's counter that is none";
        }
    }
}

/* A record as read. Trusted only if its items were under WATCH before; else it gives names. */
static void take_record(struct taker *t, struct view_reservation *vr, const redisReply *reply)
{
    struct batch *b = t->batch;
    enum layout_found found;
    struct reservation *r = arena_alloc(&b->arena, sizeof(*r));
    if (!r || layout_record(&b->arena, reply, &vr->id, r, &found) < 0) {
        t->no_memory = true;
        return;
    }
    if (found == LAYOUT_BROKEN) {
        t->wrong = "a reservation that cannot be read";
        return;
    }
    if (found == LAYOUT_MISSING)
        r = NULL;
    if (r && vr->named && !view_names_hold(&b->view, vr, r)) {
        t->wrong = "a reservation whose items changed";
        return;
    }
    if (!r || vr->named || vr->guarded) {
        vr->was = r;
        vr->known = true;
    } else {
        t->no_memory |= !view_name_reservation(&b->view, vr, r);
        t->named = true;
    }
}

static void take_records(struct taker *t)
{
    struct batch *b = t->batch;
    for (uint32_t from = 0, to; from < b->record_count && !t->wrong; from = to) {
        to = record_run(b, from);
        const redisReply *reply = next_array(t, to - from);
        for (uint32_t i = from; reply && i < to; i++)
            take_record(t, b->read_records[i], reply->element[i - from]);
    }
}

static void take_due(struct taker *t, struct view_item *item, const redisReply *member,
                     const redisReply *score)
{
    struct batch *b = t->batch;
    struct view_due *due = &item->head[item->head_count++];
    due->deadline_ms = layout_deadline(score);
    if (!layout_id(member, b->partition, &due->id))
        t->wrong = "an index of holds that cannot be read";
    else if (due->deadline_ms <= 0)
        t->wrong = "a deadline that is none";
    if (t->wrong)
        return;
    if (due->deadline_ms > b->now_ms)
        return;
    /* It will be wanted, and its item is under WATCH: one read of it will do. */
    uint32_t slot = view_add_reservation(&b->view, &due->id);
    if (slot == VIEW_NONE)
        t->no_memory = true;
    else
        view_reservation(&b->view, slot)->guarded = true;
}

static void take_heads(struct taker *t)
{
    struct batch *b = t->batch;
    for (uint32_t h = 0; h < b->head_count && !t->wrong; h++) {
        const redisReply *reply = next_reply(t);
        struct view_item *item = b->read_heads[h];
        if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements > 2 * VIEW_DUE_MAX) {
            t->wrong = "an index of holds that cannot be read";
            return;
        }
        size_t count = reply->elements / 2;
        item->head = arena_alloc(&b->arena, count * sizeof(*item->head));
        t->no_memory |= !item->head;
        for (size_t i = 0; i < count && !t->wrong && !t->no_memory; i++)
            take_due(t, item, reply->element[2 * i], reply->element[2 * i + 1]);
        item->head_whole = count < VIEW_DUE_MAX;
        item->head_known = true;
    }
}

static void take_time(struct taker *t)
{
    const redisReply *reply = next_reply(t);
    t->batch->now_ms = reply ? reply_time_ms(reply) : -1;
    if (t->batch->now_ms < 0)
        t->wrong = "no time";
}

enum batch_read batch_take(struct batch *b, redisReply **replies, size_t count, const char *run_id,
                           const char *replid, const struct store_shared *shared, struct str *error)
{
    assert(count == b->replies);
    struct taker t = {.batch = b, .reply = replies, .end = replies + count};
    const redisReply *bad = reply_first_error(replies, count);
    if (bad) {
        *error = reply_error(bad);
        return BATCH_ERROR;
    }
    while (t.reply < t.end && (*t.reply)->type == REDIS_REPLY_STATUS)
        t.reply++; /* UNWATCH and WATCH: OK */
    if (b->asked_time) {
        const redisReply *meta = next_reply(&t);
        if (!meta || !meta_check_reply(meta, run_id, replid, b->partitions, shared, &b->gate))
            t.wrong = "no meta";
        else if (b->gate.gate != META_IS_OPEN)
            return BATCH_GATE;
        take_time(&t);
    }
    if (!t.wrong)
        take_values(&t);
    if (!t.wrong)
        take_customers(&t);
    if (!t.wrong)
        take_records(&t);
    if (!t.wrong)
        take_heads(&t);
    if (t.wrong) {
        *error = str_of(t.wrong);
        return BATCH_INVALID;
    }
    if (t.no_memory)
        return BATCH_NO_MEMORY;
    return t.named ? BATCH_AGAIN : BATCH_READ;
}
