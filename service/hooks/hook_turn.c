#include "hooks/hook_turn.h"
#include "core/limits.h"
#include "core/tenant.h"
#include "hooks/post.h"
#include "log.h"

#include <assert.h>
#include <stdlib.h>

#define PAGE_MAX       256
#define POST_MAX_BYTES (64u << 10)
#define SAVE_MS        100 /* from one transaction to the next */

static struct str hook_name(const struct hook *hook)
{
    return str_of(hook->spec->name);
}

/* --- letters ---------------------------------------------------------------------------------- */

struct loading {
    struct hook *hook;
    const struct hook_now *now;
    bool replays;
};

static int64_t due_of(const struct letter *letter, const struct hook_now *now)
{
    int64_t wait_ms = letter->next_ms - now->wall_ms;
    return letter->next_ms > 0 && wait_ms > 0 ? now->mono_ms + wait_ms : 0;
}

/* -1: out of memory. */
static int load_letter(void *context, const struct letter *letter)
{
    const struct loading *loading = context;
    struct window *window = &loading->hook->window;
    char id[POST_ID_SIZE];
    if (window_room(window) == 0 || window_has(window, letter->sku, letter->partition, &letter->at))
        return 0;
    post_id(letter->partition, &letter->at, id);
    struct window_event *event =
        window_event_new(str_of(id), letter->type, letter->sku, letter->body);
    if (!event)
        return -1;
    event->partition = letter->partition;
    event->at = letter->at;
    event->at_ms = letter->at_ms;
    event->attempts = (unsigned)letter->attempts;
    event->due_ms = due_of(letter, loading->now);
    event->tried_ms = letter->tried_ms;
    event->status = (int)letter->status;
    event->lettered = true;
    if (!window_add(window, event)) {
        free(event);
        return -1;
    }
    if (loading->replays)
        window_tell(window, event); /* that it waits again */
    return 0;
}

static enum db_result load_letters(struct hook *hook, struct db *db, struct str state,
                                   const struct hook_now *now)
{
    struct loading loading = {hook, now, str_equal(state, STR("replay"))};
    size_t room = window_room(&hook->window);
    if (room == 0)
        return DB_OK;
    return hook_store_letters(db, hook_name(hook), state, room, load_letter, &loading);
}

static enum db_result save_event(struct hook *hook, struct db *db, const struct window_event *event,
                                 const struct hook_now *now)
{
    int64_t wait_ms = event->due_ms - now->mono_ms;
    const struct letter letter = {
        .partition = event->partition,
        .at = event->at,
        .state = event->state == WINDOW_DEAD ? STR("dead") : STR("waits"),
        .at_ms = event->at_ms,
        .type = event->type,
        .sku = event->sku,
        .body = event->body,
        .attempts = event->attempts,
        .next_ms = event->due_ms > 0 && wait_ms > 0 ? now->wall_ms + wait_ms : 0,
        .tried_ms = event->tried_ms,
        .status = event->status,
        .why = str_of(event->why),
    };
    if (!event->lettered)
        return DB_OK;
    if (event->state == WINDOW_DONE)
        return hook_store_drop_letter(db, hook_name(hook), event->partition, &event->at);
    return hook_store_put_letter(db, hook_name(hook), &letter);
}

/* --- whose it is ------------------------------------------------------------------------------ */

/* A hook that is met for the first time begins where the ledger ends, unless it is to have all. */
static enum db_result begin_positions(struct hook *hook, struct db *db)
{
    static const struct tail_position none[PARTITIONS_MAX];
    enum db_result result = tail_ends(db, hook->read, PARTITIONS_MAX);
    if (hook->spec->from_beginning)
        memset(hook->read, 0, PARTITIONS_MAX * sizeof(*hook->read));
    return result == DB_OK
               ? hook_store_put_positions(db, hook_name(hook), hook->read, none, PARTITIONS_MAX)
               : result;
}

