/* rate.h -- what the client of a request has left of its quota of requests, and how it is told.
 *
 * Layer: http, private to the server. A request costs one when its head is here, a batch as many as
 * it has operations once it was parsed. Who is limited is told with every answer what is left, in
 * the fields of draft-ietf-httpapi-ratelimit-headers:
 *
 *   RateLimit-Policy: "requests";q=100;w=2     so many at once, which come back in so many seconds
 *   RateLimit: "requests";r=40;t=2             so many are left; all are back in so many seconds
 */
#pragma once

#include "http/problem.h"
#include "keys/quota_use.h"

struct rate {
    struct quota_use_slot *slot; /* NULL: nobody limits it */
    struct bucket_limit limit;
    struct bucket_verdict verdict; /* on what it asked for last */
};

/* Begins a request of a client with this quota, of which this host gives the share: takes one.
 * False, with why: 429. */
bool rate_begin(struct rate *rate, struct quota_use_slot *slot, const struct quota *quota,
                double share, struct refusal *why) MUST_CHECK;

/* The request turns out to cost so many, one or more. False, with why: 429, and it has cost one. */
bool rate_cost(struct rate *rate, unsigned cost, struct refusal *why) MUST_CHECK;

/* Refuses with 429, for as long as that. */
bool rate_refuse(struct refusal *why, const char *detail, int64_t wait_ns);

#define RATE_POLICY "RateLimit-Policy"
#define RATE_STATE  "RateLimit"

/* The values of both fields, with a NUL, of one that is limited. */
#define RATE_FIELD_SIZE 80
void rate_put_policy(const struct rate *rate, char out[RATE_FIELD_SIZE]);
void rate_put_state(const struct rate *rate, char out[RATE_FIELD_SIZE]);
