/* arena.c -- the blocks of arena.h. */
#include "arena.h"

#include <assert.h>
#include <stdlib.h>

/* How many ordinary blocks survive a reset: enough for a heavy request, no hoard after a huge one.
 */
#define KEEP_BLOCKS 16

struct arena_block {
    struct arena_block *next;
    _Alignas(ARENA_ALIGN) char bytes[];
};

void arena_init(struct arena *a, size_t first_block_bytes, size_t max_bytes)
{
    assert(first_block_bytes > 0 && first_block_bytes <= max_bytes);
    assert(max_bytes < SIZE_MAX / 2);
    size_t block = (first_block_bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    *a = (struct arena){.block_bytes = block, .max_bytes = max_bytes < block ? block : max_bytes};
}

static void free_chain(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

static void enter_block(struct arena *a, struct arena_block *block)
{
    a->current = block;
    a->at = block->bytes;
    a->end = block->bytes + a->block_bytes;
    a->used_bytes += a->block_bytes;
}

void arena_reset(struct arena *a)
{
    free_chain(a->big);
    a->big = NULL;
    a->used_bytes = 0;
    /* No block is current until something is put into one: what was kept counts as unused. */
    a->current = NULL;
    a->at = a->end = NULL;
    struct arena_block *last = a->first;
    if (!last)
        return;
    for (int kept = 1; kept < KEEP_BLOCKS && last->next; kept++)
        last = last->next;
    free_chain(last->next);
    last->next = NULL;
}

void arena_free(struct arena *a)
{
    free_chain(a->big);
    free_chain(a->first);
    *a = (struct arena){.block_bytes = a->block_bytes, .max_bytes = a->max_bytes};
}

static void *alloc_big(struct arena *a, size_t size)
{
    struct arena_block *block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    block->next = a->big;
    a->big = block;
    a->used_bytes += size;
    return block->bytes;
}

void *arena_alloc_slow(struct arena *a, size_t n)
{
    assert(a->used_bytes <= a->max_bytes);
    if (n > a->max_bytes)
        return NULL;
    size_t size = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    size_t need = size > a->block_bytes ? size : a->block_bytes;
    if (need > a->max_bytes - a->used_bytes)
        return NULL;
    if (size > a->block_bytes)
        return alloc_big(a, size);

    struct arena_block *block = a->current ? a->current->next : a->first;
    if (!block) {
        block = malloc(sizeof *block + a->block_bytes);
        if (!block)
            return NULL;
        block->next = NULL;
        *(a->current ? &a->current->next : &a->first) = block;
    }
    enter_block(a, block);
    a->at += size;
    return block->bytes;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);
    return p ? memset(p, 0, n) : NULL;
}

void *arena_copy(struct arena *a, const void *bytes, size_t n)
{
    void *p = arena_alloc(a, n);
    if (p && n > 0)
        memcpy(p, bytes, n);
    return p;
}

struct str arena_str(struct arena *a, struct str s)
{
    if (str_absent(s))
        return s;
    char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;
    if (!p)
        return (struct str){NULL, 0};
    memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct str){p, s.n};
}
