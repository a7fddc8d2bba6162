/* fault.c -- see fault.h. */
#include "shop/fault.h"

#include <assert.h>
#include <stddef.h>

const char *const fault_names[FAULTS + 1] = {
    [FAULT_NONE] = "none",
    [FAULT_OVERSELL_CLAMPED] = "oversell-clamped",
    [FAULT_OVERSELL_NEGATIVE] = "oversell-negative",
    [FAULT_LOST_RESERVE] = "lost-reserve",
    [FAULT_LOST_DECREMENT] = "lost-decrement",
    [FAULT_LOST_CONFIRM] = "lost-confirm",
    [FAULT_SAME_VERSION] = "same-version",
    [FAULT_VERSION_JUMP] = "version-jump",
    [FAULT_STALE_READ] = "stale-read",
    [FAULT_DIRTY_READ] = "dirty-read",
    [FAULT_STALE_REFUSAL] = "stale-refusal",
    [FAULT_BASKET_PARTIAL] = "basket-partial",
    [FAULT_DOUBLE_RELEASE] = "double-release",
    [FAULT_RELEASE_TWICE] = "release-twice",
    [FAULT_FAIL_WITH_EFFECT] = "fail-with-effect",
    [FAULT_PHANTOM_503] = "phantom-503",
    [FAULT_DOUBLE_APPLY] = "double-apply",
    [FAULT_FORGOTTEN_KEY] = "forgotten-key",
    [FAULT_SWAPPED_KEY] = "swapped-key",
    [FAULT_EARLY_EXPIRY] = "early-expiry",
    [FAULT_KEY_REPLAYS] = "key-replays",
    [FAULT_KEY_RUNS] = "key-runs",
    [FAULT_BATCH_UNKEYED] = "batch-unkeyed",
    [FAULT_STALE_SET] = "stale-set",
    [FAULT_LIST_SKIPS] = "list-skips",
    [FAULT_LIST_ORDER] = "list-order",
    [FAULT_LIST_STALE] = "list-stale",
    [FAULT_LATE_EXPIRY] = "late-expiry",
    [FAULT_LATE_CONFIRM] = "late-confirm",
    [FAULT_GRACE] = "grace",
    [FAULT_LOST_ITEM] = "lost-item",
    [FAULT_LIST_REMOVED] = "list-removed",
    [FAULT_PAGE_REPEATS] = "page-repeats",
    [FAULT_PAGE_SKIPS] = "page-skips",
    [FAULT_PAGE_RESTARTS] = "page-restarts",
    [FAULT_LOST_DELETE] = "lost-delete",
    [FAULT_DELETE_HELD] = "delete-held",
    [FAULT_FAIL_WITH_DELETE] = "fail-with-delete",
    [FAULT_VERSION_RESTARTS] = "version-restarts",
    [FAULT_CREATES_AGAIN] = "creates-again",
    [FAULT_SOLD_SURVIVES] = "sold-survives",
    [FAULT_REFUSES_MISSING] = "refuses-missing",
    [FAULT_REFUSES_IN_USE] = "refuses-in-use",
    [FAULT_REFUSES_CREATION] = "refuses-creation",
    [FAULT_REFUSES_EMPTY] = "refuses-empty",
    [FAULT_REFUSES_HTML] = "refuses-html",
    [FAULT_REFUSES_BARE] = "refuses-bare",
    [FAULT_REFUSES_403] = "refuses-403",
    [FAULT_REFUSES_APART] = "refuses-apart",
    [FAULT_REFUSES_SET] = "refuses-set",
    [FAULT_REFUSES_TOO_LONG] = "refuses-too-long",
    [FAULT_SAYS_QUANTITY] = "says-quantity",
    [FAULT_SAYS_STATE] = "says-state",
    [FAULT_SAYS_OTHER_SKU] = "says-other-sku",
    [FAULT_SAYS_SUM] = "says-sum",
    [FAULT_SAYS_NO_VERSION] = "says-no-version",
    [FAULT_SAYS_STATUS] = "says-status",
    [FAULT_SAYS_NO_DETAIL] = "says-no-detail",
    [FAULT_SAYS_200] = "says-200",
    [FAULT_SAYS_CUSTOMER] = "says-customer",
    [FAULT_SAYS_NO_REFERENCE] = "says-no-reference",
    [FAULT_SAYS_SOLD] = "says-sold",
    [FAULT_SAYS_ETAG] = "says-etag",
    [FAULT_RESTORE] = "restore",
    [FAULT_RESTORE_LOSES] = "restore-loses",
    [FAULT_RESTORE_UNSAID] = "restore-unsaid",
    [FAULT_LAZY_EXPIRY] = "lazy-expiry",
    [FAULT_HANG] = "hang",
    [FAULT_HANG_SOME] = "hang-some",
    [FAULT_RESET_SOME] = "reset-some",
    [FAULT_SLOW] = "slow",
    [FAULT_GARBLED] = "garbled",
    [FAULT_ERROR_500] = "error-500",
    [FAULT_ERROR_500_LOAD] = "error-500-load",
    [FAULT_DIE] = "die",
    [FAULTS] = NULL,
};

bool fault_fires(struct fault_plan *p, enum fault fault)
{
    assert(p->every > 0);
    if (p->fault != fault || fault == FAULT_NONE)
        return false;
    bool turn = ++p->seen % p->every == 0;
    p->fired += turn;
    return turn;
}
