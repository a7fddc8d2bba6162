#include "core/access/role.h"

#include <assert.h>

static const char *const names[ROLES] = {[ROLE_READER] = "reader",
                                         [ROLE_SELLER] = "seller",
                                         [ROLE_STOCK] = "stock",
                                         [ROLE_ADMIN] = "admin"};

const char *role_name(enum role role)
{
    assert(role < ROLES && names[role]);
    return names[role];
}

const char *role_needed(enum role least)
{
    static const char *const texts[ROLES] = {
        [ROLE_READER] = "this takes a key of the role reader, or above",
        [ROLE_SELLER] = "this takes a key of the role seller, or above",
        [ROLE_STOCK] = "this takes a key of the role stock, or above",
        [ROLE_ADMIN] = "this takes a key of the role admin"};
    assert(least < ROLES && texts[least]);
    return texts[least];
}

enum role role_of_name(struct str name)
{
    for (int role = ROLE_READER; role < ROLES; role++)
        if (str_equal(name, str_of(names[role])))
            return (enum role)role;
    return ROLE_UNSET;
}
