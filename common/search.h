/* search.h -- the one binary search over what is sorted. */
#pragma once

#include <stddef.h>

/* The first i of low .. high - 1 for which `holds`, an expression with i in it, is true; high when
 * there is none. It must be false up to some i, and true from there on. */
/* NOLINTBEGIN(bugprone-macro-parentheses): i is declared */
#define SEARCH_FIRST(low, high, i, holds)                                                          \
    __extension__({                                                                                \
        size_t search_low = (low), search_high = (high);                                           \
        while (search_low < search_high) {                                                         \
            size_t i = search_low + (search_high - search_low) / 2;                                \
            if (holds)                                                                             \
                search_high = i;                                                                   \
            else                                                                                   \
                search_low = i + 1;                                                                \
        }                                                                                          \
        search_low;                                                                                \
    })
/* NOLINTEND(bugprone-macro-parentheses) */
