/* coverage.c -- see coverage.h. */
#include "check/coverage.h"
#include "check/radix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Whether the refusal claims more than that the service is busy. */
static bool says_why(const struct history_op *op)
{
    return op->detail != DETAIL_UNAVAILABLE && op->detail != DETAIL_NOT_SENT;
}

/* Each batch by its second operation: behind one that is not batched itself. */
static bool makes_batch(const struct history_op *op, const struct history_op *before)
{
    return (op->flags & FLAG_BATCHED) && before && !(before->flags & FLAG_BATCHED);
}

static void count_attempt(const struct history_op *op, struct coverage *c)
{
    enum history_outcome outcome = history_outcome(op);
    c->operations++;
    c->ok += outcome == OUTCOME_OK;
    c->fail += outcome == OUTCOME_FAIL;
    c->unknown += outcome == OUTCOME_UNKNOWN;
    c->asked[op->kind]++;
    c->judged[op->kind] += outcome == OUTCOME_OK || (outcome == OUTCOME_FAIL && says_why(op));
    c->replays += outcome == OUTCOME_OK && (op->flags & FLAG_REPLAYED);
    c->resent += (op->flags & FLAG_RESENT) != 0;
    c->sold_out_answers += outcome == OUTCOME_FAIL && op->detail == DETAIL_NO_STOCK;
    c->limit_answers += outcome == OUTCOME_FAIL && op->detail == DETAIL_LIMIT;
}

/* Whether no attempt of the key was answered with 2xx, and one may have had an effect. */
static bool nobody_said(const struct index *index, uint32_t first)
{
    bool unknown = false;
    const struct history_op *op = index_op(index, first);
    for (uint32_t at = first; at; at = at == first ? index->child[at] : index->next[at]) {
        const struct history_op *attempt = index_op(index, at);
        if (attempt->kind != op->kind || index_role(attempt) == ROLE_LOOKUP)
            continue;
        if (history_outcome(attempt) == OUTCOME_OK && attempt->detail != DETAIL_GARBLED)
            return false;
        unknown |= history_outcome(attempt) != OUTCOME_FAIL;
    }
    return unknown;
}

static void count_key(const struct index *index, uint32_t first, struct coverage *c)
{
    uint32_t effect = index->effect[first];
    if (effect >= EFFECT_SLOT_MIN) {
        c->successes++;
        c->baskets += index_op(index, first)->lines >= 2;
    }
    if (!nobody_said(index, first))
        return;
    c->happened += effect >= EFFECT_SLOT_MIN || effect == EFFECT_AGAIN;
    c->absent += effect == EFFECT_NONE;
    c->unresolved += effect == EFFECT_UNRESOLVED;
}

void coverage_count(const struct index *index, struct coverage *c)
{
    struct index_pass pass;
    index_pass(&pass, index);
    uint32_t slot;
    const struct history_op *before = NULL;
    for (const struct history_op *op; (op = index_next(&pass, &slot)); before = op) {
        if (history_phase(op) != PHASE_LOAD || index_is_told(op))
            continue;
        count_attempt(op, c);
        c->batches += makes_batch(op, before);
        if (index_role(op) == ROLE_FIRST)
            count_key(index, slot, c);
    }
}

/* Begins and ends of all requests, item by item, as time * 2, + 1 for an end: at equal times the
 * one that begins meets the one that ends. */
struct flight {
    uint64_t *all, *spare;
    size_t *first;
    uint32_t *batch; /* by item: the first operation of the batch that was on it last */
};

/* Operations of one batch on one item are one request on it. */
static bool is_counted(struct flight *f, uint32_t item, uint32_t batch)
{
    bool counted = f->batch[item] == batch;
    f->batch[item] = batch;
    return counted;
}

/* Counts two for each request on an item, or, once there is room, puts them there. */
static void each_request(struct flight *f, const struct index *index)
{
    uint32_t batch = 0;
    memset(f->batch, 0, index->items * sizeof(*f->batch));
    uint64_t stop_ns = index->reader->facts->stop_ns;
    struct index_pass pass;
    index_pass(&pass, index);
    uint32_t slot;
    for (const struct history_op *op; (op = index_next(&pass, &slot));) {
        if (history_phase(op) != PHASE_LOAD || op->detail == DETAIL_NOT_SENT ||
            op->kind == KIND_LIST || index_is_told(op))
            continue; /* a list is no fight over any of its items */
        uint64_t end_ns = op->end_ns ? op->end_ns : stop_ns; /* its client died with it */
        end_ns = end_ns < op->begin_ns ? op->begin_ns : end_ns;
        batch = op->flags & FLAG_BATCHED ? batch : slot;
        for (unsigned n = 0; n < op->lines; n++) {
            if (is_counted(f, index_line(op, n)->item, batch))
                continue;
            size_t at = f->first[index_line(op, n)->item];
            f->first[index_line(op, n)->item] += 2;
            if (!f->all)
                continue;
            f->all[at] = op->begin_ns << 1;
            f->all[at + 1] = end_ns << 1 | 1;
        }
    }
}

static uint64_t most_at_once(uint64_t *at, size_t n, uint64_t *spare)
{
    radix_sort_keys(at, n, spare);
    uint64_t now = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        if (at[i] & 1)
            now--;
        else if (++now > most)
            most = now;
    }
    return most;
}

static int count_flight(struct flight *f, const struct index *index, struct coverage *c)
{
    each_request(f, index);
    size_t sum = 0, longest = 0;
    for (size_t i = 0; i <= index->items; i++) {
        size_t count = f->first[i];
        longest = count > longest ? count : longest;
        f->first[i] = sum;
        sum += count;
    }
    f->all = malloc((sum + 1) * sizeof(*f->all));
    f->spare = malloc((longest + 1) * sizeof(*f->spare));
    if (!f->all || !f->spare)
        return -ENOMEM;
    each_request(f, index);
    /* Each start has moved to the end of its item, which is where the next one starts. */
    for (uint32_t i = 0; i < index->items; i++) {
        size_t from = i > 0 ? f->first[i - 1] : 0;
        uint64_t most = most_at_once(f->all + from, f->first[i] - from, f->spare);
        if (most > c->most_in_flight) {
            c->most_in_flight = most;
            c->most_in_flight_item = i;
        }
    }
    return 0;
}

int coverage_flight(const struct index *index, struct coverage *c)
{
    struct flight f = {.first = calloc((size_t)index->items + 1, sizeof(*f.first)),
                       .batch = calloc((size_t)index->items + 1, sizeof(*f.batch))};
    int err = f.first && f.batch ? count_flight(&f, index, c) : -ENOMEM;
    free(f.all);
    free(f.spare);
    free(f.first);
    free(f.batch);
    return err;
}
