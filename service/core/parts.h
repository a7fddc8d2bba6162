/* parts.h -- which parts of the buckets the records of one writer's next reservations go to.
 *
 * Layer: core, pure; the caller gives random numbers. Redis packs a hash that is small, and a
 * packed record takes half of what one in a large hash takes; but each hash costs as much as two
 * records. So a writer puts one record after the other into one part of a bucket until it has
 * enough, and then begins the next. Writers begin at random: two that meet in one part only make it
 * larger.
 *
 * Invariant: a part that this writer has put PART_RECORDS or more into is never given again, until
 * serials begin anew after 2^24 of them.
 */
#pragma once

#include <stdint.h>

/* Looking for a record passes all before it in its part; one more hash is shared by so many. */
#define PART_RECORDS 64
/* Buckets with a part of their own at a time: of deadlines within some four hours. Those further
 * apart share a serial, and with it the count. */
#define PARTS_OPEN 16

struct parts {
    struct part {
        uint32_t serial;
        unsigned count; /* records that were put into parts of this serial */
    } open[PARTS_OPEN];
};

void parts_init(struct parts *parts, const uint32_t random[PARTS_OPEN]);

/* The part for a record of this deadline, behind `before` others that are not counted yet. */
int64_t parts_of(const struct parts *parts, int64_t deadline_ms, unsigned before);

/* Counts a record that went into a part which parts_of() gave. */
void parts_put(struct parts *parts, int64_t part);
