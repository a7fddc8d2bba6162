#include "http/kept.h"
#include "stats.h"

#define HOURLY_S 60 /* what is counted by hours has not gone a second later */

static const struct {
    const char *detail;
    unsigned retry_after_s;
} full[KEPTS] = {
    [KEPT_HOLDS] = {"this client would have more reservations held than its quota allows; nothing "
                    "was changed",
                    1},
    [KEPT_UNITS] = {"this client would hold more units than its quota allows; nothing was changed",
                    1},
    [KEPT_METADATA] = {"the metadata of this client's reservations would take more bytes than its "
                       "quota allows; nothing was changed",
                       HOURLY_S},
    [KEPT_OPERATIONS] = {"this client would have more idempotency keys recorded than its quota "
                         "allows; nothing was changed",
                         HOURLY_S},
};

void kept_begin(struct kept *kept, struct quota_use_slot *slot, const struct quota *quota)
{
    if (!quota_keeps(quota))
        return;
    kept->slot = slot;
    kept->quota = *quota;
}

static struct refusal refusal_of(const struct kept_ticket *ticket)
{
    if (ticket->verdict == KEPT_UNKNOWN)
        return (struct refusal){.problem = PROBLEM_LEDGER_UNAVAILABLE,
                                .detail = "what this client keeps, which its quota limits, was not "
                                          "read from the ledger yet; nothing was changed"};
    stats_count(STATS_KEPT_LIMITED, 1);
    return (struct refusal){.problem = PROBLEM_RATE_LIMITED,
                            .detail = full[ticket->which].detail,
                            .retry_after_s = full[ticket->which].retry_after_s,
                            .limit = quota_limit_name(QUOTA_HOLDS + ticket->which),
                            .quota = ticket->limit,
                            .used = ticket->used};
}

bool kept_admit(const struct kept *kept, const struct kept_host *host, struct op *op,
                struct kept_ticket *ticket, struct refusal *why)
{
    int64_t weight[KEPTS];
    if (!kept->slot)
        return true;
    kept_weigh(op, weight);
    kept_use_take(&host->quotas->kept, host->worker, &kept->slot->kept, &kept->quota, host->share,
                  weight, ticket);
    if (ticket->verdict == KEPT_FREE || ticket->verdict == KEPT_TAKEN)
        return true;
    op->over_quota = !str_absent(op->key);
    if (op->over_quota)
        return true;
    op->out = (struct outcome){.code = OUT_QUOTA_USED, .field_line = -1};
    *why = refusal_of(ticket);
    return false;
}

/* What was answered before is counted since then. */
static enum kept_end kept_end_of(const struct outcome *out)
{
    if (out->code == OUT_UNKNOWN || out->code == OUT_BROKEN)
        return KEPT_DOUBT;
    return outcome_succeeded(out->code) && !out->replayed ? KEPT_CAME : KEPT_NOTHING;
}

bool kept_decided(const struct kept_host *host, const struct op *op, struct kept_ticket *ticket,
                  struct refusal *why)
{
    if (ticket->verdict == KEPT_TAKEN)
        kept_use_settle(&host->quotas->kept, host->worker, ticket, kept_end_of(&op->out));
    if (op->out.code != OUT_QUOTA_USED)
        return false;
    *why = refusal_of(ticket);
    return true;
}
