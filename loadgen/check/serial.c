/* serial.c -- see serial.h: the order, or what keeps operations from having one. */
#include "check/serial.h"
#include "check/realtime_order.h"
#include "grow.h"
#include "search.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- the cycle that keeps operations from having one order ------------------------------------ */

/* Only looked for when there is one; takes memory by node for the search. */

#define CYCLE_TAKEN  0xff       /* in waiting[]: the node has its place */
#define CYCLE_NOBODY UINT32_MAX /* all that are left never ended */

#define UNSEEN UINT32_MAX

/* A search back from one node by versions, nearest first. */
struct search {
    const struct serial *serial;
    const uint8_t *waiting;
    uint32_t *after; /* by node: the one it was met from, which comes after it */
    uint32_t *queue;
    size_t head, tail, cap;
    uint32_t start;
    uint64_t over_ns; /* whoever began after this closes a cycle by time */
    uint32_t found;   /* the node that closes the cycle */
    bool done, by_time, no_memory;
};

static void meet(struct search *s, uint32_t node, uint32_t from)
{
    if (s->done || s->waiting[node] == CYCLE_TAKEN)
        return;
    uint64_t begin_ns, end_ns;
    s->serial->span(s->serial->ctx, node, &begin_ns, &end_ns);
    bool late = begin_ns > s->over_ns;
    if (node == s->start || late) {
        s->done = true;
        s->by_time = late;
        s->found = late ? node : from;
        if (late)
            s->after[node] = from;
        return;
    }
    if (s->after[node] != UNSEEN)
        return;
    s->after[node] = from;
    uint32_t *queue = grow(s->queue, s->tail, &s->cap, sizeof(*queue));
    if (!queue) {
        s->done = s->no_memory = true;
        return;
    }
    s->queue = queue;
    s->queue[s->tail++] = node;
}

/* The first entry of the item with that key or a larger one. */
static size_t first_at_key(const struct serial *serial, uint32_t item, uint64_t key)
{
    return SEARCH_FIRST(serial->first[item], serial->first[item + 1], i,
                        serial->entries[i].key >= key);
}

/* Meets the predecessors of a node by version: on each of its items the group before its own. */
static void meet_before(struct search *s, uint32_t node)
{
    uint32_t item;
    uint64_t key;
    for (unsigned n = 0; s->serial->line(s->serial->ctx, node, n, &item, &key); n++) {
        if (!key)
            continue;
        size_t at = first_at_key(s->serial, item, key);
        size_t least = s->serial->first[item];
        if (at == least)
            continue;
        uint64_t group = s->serial->entries[at - 1].key;
        for (; at > least && s->serial->entries[at - 1].key == group && !s->done; at--)
            meet(s, (uint32_t)s->serial->entries[at - 1].value, node);
    }
}

static void search(struct search *s, uint32_t start, uint64_t over_ns)
{
    memset(s->after, 0xff, ((size_t)s->serial->nodes + 1) * sizeof(*s->after));
    s->start = start;
    s->over_ns = over_ns;
    s->head = s->tail = 0;
    s->done = s->by_time = false;
    meet_before(s, start);
    while (s->head < s->tail && !s->done)
        meet_before(s, s->queue[s->head++]);
}

/* Some predecessor of a node that is left; every node asked for has one (see serial.h). */
static uint32_t some_before(struct search *s, uint32_t node)
{
    uint32_t item;
    uint64_t key;
    for (unsigned n = 0; s->serial->line(s->serial->ctx, node, n, &item, &key); n++) {
        size_t at = key ? first_at_key(s->serial, item, key) : s->serial->first[item];
        if (!key || at == s->serial->first[item])
            continue;
        uint64_t group = s->serial->entries[at - 1].key;
        for (; at > s->serial->first[item] && s->serial->entries[at - 1].key == group; at--) {
            uint32_t before = (uint32_t)s->serial->entries[at - 1].value;
            if (s->waiting[before] != CYCLE_TAKEN)
                return before;
        }
    }
    assert(false); /* it comes after another one that is left */
    return node;
}

