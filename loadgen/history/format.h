/* format.h -- the history file, byte for byte: format 5. Formats 4, 3 and 2 have fewer kinds, 3
 * and 2 also fewer details, types of slots, flags and numbers in the header; format 1 besides no
 * notes.
 *
 * Layer: history, pure. A history is what the clients saw, kept so that a killed process loses no
 * evidence: an operation is written as unknown before its first byte is sent and completed in
 * place after its answer was read. All numbers are little-endian, times are nanoseconds of
 * CLOCK_MONOTONIC since facts.zero_ns.
 *
 *   0       struct history_facts, padded to HISTORY_HEADER_BYTES: what the run was
 *   4096    chunk 0, 1, 2 ...  HISTORY_CHUNK_BYTES each, claimed by one process each
 *   chunk   slot 0 is a struct history_chunk, every other slot one of the structs below
 *
 * A slot is HISTORY_SLOT_BYTES long and named by its number: its offset in the file divided by the
 * slot size (so 0 is never an operation). An operation takes one slot, its lines after the first
 * take lines slots directly behind it, in the same chunk. A slot of type 0 ends its chunk; a chunk
 * whose slot 0 is of type 0, or lies behind the end of the file, was claimed by a process that
 * died or found no room: it is absent, chunks behind it may be there.
 *
 * Who writes what: a worker appends PHASE_LOAD operations and their id slots; the parent
 * PHASE_SETUP before, samples meanwhile, and PHASE_SETTLE, their ids and counters when the load is
 * over. Whoever completes an operation appends the note on it.
 */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_MAGIC         "stockload history\n"
#define HISTORY_FORMAT        5
#define HISTORY_FORMAT_MIN    1 /* the oldest that is read */
#define HISTORY_HEADER_BYTES  4096
#define HISTORY_CHUNK_BYTES   (1u << 20)
#define HISTORY_SLOT_BYTES    64
#define HISTORY_CHUNK_SLOTS   (HISTORY_CHUNK_BYTES / HISTORY_SLOT_BYTES)
#define HISTORY_HEADER_SLOTS  (HISTORY_HEADER_BYTES / HISTORY_SLOT_BYTES)
#define HISTORY_LINES_MAX     100 /* of one operation */
#define HISTORY_ID_TEXT       56  /* bytes of an id that one slot holds */
#define HISTORY_ID_MAX        224 /* bytes of a reservation id: four id slots */
#define HISTORY_NOTE_MAX      112 /* bytes of a note: two slots */
#define HISTORY_WORKERS_MAX   256
#define HISTORY_OVERDUE_NS    UINT64_C(10000000000) /* held so long after its time is a violation */
#define HISTORY_CUSTOMERS_MAX 1000000

enum history_type {
    SLOT_EMPTY,
    SLOT_OP,
    SLOT_LINES,
    SLOT_ID,
    SLOT_SAMPLE,
    SLOT_COUNTERS,
    SLOT_CHUNK,
    SLOT_NOTE,   /* a struct history_id, too */
    SLOT_EXPIRY, /* a struct history_op, too: what an answer's expired_lines say */
};

enum history_phase { PHASE_SETUP, PHASE_LOAD, PHASE_SETTLE };

enum history_kind {
    KIND_PUT, /* creates an item; line.quantity is its on_hand. Of the load: only if there is none
               */
    KIND_ADJUST, /* line.quantity is the delta, perhaps negative */
    KIND_DECREMENT,
    KIND_RESERVE,
    KIND_CONFIRM, /* line.quantity is what is sold; the rest of the reservation's line comes back */
    KIND_RELEASE,
    KIND_EXTEND,
    KIND_GET_ITEM,
    KIND_GET_RESERVATION, /* shown as confirmed: line.quantity is what was sold, by the answer */
    KIND_SET,       /* PUT with If-Match on an item that is there; line.quantity is its on_hand */
    KIND_LIST,      /* a page of items: a line for each that it shows, in the order of the page */
    KIND_LOOKUP,    /* GET of what is recorded for the key of `of`; lines as it asked for */
    KIND_REUSE,     /* the key of a decrement, adjustment or transfer, with another quantity */
    KIND_RERESERVE, /* a CONFIRM that says what to do if it has expired: take the units again */
    KIND_DELETE,    /* of an item, which may be created again; its answer has no version */
    KIND_TRANSFER,  /* from the first line's item to the second's; line.quantity is the delta */
    KINDS
};

