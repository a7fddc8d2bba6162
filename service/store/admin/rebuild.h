/* rebuild.h -- a store written anew, page by page, while its meta keeps everybody else away.
 *
 * Layer: store, on the connection of a struct admin that nobody else uses meanwhile. The caller
 * knows what the store must hold; this knows how it lies in Redis. Commands are gathered and sent
 * many at a time, each time as one transaction that watches meta; rebuild_flush sends the rest.
 *
 *   rebuild_init -> rebuild_try -> rebuild_claim -> rebuild_clear -> reservations, operations,
 * shares, then items
 *                -> rebuild_flush -> rebuild_open -> rebuild_free
 *
 * Invariant: between claim and open meta says "closed: restore <a name of ours>", and not a key is
 * written once it says anything else: whoever claims the store later has it alone. A store that was
 * not opened is no store.
 */
#pragma once

#include "buf.h"
#include "core/event_id.h"
#include "store/admin/admin.h"
#include "store/meta.h"
#include "store/store_op.h"

enum rebuild_result {
    REBUILD_OK,
    REBUILD_DOWN,      /* Redis cannot be reached, or was lost */
    REBUILD_TAKEN,     /* meta is not what it was: somebody else is at work */
    REBUILD_REFUSED,   /* Redis refused a command */
    REBUILD_WRONG,     /* what is to be put can not be right */
    REBUILD_NO_MEMORY, /* here */
};

struct rebuild {
    struct admin *admin;
    unsigned partitions;
    unsigned watched;              /* the partition that the page is of */
    uint64_t born[PARTITIONS_MAX]; /* the connection on which each was claimed */
    struct meta meta;              /* of every partition, until the end */
    int64_t epoch;
    struct buf page, value;
    size_t commands; /* in the page */
    bool guarded;    /* its meta is watched and was ours */
    int64_t last_bucket;
    int64_t unlinked; /* keys */
    char why[256];    /* of all but REBUILD_OK */
};

/* ledger: its id. The store gets an id of its own, and this epoch. restores: with this one. */
void rebuild_init(struct rebuild *rebuild, struct admin *admin, unsigned partitions,
                  const char *ledger, int64_t epoch, int64_t restores);
void rebuild_free(struct rebuild *rebuild);

/* Instead, for one partition that the caller has closed with this state, and whose other keys stay:
 * pages go in as long as its meta has that state. rebuild_leave() forgets what is watched. */
void rebuild_join(struct rebuild *rebuild, struct admin *admin, unsigned partition,
                  const char *state);
enum rebuild_result rebuild_leave(struct rebuild *rebuild) MUST_CHECK;

/* Asks Redis whether it would take every command that the build and the audit behind it have, under
 * this user, on every partition; carries none of them out. REBUILD_REFUSED: why names the command.
 * What was watched on the connection is not any more: it is a new one. */
enum rebuild_result rebuild_try(struct rebuild *rebuild) MUST_CHECK;

/* Writes `state` into the metas that say "open", of those in expected[], if each is still what is
 * expected. */
enum rebuild_result rebuild_halt(struct rebuild *rebuild, const struct meta *expected,
                                 const char *state) MUST_CHECK;

/* All metas become ours, one after the other, if they still are what is expected. */
enum rebuild_result rebuild_claim(struct rebuild *rebuild, const struct meta *expected) MUST_CHECK;

/* Drops some of the other keys of all partitions, one Redis after the other: until `partition`,
 * which begins as 0, is the number of partitions. The cursor begins as "0". */
struct rebuild_old {
    unsigned partition;
    char cursor[ADMIN_CURSOR_SIZE];
};
enum rebuild_result rebuild_clear(struct rebuild *rebuild, struct rebuild_old *old) MUST_CHECK;

/* What is put from here on is of this partition; of the one before all was flushed. */
enum rebuild_result rebuild_turn(struct rebuild *rebuild, unsigned partition) MUST_CHECK;

/* A record, its bucket and, while it is held, its deadlines. */
enum rebuild_result rebuild_reservation(struct rebuild *rebuild,
                                        const struct reservation *r) MUST_CHECK;

enum rebuild_result rebuild_operation(struct rebuild *rebuild, unsigned partition, struct str key,
                                      struct str result, int64_t until_ms) MUST_CHECK;

/* No units: the customer is forgotten. */
enum rebuild_result rebuild_share(struct rebuild *rebuild, unsigned partition, struct str sku,
                                  struct str customer, int64_t units) MUST_CHECK;

/* The earliest deadline of those that hold units, from the reservations that were put and flushed;
 * due_ms stays 0 where there is none. */
enum rebuild_result rebuild_find_due(struct rebuild *rebuild, unsigned partition,
                                     struct store_listed *items, size_t count) MUST_CHECK;

/* Items with their due_ms, and what lists them. */
enum rebuild_result rebuild_items(struct rebuild *rebuild, unsigned partition,
                                  const struct store_listed *items, size_t count) MUST_CHECK;

/* Where keys were not dropped before, what they may still say beyond that: the deadlines of a
 * reservation that has ended, the customers of an item, the places of items that are not there or
 * hold nothing. */
enum rebuild_result rebuild_unhold(struct rebuild *rebuild, const struct reservation *r) MUST_CHECK;
enum rebuild_result rebuild_unshare(struct rebuild *rebuild, unsigned partition,
                                    struct str sku) MUST_CHECK;
enum rebuild_result rebuild_unlist(struct rebuild *rebuild, unsigned partition,
                                   const struct store_listed *items, size_t count) MUST_CHECK;

/* What SQL holds (feed.h). */
enum rebuild_result rebuild_applied(struct rebuild *rebuild, unsigned partition, struct event_id at,
                                    const struct event_ends *ended) MUST_CHECK;

enum rebuild_result rebuild_flush(struct rebuild *rebuild) MUST_CHECK;

/* Opens all partitions, one after the other, each with the first entry of its epoch. */
enum rebuild_result rebuild_open(struct rebuild *rebuild) MUST_CHECK;
