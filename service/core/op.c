/* op.c -- the traits of the kinds of operations, made of op_table.h. */
#include "core/op.h"
#include "core/op_table.h"

#include <assert.h>

enum { TAKES_UNITS = 1 << 0, STORES = 1 << 1, NAMES_RESERVATION = 1 << 2 };

#define TRAIT(KIND, label, BODY, EVENT, SUCCESS, LEAST, flags)                                     \
    [OP_##KIND] = {.name = #label,                                                                 \
                   .body = OP_BODY_##BODY,                                                         \
                   .event = EVENT_##EVENT,                                                         \
                   .success = OUT_##SUCCESS,                                                       \
                   .least = ROLE_##LEAST,                                                          \
                   .takes_units = (TAKES_UNITS & (flags)) != 0,                                    \
                   .stores = (STORES & (flags)) != 0,                                              \
                   .names_reservation = (NAMES_RESERVATION & (flags)) != 0},
static const struct op_trait traits[] = {OP_TABLE(TRAIT)};

#define ROW_OF(KIND, ...) ROW_OF_##KIND,
enum { OP_TABLE(ROW_OF) ROWS };
static_assert((int)ROWS == (int)OP_KINDS, "each kind of operation has its row in op_table.h");

const struct op_trait *op_trait(enum op_kind kind)
{
    assert(kind < OP_KINDS);
    return &traits[kind];
}

const char *const *op_names(void)
{
    static const char *names[OP_KINDS];
    for (int i = 0; i < OP_KINDS; i++)
        names[i] = traits[i].name;
    return names;
}
