#include "http/rate.h"
#include "clock.h"
#include "digits.h"
#include "stats.h"

#define SECOND_NS INT64_C(1000000000)

static int64_t seconds_of(int64_t ns)
{
    return (ns + SECOND_NS - 1) / SECOND_NS;
}

bool rate_refuse(struct refusal *why, const char *detail, int64_t wait_ns)
{
    int64_t wait_s = seconds_of(wait_ns);
    *why = (struct refusal){.problem = PROBLEM_RATE_LIMITED,
                            .detail = detail,
                            .retry_after_s = wait_s > 0 ? (unsigned)wait_s : 1};
    return false;
}

static bool refuse_client(const struct rate *rate, const char *detail, struct refusal *why)
{
    stats_count(STATS_RATE_LIMITED, 1);
    return rate_refuse(why, detail, rate->verdict.wait_ns);
}

static bool take_tokens(struct rate *rate, unsigned tokens)
{
    rate->verdict = quota_use_take(rate->slot, &rate->limit, clock_mono_us() * 1000, tokens);
    return rate->verdict.taken;
}

bool rate_begin(struct rate *rate, struct quota_use_slot *slot, const struct quota *quota,
                double share, struct refusal *why)
{
    *rate = (struct rate){.limit = quota_rate(quota, share)};
    if (rate->limit.burst == 0)
        return true;
    rate->slot = slot;
    return take_tokens(rate, 1) ||
           refuse_client(rate, "this client's requests a second are used up; nothing was changed",
                         why);
}

/* The one that it has cost already stays spent, as its body was read: a client that sends such
 * batches for ever comes to an end, too. */
bool rate_cost(struct rate *rate, unsigned cost, struct refusal *why)
{
    if (!rate->slot || take_tokens(rate, cost - 1))
        return true;
    if (cost > rate->limit.burst)
        return refuse_client(rate,
                             "a batch costs as many requests as it has operations, and these are "
                             "more than this client may ask at once: send them in smaller batches; "
                             "nothing was changed",
                             why);
    rate->verdict.wait_ns += rate->limit.step_ns; /* sent again it costs that one again */
    return refuse_client(rate,
                         "a batch costs as many requests as it has operations, and this client has "
                         "fewer left; nothing was changed",
                         why);
}

/* Of each answer: printf would cost more than the decision. */
static void put_rate_field(char out[RATE_FIELD_SIZE], char first, int64_t tokens, char second,
                           int64_t ns)
{
    char *to = stpcpy(out, "\"requests\";");
    *to++ = first;
    *to++ = '=';
    to += digits_put_signed(to, tokens);
    *to++ = ';';
    *to++ = second;
    *to++ = '=';
    to += digits_put_signed(to, seconds_of(ns));
    *to = '\0';
}

void rate_put_policy(const struct rate *rate, char out[RATE_FIELD_SIZE])
{
    put_rate_field(out, 'q', rate->limit.burst, 'w', rate->limit.burst * rate->limit.step_ns);
}

void rate_put_state(const struct rate *rate, char out[RATE_FIELD_SIZE])
{
    put_rate_field(out, 'r', rate->verdict.left, 't', rate->verdict.full_ns);
}