static uint32_t anybody(const struct serial *serial, const uint8_t *waiting)
{
    size_t i = 0;
    while (waiting[(uint32_t)serial->entries[i].value] == CYCLE_TAKEN)
        i++;
    return (uint32_t)serial->entries[i].value;
}

static void keep_cycle(const struct search *s, struct serial_result *result)
{
    result->by_time = s->by_time;
    uint32_t node = s->found;
    for (;; node = s->after[node]) {
        if (result->length < SERIAL_CYCLE_MAX)
            result->cycle[result->length] = node;
        result->length++;
        if (node == s->start)
            return;
    }
}

/* waiting: by node, 0 .. SERIAL_LINES_MAX or CYCLE_TAKEN; nodes without entries are never met.
 * first: the one left that ended first. Fills length, by_time and cycle. 0 or -ENOMEM. */
static int cycle_find(const struct serial *serial, const uint8_t *waiting, uint32_t first,
                      struct serial_result *result)
{
    struct search s = {.serial = serial, .waiting = waiting};
    s.after = malloc(((size_t)serial->nodes + 1) * sizeof(*s.after));
    if (!s.after)
        return -ENOMEM;
    uint64_t over_ns = SWEEP_NEVER, begin_ns;
    uint32_t start = first == CYCLE_NOBODY ? anybody(serial, waiting) : first;
    if (first != CYCLE_NOBODY)
        serial->span(serial->ctx, first, &begin_ns, &over_ns);
    search(&s, start, over_ns);
    if (!s.done) {
        /* A cycle of versions that does not pass through `first`: back as far as there are nodes
         * that way leads onto one. */
        for (size_t steps = s.tail + 1; steps > 0; steps--)
            start = some_before(&s, start);
        search(&s, start, SWEEP_NEVER);
    }
    if (!s.no_memory) {
        assert(s.done);
        keep_cycle(&s, result);
    }
    free(s.after);
    free(s.queue);
    return s.no_memory ? -ENOMEM : 0;
}

/* --- the order itself ------------------------------------------------------------------------- */

/* Ready nodes, the one that began first on top. */
struct heap {
    size_t count, cap;
    struct radix_pair *at; /* key: begin; value: node */
};

struct order {
    const struct serial *serial;
    uint8_t *waiting;    /* by node: entries before which something is left; CYCLE_TAKEN */
    size_t *next;        /* by item: the first entry that is not ready */
    size_t *outstanding; /* by item: entries that are ready and not taken */
    struct heap heap;
    size_t ends;
    struct radix_pair *end; /* key: end; value: node; in order, without those that never ended */
    size_t past;            /* ends before this one are of nodes that were taken */
    uint64_t members, taken;
    bool no_memory;
};

static void heap_push(struct order *o, struct radix_pair pair)
{
    struct heap *h = &o->heap;
    struct radix_pair *at = grow(h->at, h->count, &h->cap, sizeof(*at));
    if (!at) {
        o->no_memory = true;
        return;
    }
    h->at = at;
    size_t i = h->count++;
    for (; i > 0 && h->at[(i - 1) / 2].key > pair.key; i = (i - 1) / 2)
        h->at[i] = h->at[(i - 1) / 2];
    h->at[i] = pair;
}

static struct radix_pair heap_pop(struct heap *h)
{
    assert(h->count > 0);
    struct radix_pair top = h->at[0];
    struct radix_pair last = h->at[--h->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && h->at[child + 1].key < h->at[child].key)
            child++;
        if (h->at[child].key >= last.key)
            break;
        h->at[i] = h->at[child];
        i = child;
    }
    h->at[i] = last;
    return top;
}

static void entry_is_ready(struct order *o, uint32_t node)
{
    assert(o->waiting[node] > 0 && o->waiting[node] <= SERIAL_LINES_MAX);
    if (--o->waiting[node] > 0)
        return;
    uint64_t begin_ns, end_ns;
    o->serial->span(o->serial->ctx, node, &begin_ns, &end_ns);
    heap_push(o, (struct radix_pair){begin_ns, node});
}

