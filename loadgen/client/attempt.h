/* attempt.h -- what goes out in one request: one operation, or several as a batch.
 *
 * Layer: client, pure but for the buffer it writes. A call is one operation of an attempt, with a
 * record, a key and an outcome of its own. In a batch each stands where its record stands among
 * those of the attempt, and so does its result.
 */
#ifndef LOADGEN_CLIENT_ATTEMPT_H
#define LOADGEN_CLIENT_ATTEMPT_H

#include "client/intent.h"

struct call {
    struct intent intent;
    struct history_op *op;   /* its record in this attempt */
    uint32_t slot;           /* of op */
    struct history_op *root; /* its record in the first attempt of the same operation */
    uint32_t root_slot;
};

struct attempt {
    unsigned calls;    /* 1 or more; 1 when it is no batch */
    bool batch;        /* sent to /v1/batch */
    bool resent;       /* the same request once more */
    struct call *call; /* room for workload_calls of them */
};

/* Whether the call is to change something, so that it has a key. */
bool call_mutates(const struct call *call);

/* Whether one of its calls is. */
bool attempt_mutates(const struct attempt *a);

/* The request, to be sent as it is. out->failed when it does not fit, or for want of memory. */
void attempt_request(const struct attempt *a, const struct load *load, struct buf *out);

/* Whether the answer 2xx to a batch has a result for each of its operations; `mismatch` says how it
 * does not, unless that may be damage on its way. */
bool attempt_results(const struct attempt *a, const struct response *answer,
                     struct mismatch *mismatch) __attribute__((warn_unused_result));

/* The next of those results, as if that operation had been sent alone; *at is the place, at first
 * 0. False when there is none, or it has no status or no body: then *one is not written. */
bool attempt_result(const struct response *answer, size_t *at, struct response *one)
    __attribute__((warn_unused_result));

#endif
