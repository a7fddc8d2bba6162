/* hook_turn.h -- what a hook and SQL tell each other: whose it is, what is new, what became of it.
 *
 * Layer: hooks. Each call is one transaction, or a part of one that only reads; on anything but
 * DB_OK nothing was kept, and the same call may be made again.
 *
 * Invariant: an event is sent by who has the hook. Whoever has it says so at least every
 * HOOK_SILENT_MS, or sends nothing; whoever wants it waits until nothing was said for longer than
 * that and the longest request, each by its own monotonic clock.
 */
#pragma once

#include "hooks/hook.h"

#define HOOK_LOOK_MS   1000 /* from one look at whose hooks are to the next */
#define HOOK_BEAT_MS   2000
#define HOOK_SILENT_MS 6000 /* without a beat nothing is sent any more */
#define HOOK_MARGIN_MS 2000

/* For hook_turn_look: a row of hooks, copied; name empty: there is none. */
struct hook_seen {
    char name[HOOK_NAME_MAX + 1], owner[HOOK_OWNER_SIZE];
    int64_t beat;
    bool off;
};

/* What SQL has of a hook that is not ours, or is: takes it if nobody has it. *news: it became ours,
 * or is no more; then its requests are to be cancelled and hook_forget() called. */
enum hook_news { HOOK_SAME, HOOK_TAKEN, HOOK_LOST };
enum db_result hook_turn_look(struct hook *hook, struct db *db, const struct hook_seen *seen,
                              const char *owner, const struct hook_now *now,
                              enum hook_news *news) MUST_CHECK;

/* Up to a page of new events, inside db_begin_read(), into a window that has room. */
enum db_result hook_turn_read(struct hook *hook, struct db *db, struct arena *arena,
                              const struct tail_position *ends, unsigned partitions) MUST_CHECK;

/* What became of events, and how far it is; brings in what is to be sent again. */
enum db_result hook_turn_save(struct hook *hook, struct db *db, const char *owner,
                              const struct hook_now *now, enum hook_news *news) MUST_CHECK;

/* There is something to save. */
bool hook_turn_is_due(const struct hook *hook, int64_t now_ms);

/* For who ends: others may have it at once. */
enum db_result hook_turn_leave(struct hook *hook, struct db *db, const char *owner) MUST_CHECK;

/* It may send: SQL said not long ago that it is its own. */
bool hook_turn_may_send(const struct hook *hook, int64_t now_ms);
