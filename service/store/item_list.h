/* item_list.h -- a page of the items of all partitions, by name: first the names of each, merged,
 * then their values.
 *
 * Layer: store, private to reader.c, whose arena holds the page.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "store/store_op.h"

#include <hiredis/hiredis.h>

#define READ_REFUSED "Redis refused to read"

struct item_list {
    struct store_listed *items;
    unsigned count;
    bool more; /* behind the last of them */
};

/* Asks for the names of the page that lie in the partition. */
void item_list_ask_names(struct buf *out, unsigned partition, const struct store_read *read);

/* Makes the page of their replies, one a partition. OUT_OK, or the code with which the read is
 * answered, and *why. */
enum outcome_code item_list_merge(struct item_list *list, struct arena *arena, unsigned partitions,
                                  const struct store_read *read, redisReply **replies,
                                  const char **why) MUST_CHECK;

/* Asks for the values of a page that is not empty: one reply, an array of list->count. */
void item_list_ask_values(struct buf *out, unsigned partitions, const struct item_list *list);

/* Puts the page into the read. A name that was deleted in between is left out: a page may be short,
 * none is skipped. */
void item_list_take(struct item_list *list, struct store_read *read, const redisReply *reply);
