#include "check/role.h"

enum index_role index_role(const struct history_op *op)
{
    if (op->kind == KIND_GET_ITEM || op->kind == KIND_LIST)
        return ROLE_GET_ITEM;
    if (op->kind == KIND_LOOKUP || op->kind == KIND_REUSE)
        return ROLE_KEY;
    if (op->kind == KIND_GET_RESERVATION)
        return ROLE_GET_RESERVATION;
    if (history_phase(op) == PHASE_SETTLE)
        return ROLE_LOOKUP;
    return op->flags & FLAG_RESENT ? ROLE_ATTEMPT : ROLE_FIRST;
}
