/* key_use.h -- when each API key was last used: noted by the workers in memory that they share,
 * written by the keeper into a file beside that of the keys.
 *
 * Layer: keys. The file (that of the keys, with ".used" behind its name) says "<id> <ms>" a line.
 * Each save takes the later of what is there and what was noted, so services of several hosts may
 * have the same one; what is of no key any more is dropped.
 *
 * A key has a slot for as long as the service runs. There are slots for twice as many keys as a
 * file may hold: a service that sees more than that come and go does not note the use of the last.
 */
#pragma once

#include "keys/keys_file.h"

#include <stdatomic.h>

#define KEY_USE_SLOTS (2 * KEYS_MAX)

struct key_use_slot {
    _Atomic uint64_t id;     /* + 1; 0: nobody's */
    _Atomic int64_t used_ms; /* of the wall clock; 0: not yet */
};

struct key_use {
    struct key_use_slot slots[KEY_USE_SLOTS];
};

/* In shared memory, for before the first fork. NULL: out of memory. */
struct key_use *key_use_new(void);
void key_use_free(struct key_use *use); /* NULL: nothing to do */

/* The key's slot; NULL: all are taken. */
struct key_use_slot *key_use_slot(struct key_use *use, uint64_t id);

#define KEY_USE_STEP_MS 1000 /* so that workers do not fight for a line of memory */

static inline void key_use_note(struct key_use_slot *slot, int64_t now_ms)
{
    int64_t before_ms = slot ? atomic_load_explicit(&slot->used_ms, memory_order_relaxed) : now_ms;
    if (now_ms - before_ms >= KEY_USE_STEP_MS)
        atomic_store_explicit(&slot->used_ms, now_ms, memory_order_relaxed);
}

/* Brings what was noted into the file beside the one at path, if anything is new. False, with why:
 * it was not; fine to try again. */
bool key_use_save(const struct key_use *use, const char *path, char why[KEYS_WHY_SIZE]) MUST_CHECK;

/* When each key of the list was used, in its order, 0: never, or not known. False, with why: there
 * is a file, but it cannot be read. */
bool key_use_read(const char *path, const struct key_list *list, int64_t used_ms[KEYS_MAX],
                  char why[KEYS_WHY_SIZE]) MUST_CHECK;
