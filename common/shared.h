/* shared.h -- memory that a process shares with those that it forks.
 *
 * Layer: common.
 */
#pragma once

#include <stddef.h>
#include <sys/mman.h>

/* Zeroed; NULL when there is none. */
static inline void *shared_alloc(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Of so many bytes; NULL is fine. */
static inline void shared_free(void *memory, size_t bytes)
{
    if (memory)
        munmap(memory, bytes);
}
