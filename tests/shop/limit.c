/* limit.c -- see limit.h. */
#include "shop/limit.h"

#include "shop/memory.h"

static struct share *share_of(struct item *item, const char *customer)
{
    for (struct share *share = item->shares; share; share = share->next)
        if (strcmp(share->customer, customer) == 0)
            return share;
    struct share *share = memory_zalloc(sizeof(*share));
    share->customer = memory_text(str_of(customer));
    share->next = item->shares;
    return item->shares = share;
}

bool limit_lines(const struct op *op, struct item *const *items, struct rules_line *line)
{
    const char *customer = json_string_value(op->customer);
    bool named = true;
    for (unsigned i = 0; i < op->line_count; i++) {
        line[i] = (struct rules_line){.quantity = op->line[i].quantity,
                                      .available = items[i]->now.available,
                                      .limit = items[i]->limit};
        if (line[i].limit > 0 && customer)
            line[i].used = share_of(items[i], customer)->used;
        named &= line[i].limit == 0 || customer;
    }
    return named;
}

enum rules_verdict limit_judge(struct store *s, struct rules_line *line, unsigned lines, bool off)
{
    enum rules_verdict verdict = rules_take(line, lines);
    unsigned limited = 0;
    off |= verdict == RULES_LIMIT && fault_fires(&s->faults, FAULT_LIMIT_IGNORED);
    for (unsigned i = 0; i < lines; i++) {
        limited += line[i].limit > 0;
        line[i].limit = off ? 0 : line[i].limit;
    }
    verdict = rules_take(line, lines);
    if (limited > 0 && verdict != RULES_LIMIT && fault_fires(&s->faults, FAULT_REFUSES_LIMIT))
        return RULES_LIMIT;
    return verdict;
}

void limit_refuse(const struct op *op, struct item *const *items, const struct rules_line *line,
                  struct answer *a)
{
    bool falsely = rules_take(line, op->line_count) != RULES_LIMIT;
    answer_overs_begin(a);
    for (unsigned i = 0; i < op->line_count; i++)
        if (rules_exceeds(&line[i]) || (falsely && line[i].limit > 0))
            answer_over(a, items[i], line[i].quantity, line[i].used);
    answer_shorts_end(a);
}

struct share *limit_take(struct store *s, const struct op *op, struct item *item, int64_t units)
{
    const char *customer = json_string_value(op->customer);
    if (!customer)
        return NULL;
    struct share *share = share_of(item, customer);
    if (item->limit > 0 && share->next && fault_fires(&s->faults, FAULT_LIMIT_OTHER))
        share = share->next;
    share->used += units;
    return share;
}

void limit_begin(struct store *s, struct item *item)
{
    for (struct share *share = item->shares; share; share = share->next)
        if (item->limit == 0 || share->used == 0 || !fault_fires(&s->faults, FAULT_LIMIT_SURVIVES))
            share->used = 0;
}

void limit_give_back(struct share *share, int64_t units)
{
    if (share)
        share->used = share->used > units ? share->used - units : 0;
}
