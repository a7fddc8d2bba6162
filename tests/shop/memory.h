/* memory.h -- memory for the test server, which has no use for a shortage of it.
 *
 * Layer: tests. The caller owns what it gets and gives it to free(). Out of memory ends the
 * program: a test server that limps on would only hide what a test wants to see.
 */
#pragma once

#include "str.h"

#include <stdio.h>
#include <stdlib.h>

/* n zero bytes, never NULL. */
static inline void *memory_zalloc(size_t n)
{
    void *p = calloc(1, n);
    if (!p) {
        fprintf(stderr, "shop: out of memory\n");
        abort();
    }
    return p;
}

/* A copy of s that ends in NUL; NULL when s is absent. */
static inline char *memory_text(struct str s)
{
    if (str_absent(s))
        return NULL;
    char *copy = memory_zalloc(s.n + 1);
    memcpy(copy, s.p, s.n);
    return copy;
}
