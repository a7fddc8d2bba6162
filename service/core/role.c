#include "core/role.h"

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

enum role role_of_name(struct str name)
{
    for (int role = ROLE_READER; role < ROLES; role++)
        if (str_equal(name, str_of(names[role])))
            return (enum role)role;
    return ROLE_UNSET;
}
