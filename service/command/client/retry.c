#include "command/client/retry.h"

#define PAUSE_FIRST_MS 100
#define PAUSE_DOUBLED  5 /* times: 3.2 s at the most */

enum meaning {
    MEANS_DONE,
    MEANS_REFUSED,
    MEANS_ELSEWHERE, /* a redirect: the service is not there */
    MEANS_GARBLED,   /* it was done, says somebody who is not understood */
    MEANS_UNCHANGED,
    MEANS_DOUBT,
};

static enum meaning meaning_of(const struct attempt *attempt)
{
    if (attempt->end == RETRY_END_UNSENT)
        return MEANS_UNCHANGED;
    if (attempt->end == RETRY_END_SILENT)
        return MEANS_DOUBT;
    unsigned status = attempt->status;
    if (status == 429 || status == 503)
        return MEANS_UNCHANGED;
    if (status >= 500)
        return MEANS_DOUBT;
    if (status >= 400)
        return MEANS_REFUSED;
    if (status >= 300)
        return MEANS_ELSEWHERE;
    return attempt->usable ? MEANS_DONE : MEANS_GARBLED;
}

/* Between half of it and all of it: those who failed together do not come back together. */
static int64_t pause_of(const struct retry *retry, const struct attempt *attempt, uint64_t dice)
{
    unsigned doubled = retry->tries - 1 < PAUSE_DOUBLED ? retry->tries - 1 : PAUSE_DOUBLED;
    int64_t most = (int64_t)PAUSE_FIRST_MS << doubled;
    int64_t pause = most / 2 + (int64_t)(dice % (uint64_t)(most / 2 + 1));
    int64_t asked = (int64_t)attempt->retry_after_s * 1000;
    return attempt->end == RETRY_END_ANSWERED && asked > pause ? asked : pause;
}

enum retry_step retry_after(struct retry *retry, const struct attempt *attempt, int64_t now_ms,
                            uint64_t dice, int64_t *pause_ms)
{
    bool answered = attempt->end == RETRY_END_ANSWERED;
    enum meaning meaning = meaning_of(attempt);
    retry->tries++;
    if (meaning == MEANS_DONE)
        return RETRY_DONE;
    if (meaning == MEANS_DOUBT || meaning == MEANS_GARBLED)
        retry->doubt = retry->doubt || retry->changes;
    bool nobody = attempt->end == RETRY_END_UNSENT && retry->tries == 1;
    if ((meaning == MEANS_UNCHANGED || meaning == MEANS_DOUBT) && !nobody) {
        int64_t pause = pause_of(retry, attempt, dice);
        if (now_ms + pause < retry->until_ms) {
            *pause_ms = pause;
            return RETRY_AGAIN;
        }
    }
    if (retry->doubt)
        return RETRY_UNKNOWN;
    bool refused = meaning == MEANS_REFUSED || (meaning == MEANS_UNCHANGED && answered);
    return refused ? RETRY_REFUSED : RETRY_FAILED;
}
