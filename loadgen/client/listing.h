/* listing.h -- the items of a run in the order of their skus, and what a page of them must show.
 *
 * Layer: client, pure, no heap. A listing is all of a run's items, or those whose numbers begin
 * with some digits; numbers are in the order of their texts, so 10 comes before 2. A page has at
 * most `limit` of them, behind the one that the page before ended with. Items that may be removed
 * may be there or not.
 */
#pragma once

#include "client/answer.h"
#include "history/format.h"

#define LISTING_LIMIT_MAX  25         /* items that a page is asked for */
#define LISTING_CURSOR_MAX 128        /* bytes; a longer one is not followed */
#define LISTING_END        UINT32_MAX /* no item */

struct listing {
    bool all;
    uint32_t prefix; /* unless all: the digits that the numbers begin with */
    uint32_t limit;
    uint32_t after; /* the page begins behind this one; LISTING_END: it is the first */
    uint8_t cursor_bytes;
    char cursor[LISTING_CURSOR_MAX]; /* of a further page */
};

/* The first item, LISTING_END when there is none; and the one behind an item of it. */
uint32_t listing_first(const struct listing *l, uint32_t items);
uint32_t listing_next(const struct listing *l, uint32_t items, uint32_t item);

/* Makes it the page behind the one that was answered. False: there is none, or it cannot be
 * followed. */
bool listing_turn(struct listing *l, const struct history_facts *facts,
                  const struct answer *a) MUST_CHECK;

/* What the page says that it must not, as the end of a sentence about the answer; "" when it is
 * right. Every item on it must be one of the run. */
void listing_compare(const struct listing *l, const struct history_facts *facts,
                     const struct answer *a, char *says, size_t size);

/* The same of the limit that an item is shown with, there or alone. Nobody changes it: each
 * creation gives the item the same one. */
void listing_compare_limit(const struct history_facts *facts, uint32_t item, int64_t said,
                           char *says, size_t size);
