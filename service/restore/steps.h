/* steps.h -- the parts of a restore, which share its state. Private to restore/.
 *
 * Layer: restore. Every result but RESTORE_DONE has its reason in restore->why.
 */
#pragma once

#include "restore/restore.h"

enum restore_result restore_say(struct restore *r, enum restore_result result, const char *why);

/* What a call came to, in the words of a restore. `what` opens the sentence. */
enum restore_result restore_from_db(struct restore *r, enum db_result result, const char *what);
enum restore_result restore_from_redis(struct restore *r, enum rebuild_result result);

/* RESTORE_UNSURE: Redis could not be asked. */
enum restore_result restore_no_redis(struct restore *r);

/* RESTORE_UNSURE: the caller was told to stop. */
enum restore_result restore_progress(struct restore *r);

/* --- see.c ---------------------------------------------------------------------------------- */

/* Which ledger this is, and how many partitions there are. */
enum restore_result scene_begin(struct restore *r) MUST_CHECK;

/* Where SQL is. With `lock` inside the restore's transaction, and nobody moves it until that ends;
 * without, in none. */
enum restore_result scene_see_ledger(struct restore *r, bool lock) MUST_CHECK;

/* Where Redis is; behind scene_see_ledger. */
enum restore_result scene_see_redis(struct restore *r) MUST_CHECK;

/* --- build.c ---------------------------------------------------------------------------------- */

/* What no restore can mend: items whose holds do not add up, or that lie in another partition than
 * their name says. Reads SQL only. */
enum restore_result build_check(struct restore *r) MUST_CHECK;

/* From the tables of the present to Redis, page by page, all that SQL says there is, in the
 * transaction that the restore has begun. A dry run counts only.
 *
 * Invariant: what a build has put is what SQL says, but for versions: the n-th restore of a ledger
 * adds n * PROJECTION_RESTORE_STEP to each, so that no (sku, version) that was answered before can
 * come twice, not even where SQL learnt of nothing between two restores. */
enum restore_result build_run(struct restore *r) MUST_CHECK;
