/* fault.h -- the lie that a test server was told to tell, and how often.
 *
 * Layer: tests. One fault a process. Each place that could lie asks fault_fires with the lie it
 * knows: the answer is true once in `every` askings for the fault that was planted, and never for
 * another.
 *
 * Invariant: fired == seen / every.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
#define EACH_FAULT(X) \
    X(NONE) \
    /* Lies about stock and versions. */ \
    X(OVERSELL_CLAMPED)   /* a unit is given that is not there; available stays at 0 */ \
    X(OVERSELL_NEGATIVE)  /* a unit is given that is not there; available shows it */ \
    X(LOST_RESERVE)       /* 201, and nothing was stored */ \
    X(LOST_DECREMENT)     /* 200, and nothing was stored */ \
    X(LOST_CONFIRM)       /* 200, and nothing was stored */ \
    X(SAME_VERSION)       /* a transition leaves the version as it was */ \
    X(VERSION_JUMP)       /* a transition raises the version by two */ \
    X(STALE_READ)         /* GET of an item shows a state many transitions old */ \
    X(DIRTY_READ)         /* GET of an item shows a unit sold that is not sold in the end */ \
    X(STALE_REFUSAL)      /* 409 with an old state, though stock is there again */ \
    X(BASKET_PARTIAL)     /* only the first lines are taken, all are answered */ \
    X(DOUBLE_RELEASE)     /* a release gives the units back twice */ \
    X(RELEASE_TWICE)      /* a second release takes effect again */ \
    X(FAIL_WITH_EFFECT)   /* 409 insufficient-stock, and the units were taken */ \
    X(PHANTOM_503)        /* 503, and it was done */ \
    X(DOUBLE_APPLY)       /* a repeated key is applied again */ \
    X(FORGOTTEN_KEY)      /* done, and the operation's record is lost */ \
    X(SWAPPED_KEY)        /* the record of a key is that of the key before it */ \
    X(EARLY_EXPIRY)       /* a hold expires at a tenth of its time */ \
    X(KEY_REPLAYS)        /* the key of another request is answered as if it were that one */ \
    X(KEY_RUNS)           /* the key of another request is no hindrance */ \
    X(BATCH_UNKEYED)      /* the key of an operation in a batch is not recorded */ \
    /* A batch of two operations or more; see batch.c. */ \
    X(BATCH_REVERSED)     /* they are applied in the other order */ \
    X(BATCH_ROTATED)      /* each result is that of the operation behind it */ \
    X(BATCH_SHORT)        /* the last result is missing */ \
    X(BATCH_HOLLOW)       /* the last result has no body */ \
    X(BATCH_TWICE)        /* the first operation is applied once more */ \
    X(BATCH_LOST)         /* a reserve among them is answered 201, and nothing was stored */ \
    X(BATCH_503)          /* all is done, and answered with 503 as a whole */ \
    X(BATCH_REFUSED)      /* nothing is done: 422, as if no batch looked like that */ \
    X(STALE_SET)          /* If-Match names a version that is over, and the item is set */ \
    X(LATE_EXPIRY)        /* a hold never expires */ \
    X(LATE_CONFIRM)       /* a hold that expired is confirmed all the same */ \
    X(GRACE)              /* a hold lives `every` ms longer than it says */ \
    X(LOST_ITEM)          /* an item is gone for good */ \
    /* Units that change the item. */ \
    X(TRANSFER_LOSES)     /* they are gone on the way */ \
    X(TRANSFER_DOUBLES)   /* they arrive twice */ \
    X(TRANSFER_STILL)     /* who takes them stays at its version */ \
    X(TRANSFER_OVERDRAWS) /* more than there is are given */ \
    /* Limits per customer. */ \
    X(LIMIT_IGNORED)      /* a customer gets more than the limit */ \
    X(LIMIT_OTHER)        /* what a customer takes counts for another one */ \
    X(STOCK_FIRST)        /* who is beyond the limit, of what is sold out, is told the latter */ \
    X(PART_COUNTS)        /* what a confirm does not sell goes on counting */ \
    X(RELEASE_COUNTS)     /* what was released goes on counting */ \
    X(EXPIRY_COUNTS)      /* what has expired goes on counting */ \
    /* A confirm with if_expired: rereserve; see booking.c. */ \
    X(REVIVES_UNTAKEN)    /* what expired is sold, and its units are not taken again */ \
    X(REVIVES_HELD)       /* what is held still is given back and taken again */ \
    X(REVIVES_NOT)        /* what expired is refused for that */ \
    X(REVIVES_RELEASED)   /* what was released is taken again and sold */ \
    X(REVIVES_UNASKED)    /* the same of what expired, for a plain confirm */ \
    X(REVIVES_UNSAID)     /* what was taken again does not say in a GET that it had expired */ \
    X(SAYS_EXPIRED)       /* expired_lines are of another version */ \
    /* A page of items; see list.h. */ \
    X(LIST_SKIPS)         /* an item is left out */ \
    X(LIST_ORDER)         /* two are in the wrong order */ \
    X(LIST_STALE)         /* one is shown as it was long ago */ \
    X(LIST_REMOVED)       /* one is shown that was deleted */ \
    X(PAGE_REPEATS)       /* a further page begins with what the one before ended with */ \
    X(PAGE_SKIPS)         /* a further page leaves out its first item */ \
    X(PAGE_RESTARTS)      /* a further page is the first one again */ \
    /* Items that are deleted, and created again. */ \
    X(LOST_DELETE)        /* 204, and the item is still there */ \
    X(DELETE_HELD)        /* it is deleted with units held */ \
    X(FAIL_WITH_DELETE)   /* 409 item-in-use, and it is gone */ \
    X(VERSION_RESTARTS)   /* its versions begin at 1 once more */ \
    X(CREATES_AGAIN)      /* If-None-Match is no hindrance where it is there */ \
    X(SOLD_SURVIVES)      /* what was sold of the one before counts for it */ \
    X(LIMIT_SURVIVES)     /* what customers had used of the one before counts for it */ \
    /* Nothing is done, and refused for no reason; see refuse.c. */ \
    X(REFUSES_EMPTY)      /* 409 without a body */ \
    X(REFUSES_HTML)       /* 409 with a page, as of something in between: no lie of this server */ \
    X(REFUSES_BARE)       /* 409 insufficient-stock without available and version */ \
    X(REFUSES_403)        /* 403 */ \
    X(REFUSES_APART)      /* 422 cross-partition */ \
    X(REFUSES_SET)        /* 412 though If-Match names the item's version */ \
    X(REFUSES_TOO_LONG)   /* 422 invalid-field for an extension that others are granted */ \
    X(REFUSES_LIMIT)      /* 409 limit-exceeded, within the limit */ \
    X(REFUSES_MISSING)    /* 404 for an item that is there again */ \
    X(REFUSES_TRANSFER)   /* 409 insufficient-stock, with fewer units than there are */ \
    X(REFUSES_IN_USE)     /* 409 item-in-use, and nothing is held */ \
    X(REFUSES_CREATION)   /* 412 though the item is gone */ \
    /* What is done is right, what is said is not; see twist.c. */ \
    X(SAYS_QUANTITY)      /* another quantity than was asked for */ \
    X(SAYS_STATE)         /* a reservation is in a state that there is not */ \
    X(SAYS_OTHER_SKU)     /* a refusal is about an item that was not asked for */ \
    X(SAYS_SUM)           /* an item's numbers do not add up */ \
    X(SAYS_NO_VERSION)    /* the answer carries no version */ \
    X(SAYS_STATUS)        /* a problem is of another status than its answer */ \
    X(SAYS_NO_DETAIL)     /* a problem lacks a member */ \
    X(SAYS_200)           /* a new reservation is answered with 200 */ \
    X(SAYS_CUSTOMER)      /* a reservation is somebody else's */ \
    X(SAYS_NO_REFERENCE)  /* a reservation is for nothing */ \
    X(SAYS_METADATA)      /* a reservation's metadata is another one's */ \
    X(SAYS_NO_METADATA)   /* a reservation's metadata is lost */ \
    X(SAYS_SOLD)          /* more was sold of a reservation than it was confirmed for */ \
    X(SAYS_USED)          /* a refusal says that more is used of a limit */ \
    X(SAYS_NO_USED)       /* or does not say how much */ \
    X(SAYS_LIMIT)         /* or says another limit */ \
    X(SAYS_MAX)           /* an item has another limit than it was created with */ \
    X(SAYS_ETAG)          /* the ETag of an item is of another version */ \
    /* The store is rebuilt, see restore.c. */ \
    X(RESTORE)            /* no lie: everything is kept, and it says so */ \
    X(RESTORE_LOSES)      /* it says so, but the last acknowledged operations are gone */ \
    X(RESTORE_UNSAID)     /* everything is kept, but it does not say so */ \
    /* Troubles: no lie is told. */ \
    X(LAZY_EXPIRY)        /* an expiry is written `every` ms late, and refused for in time */ \
    X(HANG)               /* nothing is answered any more after `every` requests */ \
    X(HANG_SOME)          /* done, and never answered */ \
    X(RESET_SOME)         /* done, and the connection closed without an answer */ \
    X(SLOW)               /* answered after a second */ \
    X(GARBLED)            /* done, and a success answered with what is no JSON */ \
    X(ERROR_500)          /* every request is answered 500, nothing is done */ \
    X(ERROR_500_LOAD)     /* the same, but items can be created and read */ \
    X(DIE)                /* the process exits at request number `every` */
/* clang-format on */

#define FAULT_VALUE(name) FAULT_##name,
enum fault { EACH_FAULT(FAULT_VALUE) FAULTS };

struct fault_plan {
    enum fault fault;
    uint64_t every; /* at least 1 */
    uint64_t seen, fired;
};

/* Names in the order of the enum, ended by NULL, once they are made: "none", "oversell-clamped",
 * ...
 */
extern const char *fault_names[FAULTS + 1];
void fault_make_names(void);

/* Whether this is the fault's turn, here and now. */
bool fault_fires(struct fault_plan *p, enum fault fault) MUST_CHECK;
