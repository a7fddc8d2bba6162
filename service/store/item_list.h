/* item_list.h -- a page of the items of all partitions, by name: first the names of each partition,
 * merged as they come, then their values.
 *
 * Layer: store, private to reader_wide.c. Partitions may answer in any order, and at any time; the
 * page needs as much memory as its names, however many partitions there are.
 *
 * A tenant's own items lie among those of the store, as `tenant/sku`, all of one tenant behind one
 * another: a page of the store's passes over a tenant in one step.
 *
 * Invariant: names[0..count) are the first of all that were added, in order, and at most one more
 * than the page has room for.
 */
#pragma once

#include "buf.h"
#include "core/tenant.h"
#include "store/store_op.h"

#include <hiredis/hiredis.h>

struct item_name {
    uint16_t partition;
    uint8_t n;
    char p[SKU_STORED_MAX_BYTES];
};

struct item_list {
    struct item_name *names;
    struct item_name *merged; /* as much room, for the next merge */
    struct store_listed *items;
    unsigned limit, count;
    bool more;                        /* behind the last of them */
    char after[TENANT_MAX_BYTES + 3]; /* where to go on: see item_list_cut() */
};

/* An empty page for `limit` names. -ENOMEM or 0. */
int item_list_init(struct item_list *list, unsigned limit) MUST_CHECK;
void item_list_free(struct item_list *list);

/* Asks for the names of the page that lie in the partition. */
void item_list_ask_names(struct buf *out, unsigned partition, const struct store_read *read);

/* Merges the reply to that. False: it is none. */
bool item_list_add_names(struct item_list *list, unsigned partition,
                         const redisReply *reply) MUST_CHECK;

/* The names of all partitions are there: leaves the page's. Names of another tenant than that of
 * the prefix lie among them and are passed over. False: nothing else was there, but more is behind
 * it, and read->after is where; the list is empty again. */
bool item_list_cut(struct item_list *list, struct store_read *read) MUST_CHECK;

/* How many names of the page lie in the partition. */
unsigned item_list_count_in(const struct item_list *list, unsigned partition);

/* Asks for their values, of which there is at least one: one reply. */
void item_list_ask_values(struct buf *out, unsigned partition, const struct item_list *list);

/* Takes the reply to that. False: it is none. */
bool item_list_take_values(struct item_list *list, unsigned partition,
                           const redisReply *reply) MUST_CHECK;

/* Puts the page into the read, which may look at it as long as the list lives. A name that was
 * deleted in between is left out: a page may be short, none is skipped. */
void item_list_answer(struct item_list *list, struct store_read *read);
