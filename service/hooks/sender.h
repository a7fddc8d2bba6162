/* sender.h -- sends requests of hooks, many at a time, and tells how each ended.
 *
 * Layer: hooks. libcurl's multi interface in one thread, with everything off that is not asked for:
 * no redirects, no proxies of the environment, no cookies, no other protocol than HTTP/1.1. Every
 * address is asked of the guard when its socket is made; of an answer only the head is of use, and
 * no more than SENDER_ANSWER_MAX bytes of it are read: what the endpoint has said by its status
 * stands, however the rest of its answer ends. Certificates are always verified.
 *
 * Invariant: each request that sender_post() took comes out of sender_take() once, unless it was
 * cancelled.
 */
#pragma once

#include "hooks/guard.h"
#include "hooks/hooks_file.h"

#define SENDER_ANSWER_MAX (64u << 10)
#define SENDER_WHY_SIZE   256

struct sender;

struct sender_request {
    const struct hook_spec *hook; /* for the time of the call */
    struct str id, body;          /* stay until it has ended; id ends in a NUL */
    int64_t timestamp_s;          /* of the attempt */
    void *owner, *user;           /* owner: for sender_cancel() */
};

struct sender_result {
    void *owner, *user;
    int status;             /* of HTTP; 0: there was no answer */
    const char *why;        /* static; NULL: it is delivered */
    int64_t retry_after_ms; /* what the answer asks for; 0: nothing */
    bool no_memory;         /* why is the want of it here, and says nothing of the endpoint */
};

/* guard and ca stay the caller's, who keeps them. ca: a file of CAs to trust, in PEM, and no
 * others; NULL: those that the system does. NULL, with why. */
struct sender *sender_new(const struct guard *guard, const char *ca, char why[SENDER_WHY_SIZE]);
void sender_free(struct sender *sender);

/* False: out of memory. */
bool sender_post(struct sender *sender, const struct sender_request *request) MUST_CHECK;

/* Lets requests get on, for timeout_ms at the most or until something happens. */
void sender_wait(struct sender *sender, int timeout_ms);

/* One that has ended. False: none has. */
bool sender_take(struct sender *sender, struct sender_result *result) MUST_CHECK;

/* Its requests end without a word, those that have ended and were not taken among them. */
void sender_cancel(struct sender *sender, const void *owner);
