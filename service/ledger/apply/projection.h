/* projection.h -- what a chunk of stream entries makes of items and reservations.
 *
 * Layer: ledger, pure: entries and what the ledger holds come in, last states and movements go out.
 *
 *   projection_begin -> projection_entry ... -> projection_known -> the caller fills in what the
 *   ledger holds -> projection_run -> the caller writes
 *
 * It owns one arena; all that it hands out, texts of entries excepted, lives there until the next
 * projection_begin. Texts of entries point into the entries.
 *
 * Invariant, checked event by event: the version of an item is the one after its last, units only
 * change hands, and a reservation goes the ways that core/reservation.h draws. An event that does
 * not fit says that the ledger and the stream have different pasts.
 */
#pragma once

#include "core/event.h"
#include "core/event_id.h"
#include "ledger/names.h"

#define PROJECTION_WHY_SIZE     256
#define PROJECTION_MAX_BYTES    ((size_t)1 << 30)
#define PROJECTION_RESTORE_STEP (INT64_C(1) << 20) /* what a restore adds to every version */

enum projection_result {
    PROJECTION_OK,
    PROJECTION_FORMAT, /* not an entry of a format that we know */
    PROJECTION_FORK,   /* an event does not follow from what the ledger holds */
    PROJECTION_NO_MEMORY,
};

/* An item before the chunk, then after it. */
struct projected_item {
    bool exists;
    int64_t available, held, sold, version, max_per_customer;
    int64_t updated_ms;
};

/* What a reservation takes up of its owner's quotas. */
struct projected_weight {
    int64_t units; /* held; 0 once it has ended */
    int64_t metadata_bytes;
    int64_t ended_ms; /* 0: it is held */
};

struct projected_reservation {
    bool fresh; /* begins in this chunk: the ledger is not asked */
    bool known; /* r is filled in */
    struct reservation r;
    struct projected_weight was; /* before the chunk, unless it is fresh */
};

/* As it is. */
struct projected_weight projection_weigh(const struct reservation *r);

struct projected_operation {
    uint32_t event; /* the last one with this key */
};

/* How the event moved the item of a line. */
struct projected_delta {
    int64_t available, held, sold;
};

struct projected_event {
    struct event_id id; /* of its entry */
    int64_t at_ms;
    uint32_t no, row;     /* of the event, and of its first row, in the entry */
    uint32_t reservation; /* number, or NAMES_NONE */
    uint32_t *items;      /* a number each line */
    struct projected_delta *deltas;
    struct event e;
};

struct projection {
    struct arena arena;
    unsigned partition;
    struct names item_names, rid_names, key_names;
    struct projected_item *items;
    struct projected_reservation *reservations;
    struct projected_operation *operations;
    struct projected_event *events;
    uint32_t event_count, event_cap;
    uint32_t row_count;
    int64_t at_ms; /* the last time that an entry had; 0: none had one */
    char why[PROJECTION_WHY_SIZE];
};

void projection_init(struct projection *p);
void projection_free(struct projection *p);

/* Forgets the last chunk. */
void projection_begin(struct projection *p, unsigned partition);

/* Decodes one entry. Only that with seq 0 may say, and must, that an epoch begins. */
enum projection_result projection_entry(struct projection *p,
                                        const struct event_entry *entry) MUST_CHECK;

/* All entries are there: makes room for what the ledger holds of their items and reservations. */
enum projection_result projection_known(struct projection *p) MUST_CHECK;

/* Takes the events in order. */
enum projection_result projection_run(struct projection *p) MUST_CHECK;