enum history_outcome {
    OUTCOME_UNKNOWN, /* no whole answer, or one that says so (5xx but 503): it may have happened */
    OUTCOME_OK,      /* 2xx */
    OUTCOME_FAIL,    /* 4xx, 503, or never sent: it must have had no effect */
    OUTCOMES
};

/* What an answer said besides its numbers. For a refusal it is the problem's type; for a
 * reservation (any 2xx of reserve, confirm, release, extend, get) its state. */
enum history_detail {
    DETAIL_NONE,
    DETAIL_HELD,
    DETAIL_CONFIRMED, /* or 409 reservation-confirmed */
    DETAIL_RELEASED,  /* or 409 reservation-released */
    DETAIL_EXPIRED,   /* or 409 reservation-expired */
    DETAIL_NO_STOCK,  /* 409 insufficient-stock: the lines that failed carry (remaining, version) */
    DETAIL_NO_ITEM,   /* 404 item-not-found */
    DETAIL_NO_RESERVATION, /* 404 reservation-not-found */
    DETAIL_NO_OPERATION,   /* 404 operation-not-found */
    DETAIL_UNAVAILABLE,    /* 503 or 429, any */
    DETAIL_OTHER,          /* another 4xx */
    DETAIL_NOT_SENT,       /* status 0: not a byte left this side */
    DETAIL_TIMEOUT,        /* status 0: nobody answered in time, the connection was closed */
    DETAIL_RESET,          /* status 0: the connection broke */
    DETAIL_ABORTED,        /* status 0: closed on purpose (--abort) */
    DETAIL_GARBLED,        /* not HTTP, or a 2xx without the fields that the interface promises */
    DETAIL_FOREIGN,        /* a 3xx or 4xx that is no problem document: who knows who made it */
    DETAIL_APART,    /* 422 cross-partition: the items of a basket can not be taken together */
    DETAIL_REUSED,   /* 422 idempotency-key-reused */
    DETAIL_STALE,    /* 412 precondition-failed, 409 below-held: version is that of the If-Match */
    DETAIL_TOO_LONG, /* 422 invalid-field of an extend: beyond the longest time to hold */
    DETAIL_LIMIT,    /* 409 limit-exceeded: the lines that failed carry (used, version) */
    DETAIL_IN_USE,   /* 409 item-in-use of a delete */
    DETAIL_EXISTS,   /* 412 precondition-failed of a creation: the item is there */
    DETAILS
};

#define FLAG_PHASE    0x03 /* enum history_phase */
#define FLAG_REPLAYED 0x04 /* the answer said Idempotent-Replayed: true */
#define FLAG_RESENT   0x08 /* a further attempt with the key of operation `of` */
#define FLAG_AGAIN    0x10 /* on a reservation that this load already ended, under a new key */
#define FLAG_TOOK_AGAIN                                                                            \
    0x20 /* the answer has expired_lines: the reservation expired, and its units were taken again  \
          */
#define FLAG_BATCHED 0x40 /* in one batch with, and directly behind, the operation before it */

/* One (item, quantity) and what the answer said about the item right after the operation. */
struct history_line {
    uint32_t item;     /* index: the sku is facts.prefix and this number */
    int32_t quantity;  /* units asked for; see enum history_kind */
    uint64_t version;  /* 0: the answer said nothing about this line */
    int64_t remaining; /* available, when version is not 0; of DETAIL_LIMIT: what is used */
};

/* One attempt of one operation: one request, or a part of a batch. Its key is facts.run, client and
 * seq; attempts of one operation share them. `outcome` is stored last, with release order.
 *
 * As SLOT_EXPIRY it is no request, but what the answer to the request of that client and seq says
 * of an expiry before: as if a KIND_GET_RESERVATION had shown it, begun and over when the request
 * was. It is appended before that answer's outcome is stored. */
