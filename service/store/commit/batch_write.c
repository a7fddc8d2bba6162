/* batch_write.c -- the effects of a plan as one transaction.
 *
 * The number of commands grows with the items touched, not with the operations: one MSET for all
 * items, one HSET a bucket of records, one ZADD an item's index. Only commands that cannot fail on
 * our own types are used: an error inside EXEC would leave a part applied.
 */
#include "store/commit/batch.h"
#include "store/layout.h"
#include "store/redis/resp.h"

#include <assert.h>
#include <stdlib.h>

struct writer {
    struct batch *b;
    struct buf *out;
    size_t commands;
    bool no_memory;
};

/* Begins a command on a key of the batch's partition; `rest` arguments follow. */
static void command(struct writer *w, struct str name, struct str kind, struct str key, size_t rest)
{
    layout_command(w->out, name, w->b->partition, kind, key, rest);
    w->commands++;
}

/* --- items ------------------------------------------------------------------------------------ */

static uint32_t count_items(const struct view *v, bool (*which)(const struct view_item *))
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->items.count; i++)
        n += which(view_item(v, i));
    return n;
}

static bool is_dirty(const struct view_item *item)
{
    return item->dirty;
}
static bool is_created(const struct view_item *item)
{
    return item->dirty && item->now.exists && !item->was.exists;
}
static bool is_deleted(const struct view_item *item)
{
    return item->dirty && !item->now.exists && item->was.exists;
}
static bool is_due_set(const struct view_item *item)
{
    return item->dirty && item->now.due_ms != item->was.due_ms && item->now.due_ms > 0;
}
static bool is_due_gone(const struct view_item *item)
{
    return item->dirty && item->was.due_ms > 0 && item->now.due_ms == 0;
}

static void write_items(struct writer *w)
{
    struct view *v = &w->b->view;
    uint32_t n = count_items(v, is_dirty);
    if (n == 0)
        return;
    resp_begin(w->out, 1 + 2 * (size_t)n);
    resp_arg(w->out, STR("MSET"));
    for (uint32_t i = 0; i < v->items.count; i++) {
        const struct view_item *item = view_item(v, i);
        if (!item->dirty)
            continue;
        assert(item->watched && item->known);
        layout_put_item(w->out, w->b->partition, item->sku, &item->now);
    }
    w->commands++;
}

enum scored { NO_SCORE, SCORE_ZERO, SCORE_DUE };

/* ZADD or ZREM of the names of some items in a set of the partition. */
static void write_names(struct writer *w, struct str set, bool (*which)(const struct view_item *),
                        enum scored scored)
{
    struct view *v = &w->b->view;
    uint32_t n = count_items(v, which);
    if (n == 0)
        return;
    command(w, scored == NO_SCORE ? STR("ZREM") : STR("ZADD"), set, NO_NAME,
            (size_t)n * (scored == NO_SCORE ? 1 : 2));
    for (uint32_t i = 0; i < v->items.count; i++) {
        const struct view_item *item = view_item(v, i);
        if (!which(item))
            continue;
        if (scored != NO_SCORE)
            resp_int(w->out, scored == SCORE_DUE ? item->now.due_ms : 0);
        resp_arg(w->out, item->sku);
    }
}

/* An item's index of holds: what comes, then what goes. A hold that goes never comes back. */
static void write_index(struct writer *w, const struct view_item *item)
{
    size_t adds = 0, removes = 0;
    for (const struct view_index_change *c = item->changes; c; c = c->next)
        c->deadline_ms > 0 ? adds++ : removes++;
    if (adds > 0) {
        command(w, STR("ZADD"), KEY_HOLDS, item->sku, 2 * adds);
        for (const struct view_index_change *c = item->changes; c; c = c->next) {
            if (c->deadline_ms > 0)
                layout_put_hold(w->out, c->deadline_ms, c->id);
        }
    }
    if (removes > 0) {
        command(w, STR("ZREM"), KEY_HOLDS, item->sku, removes);
        for (const struct view_index_change *c = item->changes; c; c = c->next)
            if (c->deadline_ms == 0)
                layout_put_id(w->out, c->id);
    }
}

/* --- customers -------------------------------------------------------------------------------- */

/* The counters of one item: HSET of those above 0, HDEL of the others. */
static void write_counters(struct writer *w, struct view_customer *const *list, uint32_t count)
{
    struct str sku = view_item(&w->b->view, list[0]->item)->sku;
    size_t sets = 0;
    for (uint32_t i = 0; i < count; i++)
        sets += list[i]->now > 0;
    if (sets > 0)
        command(w, STR("HSET"), KEY_CUSTOMERS, sku, 2 * sets);
    for (uint32_t i = 0; i < count; i++) {
        if (list[i]->now > 0)
            layout_put_share(w->out, list[i]->customer, list[i]->now);
    }
    if (sets == count)
        return;
    command(w, STR("HDEL"), KEY_CUSTOMERS, sku, count - sets);
    for (uint32_t i = 0; i < count; i++)
        if (list[i]->now == 0)
            resp_arg(w->out, list[i]->customer);
}

