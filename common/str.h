/* str.h -- a view of bytes that somebody else owns.
 *
 * Layer: common. A str never owns memory; whoever made it says how long it lives. It need not end
 * in NUL and may hold any byte. `p == NULL` means "absent", which is not the same as empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct str {
    const char *p;
    size_t n; /* bytes */
};

/* A literal as a str, its length taken at compile time. */
#define STR(literal)                                                                               \
    (struct str)                                                                                   \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

/* For printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static inline bool str_absent(struct str s)
{
    return s.p == NULL;
}

/* Same presence, same bytes. */
static inline bool str_equal(struct str a, struct str b)
{
    return a.n == b.n && (a.p == NULL) == (b.p == NULL) && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Same bytes but for the case of ASCII letters; absent is like empty. */
static inline bool str_equal_caseless(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

/* Without the blanks and tabs at both ends. */
static inline struct str str_trim(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (struct str){s.p + 1, s.n - 1};
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* 64-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/): spreads keys over our own tables and
 * items over partitions. Not for hostile collisions: tables that use it are bounded by a batch. */
static inline uint64_t str_hash(struct str s)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < s.n; i++)
        hash = (hash ^ (unsigned char)s.p[i]) * 1099511628211u;
    return hash;
}