/* The next group of the item becomes ready: a transition, or all reads of one version. */
static void advance(struct order *o, size_t item)
{
    const struct serial *s = o->serial;
    size_t end = s->first[item + 1];
    size_t from = o->next[item];
    if (o->outstanding[item] > 0 || from == end)
        return;
    size_t to = from + 1;
    while ((s->entries[from].key & 1) && to < end && s->entries[to].key == s->entries[from].key)
        to++;
    o->next[item] = to;
    o->outstanding[item] = to - from;
    for (size_t i = from; i < to; i++)
        entry_is_ready(o, (uint32_t)s->entries[i].value);
}

static void take_node(struct order *o, uint32_t node)
{
    o->waiting[node] = CYCLE_TAKEN;
    o->taken++;
    uint32_t item;
    uint64_t key;
    for (unsigned n = 0; o->serial->line(o->serial->ctx, node, n, &item, &key); n++) {
        if (!key)
            continue;
        assert(o->outstanding[item] > 0);
        o->outstanding[item]--;
        advance(o, item);
    }
}

/* Whether somebody who is left ended before that. */
static bool somebody_ended_before(struct order *o, uint64_t begin_ns)
{
    while (o->past < o->ends && o->waiting[o->end[o->past].value] == CYCLE_TAKEN)
        o->past++;
    return o->past < o->ends && o->end[o->past].key < begin_ns;
}

/* Counts each node's entries. */
static void count_members(struct order *o)
{
    const struct serial *s = o->serial;
    for (size_t i = 0; i < s->first[s->items]; i++) {
        uint32_t node = (uint32_t)s->entries[i].value;
        assert(node < s->nodes && o->waiting[node] < SERIAL_LINES_MAX);
        o->members += o->waiting[node]++ == 0;
    }
}

static int sort_ends(struct order *o)
{
    o->end = malloc((o->members + 1) * sizeof(*o->end));
    struct radix_pair *spare = malloc((o->members + 1) * sizeof(*spare));
    if (!o->end || !spare) {
        free(spare);
        return -ENOMEM;
    }
    for (uint32_t node = 0; node < o->serial->nodes; node++) {
        if (o->waiting[node] == 0)
            continue;
        uint64_t begin_ns, end_ns;
        o->serial->span(o->serial->ctx, node, &begin_ns, &end_ns);
        if (end_ns != SWEEP_NEVER)
            o->end[o->ends++] = (struct radix_pair){end_ns, node};
    }
    radix_sort_pairs(o->end, o->ends, spare);
    free(spare);
    return 0;
}

static int order_all(struct order *o, struct serial_result *result)
{
    count_members(o);
    if (sort_ends(o) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < o->serial->items; i++) {
        o->next[i] = o->serial->first[i];
        advance(o, i);
    }
    while (o->heap.count > 0 && !o->no_memory) {
        if (somebody_ended_before(o, o->heap.at[0].key))
            break;
        take_node(o, (uint32_t)heap_pop(&o->heap).value);
    }
    result->ordered = o->taken;
    if (o->no_memory)
        return -ENOMEM;
    if (o->taken == o->members)
        return 0;
    (void)somebody_ended_before(o, 0);
    uint32_t first = o->past < o->ends ? (uint32_t)o->end[o->past].value : CYCLE_NOBODY;
    return cycle_find(o->serial, o->waiting, first, result);
}

int serial_order(const struct serial *serial, struct serial_result *result)
{
    *result = (struct serial_result){0};
    struct order o = {.serial = serial};
    o.waiting = calloc((size_t)serial->nodes + 1, sizeof(*o.waiting));
    o.next = calloc(serial->items + 1, sizeof(*o.next));
    o.outstanding = calloc(serial->items + 1, sizeof(*o.outstanding));
    int err = o.waiting && o.next && o.outstanding ? order_all(&o, result) : -ENOMEM;
    free(o.waiting);
    free(o.next);
    free(o.outstanding);
    free(o.heap.at);
    free(o.end);
    return err;
}
