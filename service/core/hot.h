/* hot.h -- which items are asked for most, now: heavy hitters of a stream of names, in little room.
 *
 * Layer: core, pure: time comes in. A table per worker, in memory that it shares with who reads:
 * the worker alone writes, without a lock, and a reader never sees a half of anything. Space-saving
 * (Metwally, Agrawal, El Abbadi: Efficient computation of frequent and top-k elements in data
 * streams, 2005), within sets that names are spread over by their hash, so that a name that is not
 * there costs a look at one set.
 *
 * What was counted loses half of its weight every HOT_HALF_LIFE_MS: each time it is asked for a
 * name gains 2^(now / half-life) instead of losing anything, which keeps the order of all others.
 * Which time that counts from is each entry's own (`base`), and moves on before a number grows too
 * large.
 *
 * Invariant: the rate that is told of a name is at most what it has: what an entry took over from
 * the name before it is in `error`, and is not told.
 */
#pragma once

#include "core/limits.h"
#include "str.h"

#include <stdatomic.h>

#define HOT_HALF_LIFE_MS 2000
#define HOT_SETS         32 /* a power of two */
#define HOT_WAYS         8
#define HOT_ENTRIES      (HOT_SETS * HOT_WAYS)

struct hot_entry {
    _Atomic uint32_t turn; /* odd: it is being made another; else all below but `weight` belongs
                              together */
    _Atomic uint32_t base; /* in HOT_BASE_MS */
    _Atomic uint64_t hash; /* of the name; 0: there is none */
    _Atomic double weight; /* at `base` */
    _Atomic double error;  /* part of that which is of names before */
    uint8_t n;
    char name[SKU_STORED_MAX_BYTES];
};

/* All zeros: nothing was asked for. */
struct hot {
    struct hot_entry entries[HOT_ENTRIES];
    /* The writer's: the weight of a time that was asked for, at factor_ms. */
    int64_t factor_ms;
    double factor;
};

/* --- for who writes --------------------------------------------------------------------------- */

/* Forgets what a process before this one has counted, or died over. */
void hot_begin(struct hot *hot);

/* It was asked for once, at now_ms >= 0 of a clock that all who share the tables go by and that
 * does not go back. A name that is empty or too long is left out. */
void hot_note(struct hot *hot, struct str name, int64_t now_ms);

/* --- for who reads ---------------------------------------------------------------------------- */

struct hot_item {
    uint64_t hash;
    double rate; /* a second */
    uint8_t n;
    char name[SKU_STORED_MAX_BYTES];
};

/* The names in `count` tables with their rates added up, the highest first: at most `max` of them,
 * 1 or more, none below HOT_RATE_LEAST. Returns how many. room: for count * HOT_ENTRIES. */
#define HOT_RATE_LEAST 0.05
unsigned hot_read(const struct hot *tables, unsigned count, int64_t now_ms, struct hot_item *room,
                  unsigned max);
