/* shop_history.h -- whole histories for tests: correct ones, and ones with one fault each.
 *
 * shop_history_write simulates a shop and its clients (shop_world.h) and writes what they saw as a
 * history file, settled as stockload would settle it. The same options give the same operations.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum shop_fault {
    SHOP_RIGHT,
    /* what the server does */
    SHOP_VERSION_TWICE,     /* an acknowledged decrement is not stored: its version comes again */
    SHOP_PARTIAL_BASKET,    /* one line of a basket is not stored */
    SHOP_TRANSFER_LOST,     /* units that change the item are gone on the way */
    SHOP_TRANSFER_TWICE,    /* or arrive twice */
    SHOP_NOT_STORED,        /* an acknowledged reservation is not there afterwards */
    SHOP_BEHIND_REFUSAL,    /* a decrement answered with 503 took effect */
    SHOP_FOUND_AFTER_ALL,   /* the same, and its key is found after the load */
    SHOP_RELEASED_TWICE,    /* a release of a released reservation gives the units back again */
    SHOP_EARLY_EXPIRY,      /* a hold runs out long before its time */
    SHOP_STALE_READ,        /* a get of an item shows what was long ago */
    SHOP_STALE_RESERVATION, /* a get shows as held what was ended long ago */
    SHOP_REFUSED_WRONGLY,   /* sold out, although there was enough */
    SHOP_CROSSED_BASKETS,   /* two baskets take two items in different orders */
    SHOP_KEY_TWICE,         /* a request that is sent again with its key takes effect again */
    SHOP_ENDS_DIFFER,       /* a refusal says confirmed of what was released */
    SHOP_REVIVED,           /* what was ended long ago is extended */
    SHOP_WRONG_STATE,       /* a release is answered as a confirm would be */
    SHOP_REFUSED_AGAIN,     /* who releases once more is refused, because it is released */
    SHOP_LIMIT_IGNORED,     /* a customer gets more than the limit */
    SHOP_LIMITED_WRONGLY,   /* refused because of a limit, although within it */
    SHOP_WRONG_USE,         /* a refusal because of a limit says that one unit more is used */
    SHOP_COUNTS_ON,         /* what comes back goes on counting for the customer */
    SHOP_STOCK_FIRST,       /* beyond the limit, but refused for want of stock */
    SHOP_TAKEN_UNASKED,     /* what expired is taken again for a plain confirm */
    SHOP_NOT_TAKEN,         /* what expired is sold, but not taken again */
    SHOP_TOLD_WRONGLY,      /* what was taken again tells of another version of its expiry */
    SHOP_NOT_TOLD,          /* what was taken again does not tell a get of its expiry */
    SHOP_BATCH_REVERSED,    /* of two changes of an item in one batch the second comes first */
    /* what the record says */
    SHOP_STAMP_SHIFTED,     /* an operation is recorded later than it was */
    SHOP_VERSIONS_SWAPPED,  /* two operations have each other's versions */
    SHOP_ROW_DROPPED,       /* an operation is missing */
    SHOP_SOLD_TWICE,        /* an operation more, with another one's numbers */
    SHOP_WRONG_NUMBER,      /* an answer says one unit too many */
    SHOP_REPLAY_DIFFERS,    /* a replay says something else than the first answer */
    SHOP_REPLAY_OF_NOTHING, /* a replay of what was only ever refused */
    SHOP_WRONG_COUNTER,     /* one unit too many is sold, by the counters at the end */
    SHOP_ITEM_LOST,         /* an item is gone at the end */
    SHOP_LAST_LOST,         /* the last operation on an item is undone at the end */
    SHOP_KEY_FORGOTTEN,     /* an acknowledged key is not found after the load */
    SHOP_NO_ITEM,           /* an item that was created is not found during the load */
    /* what nobody found out: these are no violations */
    SHOP_NO_LOOKUPS,
    SHOP_NO_READ_BACKS,
    SHOP_NO_COUNTERS,
    SHOP_NOT_SETTLED,  /* none of the three */
    SHOP_NOBODY_THERE, /* no operation at all */
    SHOP_FAULTS
};

/* What befell the shop in the middle of it, if anything. */
enum shop_restore {
    SHOP_NEVER_RESTORED,
    SHOP_RESTORED,          /* all was kept */
    SHOP_RESTORED_UNSAID,   /* all was kept, and the shop does not say so */
    SHOP_RESTORED_PROMISED, /* the last transitions are gone, but nobody had got an answer */
    SHOP_RESTORED_LOSING,   /* the last transitions are gone, and they had been answered */
    /* A replica took over, after a silence, and gives the numbers behind what it has once more. */
    SHOP_FAILED_OVER,     /* all was kept */
    SHOP_FAILED_PROMISED, /* the last transitions are gone, but nobody had got an answer */
    SHOP_FAILED_LOSING,   /* the last transitions are gone, and its level of durability lets them */
    SHOP_FAILED_LOSING_MORE, /* the same, at a level that does not */
    SHOP_FAILED_UNSAID,      /* the same, and the shop does not say so */
};

struct shop_options {
    uint64_t seed;
    unsigned steps; /* about as many operations */
    unsigned items, clients;
    int64_t stock;         /* of each item */
    uint64_t ttl_ms;       /* of reservations; 0: 400 */
    int64_t limit;         /* of what a customer may have of every other item; 0: none */
    enum shop_fault fault; /* comes after the restore, if there is one */
    enum shop_restore restore;
    bool removes; /* items are deleted, and created again */
};

/* Writes a new file. 0; -errno; -EAGAIN when this seed offers no place for the fault, or nothing to
 * lose: nothing is written then. */
int shop_history_write(const char *path, const struct shop_options *options);
