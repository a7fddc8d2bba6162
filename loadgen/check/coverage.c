#include "check/groups.h"
#include "check/passes.h"
#include "check/radix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void count_attempt(const struct history_op *op, struct coverage *c)
{
    enum history_outcome outcome = history_outcome(op);
    /* Whether it claims more than that the service is busy. */
    bool says_why = op->detail != DETAIL_UNAVAILABLE && op->detail != DETAIL_NOT_SENT;
    c->operations++;
    c->ok += outcome == OUTCOME_OK;
    c->fail += outcome == OUTCOME_FAIL;
    c->unknown += outcome == OUTCOME_UNKNOWN;
    c->asked[op->kind]++;
    c->judged[op->kind] += outcome == OUTCOME_OK || (outcome == OUTCOME_FAIL && says_why);
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
    const struct history_op *before = NULL;
    for (struct index_pass pass = index_pass(index); index_next(&pass); before = pass.op) {
        const struct history_op *op = pass.op;
        if (history_phase(op) != PHASE_LOAD || index_is_told(op))
            continue;
        count_attempt(op, c);
        /* By its second operation: behind one that is not batched itself. */
        c->batches += (op->flags & FLAG_BATCHED) && before && !(before->flags & FLAG_BATCHED);
        if (index_role(op) == ROLE_FIRST)
            count_key(index, pass.slot, c);
    }
}

/* Begins and ends of all requests on a group of items, item by item, as time * 2, + 1 for an end:
 * at equal times the one that begins meets the one that ends. */
struct flight {
    const struct index *index;
    struct coverage *coverage;
    struct group group;
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

/* Counts two for each request on an item of the group, or, once there is room, puts them there. */
static void each_request(struct flight *f)
{
    const struct index *index = f->index;
    uint32_t batch = 0;
    memset(f->batch, 0, index->items * sizeof(*f->batch));
    uint64_t stop_ns = index->reader->facts->stop_ns;
    size_t base = f->all ? f->first[f->group.first] : 0;
    for (struct index_pass pass = index_pass(index); index_next(&pass);) {
        const struct history_op *op = pass.op;
        if (history_phase(op) != PHASE_LOAD || op->detail == DETAIL_NOT_SENT ||
            op->kind == KIND_LIST || index_is_told(op))
            continue; /* a list is no fight over any of its items */
        uint64_t end_ns = op->end_ns ? op->end_ns : stop_ns; /* its client died with it */
        end_ns = end_ns < op->begin_ns ? op->begin_ns : end_ns;
        batch = op->flags & FLAG_BATCHED ? batch : pass.slot;
        for (unsigned n = 0; n < op->lines; n++) {
            uint32_t item = index_line(op, n)->item;
            if (item < f->group.first || item >= f->group.end || is_counted(f, item, batch))
                continue;
            size_t at = f->first[item] - base;
            f->first[item] += 2;
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

/* Makes room for the group; first[] tells where each item starts. */
static int make_flight_room(struct flight *f)
{
    size_t longest = 0;
    for (uint32_t i = f->group.first; i < f->group.end; i++) {
        size_t count = f->first[i + 1] - f->first[i];
        longest = count > longest ? count : longest;
    }
    f->all = malloc((f->first[f->group.end] - f->first[f->group.first] + 1) * sizeof(*f->all));
    f->spare = malloc((longest + 1) * sizeof(*f->spare));
    return f->all && f->spare ? 0 : -ENOMEM;
}

struct most {
    uint64_t in_flight;
    uint32_t item;
};

/* Each start moves to the end of its item, which is where the next one starts. */
static struct most most_of_group(struct flight *f)
{
    struct most most = {0};
    uint64_t *from = f->all;
    size_t base = f->first[f->group.first];
    each_request(f);
    for (uint32_t i = f->group.first; i < f->group.end; i++) {
        uint64_t *end = f->all + (f->first[i] - base);
        uint64_t at_once = most_at_once(from, (size_t)(end - from), f->spare);
        if (at_once > most.in_flight)
            most = (struct most){at_once, i};
        from = end;
    }
    return most;
}

static int find_most(void *ctx, struct group group, struct buf *out)
{
    struct flight f = *(const struct flight *)ctx;
    f.group = group;
    int err = make_flight_room(&f);
    if (err == 0) {
        struct most most = most_of_group(&f);
        buf_put(out, &most, sizeof(most));
    }
    free(f.all);
    free(f.spare);
    return err;
}

/* Of items that are alike the first one counts, in whichever groups they are. */
static void take_most(void *ctx, struct group group, struct str found)
{
    struct coverage *c = ((const struct flight *)ctx)->coverage;
    struct most most;
    memcpy(&most, found.p, sizeof(most));
    if (most.in_flight > c->most_in_flight) {
        c->most_in_flight = most.in_flight;
        c->most_in_flight_item = most.item;
    }
}

int coverage_flight(const struct index *index, unsigned workers, struct verdict *v)
{
    struct flight f = {.index = index,
                       .coverage = &v->coverage,
                       .group = {0, index->items},
                       .first = calloc((size_t)index->items + 1, sizeof(*f.first)),
                       .batch = calloc((size_t)index->items + 1, sizeof(*f.batch))};
    int err = f.first && f.batch ? 0 : -ENOMEM;
    if (err == 0) {
        struct groups groups;
        each_request(&f);
        (void)radix_starts(f.first, (size_t)index->items + 1);
        /* A group is a pass over all of the history: no more of them than go on at once. */
        groups_cut(&groups, f.first, index->items, workers > 1 ? workers : 1);
        err = groups_run(&groups, &(struct groups_work){&f, find_most, take_most}, workers,
                         v->why_unknown);
    }
    free(f.first);
    free(f.batch);
    return err;
}
