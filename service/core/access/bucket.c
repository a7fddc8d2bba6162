#include "core/access/bucket.h"

#include <assert.h>

struct bucket_verdict bucket_take(int64_t *full_at_ns, const struct bucket_limit *limit,
                                  int64_t now_ns, int64_t tokens)
{
    assert(limit->burst > 0 && limit->step_ns > 0 && tokens >= 0);
    int64_t whole_ns = limit->burst * limit->step_ns;
    int64_t lacks_ns = *full_at_ns > now_ns ? *full_at_ns - now_ns : 0;
    lacks_ns = lacks_ns < whole_ns ? lacks_ns : whole_ns; /* of a limit that was wider */
    struct bucket_verdict verdict = {.taken = tokens * limit->step_ns <= whole_ns - lacks_ns};
    if (verdict.taken)
        lacks_ns += tokens * limit->step_ns;
    else if (tokens > limit->burst)
        verdict.wait_ns = lacks_ns;
    else
        verdict.wait_ns = lacks_ns + tokens * limit->step_ns - whole_ns;
    *full_at_ns = now_ns + lacks_ns;
    verdict.left = (whole_ns - lacks_ns) / limit->step_ns;
    verdict.full_ns = lacks_ns;
    return verdict;
}
