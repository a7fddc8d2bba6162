/* sums.c -- at the end, an item holds what the operations on it add up to.
 *
 * The counters read after the load against the effects: the last version and what it
 * left, received - sold = on hand, available + held = on hand, and the held and sold units
 * themselves. Comes after numbers.c.
 */
#include "check/describe.h"
#include "check/effect.h"
#include "check/passes.h"

#include <inttypes.h>

struct sum {
    const struct index *index;
    struct verdict *verdict;
    struct item *item;
    const struct history_counters *counters;
    struct words sku;
    uint32_t ops[2]; /* the last operation on it */
};

void sums_check_oversold(const struct index *index, const struct item *item, uint32_t number,
                         const uint32_t *ops, struct verdict *v)
{
    int64_t over = item->sold + item->held - item->received;
    struct coverage *c = &v->coverage;
    c->received += item->received;
    c->sold_units += item->sold;
    c->held_units += item->held;
    if (over <= 0 || item->gap || index->incomplete)
        return;
    c->oversold_units += over;
    verdict_violation(v, PROPERTY_SUMS, ops,
                      "%s was oversold by %" PRId64 " units: %" PRId64 " were sold and %" PRId64
                      " are held, by acknowledged operations, but it only ever had %" PRId64 ".",
                      describe_sku(index->reader, number).text, over, item->sold, item->held,
                      item->received);
}

/* The last of the transitions behind the counters' version that was over before they were asked
 * for: 0 when the counters were merely read while something went on. */
static uint32_t lost_transition(const struct sum *s, const struct entries *entries, uint32_t item)
{
    uint32_t lost = 0;
    for (size_t i = entries->first[item + 1]; i-- > entries->first[item];) {
        struct radix_pair entry = entries->all[i];
        if (entry_version(entry) <= s->counters->version)
            break;
        if (entry_is_read(entry))
            continue;
        if (effect_span(s->index, entry_slot(entry)).end_ns < s->counters->at_ns)
            lost = entry_slot(entry);
    }
    return lost;
}

static void version_behind(const struct sum *s, const struct entries *entries, uint32_t item)
{
    uint32_t lost = lost_transition(s, entries, item);
    if (!lost) {
        verdict_unknown(s->verdict, PROPERTY_SUMS,
                        "%s still changed while its counters were read, after the load.",
                        s->sku.text);
        return;
    }
    verdict_violation(s->verdict, PROPERTY_LASTING, OPS(lost),
                      "%s: at the end its version is %" PRIu64 ", though version %" PRIu64
                      " was acknowledged before; %s is the first that was lost.",
                      s->sku.text, s->counters->version, s->item->version,
                      describe_who(index_op(s->index, lost)).text);
}

static void version_ahead(const struct sum *s)
{
    uint64_t missing = s->counters->version - s->item->version;
    if (s->index->incomplete || items_take_slack(s->item, missing, true)) {
        s->item->gap = true;
        verdict_unknown(s->verdict, PROPERTY_VERSIONS,
                        "The last %" PRIu64 " versions of %s, up to %" PRIu64
                        ", belong to no known operation; one that nobody answered for may have "
                        "made them.",
                        missing, s->sku.text, s->counters->version);
        return;
    }
    if (s->item->version == 0) {
        verdict_violation(s->verdict, PROPERTY_VERSIONS, s->ops,
                          "%s: at the end its version is %" PRIu64 ", but no operation on it, not "
                          "even one that creates it, was answered.",
                          s->sku.text, s->counters->version);
        return;
    }
    verdict_violation(s->verdict, PROPERTY_VERSIONS, s->ops,
                      "%s: at the end its version is %" PRIu64 ", but the last operation on it "
                      "made version %" PRIu64 ": %" PRIu64 " transitions belong to no request.",
                      s->sku.text, s->counters->version, s->item->version, missing);
}

static void compare_sum(const struct sum *s, const char *what, int64_t is, int64_t right)
{
    if (is == right)
        return;
    verdict_violation(s->verdict, PROPERTY_SUMS, s->ops,
                      "%s: at the end, %" PRId64 " are %s; the operations add up to %" PRId64
                      " (version %" PRIu64 ").",
                      s->sku.text, is, what, right, s->item->version);
}

static void compare_counters(const struct sum *s)
{
    const struct history_counters *c = s->counters;
    const struct item *item = s->item;
    if (!item->adrift)
        compare_sum(s, "available", c->available, item->remaining);
    compare_sum(s, "on hand", c->on_hand, (int64_t)((uint64_t)c->available + (uint64_t)c->held));
    if (item->disturbed || (item->undone && !s->index->may_lose) || item->gap)
        return; /* what is missing in the history is missing in its sums as well */
    compare_sum(s, "held", c->held, item->held);
    compare_sum(s, "sold", c->sold, item->sold);
    compare_sum(s, "on hand", c->on_hand, item->received - item->sold);
}

static void item_is_gone(const struct sum *s)
{
    if (s->item->gone)
        return;
    if (s->index->incomplete || items_take_slack(s->item, 1, false)) {
        s->item->gap = true;
        verdict_unknown(s->verdict, PROPERTY_LASTING,
                        "%s is gone at the end; a delete that nobody answered for may have "
                        "removed it.",
                        s->sku.text);
        return;
    }
    verdict_violation(s->verdict, PROPERTY_LASTING, s->ops,
                      "%s is gone: at the end the service does not know it any more, and nobody "
                      "was told that it is removed.",
                      s->sku.text);
}

static void check_end(const struct sum *s, const struct entries *entries, uint32_t item)
{
    if (!s->counters->found)
        item_is_gone(s);
    else if (s->item->gone && s->counters->version == s->item->version)
        verdict_violation(s->verdict, PROPERTY_LASTING, s->ops,
                          "%s was removed at version %" PRIu64
                          ", but at the end it is there, at that version.",
                          s->sku.text, s->item->version);
    else if (s->counters->version < s->item->version)
        version_behind(s, entries, item);
    else if (s->counters->version > s->item->version)
        version_ahead(s);
    else
        compare_counters(s);
}

void sums_check_item(const struct index *index, const struct entries *entries, struct item *items,
                     uint32_t item, struct verdict *v)
{
    struct sum s = {
        .index = index,
        .verdict = v,
        .item = &items[item],
        .counters = items_counters(index, &items[item]),
        .sku = describe_sku(index->reader, item),
        .ops = {items[item].last},
    };
    sums_check_oversold(index, &items[item], item, s.ops, v);
    v->coverage.sold_out_items += items[item].refusals > 0;
    v->property[PROPERTY_SUMS].checked++;
    if (s.counters)
        v->property[PROPERTY_LASTING].checked++;
    if (s.counters && (s.item->transitions || s.counters->found))
        check_end(&s, entries, item);
    else if (s.item->transitions)
        verdict_unknown(v, PROPERTY_SUMS, "%s was not read at the end.", s.sku.text);
}
