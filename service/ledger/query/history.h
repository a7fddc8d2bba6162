/* history.h -- what the ledger tells whoever asks: reservations by who and what they were for, the
 * movements of an item, an item as it was, its stock over a time.
 *
 * Layer: ledger. All of a question is read in the transaction that the caller has begun
 * (db_begin_read), so its parts belong together. What is found lives in the caller's arena, and
 * everything else in a question is the caller's.
 *
 * What is found is of one tenant, the asker's: absent or TENANT_DEFAULT is the default one. Names
 * of items are inner ones (core/tenant.h), what customers and references are called is outer.
 *
 * Invariant: a question costs a bounded number of rows, however long the past is and whatever other
 * tenants have in it: HISTORY_LOOK_MAX look-ups by index and the page itself. The one exception is
 * a list of all that is held, which looks at the index of the held ones from end to end. Levels are
 * as many look-ups as a version has binary digits, for each point.
 */
#pragma once

#include "arena.h"
#include "core/item.h"
#include "core/reservation.h"
#include "ledger/query/movement.h"

#define HISTORY_LOOK_MAX      10000 /* reservations, or movements, that a page may pass over */
#define HISTORY_WINDOW_GROWTH 4     /* a walk that finds little takes larger steps */

/* The time of the last event in the ledger, Redis' clock; 0: it has none. */
enum db_result history_as_of(struct db *db, int64_t *at_ms) MUST_CHECK;

/* A page of reservations, by id, descending. */
struct history_reservations {
    struct str tenant;
    /* Asked for; texts that are absent do not count. */
    struct str sku, customer, reference;
    struct str state;  /* as reservation_state_name() has it */
    struct str before; /* an id: only those below it */
    unsigned limit;
    /* Found. */
    struct reservation *page;
    unsigned count;  /* may be less than the limit although there are more */
    struct str next; /* the `before` of the next page; absent: this was the last */
};

enum db_result history_reservations_find(struct db *db, struct arena *arena,
                                         struct history_reservations *list) MUST_CHECK;

/* A page of the changes of an item, newest first: those that the tenant made. */
struct history_movements {
    struct str tenant;
    /* Asked for. */
    struct str sku;
    int64_t before; /* only versions below it */
    unsigned limit;
    /* Found. */
    bool known; /* the ledger has heard of the item, be it deleted */
    struct movement *page;
    unsigned count; /* may be less than the limit although there are more */
    int64_t next;   /* the `before` of the next page; 0: this was the last */
};

enum db_result history_movements_find(struct db *db, struct arena *arena,
                                      struct history_movements *list) MUST_CHECK;

/* An item right after its last change at or before at_ms. exists is false if it was not there then;
 * due_ms is 0, which the ledger does not know. */
enum db_result history_item_at(struct db *db, struct str sku, int64_t at_ms,
                               struct item *item) MUST_CHECK;

#define HISTORY_POINTS_MIN 2
#define HISTORY_POINTS_MAX 200

/* What an item had from its change `version` at at_ms on. */
struct history_level {
    int64_t at_ms, version, available, held, sold;
};

/* An item's counters over a time, oldest first: the level in force at its begin, or else the first
 * one, then each change; if those are more than `points`, the levels in force at as many instants
 * that lie evenly between both ends. After a deletion all are 0. */
struct history_levels {
    /* Asked for. */
    struct str sku;
    int64_t from_ms, to_ms; /* not before from_ms; INT64_MIN and INT64_MAX: all there is */
    unsigned points;        /* HISTORY_POINTS_MIN to HISTORY_POINTS_MAX */
    /* Found. */
    bool known; /* the ledger has heard of the item, be it deleted */
    struct history_level *levels;
    unsigned count;
};

enum db_result history_levels_find(struct db *db, struct arena *arena,
                                   struct history_levels *list) MUST_CHECK;
