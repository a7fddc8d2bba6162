/* refusal.h -- why a request is not taken, in the terms of the contract.
 *
 * Layer: http. field and detail are static, or in the request's arena.
 */
#ifndef HTTP_REFUSAL_H
#define HTTP_REFUSAL_H

#include "http/problem.h"

struct refusal {
    enum problem_id problem;
    const char *field;  /* NULL: none */
    const char *detail; /* NULL: the problem's title says it all */
};

/* Fills it and says "not taken": `return refuse(why, ...)`. */
static inline bool refuse(struct refusal *why, enum problem_id problem, const char *field,
                          const char *detail)
{
    *why = (struct refusal){problem, field, detail};
    return false;
}

#endif
