/* restore_steps.h -- what the parts of a restore share. Private to restore*.c.
 *
 * Layer: restore. Every result but RESTORE_DONE has its reason in restore->why.
 */
#ifndef RESTORE_RESTORE_STEPS_H
#define RESTORE_RESTORE_STEPS_H

#include "restore/restore.h"

enum restore_result restore_say(struct restore *r, enum restore_result result, const char *why);
enum restore_result restore_from_scene(struct restore *r, enum scene_result result);
enum restore_result restore_from_build(struct restore *r, enum build_result result);
enum restore_result restore_from_redis(struct restore *r, enum rebuild_result result);
enum restore_result restore_from_db(struct restore *r, enum db_result result, const char *what);

/* Where both are, outside of any transaction. */
enum restore_result restore_look(struct restore *r);

/* False: the caller was told to stop. */
bool restore_progress(struct restore *r);

/* Some partitions are lost, others open: closes those, and lets a ledger process take what they
 * have. What it does not take shows in the next verdict. */
enum restore_result restore_halt(struct restore *r);

/* Begins the transaction and looks again. Nobody else moves SQL from here on, until it ends. */
enum restore_result restore_lock(struct restore *r);

#endif
