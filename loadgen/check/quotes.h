/* quotes.h -- every version that an answer quoted, item by item, in the order of the answers.
 *
 * Layer: check. An answer quotes the present version of an item, or the one that it made; or one
 * that was made some time before (`dated`): a repetition of an answer, what was recorded for a key,
 * a reservation, whose lines have the versions of its last transition. Owned by the caller:
 * quotes_make
 * .. quotes_free.
 */
#pragma once

#include "history/reader.h"

#include <stddef.h>

struct quote {
    uint32_t item;
    bool makes, dated, says_stock;
    bool missing; /* what made this version was not there any more */
    uint64_t version, begin_ns, end_ns;
    int64_t remaining; /* if it says_stock */
    uint32_t subject;  /* slot of the reservation's reserve, or of the operation's first attempt */
    uint64_t since_ns; /* what it tells of did not happen before */
    uint64_t asked_ns; /* nor before this, most likely: an end may repeat another one's answer */
    uint64_t most;     /* room for a caller */
};

struct quotes {
    struct quote *all;
    size_t count, room;
    uint32_t items;
    size_t *first, *dated; /* of item i: first[i] .. dated[i] - 1; dated[i] .. first[i + 1] - 1 */
};

/* 0 or -ENOMEM; quotes_free in any case. */
int quotes_make(struct quotes *q, const struct history_reader *r) MUST_CHECK;
void quotes_free(struct quotes *q);

/* Whether what the answer quotes may be of long ago. */
bool quotes_is_dated(const struct history_op *op);
