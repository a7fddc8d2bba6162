/* cycle.c -- see cycle.h. */
#include "check/cycle.h"
#include "check/realtime_order.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    if (s->tail == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 1024;
        uint32_t *queue = realloc(s->queue, cap * sizeof(*queue));
        if (!queue) {
            s->done = s->no_memory = true;
            return;
        }
        s->queue = queue;
        s->cap = cap;
    }
    s->queue[s->tail++] = node;
}

/* The first entry of the item with that key or a larger one. */
static size_t place_of(const struct serial *serial, uint32_t item, uint64_t key)
{
    size_t low = serial->first[item], high = serial->first[item + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (serial->entries[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Meets the predecessors of a node by version: on each of its items the group before its own. */
static void meet_before(struct search *s, uint32_t node)
{
    uint32_t item;
    uint64_t key;
    for (unsigned n = 0; s->serial->line(s->serial->ctx, node, n, &item, &key); n++) {
        if (!key)
            continue;
        size_t at = place_of(s->serial, item, key);
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
        size_t at = key ? place_of(s->serial, item, key) : s->serial->first[item];
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

int cycle_find(const struct serial *serial, const uint8_t *waiting, uint32_t first,
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
