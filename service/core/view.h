/* view.h -- what a batch knows of Redis, and what it wants to change there.
 *
 * Layer: core, pure. A view has two halves. The read half (`was`, `known`) is filled by the store
 * with values read under WATCH. The overlay (`now`, `dirty`) is what plan() makes of it, operation
 * by operation; the store turns it into commands. view_rewind() drops the overlay, so a plan that
 * lacked something is simply made again once that was read.
 *
 * Ownership: everything lives in the batch's arena and goes with it. Entries never move: a pointer
 * or slot stays good until the arena is reset.
 *
 * Invariant: an entry is in the view once: same name, same slot.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "core/op.h"

#define VIEW_NONE    UINT32_MAX
#define VIEW_DUE_MAX 128 /* entries of an item's deadline index that are read at once */

/* An entry of an item's deadline index. */
struct view_due {
    struct rid id;
    int64_t deadline_ms;
};

/* A change to an item's deadline index; deadline_ms 0 removes. */
struct view_index_change {
    struct view_index_change *next;
    const struct rid *id;
    int64_t deadline_ms;
};

struct view_item {
    struct str sku;
    struct item was, now;
    bool known;
    bool watched; /* the store's: its key is under WATCH in this attempt */
    bool dirty;
    bool settled; /* its due holds were looked at in this plan */
    bool wiped;   /* deleted in this batch: its customers' counters go */
    /* The head of its deadline index, earliest first, once it was wanted and read. */
    bool want_head, head_known, head_whole;
    unsigned head_count;
    struct view_due *head;
    struct view_index_change *changes, **changes_end;
};

struct view_reservation {
    struct rid id;
    bool known;                    /* read when its items were under WATCH */
    bool named;                    /* its items are in the view, by slots */
    bool guarded;                  /* the store's: one of its items is under WATCH */
    const struct reservation *was; /* NULL: there is none */
    struct reservation *now;       /* a copy once changed, else NULL */
    unsigned slot_count;           /* once named: its lines */
    uint32_t *slots;               /* of its lines' items */
};

struct view_customer {
    uint32_t item;
    struct str customer; /* a share: the inner name */
    bool known, dirty;
    int64_t was, now; /* units held and bought */
};

struct view_key {
    struct str key;
    bool known, watched;
    struct str was; /* the recorded result; absent: none */
    struct str now; /* to be recorded; absent: none */
};

/* A growing array of pointers to entries, found by hash. */
struct view_set {
    void **entries;
    uint32_t count, cap;
    uint32_t *index; /* slot + 1; 0: free */
    uint32_t index_size;
};

struct view {
    struct arena *arena;
    struct view_set items, reservations, customers, keys;
    struct buf *events;  /* of this plan; empty while event_count is 0 */
    struct buf *scratch; /* for encoding a result */
    unsigned event_count;
    unsigned expired_count; /* reservations that this plan expires */
    bool out_of_memory;
};

/* An empty view. The buffers belong to the caller. */
void view_init(struct view *view, struct arena *arena, struct buf *events, struct buf *scratch);

/* Drops the overlay and keeps what was read. */
void view_rewind(struct view *view);

/* Finds or adds; the slot, or VIEW_NONE when memory ran out (and out_of_memory is set). Texts
 * are copied. */
uint32_t view_add_item(struct view *view, struct str sku);
uint32_t view_add_reservation(struct view *view, const struct rid *id);
uint32_t view_add_customer(struct view *view, uint32_t item, struct str customer);
uint32_t view_add_key(struct view *view, struct str key);

/* The slot, or VIEW_NONE if the view has no such item, or reservation. */
uint32_t view_find_item(const struct view *view, struct str sku);
uint32_t view_find_reservation(const struct view *view, const struct rid *id);

/* Adds the items of a reservation whose lines are known. False: out of memory. */
bool view_name_reservation(struct view *view, struct view_reservation *vr,
                           const struct reservation *lines_of);

/* True if the reservation's lines are those that it was named by: they never change. */
bool view_names_hold(const struct view *view, const struct view_reservation *vr,
                     const struct reservation *r);

static inline struct view_item *view_item(const struct view *view, uint32_t slot)
{
    return view->items.entries[slot];
}
static inline struct view_reservation *view_reservation(const struct view *view, uint32_t slot)
{
    return view->reservations.entries[slot];
}
static inline struct view_customer *view_customer(const struct view *view, uint32_t slot)
{
    return view->customers.entries[slot];
}
static inline struct view_key *view_key(const struct view *view, uint32_t slot)
{
    return view->keys.entries[slot];
}

/* The reservation as this batch sees it; NULL: there is none. */
static inline const struct reservation *view_current(const struct view_reservation *vr)
{
    return vr->now ? vr->now : vr->was;
}
