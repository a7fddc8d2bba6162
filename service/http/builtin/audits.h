/* audits.h -- audits that are asked for over HTTP: /v1/audits.
 *
 * Layer: http. Who compares, and how, is somebody else's: the port knows whether one is under way,
 * and what the last one has found.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct exchange;

struct http_audit {
    int64_t requested_ms;                /* wall clock; 0: none is under way */
    int64_t items, reservations, shares; /* that it has compared so far */
    int64_t at_ms;                       /* of the last one that has ended; 0: there was none */
    int result;                          /* of that: 0 equal, 1 drift, 2 it could not be told */
    int64_t drift;
};

struct http_audits {
    /* Has one begin, unless one is under way. False: it cannot now. */
    bool (*begin)(void *user);
    void (*look)(void *user, struct http_audit *audit);
    void *user;
};

/* GET and POST. Writes the answer. */
void audits_answer(struct exchange *x);
