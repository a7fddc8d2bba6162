/* shm.c -- pages of shared memory, and the sum under them. */
#include "race/shm.h"
#include "shared.h"

#include <errno.h>
#include <stdlib.h>

static size_t books_bytes(unsigned workers)
{
    return sizeof(struct race_books) + workers * sizeof(struct race_page);
}

int race_books_new(struct race_books **out, unsigned workers)
{
    *out = shared_alloc(books_bytes(workers));
    if (!*out)
        return -ENOMEM;
    (*out)->workers = workers;
    return 0;
}

void race_books_free(struct race_books *books)
{
    if (books)
        shared_free(books, books_bytes(books->workers));
}

int race_books_sum(const struct race_books *books, struct race_result *result)
{
    struct histogram *wait = calloc(1, sizeof(*wait));
    if (!wait)
        return -ENOMEM;
    result->sold = result->pending = result->conflicts = 0;
    for (unsigned i = 0; i < books->workers; i++) {
        const struct race_page *page = &books->page[i];
        result->sold += atomic_load(&page->sold);
        result->pending += atomic_load(&page->pending);
        result->conflicts += atomic_load(&page->conflicts);
        histogram_merge(wait, &page->wait);
    }
    bool any = atomic_load(&wait->count) > 0;
    result->p50_ms = any ? (double)histogram_percentile(wait, 50) / 1e6 : -1;
    result->p99_ms = any ? (double)histogram_percentile(wait, 99) / 1e6 : -1;
    free(wait);
    return 0;
}

int64_t race_oversold(const struct race_result *result)
{
    int64_t taken = result->stock - (result->left > 0 ? result->left : 0);
    int64_t beyond = result->sold - taken;
    int64_t below = result->left < 0 ? -result->left : 0;
    int64_t most = beyond > below ? beyond : below;
    return most > 0 ? most : 0;
}

int64_t race_unclaimed(const struct race_result *result)
{
    int64_t missing = result->stock - result->left - result->sold;
    return missing > 0 ? missing : 0;
}

bool race_balanced(const struct race_result *result)
{
    return race_oversold(result) == 0 && race_unclaimed(result) <= result->pending;
}
