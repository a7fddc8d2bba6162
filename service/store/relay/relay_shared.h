/* relay_shared.h -- the memory through which workers of one service hand operations to each other.
 *
 * Layer: store, private to relay.c but for the master, which makes it before its first fork: so an
 * address in it, or of a static text, is the same in every worker.
 *
 * Each worker has cells of its own. It fills one and puts its number into the ring that leads to
 * another worker, which carries the operation out and writes the outcome into the cell.
 *
 *   FREE -> QUEUED (by who asks) -> TAKEN (by who commits) -> ANSWERED (the same) -> FREE (who
 * asks) QUEUED -> FREE: who asks has taken it back TAKEN -> FREE: who had taken it has ended, and
 * nobody will answer
 *
 * A ring may hold the number of a cell that was taken back, or hold it twice: the state decides.
 *
 * Invariant: an operation is worked on by who made its cell TAKEN, and only once.
 */
#pragma once

#include "core/op.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_CELL_BYTES  (32u << 10) /* only what is used of it takes memory */
#define RELAY_WORKERS_MAX 1024

enum relay_state { RELAY_FREE, RELAY_QUEUED, RELAY_TAKEN, RELAY_ANSWERED };

struct relay_cell {
    _Atomic uint64_t state;            /* relay_taken() while TAKEN */
    struct op op;                      /* what is asked, then its outcome; all in here */
    int64_t submitted_us, deadline_us; /* monotonic */
    int64_t started_us;                /* with the outcome, as the next; 0: it was not begun */
    int64_t kept_us;
    unsigned tries;
    bool beyond;
    size_t used; /* of bytes */
    _Alignas(16) char bytes[];
};

/* One writer, one reader: the numbers of cells. */
struct relay_ring {
    _Alignas(64) _Atomic uint32_t head; /* the reader's */
    _Alignas(64) _Atomic uint32_t tail; /* the writer's */
    uint16_t at[];
};

struct relay_worker {
    _Alignas(64) _Atomic uint64_t life; /* counts its begins and ends */
    _Atomic int64_t seen_us;            /* monotonic: its last turn of the loop */
    _Atomic bool serves;                /* takes what is handed to it */
    _Atomic bool asleep;                /* is to be woken */
    int wake_fd;                        /* an eventfd */
};

struct relay_partition {
    _Atomic int64_t until_us;   /* monotonic: contended until then */
    _Atomic uint32_t committer; /* worker + 1 that commits for all; 0: none yet */
};

struct relay_shared;

/* For so many workers, 2..RELAY_WORKERS_MAX. NULL: out of memory or descriptors. */
struct relay_shared *relay_shared_new(unsigned workers, unsigned partitions) MUST_CHECK;
void relay_shared_free(struct relay_shared *shared);

unsigned relay_workers(const struct relay_shared *shared);
struct relay_worker *relay_worker(struct relay_shared *shared, unsigned worker);
struct relay_partition *relay_partition(struct relay_shared *shared, unsigned partition);

/* Cells of a worker, and one of them. */
unsigned relay_cells(const struct relay_shared *shared);
struct relay_cell *relay_cell(struct relay_shared *shared, unsigned worker, unsigned number);

/* The worker begins, in a process that was forked for it; or has ended, as its parent knows. What
 * it had taken nobody answers any more. */
void relay_begin(struct relay_shared *shared, unsigned worker);
void relay_end(struct relay_shared *shared, unsigned worker);

/* Puts a cell's number into the ring between two workers. False: it is full. */
bool relay_put(struct relay_shared *shared, unsigned from, unsigned to, unsigned number) MUST_CHECK;

/* Takes the next cell of `from` that is QUEUED for `to`, which makes it TAKEN. NULL: there is none.
 */
struct relay_cell *relay_take(struct relay_shared *shared, unsigned from, unsigned to);

/* True if something may be in a ring that leads to the worker. */
bool relay_has_any(struct relay_shared *shared, unsigned to);

/* Gives a cell back that is QUEUED. False: it was taken meanwhile. */
bool relay_take_back(struct relay_cell *cell);

enum relay_state relay_state_of(const struct relay_cell *cell);

/* True if the cell was taken by a life of a worker that is over. */
bool relay_is_orphan(struct relay_shared *shared, const struct relay_cell *cell);

/* Wakes a worker that sleeps; nothing if it does not. */
void relay_rouse(struct relay_shared *shared, unsigned worker);
