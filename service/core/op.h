/* op.h -- one operation that a client asks for, its outcome, and what there is to know of its kind.
 *
 * Layer: core, pure data. Nobody else distinguishes kinds by their numbers: op_trait() is asked,
 * which op_table.h has a row for each of. The HTTP layer fills the request part and owns its memory
 * until the operation is answered; plan() fills `out`, whose pointers are into the batch's arena
 * and good only until the store has called the operation's `done`.
 */
#pragma once

#include "core/access/role.h"
#include "core/event.h"
#include "core/item.h"
#include "core/limits.h"
#include "core/reservation.h"
#include "str.h"

#include <stdbool.h>
#include <stdint.h>

#define FINGERPRINT_BYTES 32

/* The numbers are part of the format of recorded results: new ones at the end. */
enum op_kind {
    OP_PUT,       /* create an item or set it */
    OP_ADJUST,    /* on_hand by a delta */
    OP_DELETE,    /* remove an item */
    OP_DECREMENT, /* sell now */
    OP_RESERVE,
    OP_CONFIRM,
    OP_RELEASE,
    OP_EXTEND,
    OP_GET,      /* a reservation's record, in order behind the operations before it */
    OP_SWEEP,    /* give back the due holds of an item; only the keeper asks for it */
    OP_TRANSFER, /* units of one item to another */
    OP_KINDS
};

enum outcome_code {
    OUT_NONE, /* not decided */
    OUT_OK,
    OUT_CREATED,
    OUT_NO_CONTENT,
    OUT_ITEM_NOT_FOUND, /* `sku` says which */
    OUT_RESERVATION_NOT_FOUND,
    OUT_INSUFFICIENT_STOCK,    /* `shorts` */
    OUT_LIMIT_EXCEEDED,        /* `shorts` */
    OUT_BELOW_HELD,            /* `item` */
    OUT_ITEM_IN_USE,           /* `item` */
    OUT_RESERVATION_EXPIRED,   /* `resv` */
    OUT_RESERVATION_RELEASED,  /* `resv` */
    OUT_RESERVATION_CONFIRMED, /* `resv` */
    OUT_PRECONDITION_REQUIRED, /* 428; `item` */
    OUT_PRECONDITION_FAILED,   /* 412; `item` if there is one */
    OUT_KEY_REUSED,            /* 422 */
    OUT_INVALID,               /* 422 `field`, `why` */
    OUT_CROSS_PARTITION,       /* 422 */
    OUT_QUOTA_USED,            /* 429: op.over_quota */
    /* Said by the store, never by plan(): */
    OUT_REDIS_UNAVAILABLE, /* 503: nothing was changed; `why` */
    OUT_OVERLOADED,        /* 503; also by plan(), for op.overload */
    OUT_CONTENTION,        /* 503 */
    OUT_STATE_LOST,        /* 503 */
    OUT_PARTITION_CLOSED,  /* 503; `why` */
    OUT_UNKNOWN,           /* 504 */
    OUT_BROKEN,            /* 500: Redis applied a part of a transaction */
    OUT_CODES
};

/* True for the outcomes that a client's key records and a replay repeats. */
static inline bool outcome_succeeded(enum outcome_code code)
{
    return code == OUT_OK || code == OUT_CREATED || code == OUT_NO_CONTENT;
}

/* Which of an outcome's members are the body of its answer, and of what a key records. */
enum op_body {
    OP_BODY_NONE,
    OP_BODY_ITEM,        /* sku, item */
    OP_BODY_RESERVATION, /* resv */
    OP_BODY_SALE,        /* id, sku, quantity, remaining, version */
    OP_BODY_TRANSFER,    /* the same of the item that gives, and `to` */
};

