/* summary_numbers.c -- what one attempt counts as, and what the numbers are called in reports. */
#include "report/summary_numbers.h"

bool summary_answered(const struct history_op *op)
{
    return history_outcome(op) != OUTCOME_UNKNOWN && op->status != 0 && op->end_ns != 0;
}

uint64_t summary_planned_ns(const struct history_op *op)
{
    uint64_t late_ns = (uint64_t)op->late_us * 1000;
    return op->begin_ns > late_ns ? op->begin_ns - late_ns : 0;
}

enum summary_class summary_classify(const struct history_op *op)
{
    enum history_outcome outcome = history_outcome(op);
    if (outcome == OUTCOME_OK)
        return CLASS_OK;
    if (outcome == OUTCOME_UNKNOWN)
        return CLASS_UNKNOWN;
    if (op->detail == DETAIL_NO_STOCK)
        return CLASS_NO_STOCK;
    bool busy = op->status == 0 || op->status == 429 || op->status == 503;
    return busy ? CLASS_BUSY : CLASS_REFUSED;
}

static const char *const class_names[CLASSES] = {
    [CLASS_OK] = "ok",     [CLASS_NO_STOCK] = "no-stock", [CLASS_REFUSED] = "refused",
    [CLASS_BUSY] = "busy", [CLASS_UNKNOWN] = "unknown",
};

static const char *const kind_names[KINDS] = {
    [KIND_PUT] = "put",
    [KIND_ADJUST] = "adjust",
    [KIND_DECREMENT] = "decrement",
    [KIND_RESERVE] = "reserve",
    [KIND_CONFIRM] = "confirm",
    [KIND_RELEASE] = "release",
    [KIND_EXTEND] = "extend",
    [KIND_GET_ITEM] = "get-item",
    [KIND_GET_RESERVATION] = "get-reservation",
    [KIND_SET] = "set",
    [KIND_LIST] = "list",
    [KIND_LOOKUP] = "lookup",
    [KIND_REUSE] = "reuse",
    [KIND_RERESERVE] = "rereserve",
    [KIND_TRANSFER] = "transfer",
    [KIND_DELETE] = "delete",
};

static const char *const detail_names[DETAILS] = {
    [DETAIL_NONE] = "none",
    [DETAIL_HELD] = "held",
    [DETAIL_CONFIRMED] = "confirmed",
    [DETAIL_RELEASED] = "released",
    [DETAIL_EXPIRED] = "expired",
    [DETAIL_NO_STOCK] = "insufficient-stock",
    [DETAIL_NO_ITEM] = "item-not-found",
    [DETAIL_NO_RESERVATION] = "reservation-not-found",
    [DETAIL_NO_OPERATION] = "operation-not-found",
    [DETAIL_UNAVAILABLE] = "unavailable",
    [DETAIL_OTHER] = "other",
    [DETAIL_NOT_SENT] = "not-sent",
    [DETAIL_TIMEOUT] = "timeout",
    [DETAIL_RESET] = "reset",
    [DETAIL_ABORTED] = "aborted",
    [DETAIL_GARBLED] = "garbled",
    [DETAIL_FOREIGN] = "foreign",
    [DETAIL_APART] = "cross-partition",
    [DETAIL_REUSED] = "idempotency-key-reused",
    [DETAIL_STALE] = "stale",
    [DETAIL_TOO_LONG] = "too-long",
    [DETAIL_LIMIT] = "limit-exceeded",
    [DETAIL_IN_USE] = "item-in-use",
    [DETAIL_EXISTS] = "exists",
};

static const char *const outcome_names[OUTCOMES] = {
    [OUTCOME_UNKNOWN] = "unknown",
    [OUTCOME_OK] = "ok",
    [OUTCOME_FAIL] = "fail",
};

const struct summary_trouble summary_troubles[SUMMARY_TROUBLES] = {
    {TROUBLE_INTERRUPTED, "interrupted", "The run was interrupted before its end."},
    {TROUBLE_WORKER_DIED, "worker-died", "A client process died and was not replaced."},
    {TROUBLE_UNREACHABLE, "unreachable", "The server could not be connected to."},
    {TROUBLE_DISK, "disk", "The history could not be written completely."},
    {TROUBLE_UNSETTLED, "unsettled",
     "The server did not answer what settling needs, or did not come to rest."},
    {TROUBLE_SETUP, "setup", "An item could not be created."},
};

const char *summary_class_name(enum summary_class c)
{
    assert(c < CLASSES);
    return class_names[c];
}

const char *summary_kind_name(enum history_kind kind)
{
    assert(kind < KINDS);
    return kind_names[kind];
}

const char *summary_detail_name(enum history_detail detail)
{
    assert(detail < DETAILS);
    return detail_names[detail];
}

const char *summary_outcome_name(enum history_outcome outcome)
{
    assert(outcome < OUTCOMES);
    return outcome_names[outcome];
}
