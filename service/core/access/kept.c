#include "core/access/kept.h"

void kept_weigh(const struct op *op, int64_t weight[KEPTS])
{
    bool holds = op->kind == OP_RESERVE;
    bool records = op_trait(op->kind)->event != EVENT_NONE && !str_absent(op->key);
    weight[KEPT_HOLDS] = holds;
    weight[KEPT_UNITS] = 0;
    for (unsigned i = 0; holds && i < op->line_count; i++)
        weight[KEPT_UNITS] += op->lines[i].quantity;
    weight[KEPT_METADATA] = holds ? (int64_t)op->metadata.n : 0;
    weight[KEPT_OPERATIONS] = records;
}

bool kept_fits(int64_t limit, double share, int64_t known, int64_t since, int64_t weight)
{
    int64_t left = limit - known;
    if (left <= 0 || weight > left - since)
        return false;
    return since == 0 || (double)(since + weight) <= (double)left * share;
}
