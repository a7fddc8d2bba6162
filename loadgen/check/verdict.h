/* verdict.h -- what a checker found: a word, the properties one by one, and what proves it.
 *
 * Layer: check, pure. A property that does not hold carries a witness: a sentence and the
 * operations that a person can follow. Owned by the caller, all in one piece: check_history fills
 * it, and there is nothing to give back.
 */
#pragma once

#include "buf.h"
#include "history/format.h"

#include <stdint.h>

/* In the order of severity when several are merged: VIOLATION beats UNKNOWN beats RIGHT. */
enum verdict_word { VERDICT_RIGHT, VERDICT_UNKNOWN, VERDICT_VIOLATION };

enum property {
    PROPERTY_SUMS,     /* nothing below 0; initial + deltas = final; held and sold add up */
    PROPERTY_VERSIONS, /* one transition per (sku, version), dense from first to last */
    PROPERTY_ANSWERS, /* every answer says what the state was: remaining, stock refusals, replays */
    PROPERTY_LASTING, /* what was acknowledged is found at the end, in the state it should have */
    PROPERTY_ENDED_ONCE,   /* a reservation leaves "held" once, and not before its time */
    PROPERTY_LINEARIZABLE, /* per item: the order of versions agrees with the order of time */
    PROPERTY_BASKETS,      /* all lines or none; baskets strictly serializable */
    PROPERTIES
};

#define WITNESSES_MAX     20 /* kept; more are only counted */
#define WITNESSES_ALIKE   3  /* of one sort */
#define WITNESS_OPS_MAX   8
#define WITNESS_TEXT_SIZE 400

struct witness {
    enum property property;
    char text[WITNESS_TEXT_SIZE]; /* one or two sentences, with item, versions, times */
    unsigned ops;
    uint32_t
        op[WITNESS_OPS_MAX]; /* slots of the operations that show it, in the order of the text */
    const char *sort;        /* the format of the text */
    uint64_t also;           /* other violations that are about one of these operations */
    uint64_t alike;          /* more of its sort, about others */
};

struct property_result {
    enum verdict_word word;
    uint64_t checked; /* how many things were looked at */
    uint64_t violations;
    char why[WITNESS_TEXT_SIZE]; /* when UNKNOWN: what was missing; else "" */
};

/* So that a pass is not empty. Counts of the load, without set-up and settling. */
struct coverage {
    uint64_t operations; /* attempts sent */
    uint64_t ok, fail, unknown;
    uint64_t asked[KINDS], judged[KINDS]; /* attempts; those whose answer says what can be judged */
    uint64_t successes;                   /* effects: mutations that happened */
    uint64_t happened, absent, unresolved; /* what became of the unknown mutations */
    uint64_t replays;                      /* answers marked as such */
    uint64_t resent;                       /* attempts with a key used before */
    uint64_t baskets;                      /* operations with two or more lines that took effect */
    uint64_t batches;                      /* requests with two or more operations */
    uint64_t sold_out_items, sold_out_answers;
    uint64_t limit_answers; /* refusals because of a customer's limit */
    uint64_t unpromised;    /* reads and refusals that are no evidence: unpromised.h */
    uint64_t reservations, confirmed, released, expired, held; /* as found at the end */
    uint64_t taken_again;    /* of those confirmed: after they had expired */
    uint64_t read_back;      /* reservations read at the end */
    uint64_t most_in_flight; /* requests at one time on one item */
    uint32_t most_in_flight_item;
    int64_t received, sold_units, held_units, oversold_units; /* over all items */
};

/* An operation that was acknowledged and that a failover lost, where its level of durability lets
 * it: no violation. */
#define LOST_MAX 200 /* told; more are only counted */
struct lost {
    uint32_t op;
    uint32_t item; /* and version: of its first line that is gone */
    uint64_t version;
};

#define VERDICT_KNOWN 2048 /* operations that are remembered; a power of two */

struct verdict {
    enum verdict_word word;
    struct property_result property[PROPERTIES];
    struct coverage coverage;
    char why_unknown[WITNESS_TEXT_SIZE]; /* "" unless word is UNKNOWN */
    unsigned witnesses;
    struct witness witness[WITNESSES_MAX];
    /* Operations that a violation was about, and the number of the witness that tells of it, or of
     * others of its sort, + 1; by a hash of the operation. */
    struct verdict_known {
        uint32_t op;
        uint32_t witness;
    } known[VERDICT_KNOWN];
    unsigned known_count;
    uint64_t lost_count; /* operations */
    struct lost lost[LOST_MAX];
    uint64_t took_ms; /* checking */
};

static inline unsigned verdict_lost_told(const struct verdict *v)
{
    return v->lost_count < LOST_MAX ? (unsigned)v->lost_count : LOST_MAX;
}

const char *verdict_name(enum verdict_word word);   /* "right", "unknown", "violation" */
const char *property_name(enum property property);  /* "sums" ... for JSON */
const char *property_title(enum property property); /* one sentence: what holds */

/* Counts a violation and keeps the witness while there is room. ops ends in 0; format is a literal.
 * One cause is told once: of the violations that are about one and the same operation one is kept,
 * that of the property which is likeliest to be the cause, and the others are counted with it. So
 * are those behind the third of a sort. */
void verdict_violation(struct verdict *v, enum property property, const uint32_t *ops,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The slots that a violation is about, as they stand in its call. */
#define OPS(...) ((const uint32_t[]){__VA_ARGS__, 0})

/* The property could not be decided, unless it is found to be violated. */
void verdict_unknown(struct verdict *v, enum property property, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The run as a whole proves nothing, whatever the properties say; the first reason is kept. */
void verdict_doubt(struct verdict *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds what was found of a part of the history, in a verdict that began empty. Causes are told once
 * in the whole as they are in a part: a witness of the part is one more violation here, and brings
 * along those that were counted with it. Of the coverage a part has sums over items only. */
void verdict_merge(struct verdict *v, const struct verdict *part);

/* Sets word and why_unknown from the properties and the doubts, and puts causes before what may be
 * their consequences. */
void verdict_conclude(struct verdict *v);
