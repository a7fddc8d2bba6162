/* role.h -- what part an operation has in a history, by what it says itself.
 *
 * Layer: check.
 */
#pragma once

#include "history/reader.h"

#include <stdbool.h>

enum index_role {
    ROLE_FIRST,           /* the first attempt of something that changes the state */
    ROLE_ATTEMPT,         /* a further one, with the same key */
    ROLE_LOOKUP,          /* what became of a key, asked when the load was over */
    ROLE_GET_ITEM,        /* or several, in a list */
    ROLE_GET_RESERVATION, /* also what was told of its expiry besides */
    ROLE_KEY,             /* about the key of another operation, during the load; in no list */
};

enum index_role index_role(const struct history_op *op);

/* Whether it is what an answer tells of an expiry long ago: no request, and it says no more than
 * that the expiry had been when that answer was there. */
static inline bool index_is_told(const struct history_op *op)
{
    return op->type == SLOT_EXPIRY;
}
