/* fold.h -- what a chunk of stream entries makes of items and reservations.
 *
 * Layer: ledger, pure: entries and what the ledger holds come in, last states and movements go out.
 *
 *   fold_begin -> fold_entry ... -> fold_known -> the caller fills in what the ledger holds
 *              -> fold_run -> the caller writes
 *
 * The fold owns one arena; all that it hands out, texts of entries excepted, lives there until the
 * next fold_begin. Texts of entries point into the entries.
 *
 * Invariant, checked event by event: the version of an item is the one after its last, units only
 * change hands, and a reservation goes the ways that core/reservation.h draws. An event that does
 * not fit says that the ledger and the stream have different pasts.
 */
#ifndef LEDGER_FOLD_H
#define LEDGER_FOLD_H

#include "core/event.h"
#include "ledger/names.h"

#define FOLD_WHY_SIZE     256
#define FOLD_MAX_BYTES    ((size_t)1 << 30)
#define FOLD_RESTORE_STEP (INT64_C(1) << 20) /* what a restore adds to every version */

enum fold_result {
    FOLD_OK,
    FOLD_FORMAT, /* not an entry of a format that we know */
    FOLD_FORK,   /* an event does not follow from what the ledger holds */
    FOLD_NO_MEMORY,
};

/* An item before the chunk, then after it. */
struct fold_item {
    bool exists;
    int64_t available, held, sold, version, max_per_customer;
    int64_t updated_ms;
};

struct fold_reservation {
    bool fresh; /* begins in this chunk: the ledger is not asked */
    bool known; /* r is filled in */
    struct reservation r;
};

struct fold_operation {
    uint32_t event; /* the last one with this key */
};

/* How the event moved the item of a line. */
struct fold_delta {
    int64_t available, held, sold;
};

struct fold_event {
    int64_t epoch, seq, at_ms;
    uint32_t no, row;     /* of the event, and of its first row, in the entry */
    uint32_t reservation; /* number, or NAMES_NONE */
    uint32_t *items;      /* a number each line */
    struct fold_delta *deltas;
    struct event e;
};

struct fold {
    struct arena arena;
    unsigned partition;
    struct names item_names, rid_names, key_names;
    struct fold_item *items;
    struct fold_reservation *reservations;
    struct fold_operation *operations;
    struct fold_event *events;
    uint32_t event_count, event_cap;
    uint32_t row_count;
    int64_t at_ms; /* the last time that an entry had; 0: none had one */
    char why[FOLD_WHY_SIZE];
};

void fold_init(struct fold *fold);
void fold_free(struct fold *fold);

/* Forgets the last chunk. */
void fold_begin(struct fold *fold, unsigned partition);

/* Decodes one entry. Only that with seq 0 may say, and must, that an epoch begins. */
enum fold_result fold_entry(struct fold *fold, int64_t epoch, int64_t seq, struct str bytes)
    __attribute__((warn_unused_result));

/* All entries are there: makes room for what the ledger holds of their items and reservations. */
enum fold_result fold_known(struct fold *fold) __attribute__((warn_unused_result));

/* Takes the events in order. */
enum fold_result fold_run(struct fold *fold) __attribute__((warn_unused_result));

#endif