struct history_op {
    uint8_t type;            /* SLOT_OP, SLOT_EXPIRY */
    uint8_t kind;            /* enum history_kind */
    _Atomic uint8_t outcome; /* enum history_outcome */
    uint8_t flags;
    uint16_t status; /* HTTP; 0 when there was no whole answer */
    uint8_t lines;   /* 1..HISTORY_LINES_MAX; 0 for a read that found nothing */
    uint8_t detail;  /* enum history_detail */
    uint32_t client;
    uint32_t seq;
    uint32_t of;       /* slot of another operation, 0 for none; see history_of in reader.h */
    uint32_t late_us;  /* begin - the moment it was planned for, saturating */
    uint64_t begin_ns; /* before the first byte was sent; 0: nothing was sent yet */
    uint64_t end_ns;   /* after the last byte was parsed, or when it was given up; 0: neither */
    struct history_line line;
};

/* Slots that an operation with this many lines takes: its own, and one for each two lines more. */
#define HISTORY_OP_SLOTS(lines) (1u + (lines) / 2)

/* Lines 1 and 2, 3 and 4, ... of the operation in slot `op`. */
struct history_lines {
    uint8_t type;   /* SLOT_LINES */
    uint8_t count;  /* 1 or 2 */
    uint16_t first; /* number of line[0] within the operation */
    uint32_t op;
    struct history_line line[2];
    uint64_t spare;
};

/* Bytes of the id of the reservation that the operation in slot `op` made; longer ids go on in
 * the next slots. As SLOT_NOTE: of a note on that operation's answer, UTF-8, perhaps cut off. A
 * note says how the answer contradicts the request, in the form of `says "quantity":4 and not 3`.
 */
struct history_id {
    uint8_t type;  /* SLOT_ID */
    uint8_t bytes; /* in this slot */
    uint16_t offset;
    uint32_t op;
    char text[HISTORY_ID_TEXT];
};

/* A service's own counters, from /metrics, once a second. */
struct history_sample {
    uint8_t type; /* SLOT_SAMPLE */
    uint8_t spare[7];
    uint64_t at_ns;
    uint64_t conflicts; /* transactions lost since the service started */
    uint64_t batches;   /* transactions decided since then */
    uint64_t batch_ops; /* operations in them */
    uint64_t service;   /* names the service and its start; 0: an earlier stockload did not ask */
    uint64_t requests;  /* answered since then, but those about health; of service 0 not known */
    uint64_t unused;
};

/* An item as GET showed it when the load was over and everything had settled. */
struct history_counters {
    uint8_t type;  /* SLOT_COUNTERS */
    uint8_t found; /* 0: 404 */
    uint8_t spare[2];
    uint32_t item;
    uint64_t at_ns; /* when the GET was sent */
    int64_t on_hand, available, held, sold;
    uint64_t version;
    uint64_t unused;
};

struct history_chunk {
    uint8_t type; /* SLOT_CHUNK */
    uint8_t spare[3];
    uint32_t worker; /* slot of the pool; HISTORY_WORKERS_MAX for the parent */
    uint32_t life;   /* how often that slot had been forked before */
    uint32_t pid;
    uint64_t unused[6];
};

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are stored as they are");
static_assert(sizeof(struct history_line) == 24, "part of the format");
static_assert(sizeof(struct history_op) == HISTORY_SLOT_BYTES, "part of the format");
static_assert(sizeof(struct history_lines) == HISTORY_SLOT_BYTES, "part of the format");
static_assert(sizeof(struct history_id) == HISTORY_SLOT_BYTES, "part of the format");
static_assert(sizeof(struct history_sample) == HISTORY_SLOT_BYTES, "part of the format");
static_assert(sizeof(struct history_counters) == HISTORY_SLOT_BYTES, "part of the format");
static_assert(sizeof(struct history_chunk) == HISTORY_SLOT_BYTES, "part of the format");

enum history_progress {
    RUN_STARTED, /* also what a killed parent leaves */
    RUN_LOADED,  /* every client has stopped */
    RUN_SETTLED, /* unknowns looked up, reservations and items read back */
};