static enum db_result load_hook(struct hook *hook, struct db *db, const struct hook_now *now)
{
    const size_t bytes = PARTITIONS_MAX * sizeof(*hook->read);
    enum db_result result = hook_store_positions(db, hook_name(hook), hook->read, PARTITIONS_MAX);
    if (result == DB_OK)
        result = load_letters(hook, db, STR("waits"), now);
    memcpy(hook->safe, hook->read, bytes);
    memcpy(hook->saved, hook->read, bytes);
    return result;
}

static enum db_result try_taking(struct hook *hook, struct db *db, const struct hook_seen *seen,
                                 const char *owner, const struct hook_now *now, bool *taken)
{
    bool made = false;
    enum db_result result = db_begin(db);
    *taken = false;
    if (result == DB_OK && !*seen->name)
        result = hook_store_make(db, hook_name(hook), &made);
    if (result == DB_OK && made)
        result = begin_positions(hook, db);
    if (result == DB_OK)
        result = hook_store_take(db, hook_name(hook), str_of(seen->owner), seen->beat,
                                 str_of(owner), taken);
    if (result == DB_OK && *taken)
        result = load_hook(hook, db, now);
    if (result == DB_OK && *taken)
        result = db_commit(db);
    else
        db_rollback(db);
    if (result != DB_OK || !*taken)
        hook_forget(hook);
    *taken = *taken && result == DB_OK;
    return result;
}

/* Whether somebody else has it, who is still there for all that is known. */
static bool is_held(struct hook *hook, const struct hook_seen *seen, const char *owner,
                    int64_t now_ms)
{
    if (!*seen->owner || strcmp(seen->owner, owner) == 0)
        return false;
    if (hook->seen_ms == 0 || hook->seen_beat != seen->beat ||
        strcmp(hook->seen_owner, seen->owner) != 0) {
        snprintf(hook->seen_owner, sizeof(hook->seen_owner), "%s", seen->owner);
        hook->seen_beat = seen->beat;
        hook->seen_ms = now_ms;
    }
    return now_ms - hook->seen_ms < hook->spec->timeout_ms + HOOK_SILENT_MS + HOOK_MARGIN_MS;
}

enum db_result hook_turn_look(struct hook *hook, struct db *db, const struct hook_seen *seen,
                              const char *owner, const struct hook_now *now, enum hook_news *news)
{
    bool taken = false;
    *news = HOOK_SAME;
    if (!hook->off_unsaved)
        hook->off = seen->off;
    if (hook->mine) {
        *news = strcmp(seen->owner, owner) == 0 ? HOOK_SAME : HOOK_LOST;
        return DB_OK;
    }
    if (is_held(hook, seen, owner, now->mono_ms))
        return DB_OK;
    enum db_result result = try_taking(hook, db, seen, owner, now, &taken);
    if (taken) {
        hook->mine = true;
        hook->beat_ms = hook->save_ms = now->mono_ms;
        *news = HOOK_TAKEN;
    }
    return result;
}

bool hook_turn_may_send(const struct hook *hook, int64_t now_ms)
{
    return hook->mine && now_ms - hook->beat_ms < HOOK_SILENT_MS;
}

enum db_result hook_turn_leave(struct hook *hook, struct db *db, const char *owner)
{
    bool done;
    enum db_result result = db_begin(db);
    if (result == DB_OK)
        result = hook_store_leave(db, hook_name(hook), str_of(owner), &done);
    if (result == DB_OK)
        return db_commit(db);
    db_rollback(db);
    return result;
}

/* --- what is new ------------------------------------------------------------------------------ */