/* A kind of operation. */
struct op_trait {
    const char *name; /* as in a batch's "op" */
    enum op_body body;
    enum event_type event;     /* of its success, a put's that creates excepted; EVENT_NONE: it
                                  changes nothing for clients, so neither is it recorded for a key
                                  nor does it wait for --durability */
    enum outcome_code success; /* a put's that creates excepted: OUT_CREATED */
    enum role least;           /* that may ask for it */
    bool takes_units;          /* that are available: refused while the ledger is too far behind */
    bool stores;               /* what was not there: refused while Redis has little memory left */
    bool names_reservation;    /* by `rid`, which says where it is; else its lines name items */
};

const struct op_trait *op_trait(enum op_kind kind);

/* The names of all kinds, in their order. */
const char *const *op_names(void);

/* A line that stood in the way. */
struct outcome_short {
    struct str sku;
    int64_t requested;
    int64_t available;   /* OUT_INSUFFICIENT_STOCK */
    int64_t limit, used; /* OUT_LIMIT_EXCEEDED */
    int64_t version;
};

/* The item that a transfer gave to, right after it. */
struct outcome_to {
    struct str sku;
    int64_t remaining, version;
};

struct outcome {
    enum outcome_code code;
    bool replayed;  /* the answer was given before */
    int64_t now_ms; /* Redis time of the decision; ttl_ms counts from it */
    /* The body of a success, see enum op_body. */
    struct str sku;
    struct item item;
    const struct reservation *resv;
    struct str id; /* op's key or id; from the record on a replay */
    int64_t quantity, remaining, version;
    struct outcome_to to;
    /* For refusals. */
    const struct outcome_short *shorts;
    unsigned short_count;
    int64_t earliest_release_ms; /* 0: none */
    const char *field;           /* static text; NULL: none */
    const char *why;             /* static text, or the store's; NULL: none */
    int field_line;              /* >= 0: field is `lines[field_line].<field>` */
};

struct op_line {
    struct str sku;
    int64_t quantity;
    uint32_t slot;  /* of the item in the view; plan's own */
    unsigned index; /* of the line in the request as sent, for `field` */
};

enum precondition {
    PRE_NONE,
    PRE_ANY,      /* `*` */
    PRE_VERSIONS, /* a list of quoted versions */
    PRE_NEVER,    /* well-formed, but names no version that could be ours (weak, foreign) */
};

#define PRE_VERSIONS_MAX 8

struct op_condition {
    enum precondition kind;
    unsigned count;
    int64_t versions[PRE_VERSIONS_MAX];
};

struct op {
    enum op_kind kind;
    uint16_t partition; /* of the item or the reservation; set by op_route in store/ */
    struct str owner;   /* whose request it is, see tenant.h; absent: of the default tenant */
    struct str trace;   /* that its event is to name, see traceparent.h; absent: none */
    struct str key;     /* the inner name of the client's Idempotency-Key; absent: none */
    uint8_t fingerprint[FINGERPRINT_BYTES]; /* of method, path and body; read only with a key */
    struct str id;         /* the operation's id: the client's key, or a made one */
    const void *chain;     /* those with the same one keep their order; NULL: on its own */
    struct rid rid;        /* names the reservation; for OP_RESERVE its last 11 bytes are random */
    struct op_line *lines; /* one for an item; merged by sku; none for a plain confirm; two for a
                              transfer: from, to */
    unsigned line_count;
    bool has_lines; /* OP_CONFIRM: lines were given */
    bool has_on_hand, has_max;
    bool rereserve;
    const char *overload; /* not NULL: answered only from what the key has recorded; the reason */
    bool over_quota; /* answered only from what the key has recorded: its client keeps too much */
    int64_t on_hand;
    int64_t max_per_customer; /* 0: no limit */
    int64_t delta;
    int64_t ttl_ms;
    struct op_condition if_match, if_none_match;
    struct str customer, reference, reason, metadata;
    struct outcome out;
    /* plan's own: where this operation's entries are in the view, and the name that the units of
     * its customer are counted by */
    uint32_t resv_slot;
    struct str share;
};
