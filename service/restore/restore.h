/* restore.h -- Redis built anew from SQL: the order of things.
 *
 * Layer: restore. The caller fills the options, which outlive the run, and calls restore_free
 * behind restore_run, whatever came of it. Connections are the restore's own.
 *
 *   look -> may it be? -> would Redis take it? -> lock SQL -> look again -> seal SQL's old epoch ->
 * claim Redis -> clear it
 *        -> build -> verify -> commit SQL -> open Redis
 *
 * Invariant: one SQL transaction holds every checkpoint from the second look to the commit, so
 * nobody brings anything to SQL meanwhile, nor restores. Whenever it dies, Redis is closed or was
 * not touched, and the next restore begins anew with a higher epoch.
 */
#ifndef RESTORE_RESTORE_H
#define RESTORE_RESTORE_H

#include "restore/restore_state.h"

enum restore_result restore_run(struct restore *restore, const struct restore_options *options)
    __attribute__((warn_unused_result));
void restore_free(struct restore *restore);

/* Shows SQL that we are there, since it ends transactions that stand still for a minute. */
void restore_touch(struct restore *restore);

#endif
