/* request_case.h -- a request as a test says it, read by http/request/request.h.
 *
 * Layer: tests, for a program with cmocka. One of each of what is declared here; a suite begins
 * with
 *
 *     EACH_BETWEEN(request_begin, request_end)
 */
#pragma once

#include "http/request/request.h"
#include "support/suite.h"

extern struct arena arena;
extern struct refusal why;
extern struct requester by; /* who asks; mostly nobody in particular */
extern struct op op;        /* what was read */

/* Before and after each test. */
int request_begin(void **state);
int request_end(void **state);

/* The head of a request that there is. */
struct request_head head_of(struct route_match *match, const char *method, const char *target);

/* Reads an operation into `op`, with these header fields or NULL; whether it was taken. */
bool ask_with(const char *method, const char *target, const char *body, const char *key,
              const char *if_match);
bool ask(const char *method, const char *target, const char *body);

bool text_is(struct str text, const char *want);
