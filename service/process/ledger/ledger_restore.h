/* ledger_restore.h -- a restore and its audit: what `stockd restore` and --auto-restore both run.
 *
 * The restore builds, the audit judges what was built while meta still keeps everybody away. Both
 * open connections of their own.
 */
#pragma once

#include "config.h"
#include "restore/restore.h"

/* What --auto-restore does when the state is lost: never gives up what Redis has, never touches a
 * store that was closed for another reason. Logs what came of it. go_on is asked now and then. */
enum restore_result ledger_restore_auto(const struct config *config, const char *redis_url,
                                        bool (*go_on)(void *user), void *user) MUST_CHECK;

/* restore_run() with `verify` filled in. The caller's on_progress and user are kept. */
enum restore_result ledger_restore_run(struct restore *restore,
                                       struct restore_options *options) MUST_CHECK;
