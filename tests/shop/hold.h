/* hold.h -- one reservation, and the queue of deadlines.
 *
 * Layer: tests. Holds live as long as the process. The queue is a heap of (deadline, hold); a hold
 * that was extended is in it more than once, and only the entry with its present deadline counts.
 *
 * Invariant: every hold in HOLD_HELD has an entry with its due_ms in the queue.
 */
#pragma once

#include "shop/item.h"
#include "str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOLD_LINES_MAX 100
#define HOLD_ID_SIZE   24

struct hold_line {
    struct item *item;
    int64_t quantity; /* held; once confirmed: sold */
    int64_t reserved;
    struct share *share; /* of the customer, or NULL */
    int64_t remaining;   /* of the item right after the hold's last transition */
    uint64_t version;
    int64_t expired_remaining; /* and right after its expiry, once it was taken again */
    uint64_t expired_version;
};

struct hold {
    char id[HOLD_ID_SIZE];
    enum hold_state state;
    bool gone;                             /* a lie: nobody can find it */
    bool taken_again;                      /* confirmed after it had expired */
    int64_t created_ms, expires_ms;        /* as told */
    int64_t due_ms;                        /* as kept: the same but for FAULT_EARLY_EXPIRY */
    char *customer, *reference, *metadata; /* JSON text, or NULL */
    struct hold *kept;                     /* FAULT_RESTORE_LOSES: as the ledger has it, or NULL */
    unsigned line_count;
    struct hold_line line[];
};

struct deadline {
    int64_t due_ms;
    struct hold *hold;
};

struct deadlines {
    struct deadline *heap;
    size_t count, room;
};

/* Writes the pair of the transition that just touched the line's item. */
static inline void hold_stamp(struct hold_line *line)
{
    line->remaining = line->item->now.available;
    line->version = line->item->now.version;
}

/* "held", "confirmed", ... */
const char *hold_state_name(enum hold_state state);

/* Puts the hold's due_ms into the queue. */
void deadlines_add(struct deadlines *d, struct hold *hold);

/* Takes out a hold whose deadline has come and that is still held, NULL when there is none. */
struct hold *deadlines_take_due(struct deadlines *d, int64_t now_ms);
