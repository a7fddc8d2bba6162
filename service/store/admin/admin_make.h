/* admin_make.h -- a store that is not there yet, made partition by partition. Private to
 * admin_epoch.c and admin_make.c.
 *
 * No transaction reaches over two partitions, so the meta of partition 0 says how far a store is:
 *
 *   missing            there is none
 *   "closed: making"   its id is decided; the others get metas of the same id and state. Nobody was
 *                      ever served from it: what is missing is made
 *   anything else      all metas are there; those that are still being made are opened, one that is
 *                      missing was lost
 *
 * Whoever comes, at the same time or after one that died, goes on where the store is.
 *
 * Invariant: a partition is made or opened in a transaction that watches its meta from before
 * partition 0 was looked at.
 */
#pragma once

#include "store/admin/admin_link.h"
#include "store/meta.h"

/* Of a partition whose meta, which is watched, is missing or being made. ADMIN_OK: *done tells
 * whether it was opened, and *meta is what was written, or it is to be looked at again. */
enum admin_result admin_make(struct admin *admin, unsigned partition, unsigned may,
                             struct meta *meta, int *done) MUST_CHECK;

/* --- admin_epoch.c ---------------------------------------------------------------------------- */

/* Is a meta that is there of the store that we serve, and open? One that is being made may be. */
enum admin_result admin_check_meta(struct admin *admin, unsigned partition,
                                   const struct meta *meta) MUST_CHECK;

/* This is the store that we serve from now on. False: since this meta was read, which may be long
 * ago where a machine stood still, another process of the service has gone on to a later one. */
bool admin_take_store(struct admin *admin, const struct meta *meta) MUST_CHECK;

/* Its next epoch, or the first one, is open. */
void admin_say_opened(unsigned partition, const struct meta *meta);

/* Forgets what was watched. An answer that does not come is noticed by the next command. */
void admin_unwatch(struct admin *admin);

/* Writes meta, which is watched; with the first event of its epoch if it is opened. 1: done; 0:
 * somebody else was faster; -1. */
int admin_write_meta(struct admin *admin, unsigned partition, const struct meta *meta) MUST_CHECK;
