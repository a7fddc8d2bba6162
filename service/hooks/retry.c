#include "hooks/retry.h"

#include <assert.h>

static int64_t less_a_half(int64_t ms, uint64_t random)
{
    int64_t half = ms / 2;
    return ms - (int64_t)(random % (uint64_t)(half + 1));
}

static int64_t grown(int64_t ms, unsigned times, int64_t growth, int64_t most_ms)
{
    while (times-- > 0 && ms < most_ms)
        ms *= growth;
    return ms < most_ms ? ms : most_ms;
}

int64_t retry_wait_ms(int64_t first_ms, unsigned attempts, int64_t asked_ms, uint64_t random)
{
    assert(first_ms > 0 && attempts > 0);
    int64_t ms = less_a_half(grown(first_ms, attempts - 1, RETRY_GROWTH, RETRY_MAX_MS), random);
    int64_t asked = asked_ms < RETRY_ASKED_MS ? asked_ms : RETRY_ASKED_MS;
    return ms > asked ? ms : asked;
}

int64_t retry_pause_ms(int64_t first_ms, unsigned run, uint64_t random)
{
    assert(first_ms > 0);
    if (run < RETRY_DOUBT_RUN)
        return 0;
    return less_a_half(grown(first_ms, run - RETRY_DOUBT_RUN, 2, RETRY_PAUSE_MS), random);
}
