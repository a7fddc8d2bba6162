/* role.h -- who may ask for what: each role may do all that those before it may.
 *
 * Layer: core, pure. A route says in its row of route.h, an operation in its row of op_table.h,
 * which role is the least that it needs.
 *
 * Invariant: what has no role in its table may be asked for by nobody.
 */
#pragma once

#include "str.h"

#include <stdbool.h>

enum role {
    ROLE_UNSET,   /* as a need: of nobody, as nothing was said */
    ROLE_ANYBODY, /* whoever has no key */
    ROLE_READER,  /* reads */
    ROLE_SELLER,  /* reservations and decrements, too */
    ROLE_STOCK,   /* items, too */
    ROLE_ADMIN,   /* everything; also everybody where there are no keys */
    ROLES
};

static inline bool role_may(enum role caller, enum role least)
{
    return least != ROLE_UNSET && caller >= least;
}

/* "reader", "seller", "stock", "admin": those that a key may have. */
const char *role_name(enum role role);

/* For people who have a lesser one: that it takes a key of this. */
const char *role_needed(enum role least);

/* ROLE_UNSET: there is none of that name. */
enum role role_of_name(struct str name);
