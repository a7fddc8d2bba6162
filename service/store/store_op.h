/* store_op.h -- what is asked of the store: an operation, a read.
 *
 * Layer: store; store.h says who owns them and when they are answered.
 */
#pragma once

#include "core/op.h"

#include <sys/queue.h>

struct lane;

/* Operations of one request that must take effect in the order in which they were submitted. */
struct store_chain {
    struct lane *lane; /* the lane that works on it, or NULL */
    unsigned flying;   /* operations that are in a batch or wait for another try */
};

struct store_op {
    struct op op;
    struct store_chain *chain; /* NULL: on its own */
    void (*done)(struct store_op *op);
    void *user;
    /* The store's own. */
    struct store_op *prev, *next;
    int64_t submitted_us, started_us;
    int64_t kept_us;     /* done, and waits for --durability since; 0: it does not */
    int64_t deadline_us; /* monotonic; past it the operation is not begun any more */
    unsigned tries;
    bool beyond;     /* it waits beyond queue_max: only as a repeat it is answered */
    bool alone;      /* it is not handed over to another worker (any more) */
    unsigned origin; /* 0: of this worker; else worker + 1 that handed it over */
    uint64_t doubt;  /* the store that an EXEC with it was sent to and never answered; 0: none */
    bool made; /* by such an EXEC: what is found of it later is no answer that was given before */
};

enum store_read_kind {
    READ_ITEM,
    READ_RESERVATION,
    READ_REPEAT,    /* what a key has recorded in the partition of its operation */
    READ_OPERATION, /* what it has recorded in any */
    READ_ITEMS,
};

struct store_read;
struct reader_wide;

/* What is asked of one partition for a read: one command, one reply. */
struct read_ask {
    TAILQ_ENTRY(read_ask) next;
    struct store_read *read;
    struct reader_wide *wide; /* NULL: the read asks one partition alone */
    uint16_t partition;
    uint16_t look; /* while it is under way: the place of the look at its partition */
};

struct store_listed {
    struct str sku;
    struct item item;
};

/* A plain read: one object (or one page of items), outside any transaction. */
struct store_read {
    enum store_read_kind kind;
    struct str sku;           /* READ_ITEM */
    struct rid rid;           /* READ_RESERVATION */
    struct str owner;         /* READ_RESERVATION: who asks; that of another tenant is none */
    struct str key;           /* READ_REPEAT, READ_OPERATION: the inner name */
    uint16_t partition;       /* READ_REPEAT */
    struct str prefix, after; /* READ_ITEMS: names that begin with prefix and sort behind after, of
                                 the tenant in the prefix; all of them are inner ones */
    unsigned limit;           /* READ_ITEMS: 1..LIST_MAX */
    void (*done)(struct store_read *read);
    void *user;
    /* The answer. OUT_OK; OUT_ITEM_NOT_FOUND, OUT_RESERVATION_NOT_FOUND; a 503 code. */
    struct outcome out;               /* item (READ_ITEM), resv (READ_RESERVATION) */
    enum op_kind recorded_kind;       /* READ_REPEAT, READ_OPERATION: out is the recorded outcome;
                                         OUT_NONE: none */
    const struct store_listed *items; /* READ_ITEMS */
    unsigned item_count;
    struct str last; /* READ_ITEMS: the last name looked at; the cursor of the next page */
    bool more;       /* READ_ITEMS: there are names behind it */
    /* The store's own. */
    struct read_ask ask;
    int64_t deadline_us;
};
