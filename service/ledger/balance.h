/* balance.h -- what must add up within SQL, and how far SQL is.
 *
 * Layer: ledger. Each call is a read transaction of its own; nothing is written or locked.
 */
#pragma once

#include "core/event_id.h"
#include "ledger/db.h"

#define BALANCE_TEXT_SIZE 256

/* Called for each thing that does not add up: what it is called, and what is wrong with it. */
typedef void balance_fn(void *user, struct str name, const char *text);

/* Items against the sums of their movements and of what is held, and what is counted of clients
 * against the rows, as of one instant. At most `max` rows of each. */
enum db_result balance_items(struct db *db, size_t max, balance_fn *found, void *user) MUST_CHECK;

/* Where a walk over the reservations goes on: after this one. */
struct balance_walk {
    char rid[64];
    bool done;
};

/* The next page of reservations: has each as many lines as it says? */
enum db_result balance_lines(struct db *db, struct balance_walk *walk, balance_fn *found,
                             void *user) MUST_CHECK;

/* The last entry that the database holds of a partition; 0-0: none. */
enum db_result balance_position(struct db *db, unsigned partition, struct event_id *at) MUST_CHECK;

/* One more than the highest number of a partition that has any; 0: there is none. */
enum db_result balance_partitions(struct db *db, unsigned *count) MUST_CHECK;