/* False: out of memory. */
static bool take_event(struct hook *hook, const struct tail_event *from)
{
    char id[POST_ID_SIZE];
    struct buf body;
    const struct movement *m = &from->movement;
    if (!hook_wants(hook->spec, m->type, tenant_outer(m->sku, TENANT_MARK_ITEM)))
        return true;
    post_id(from->partition, &from->at, id);
    buf_init(&body, POST_MAX_BYTES);
    post_body(&body, m);
    struct window_event *event =
        body.failed ? NULL : window_event_new(str_of(id), m->type, m->sku, buf_str(&body));
    buf_free(&body);
    if (!event)
        return false;
    event->partition = from->partition;
    event->at = from->at;
    event->at_ms = m->at_ms;
    if (window_add(&hook->window, event))
        return true;
    free(event);
    return false;
}

enum db_result hook_turn_read(struct hook *hook, struct db *db, struct arena *arena,
                              const struct tail_position *ends, unsigned partitions)
{
    struct tail_event *events;
    size_t count = 0, room = window_room(&hook->window);
    const size_t bytes = partitions * sizeof(*hook->read);
    assert(room > 0 && partitions <= PARTITIONS_MAX);
    struct tail_position *at = arena_copy(arena, hook->read, bytes);
    if (!at)
        return DB_NO_MEMORY;
    enum db_result result = tail_page(
        db, arena, hook->spec->tenant ? str_of(hook->spec->tenant) : (struct str){NULL, 0}, at,
        ends, partitions, room < PAGE_MAX ? room : PAGE_MAX, &events, &count);
    for (size_t i = 0; i < count && result == DB_OK; i++) {
        if (!take_event(hook, &events[i]))
            return DB_NO_MEMORY;
        hook->read[events[i].partition] = events[i].at;
    }
    if (result == DB_OK) {
        memcpy(hook->read, at, bytes);
        hook->whole = memcmp(at, ends, bytes) == 0;
    }
    return result;
}

/* --- what became of it ------------------------------------------------------------------------ */

static enum db_result save_all(struct hook *hook, struct db *db, const struct hook_now *now)
{
    enum db_result result = DB_OK;
    if (window_advance(&hook->window, hook->safe))
        memcpy(hook->safe, hook->read, PARTITIONS_MAX * sizeof(*hook->safe));
    for (const struct window_event *event = window_unsaved(&hook->window, NULL);
         event && result == DB_OK; event = window_unsaved(&hook->window, event))
        result = save_event(hook, db, event, now);
    if (result == DB_OK)
        result =
            hook_store_put_positions(db, hook_name(hook), hook->safe, hook->saved, PARTITIONS_MAX);
    return result;
}

enum db_result hook_turn_save(struct hook *hook, struct db *db, const char *owner,
                              const struct hook_now *now, enum hook_news *news)
{
    bool ours = false, done;
    enum db_result result = db_begin(db);
    *news = HOOK_SAME;
    if (result == DB_OK)
        result = hook_store_beat(db, hook_name(hook), str_of(owner), &ours);
    if (result == DB_OK && !ours) {
        db_rollback(db);
        *news = HOOK_LOST;
        return DB_OK;
    }
    if (result == DB_OK)
        result = load_letters(hook, db, STR("replay"), now);
    if (result == DB_OK)
        result = save_all(hook, db, now);
    if (result == DB_OK && hook->off_unsaved)
        result = hook_store_switch(db, hook_name(hook), now->wall_ms,
                                   STR("the endpoint answered 410"), &done);
    if (result == DB_OK)
        result = db_commit(db);
    if (result != DB_OK) {
        db_rollback(db);
        return result;
    }
    window_kept(&hook->window);
    memcpy(hook->saved, hook->safe, PARTITIONS_MAX * sizeof(*hook->saved));
    hook->off_unsaved = false;
    hook->beat_ms = hook->save_ms = now->mono_ms;
    return DB_OK;
}

bool hook_turn_is_due(const struct hook *hook, int64_t now_ms)
{
    int64_t since_ms = now_ms - hook->save_ms;
    bool news = window_unsaved(&hook->window, NULL) || hook->off_unsaved;
    return hook->mine && (since_ms >= HOOK_BEAT_MS || (news && since_ms >= SAVE_MS));
}
