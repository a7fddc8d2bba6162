/* arena.h -- many small allocations that all die at once.
 *
 * Layer: common. One owner: whoever called arena_init calls arena_free. What the arena hands out
 * lives until arena_reset or arena_free and is never freed alone. Reset keeps the first blocks, so
 * that a request like the last one takes no memory from the system.
 *
 * Invariant: blocks in use since the last reset hold at most max_bytes in total. Whether an
 * allocation fits depends on what came after the last reset only, not on what came before.
 */
#pragma once

#include "str.h"

#include <stddef.h>

#define ARENA_ALIGN 16

struct arena_block;

struct arena {
    char *at;  /* next free byte of the current block */
    char *end; /* one past its last byte */
    struct arena_block *first;
    struct arena_block *current;
    struct arena_block *big; /* one allocation each, larger than an ordinary block */
    size_t block_bytes;      /* of every ordinary block */
    size_t max_bytes;
    size_t used_bytes; /* of blocks in use */
};

/* An empty arena. Its ordinary blocks have first_block_bytes; allocates nothing yet. */
void arena_init(struct arena *a, size_t first_block_bytes, size_t max_bytes);

/* Forgets every allocation, keeps some memory for the next round. */
void arena_reset(struct arena *a);

/* Gives everything back; the arena is empty and usable again. */
void arena_free(struct arena *a);

/* Slow path of arena_alloc: the next block. */
void *arena_alloc_slow(struct arena *a, size_t n) MUST_CHECK;

/* n bytes of zeros, or NULL. */
void *arena_zalloc(struct arena *a, size_t n) MUST_CHECK;

/* A copy of n bytes, or NULL. */
void *arena_copy(struct arena *a, const void *bytes, size_t n) MUST_CHECK;

/* A copy of s that ends in a NUL not counted in it. Absent stays absent; when out of memory the
 * answer is absent although s was not. */
struct str arena_str(struct arena *a, struct str s) MUST_CHECK;

/* n bytes, aligned to 16, or NULL when past the maximum or out of memory. Zero bytes give a valid
 * pointer too. */
MUST_CHECK static inline void *arena_alloc(struct arena *a, size_t n)
{
    size_t size = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    /* size < n: n is so large that rounding wrapped around. */
    if (__builtin_expect(a->at && size >= n && size <= (size_t)(a->end - a->at), 1)) {
        void *p = a->at;
        a->at += size;
        return p;
    }
    return arena_alloc_slow(a, n);
}