/* Bits of facts.trouble: what makes the evidence incomplete. */
#define TROUBLE_INTERRUPTED 0x01 /* by a signal; what ran was settled all the same */
#define TROUBLE_WORKER_DIED 0x02 /* and was not forked again, or too often */
#define TROUBLE_UNREACHABLE                                                                        \
    0x04 /* the server could not be connected to, at the start or at the end */
#define TROUBLE_DISK      0x08 /* the history could not be written */
#define TROUBLE_UNSETTLED 0x10 /* the server did not answer what settling needs */
#define TROUBLE_SETUP     0x20 /* an item could not be created */

/* What the run was and how it went. Fixed when the file is made, but for the fields marked *. */
struct history_facts {
    char magic[24];
    uint32_t format;
    uint32_t header_bytes, chunk_bytes, slot_bytes;
    _Atomic uint32_t chunks;   /* * claimed so far; the file may be shorter when a process died */
    _Atomic uint32_t progress; /* * enum history_progress */
    _Atomic uint32_t trouble;  /* * TROUBLE_ bits */
    uint32_t verify;           /* 0 full, 1 counts, 2 off */
    int64_t started_wall_ms;
    uint64_t zero_ns;                /* CLOCK_MONOTONIC at time 0 of this file */
    uint64_t go_ns;                  /* * when the clients were let go */
    uint64_t stop_ns;                /* * when the last one had stopped */
    uint64_t warmup_ns, duration_ns; /* as asked for; duration 0: until `requests` were sent */
    uint64_t requests;
    uint64_t seed;
    double rate; /* arrivals a second asked for; 0: closed loop. With stages: their average */
    uint32_t processes, clients, items,
        contended;  /* contended: the scenario must show sold-out answers */
    uint64_t stock; /* units of each item at the start */
    uint64_t ttl_ms, timeout_ms;
    _Atomic uint64_t dropped;         /* * arrivals that found the backlog full */
    _Atomic uint64_t attempts_unsent; /* * connects that failed */
    uint64_t cpu_ns;                  /* * of all clients, user and system */
    uint64_t deaths, respawns;        /* * of client processes */
    uint32_t established;             /* * connections that were open at the start */
    uint32_t metrics;                 /* * 1: samples hold services' counters */
    char run[16];    /* names this run in skus and keys; NUL-terminated, [a-z0-9] */
    char prefix[32]; /* of the skus */
    char scenario[16];
    char arrival[16]; /* closed, const or poisson */
    char url[256];
    char version[64]; /* of stockload */
    char host[64];
    char command[1536];                /* the command line, secrets masked */
    uint32_t restores;                 /* * that the service counted between set-up and settling */
    uint32_t limit;                    /* max_per_customer of the limited items; 0: none is */
    uint32_t limited_every, customers; /* see history_limit and history_customer */
    uint32_t removable_every;          /* see history_removable in reader.h; 0: none is removed */
    uint32_t waits;     /* * 1: successes wait for replicas or a ledger, by what the service says */
    uint32_t failovers; /* * that the service may have had between set-up and settling, and one that
                         * is served from one Redis has none */
};
static_assert(offsetof(struct history_facts, restores) == 2216, "part of the format");
static_assert(offsetof(struct history_facts, limit) == 2220, "part of the format");
static_assert(offsetof(struct history_facts, removable_every) == 2232, "part of the format");
static_assert(offsetof(struct history_facts, waits) == 2236, "part of the format");
static_assert(offsetof(struct history_facts, failovers) == 2240, "part of the format");
static_assert(sizeof(struct history_facts) <= HISTORY_HEADER_BYTES, "the header is one page");

/* Whether the lines of an answer, where they carry a version, say what was available then. */
static inline bool history_says_stock(enum history_detail detail)
{
    return detail != DETAIL_LIMIT;
}

/* What a customer may hold and buy of an item; 0: as much as there is. */
static inline uint32_t history_limit(const struct history_facts *facts, uint32_t item)
{
    return facts->limited_every > 0 && item % facts->limited_every == 0 ? facts->limit : 0;
}

/* The number of the customer for whom a client reserves and buys: clients share them, if there are
 * fewer. 0 customers: each has its own. */
static inline uint32_t history_customer(const struct history_facts *facts, uint32_t client)
{
    return facts->customers > 0 ? client % facts->customers : client;
}
