/* baskets.c -- operations on several items at once happened at one moment on all of them.
 *
 * All or none is what versions and sums show; here the versions of all items and the
 * order of time together must allow one order of all operations (serial.h). Only looked at when an
 * operation has two lines or more: otherwise each item's own order is all there is.
 */
#include "check/describe.h"
#include "check/effect.h"
#include "check/passes.h"
#include "check/removals.h"
#include "check/serial.h"

#include <inttypes.h>
#include <stdio.h>

#define STEPS_TOLD 3 /* of a cycle, in words; the operations are listed besides */

struct nodes {
    const struct index *index;
    uint32_t looks;
};

static void node_span(void *ctx, uint32_t node, uint64_t *begin_ns, uint64_t *end_ns)
{
    struct nodes *nodes = ctx;
    if (++nodes->looks % (HISTORY_LOOKS / 16) == 0)
        history_relax(nodes->index->reader);
    const struct history_op *op = index_op(nodes->index, node);
    struct span span =
        entry_is_refusal(op) ? effect_attempt_span(op) : effect_span(nodes->index, node);
    *begin_ns = span.begin_ns;
    *end_ns = span.end_ns;
}

static bool node_line(void *ctx, uint32_t node, unsigned n, uint32_t *item, uint64_t *key)
{
    const struct index *index = ((const struct nodes *)ctx)->index;
    const struct history_op *op = index_op(index, node);
    if (n >= op->lines)
        return false;
    *item = index_line(op, n)->item;
    *key = entries_key(index, node, n);
    return true;
}

/* The item on which a comes before b most closely, with both versions. */
struct step {
    uint32_t item;
    uint64_t from, to;
};

static struct step step_between(struct nodes *nodes, uint32_t a, uint32_t b)
{
    struct step best = {0, 0, UINT64_MAX};
    uint64_t distance = UINT64_MAX, mine, other;
    uint32_t item, same;
    for (unsigned n = 0; node_line(nodes, a, n, &item, &mine); n++) {
        for (unsigned m = 0; node_line(nodes, b, m, &same, &other); m++) {
            if (item != same || !mine || !other || mine >= other || other - mine >= distance)
                continue;
            distance = other - mine;
            best = (struct step){item, mine >> 1, other >> 1};
        }
    }
    return best;
}

static void report(const struct index *index, const struct serial_result *result, struct verdict *v)
{
    unsigned kept = result->length < SERIAL_CYCLE_MAX ? result->length : SERIAL_CYCLE_MAX;
    uint32_t ops[SERIAL_CYCLE_MAX + 1] = {0};
    for (unsigned i = 0; i < kept; i++)
        ops[i] = result->cycle[i];
    char steps[240];
    size_t used = 0;
    steps[0] = '\0';
    for (unsigned i = 0; i + result->by_time < kept && i < STEPS_TOLD; i++) {
        struct step step =
            step_between(&(struct nodes){.index = index}, ops[i], ops[(i + 1) % kept]);
        int n = snprintf(steps + used, sizeof(steps) - used,
                         "%soperation %u before %u on %s "
                         "(versions %" PRIu64 ", %" PRIu64 ")",
                         i ? ", " : "", i + 1, (i + 1) % result->length + 1,
                         describe_sku(index->reader, step.item).text, step.from, step.to);
        used += n > 0 ? (size_t)n : 0;
        if (used >= sizeof(steps))
            break;
    }
    verdict_violation(v, PROPERTY_BASKETS, ops,
                      "No one order fits all items: %u operations come before each other in a "
                      "circle: %s%s%s. A basket was not taken at one moment.",
                      result->length, steps, result->length > STEPS_TOLD + 1 ? " and so on" : "",
                      result->by_time ? ", but the last was over before the first began" : "");
}

/* Whether it is of one moment, and of a known one: lists and claims are not, nor are deletes of
 * which another could have made the version as well. */
static bool has_a_moment(const struct index *index, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    if (op->kind == KIND_DELETE)
        return removals_find(index->removals, slot)->sure;
    return op->kind != KIND_LIST && !entry_is_claim(op);
}

/* Takes out what has no such moment. The others stay in their order. */
static void leave_out_unsure(const struct index *index, struct entries *entries)
{
    size_t kept = 0, from = 0;
    for (uint32_t i = 0; i < index->items; i++) {
        size_t end = entries->first[i + 1];
        entries->first[i] = kept;
        for (; from < end; from++) {
            if (has_a_moment(index, entry_slot(entries->all[from])))
                entries->all[kept++] = entries->all[from];
        }
    }
    entries->first[index->items] = kept;
    entries->count = kept;
}

int baskets_check(const struct index *index, struct entries *entries, struct verdict *v)
{
    if (!index->baskets)
        return 0;
    if (v->property[PROPERTY_VERSIONS].violations || v->property[PROPERTY_ENDED_ONCE].violations ||
        v->property[PROPERTY_LINEARIZABLE].violations) {
        verdict_unknown(v, PROPERTY_BASKETS,
                        "Not looked at: single items are not in order, so all together are not.");
        return 0;
    }
    if (index->kinds & (1u << KIND_LIST | 1u << KIND_SET | 1u << KIND_DELETE))
        leave_out_unsure(index, entries);
    struct nodes nodes = {.index = index};
    struct serial serial = {
        .items = index->items,
        .entries = entries->all,
        .first = entries->first,
        .nodes = index->slots,
        .ctx = &nodes,
        .span = node_span,
        .line = node_line,
    };
    struct serial_result result;
    int err = serial_order(&serial, &result);
    if (err < 0)
        return err;
    v->property[PROPERTY_BASKETS].checked += result.ordered;
    if (result.length > 0)
        report(index, &result, v);
    return 0;
}