static void write_customers(struct writer *w)
{
    struct view *v = &w->b->view;
    for (uint32_t i = 0; i < v->items.count; i++)
        if (view_item(v, i)->wiped)
            command(w, STR("UNLINK"), KEY_CUSTOMERS, view_item(v, i)->sku, 0);
    struct view_customer **dirty = arena_alloc(&w->b->arena, v->customers.count * sizeof(void *));
    if (!dirty) {
        w->no_memory = true;
        return;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->customers.count; i++)
        if (view_customer(v, i)->dirty)
            dirty[n++] = view_customer(v, i);
    qsort(dirty, n, sizeof(void *), batch_by_item);
    for (uint32_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && dirty[to]->item == dirty[from]->item;)
            to++;
        write_counters(w, dirty + from, to - from);
    }
}

/* --- records ---------------------------------------------------------------------------------- */

static void write_bucket(struct writer *w, struct view_reservation *const *list, uint32_t count)
{
    layout_command_records(w->out, STR("HSET"), w->b->partition, rid_bucket(&list[0]->id),
                           2 * (size_t)count);
    w->commands++;
    for (uint32_t i = 0; i < count; i++)
        layout_put_record(w->out, &w->b->scratch, list[i]->now);
}

/* Whoever changes a record finds its bucket listed by who made the first one in it. */
static bool has_new(struct view_reservation *const *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!list[i]->was)
            return true;
    return false;
}

static void list_bucket(struct writer *w, int64_t bucket)
{
    if (w->b->bucket_count < sizeof(w->b->buckets) / sizeof(w->b->buckets[0]))
        w->b->buckets[w->b->bucket_count++] = bucket;
    layout_put_bucket(w->out, w->b->partition, bucket);
    w->commands++;
}

static void write_records(struct writer *w, bool (*known_bucket)(void *, int64_t), void *user)
{
    struct view *v = &w->b->view;
    struct view_reservation **dirty =
        arena_alloc(&w->b->arena, v->reservations.count * sizeof(void *));
    if (!dirty) {
        w->no_memory = true;
        return;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->reservations.count; i++)
        if (view_reservation(v, i)->now)
            dirty[n++] = view_reservation(v, i);
    qsort(dirty, n, sizeof(void *), batch_by_bucket);
    w->b->bucket_count = 0;
    for (uint32_t from = 0, to; from < n; from = to) {
        int64_t bucket = rid_bucket(&dirty[from]->id);
        for (to = from; to < n && rid_bucket(&dirty[to]->id) == bucket;)
            to++;
        write_bucket(w, dirty + from, to - from);
        if (has_new(dirty + from, to - from) && !known_bucket(user, bucket))
            list_bucket(w, bucket);
    }
}

/* --- the transaction -------------------------------------------------------------------------- */

static void write_results(struct writer *w, int64_t retention_ms)
{
    struct view *v = &w->b->view;
    int64_t until_ms = w->b->now_ms + retention_ms;
    for (uint32_t i = 0; i < v->keys.count; i++) {
        const struct view_key *key = view_key(v, i);
        if (str_absent(key->now))
            continue;
        layout_put_result(w->out, w->b->partition, key->key, key->now, until_ms);
        w->commands++;
    }
}

static void write_events(struct writer *w)
{
    if (w->b->view.event_count == 0)
        return;
    layout_put_events(w->out, w->b->partition, w->b->gate.epoch, buf_str(&w->b->events));
    w->commands++;
}

size_t batch_write(struct batch *b, struct buf *out, struct str marker, struct str value,
                   int64_t operation_retention_ms, bool (*known_bucket)(void *, int64_t),
                   void *user)
{
    struct writer w = {.b = b, .out = out};
    write_items(&w);
    write_names(&w, KEY_SKUS, is_created, SCORE_ZERO);
    write_names(&w, KEY_SKUS, is_deleted, NO_SCORE);
    write_names(&w, KEY_DUE, is_due_set, SCORE_DUE);
    write_names(&w, KEY_DUE, is_due_gone, NO_SCORE);
    for (uint32_t i = 0; i < b->view.items.count; i++)
        write_index(&w, view_item(&b->view, i));
    write_customers(&w);
    write_records(&w, known_bucket, user);
    write_results(&w, operation_retention_ms);
    write_events(&w);
    layout_put_marker(out, marker, value);
    return w.no_memory || out->failed ? 0 : w.commands + 1; /* the marker */
}
