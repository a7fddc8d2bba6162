/* retry.h -- whether a request is sent again, and what is known of it in the end.
 *
 * Layer: command, pure: time is an argument, as is chance. A request that changes something carries
 * an Idempotency-Key, so that it may be sent any number of times and takes effect once. What each
 * attempt ended with:
 *
 *   2xx                   done
 *   503, 429              nothing was changed: again after Retry-After, if there is time for that
 *   500, 502, 504 ...     it may have taken effect: again
 *   sent, no answer       it may have taken effect: again
 *   not sent              again, but for the first attempt: nobody listens there
 *   another 4xx           refused
 *   3xx                   the service is not there
 *   2xx, not understood   somebody says that it was done, and is not this service
 *
 * Invariant: once an attempt may have taken effect, nothing but a 2xx makes that known. A refusal
 * that comes later does not: it was decided afresh, and the attempt before it may still be on its
 * way.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum retry_step {
    RETRY_DONE,
    RETRY_AGAIN,   /* after the pause */
    RETRY_REFUSED, /* by an answer; nothing was changed */
    RETRY_FAILED,  /* no answer that can be used; nothing was changed */
    RETRY_UNKNOWN, /* it may have taken effect, or may do so yet */
};

enum retry_end { RETRY_END_ANSWERED, RETRY_END_UNSENT, RETRY_END_SILENT };

struct attempt {
    enum retry_end end;
    unsigned status;        /* if answered */
    bool usable;            /* a 2xx of the kind that was asked for */
    unsigned retry_after_s; /* 0: not said */
};

struct retry {
    int64_t until_ms; /* no attempt begins after that */
    bool changes;     /* the request is to change something */
    unsigned tries;
    bool doubt; /* an attempt may have taken effect */
};

/* What is to be done after an attempt that ended at now_ms. dice: 64 random bits. *pause_ms is set
 * with RETRY_AGAIN. */
enum retry_step retry_after(struct retry *retry, const struct attempt *attempt, int64_t now_ms,
                            uint64_t dice, int64_t *pause_ms) MUST_CHECK;
