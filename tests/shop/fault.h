/* fault.h -- the lie that a test server was told to tell, and how often.
 *
 * Layer: tests. One fault a process. Each place that could lie asks fault_fires with the lie it
 * knows: the answer is true once in `every` askings for the fault that was planted, and never for
 * another.
 *
 * Invariant: fired == seen / every.
 */
#ifndef SHOP_FAULT_H
#define SHOP_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault {
    FAULT_NONE,
    /* Lies about stock and versions. */
    FAULT_OVERSELL_CLAMPED,  /* a unit is given that is not there; available stays at 0 */
    FAULT_OVERSELL_NEGATIVE, /* a unit is given that is not there; available shows it */
    FAULT_LOST_RESERVE,      /* 201, and nothing was stored */
    FAULT_LOST_DECREMENT,    /* 200, and nothing was stored */
    FAULT_LOST_CONFIRM,      /* 200, and nothing was stored */
    FAULT_SAME_VERSION,      /* a transition leaves the version as it was */
    FAULT_VERSION_JUMP,      /* a transition raises the version by two */
    FAULT_STALE_READ,        /* GET of an item shows a state many transitions old */
    FAULT_DIRTY_READ,        /* GET of an item shows a unit sold that is not sold in the end */
    FAULT_STALE_REFUSAL,     /* 409 with an old state, though stock is there again */
    FAULT_BASKET_PARTIAL,    /* only the first lines are taken, all are answered */
    FAULT_DOUBLE_RELEASE,    /* a release gives the units back twice */
    FAULT_RELEASE_TWICE,     /* a second release takes effect again */
    FAULT_FAIL_WITH_EFFECT,  /* 409 insufficient-stock, and the units were taken */
    FAULT_PHANTOM_503,       /* 503, and it was done */
    FAULT_DOUBLE_APPLY,      /* a repeated key is applied again */
    FAULT_FORGOTTEN_KEY,     /* done, and the operation's record is lost */
    FAULT_SWAPPED_KEY,       /* the record of a key is that of the key before it */
    FAULT_EARLY_EXPIRY,      /* a hold expires at a tenth of its time */
    FAULT_KEY_REPLAYS,       /* the key of another request is answered as if it were that one */
    FAULT_KEY_RUNS,          /* the key of another request is no hindrance */
    FAULT_BATCH_UNKEYED,     /* the key of an operation in a batch is not recorded */
    /* A batch of two operations or more; see batch.c. */
    FAULT_BATCH_REVERSED, /* they are applied in the other order */
    FAULT_BATCH_ROTATED,  /* each result is that of the operation behind it */
    FAULT_BATCH_SHORT,    /* the last result is missing */
    FAULT_BATCH_HOLLOW,   /* the last result has no body */
    FAULT_BATCH_TWICE,    /* the first operation is applied once more */
    FAULT_BATCH_LOST,     /* a reserve among them is answered 201, and nothing was stored */
    FAULT_BATCH_503,      /* all is done, and answered with 503 as a whole */
    FAULT_BATCH_REFUSED,  /* nothing is done: 422, as if no batch looked like that */
    FAULT_STALE_SET,      /* If-Match names a version that is over, and the item is set */
    FAULT_LATE_EXPIRY,    /* a hold never expires */
    FAULT_LATE_CONFIRM,   /* a hold that expired is confirmed all the same */
    FAULT_GRACE,          /* a hold lives `every` ms longer than it says */
    FAULT_LOST_ITEM,      /* an item is gone for good */
    /* Limits per customer. */
    FAULT_LIMIT_IGNORED,  /* a customer gets more than the limit */
    FAULT_LIMIT_OTHER,    /* what a customer takes counts for another one */
    FAULT_STOCK_FIRST,    /* who is beyond the limit, of what is sold out, is told the latter */
    FAULT_PART_COUNTS,    /* what a confirm does not sell goes on counting */
    FAULT_RELEASE_COUNTS, /* what was released goes on counting */
    FAULT_EXPIRY_COUNTS,  /* what has expired goes on counting */
    /* A confirm with if_expired: rereserve; see booking.c. */
    FAULT_REVIVES_UNTAKEN,  /* what expired is sold, and its units are not taken again */
    FAULT_REVIVES_HELD,     /* what is held still is given back and taken again */
    FAULT_REVIVES_NOT,      /* what expired is refused for that */
    FAULT_REVIVES_RELEASED, /* what was released is taken again and sold */
    FAULT_REVIVES_UNASKED,  /* the same of what expired, for a plain confirm */
    FAULT_REVIVES_UNSAID,   /* what was taken again does not say in a GET that it had expired */
    FAULT_SAYS_EXPIRED,     /* expired_lines are of another version */
    /* A page of items; see list.h. */
    FAULT_LIST_SKIPS,    /* an item is left out */
    FAULT_LIST_ORDER,    /* two are in the wrong order */
    FAULT_LIST_STALE,    /* one is shown as it was long ago */
    FAULT_LIST_REMOVED,  /* one is shown that was deleted */
    FAULT_PAGE_REPEATS,  /* a further page begins with what the one before ended with */
    FAULT_PAGE_SKIPS,    /* a further page leaves out its first item */
    FAULT_PAGE_RESTARTS, /* a further page is the first one again */
    /* Items that are deleted, and created again. */
    FAULT_LOST_DELETE,      /* 204, and the item is still there */
    FAULT_DELETE_HELD,      /* it is deleted with units held */
    FAULT_FAIL_WITH_DELETE, /* 409 item-in-use, and it is gone */
    FAULT_VERSION_RESTARTS, /* its versions begin at 1 once more */
    FAULT_CREATES_AGAIN,    /* If-None-Match is no hindrance where it is there */
    FAULT_SOLD_SURVIVES,    /* what was sold of the one before counts for it */
    FAULT_LIMIT_SURVIVES,   /* what customers had used of the one before counts for it */
    /* Nothing is done, and refused for no reason; see refuse.h. */
    FAULT_REFUSES_EMPTY,    /* 409 without a body */
    FAULT_REFUSES_HTML,     /* 409 with a page, as of something in between: no lie of this server */
    FAULT_REFUSES_BARE,     /* 409 insufficient-stock without available and version */
    FAULT_REFUSES_403,      /* 403 */
    FAULT_REFUSES_APART,    /* 422 cross-partition */
    FAULT_REFUSES_SET,      /* 412 though If-Match names the item's version */
    FAULT_REFUSES_TOO_LONG, /* 422 invalid-field for an extension that others are granted */
    FAULT_REFUSES_LIMIT,    /* 409 limit-exceeded, within the limit */
    FAULT_REFUSES_MISSING,  /* 404 for an item that is there again */
    FAULT_REFUSES_IN_USE,   /* 409 item-in-use, and nothing is held */
    FAULT_REFUSES_CREATION, /* 412 though the item is gone */
    /* What is done is right, what is said is not; see twist.h. */
    FAULT_SAYS_QUANTITY,     /* another quantity than was asked for */
    FAULT_SAYS_STATE,        /* a reservation is in a state that there is not */
    FAULT_SAYS_OTHER_SKU,    /* a refusal is about an item that was not asked for */
    FAULT_SAYS_SUM,          /* an item's numbers do not add up */
    FAULT_SAYS_NO_VERSION,   /* the answer carries no version */
    FAULT_SAYS_STATUS,       /* a problem is of another status than its answer */
    FAULT_SAYS_NO_DETAIL,    /* a problem lacks a member */
    FAULT_SAYS_200,          /* a new reservation is answered with 200 */
    FAULT_SAYS_CUSTOMER,     /* a reservation is somebody else's */
    FAULT_SAYS_NO_REFERENCE, /* a reservation is for nothing */
    FAULT_SAYS_METADATA,     /* a reservation's metadata is another one's */
    FAULT_SAYS_NO_METADATA,  /* a reservation's metadata is lost */
    FAULT_SAYS_SOLD,         /* more was sold of a reservation than it was confirmed for */
    FAULT_SAYS_USED,         /* a refusal says that more is used of a limit */
    FAULT_SAYS_NO_USED,      /* or does not say how much */
    FAULT_SAYS_LIMIT,        /* or says another limit */
    FAULT_SAYS_MAX,          /* an item has another limit than it was created with */
    FAULT_SAYS_ETAG,         /* the ETag of an item is of another version */
    /* The store is rebuilt, see restore.h. */
    FAULT_RESTORE,        /* no lie: everything is kept, and it says so */
    FAULT_RESTORE_LOSES,  /* it says so, but the last acknowledged operations are gone */
    FAULT_RESTORE_UNSAID, /* everything is kept, but it does not say so */
    /* Troubles: no lie is told. */
    FAULT_LAZY_EXPIRY,    /* an expiry is written `every` ms late, and refused for in time */
    FAULT_HANG,           /* nothing is answered any more after `every` requests */
    FAULT_HANG_SOME,      /* done, and never answered */
    FAULT_RESET_SOME,     /* done, and the connection closed without an answer */
    FAULT_SLOW,           /* answered after a second */
    FAULT_GARBLED,        /* done, and a success answered with what is no JSON */
    FAULT_ERROR_500,      /* every request is answered 500, nothing is done */
    FAULT_ERROR_500_LOAD, /* the same, but items can be created and read */
    FAULT_DIE,            /* the process exits at request number `every` */
    FAULTS
};

struct fault_plan {
    enum fault fault;
    uint64_t every; /* at least 1 */
    uint64_t seen, fired;
};

/* Names in the order of the enum, ended by NULL: "none", "oversell-clamped", ... */
extern const char *const fault_names[FAULTS + 1];

/* Whether this is the fault's turn, here and now. */
bool fault_fires(struct fault_plan *p, enum fault fault) __attribute__((warn_unused_result));

#endif
